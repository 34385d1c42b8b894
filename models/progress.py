"""Progress bars of the command lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias

from tqdm import tqdm

Progress: TypeAlias = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Opens a bar by its title. The bar is called with the number done and the total."""


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr, if that is a terminal."""
    with tqdm(desc=title, leave=False, disable=None) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield advance


def no_progress(_title: str) -> AbstractContextManager[Callable[[int, int], None]]:
    """Show no progress bar."""
    return nullcontext(lambda _done, _total: None)
