"""People who use a served album while something is done to it, and what it costs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np

from tests.benchmarks.figures import Figure, peak_bytes
from tests.benchmarks.visitors import P95_BAR_S, Times
from tests.support.visitor import Page, Visitor

PAUSE_S = 0.3
LOOK_S = 0.05


@asynccontextmanager
async def searching(http: httpx.AsyncClient, page: Page) -> AsyncIterator[Times]:
    """Have a person search for something new again and again; how long each search takes."""
    times, person, over = Times(), Visitor(http, page), asyncio.Event()
    await person.arrive()

    async def search() -> None:
        number = 0
        while not over.is_set():
            await times.take("search", person.search(f"dog {id(times)} {number}"))
            number += 1
            await asyncio.sleep(PAUSE_S)

    task = asyncio.create_task(search())
    try:
        yield times
    finally:
        over.set()
        await task
        await person.leave()


def figures_of(times: Times) -> Iterator[Figure]:
    """Make the 95th percentile of each act, the first with a bar, and what was refused."""
    for name, took in times.seconds.items():
        p50, p95 = np.percentile(took, [50, 95])
        beside = f"p50 {p50:.2f}, n {len(took):,}"
        yield Figure(f"    {name} of others, p95", p95, "s", below=P95_BAR_S, beside=beside)
    beside = "; ".join(f"{n} x {why}" for why, n in times.errors.most_common(3))
    yield Figure("    refused to others", times.errors.total(), "", below=1, beside=beside)


class Peaks:
    """The most memory that a server and its largest decoder held since this began, in bytes."""

    def __init__(self, pid: int) -> None:
        """Let the peak of a server begin anew."""
        self._pid = pid
        self._decoder = 0
        Path(f"/proc/{pid}/clear_refs").write_text("5")

    @property
    def server(self) -> int:
        """Of the server."""
        return peak_bytes(str(self._pid))

    @property
    def decoder(self) -> int:
        """Of the largest of its decoders that `watch` saw."""
        return self._decoder

    async def watch(self) -> None:
        """Look at the decoders until cancelled; a peak just before one is killed may be missed."""
        while True:
            self._decoder = max([self._decoder, *self._decoders()])
            await asyncio.sleep(LOOK_S)

    def _decoders(self) -> Iterator[int]:
        for task in Path(f"/proc/{self._pid}/task").iterdir():
            try:
                for child in (task / "children").read_text().split():
                    yield peak_bytes(child)
            except (OSError, StopIteration):  # ended meanwhile
                continue
