"""`make bench`: whole journeys, each beside a baseline in the same run, for times are noisy.

python -m tests.benchmarks [precision] [large_album] [million] [search] [class_words] [import]
    [page] [learning]
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator

from tests.benchmarks import (
    class_words,
    importing,
    large_album,
    learning,
    million,
    page,
    pocket,
    precision,
)
from tests.benchmarks.figures import Figure

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "large_album": large_album.figures,
    "million": million.figures,
    "search": pocket.search_figures,
    "class_words": class_words.figures,
    "import": importing.figures,
    "page": page.figures,
    "precision": precision.figures,
    "learning": learning.figures,
}


def main(names: list[str]) -> None:
    logging.disable(logging.WARNING)
    for name in names or BENCHMARKS:
        for figure in BENCHMARKS[name]():
            print(figure, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
