"""`make bench`: whole journeys, each beside a baseline in the same run, for times are noisy.

python -m tests.benchmarks [precision] [large_album] [million] [search] [import] [page]
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator

from tests.benchmarks import importing, large_album, million, page, pocket, precision
from tests.benchmarks.figures import Figure

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "large_album": large_album.figures,
    "million": million.figures,
    "search": pocket.search_figures,
    "import": importing.figures,
    "page": page.figures,
    "precision": precision.figures,
}


def main(names: list[str]) -> None:
    logging.disable(logging.WARNING)
    for name in names or BENCHMARKS:
        for figure in BENCHMARKS[name]():
            print(figure, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
