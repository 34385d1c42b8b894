"""`make bench`: whole journeys, each beside a baseline in the same run, for times are noisy.

python -m tests.benchmarks [precision] [large_album] [million] [search] [class_words] [import]
    [discover] [page] [start] [learning]

Those that take minutes run by their names alone:

python -m tests.benchmarks load [--seconds 300] [--users 10 50]
python -m tests.benchmarks soak [--sessions 1000]
python -m tests.benchmarks kills [--kills 200]
python -m tests.benchmarks attack
python -m tests.benchmarks timeline
python -m tests.benchmarks lightbox
"""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

from tests.benchmarks import (
    attack,
    class_words,
    discovering,
    importing,
    kills,
    large_album,
    learning,
    lightbox,
    million,
    page,
    pocket,
    precision,
    start,
    timeline,
    visitors,
)
from tests.benchmarks.figures import Figure

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "large_album": large_album.figures,
    "million": million.figures,
    "search": pocket.search_figures,
    "class_words": class_words.figures,
    "discover": discovering.figures,
    "import": importing.figures,
    "page": page.figures,
    "start": start.figures,
    "precision": precision.figures,
    "learning": learning.figures,
}
LONG: dict[str, Callable[[Namespace], Iterator[Figure]]] = {
    "load": visitors.load_figures,
    "soak": visitors.soak_figures,
    "kills": kills.kill_figures,
    "attack": attack.attack_figures,
    "timeline": timeline.timeline_figures,
    "lightbox": lightbox.lightbox_figures,
}


def main(arguments: list[str] | None = None) -> None:
    parser = ArgumentParser("python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, *LONG, []])
    parser.add_argument("--seconds", type=float, default=300, help="of load, a number of users")
    parser.add_argument("--users", type=int, nargs="+", default=[10, 50], help="of load")
    parser.add_argument("--sessions", type=int, default=1000, help="of soak, ten calls each")
    parser.add_argument("--kills", type=int, default=200, help="of kills, one library for all")
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    for name in options.names or BENCHMARKS:
        for figure in LONG[name](options) if name in LONG else BENCHMARKS[name]():
            print(figure, flush=True)


if __name__ == "__main__":
    main()
