"""`load` and `soak`: many people at once, and many one after the other, on a served album."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Awaitable, Iterator
from pathlib import Path

import httpx
import numpy as np

from models.clip.encoder import ClipEncoder
from models.clip.spec import POCKET
from tests.benchmarks.figures import Figure, held_by
from tests.benchmarks.pocket import opened
from tests.support.images.make import scene
from tests.support.served_album import ServedAlbum, served_album
from tests.support.visitor import Page, RefusedError, Visitor, load_page

PHOTOS = 1000
THINK_S = (2.0, 8.0)  # between two acts of a person
TICK_S = 3.0  # as the page asks for its status
P95_BAR_S = 3.0
PATIENCE_S = 120
SETTLE_S = 3.0
CALLS = 10  # of a session
GROWTH_BAR = 5.0  # percent
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20)
THINGS = ("dog", "cat", "tree", "red car", "house", "강아지", "바다", "산", "꽃", "beach")
COLOURS = ("red", "green", "blue", "old", "small", "bright", "dark", "white")


class Times:
    """How long acts took, by their name, and what failed."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.errors: Counter[str] = Counter()
        self.calls = 0

    async def take(self, name: str, act: Awaitable[object]) -> None:
        """Do it and note how long it took, or why it failed."""
        started = time.perf_counter()
        try:
            await act
        except (TimeoutError, RefusedError, httpx.HTTPError) as error:
            self.errors[f"{name}: {error or type(error).__name__}"[:120]] += 1
        else:
            self.seconds.setdefault(name, []).append(time.perf_counter() - started)


def load_figures(options: Namespace) -> Iterator[Figure]:
    """Each number of users for a time: searches, pages, photos, and the status meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder))
        for users in options.users:
            with served_album(Path(folder), warm=False) as served:
                yield from asyncio.run(_load(served, users, options.seconds))


def soak_figures(options: Namespace) -> Iterator[Figure]:
    """Many sessions of ten mixed calls each, four at a time; what the server holds after."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder))
        with served_album(Path(folder), warm=False) as served:
            yield from asyncio.run(_soak(served, options.sessions))


def fill(folder: Path) -> None:
    """Make an album of `PHOTOS` photos below a folder."""
    photos = folder / "photos"
    photos.mkdir()
    for number in range(PHOTOS):
        scene((160, 120), seed=number).save(photos / f"{number:04}.jpg")
    album = opened(folder / "data", ClipEncoder(POCKET, folder))
    album.imports.run([photos])
    album.close()


async def _load(served: ServedAlbum, users: int, seconds: float) -> list[Figure]:
    times, chance = Times(), random.Random(users)
    async with client_of(served) as http:
        page = await load_page(http)
        await warm_up(http, page)
        before = held_by(served.pid)
        ends = time.perf_counter() + seconds
        await asyncio.gather(
            *(_use(Visitor(http, page), times, ends, random.Random(chance.random()))
              for _ in range(users))
        )  # fmt: skip
        await asyncio.sleep(SETTLE_S)
        after = held_by(served.pid)
    searches = times.seconds.get("search", [0.0])
    p50, p95, p99 = np.percentile(searches, [50, 95, 99])
    return [
        Figure(
            f"{users} users for {seconds:.0f} s, a search, 95th percentile", p95, "s",
            below=P95_BAR_S, beside=f"p50 {p50:.2f}, p99 {p99:.2f}, n {len(searches):,}",
        ),
        *(
            Figure(
                f"    {name}, 95th percentile", float(np.percentile(took, 95)), "s",
                beside=f"p50 {np.percentile(took, 50):.2f}, n {len(took):,}",
            )
            for name, took in sorted(times.seconds.items()) if name != "search"
        ),
        Figure(
            "    refused or failed", times.errors.total(), "", below=1,
            beside="; ".join(f"{n} x {it}" for it, n in times.errors.most_common(3)),
        ),
        Figure("    memory after", after[0], "MB", beside=f"before {before[0]:.0f} MB"),
        Figure("    descriptors after", after[1], "", beside=f"before {before[1]}"),
    ]  # fmt: skip


async def _use(visitor: Visitor, times: Times, ends: float, chance: random.Random) -> None:
    """Arrive some time in the first seconds, then look around until the time is over."""
    await asyncio.sleep(chance.uniform(0, THINK_S[1]))
    await times.take("arrive", visitor.arrive())
    ticking = asyncio.create_task(_tick(visitor, times, ends))
    while time.perf_counter() < ends:
        await asyncio.sleep(chance.uniform(*THINK_S))
        await _act(visitor, times, chance)
    await ticking
    await visitor.leave()


async def _tick(visitor: Visitor, times: Times, ends: float) -> None:
    while time.perf_counter() < ends:
        await asyncio.sleep(TICK_S)
        await times.take("status", visitor.tick())


async def _act(visitor: Visitor, times: Times, chance: random.Random) -> None:
    """A search, in half of all cases; else a photo or the next page."""
    kind = chance.random()
    if kind < 0.5:
        words = f"{chance.choice(COLOURS)} {chance.choice(THINGS)} {chance.randrange(1000)}"
        await times.take("search", visitor.search(words))
    elif kind < 0.85:
        opened = visitor.open()
        await times.take("open a photo", opened)
    else:
        await times.take("next page", visitor.fire("next-page", "click"))


async def _soak(served: ServedAlbum, sessions: int) -> list[Figure]:
    times = Times()
    async with client_of(served) as http:
        page = await load_page(http)
        await warm_up(http, page)
        numbers = iter(range(sessions))
        measured: list[tuple[float, int]] = []
        # The first fifth fills what is bounded: caches and the sessions that are kept.
        steps = (sessions // 5, sessions)
        for end in steps:
            await asyncio.gather(*(_visits(http, page, times, numbers, end) for _ in range(4)))
            await asyncio.sleep(SETTLE_S)
            measured.append(held_by(served.pid))
    (first, files), (last, files_last) = measured
    calls = times.calls
    took = [it for each in times.seconds.values() for it in each]
    return [
        Figure(
            f"memory after {steps[1]:,} sessions, more than after {steps[0]:,}",
            100 * (last / first - 1), "%", below=GROWTH_BAR,
            beside=f"{first:.0f} MB, then {last:.0f} MB",
        ),
        Figure(
            "    descriptors, more", 100 * (files_last / files - 1), "%", below=GROWTH_BAR,
            beside=f"{files}, then {files_last}",
        ),
        Figure(
            f"    refused or failed of {calls:,} calls",
            times.errors.total(), "", below=1,
            beside="; ".join(f"{n} x {it}" for it, n in times.errors.most_common(3)),
        ),
        Figure("    an act, 95th percentile", float(np.percentile(took, 95)), "s"),
    ]  # fmt: skip


async def _visits(
    http: httpx.AsyncClient, page: Page, times: Times, numbers: Iterator[int], end: int
) -> None:
    for number in numbers:
        visitor = Visitor(http, page)
        await _visit(visitor, times, number)
        times.calls += visitor.calls
        if number >= end - 4:
            return


async def _visit(visitor: Visitor, times: Times, number: int) -> None:
    """Ten calls: of a browser in three of four sessions, else of a program."""
    if number % 4 == 3:
        await times.take("status", visitor.call("album_status"))
        for turn in range(CALLS - 2):
            found = visitor.call(
                "search_photos", f"dog {number} {turn}", None, "", "", 20, 0, "", False
            )
            await times.take("search_photos", found)
        await times.take("labels", visitor.call("album_labels"))
        return
    await times.take("arrive", visitor.arrive())  # four calls
    await times.take("search", visitor.search(f"{THINGS[number % len(THINGS)]} {number}"))
    await times.take("next page", visitor.fire("next-page", "click"))
    await times.take("open", visitor.open())
    await times.take("heart", visitor.fire("favourite", "click"))
    await times.take("search", visitor.search(""))
    await times.take("status", visitor.tick())
    await visitor.leave()


def client_of(served: ServedAlbum) -> httpx.AsyncClient:
    """Many connections to a served album."""
    return httpx.AsyncClient(base_url=served.url, timeout=PATIENCE_S, limits=LIMITS)


async def warm_up(http: httpx.AsyncClient, page: Page) -> None:
    """Have the model loaded and the first, slow search done."""
    visitor = Visitor(http, page)
    await visitor.arrive()
    await visitor.search("a dog")
    await visitor.leave()
