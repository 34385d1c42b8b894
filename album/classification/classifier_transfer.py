"""Trained classifiers as text in JSON: those that read embeddings are small enough to carry along.

{"name": "pets", "files": {"card.json": "<base64>", "head.safetensors": "<base64>"}}
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from album.errors import AlbumError
from models.errors import ModelError
from models.interfaces import Classifiers

FILES: Final = ("card.json", "head.safetensors")
MOST_BYTES: Final = 20_000_000
"""Of the files of one; networks that look at pictures are larger."""
NAME: Final = re.compile(r"[\w-][\w. -]{0,99}")
"""Of a folder: no way out of the one that it lies in, and not hidden."""


def is_small(folder: Path) -> bool:
    """Whether the classifier in a folder can be carried along."""
    sizes = (file.stat().st_size for it in FILES if (file := folder / it).is_file())
    return NAME.fullmatch(folder.name) is not None and sum(sizes) <= MOST_BYTES


def packed(folder: Path) -> dict[str, Any]:
    """The classifier in a folder as JSON.

    Raises:
        AlbumError: it cannot be read.
    """
    try:
        files = {it: base64.b64encode((folder / it).read_bytes()).decode() for it in FILES}
    except OSError as error:
        raise AlbumError(
            f"The trained classifier “{folder.name}” cannot be read: {error.strerror or error}."
        ) from error
    return {"name": folder.name, "files": files}


@contextmanager
def unpacked(
    wanted: Sequence[Any], folder: Path, classifiers: Classifiers
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Put classifiers into a folder: each appears whole, and all stay if the block goes well.

    Args:
        wanted: JSON as `packed` makes it, or anything else.
        folder: where the album keeps them.
        classifiers: read each once before it is believed.

    Yields:
        The names of those that are new, and of those whose name is taken there.

    Raises:
        AlbumError: one of them is damaged, or cannot be written; the folder is as it was.
    """
    files = dict(map(_checked, wanted))
    if len(files) < len(wanted):
        raise damaged("a classifier stands there twice")
    taken = {it.name for it in folder.iterdir()} if folder.is_dir() else set()
    new = tuple(name for name in files if name not in taken)
    left = tuple(name for name in files if name in taken)
    if not new:
        yield (), left
        return
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made.append(place := Path(mkdtemp(prefix=".import-", dir=folder)))
        for name in new:
            (place / name).mkdir()
            for file, content in files[name].items():
                (place / name / file).write_bytes(content)
            classifiers.load_head(place, name)
        for name in new:
            made.append((place / name).rename(folder / name))
        yield new, left
        del made[1:]
    except ModelError as error:
        raise damaged("a classifier cannot be used") from error
    except OSError as error:
        raise AlbumError(
            f"The trained classifiers cannot be written: {error.strerror or error}."
        ) from error
    finally:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)


def damaged(where: str) -> AlbumError:
    """Said of JSON that is not what an album has written."""
    return AlbumError(f"The export of labels is damaged ({where}); nothing of it was taken in.")


def _checked(it: Any) -> tuple[str, dict[str, bytes]]:
    """The name and the files of a classifier; what is in them is left to who loads them."""
    name, files = (it.get("name"), it.get("files")) if isinstance(it, dict) else (None, None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise damaged("the name of a classifier")
    if not isinstance(files, dict) or set(files) != set(FILES):
        raise damaged(f"classifier “{name}”")
    try:
        content = {file: base64.b64decode(text, validate=True) for file, text in files.items()}
    except (TypeError, ValueError) as error:
        raise damaged(f"classifier “{name}”") from error
    if sum(map(len, content.values())) > MOST_BYTES:
        raise damaged(f"classifier “{name}”")
    return name, content
