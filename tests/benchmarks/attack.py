"""`attack`: what somebody hostile can do to a served album, and what others notice of it."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx

from tests.benchmarks.attack_files import Attacked, backup_figures, bomb_figures, zip_figures
from tests.benchmarks.bystanders import figures_of, searching
from tests.benchmarks.figures import Figure, held_by
from tests.benchmarks.visitors import SETTLE_S, Times, client_of, fill, warm_up
from tests.support.foreign_requests import (
    CALLS,
    FOREIGN,
    HOST,
    OUTSIDE,
    PROXIES,
    crafted,
    listening,
    routes,
)  # fmt: skip
from tests.support.half_requests import HALVES, ended, opened
from tests.support.served_album import ROOT, ServedAlbum, served_album
from tests.support.visitor import RefusedError, Visitor, load_page

UNFINISHED = 1100
CLOSED_WITHIN_S = 240
GUESSES = 40
LOGIN = ("me", "a good password")
ENTER_BAR_S = 1.0
CLASSIFY_CALLS = 80
CLASSES = 20  # of each call, of words that nobody asked for before
PHOTO_IDS = range(1, 1001)


def attack_figures(options: Namespace) -> Iterator[Figure]:
    """Each attack in turn, and last what went out of this machine meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        log = folder / "outside.log"
        noted = {
            "PYTHONPATH": str(ROOT / "tests" / "browser" / "outside_log"),
            "OUTSIDE_LOG": str(log),
            "ALBUM_HOSTS": HOST,
        }
        with served_album(folder, warm=False, **noted) as served:
            for attack in (_connections, _foreign, _programs, bomb_figures, zip_figures):
                yield from asyncio.run(_on(served, attack))
        with served_album(folder, warm=False, ALBUM_LOGIN=":".join(LOGIN), **noted) as served:
            yield from asyncio.run(_on(served, _passwords, LOGIN))
        lines = log.read_text().splitlines() if log.exists() else []
        yield Figure(
            "connections beyond this machine, in all", len(lines), "", below=1,
            beside="; ".join(sorted(set(lines))[:3]),
        )  # fmt: skip
    yield from backup_figures()


async def _on(
    served: ServedAlbum,
    attack: Callable[[Attacked], Awaitable[list[Figure]]],
    login: tuple[str, str] | None = None,
) -> list[Figure]:
    async with client_of(served) as http:
        if login is not None:
            await _enter(http, *login)
        page = await load_page(http)
        await warm_up(http, page)
        return await attack(Attacked(served, http, page))


async def _connections(attacked: Attacked) -> list[Figure]:
    """More unfinished requests than the server keeps, of every kind."""
    served, halves = attacked.served, list(HALVES.values())
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def attack() -> bool:
        connections = [opened(served, halves[n % len(halves)]) for n in range(UNFINISHED)]
        held.append(held_by(served.pid)[1])
        deadline = time.monotonic() + CLOSED_WITHIN_S
        closed = [ended(connection, deadline - time.monotonic()) for connection in connections]
        for connection in connections:
            connection.close()
        return all(closed)

    held: list[int] = []
    lines, before = served.said().count("\n"), held_by(served.pid)[1]
    started = time.perf_counter()
    async with searching(attacked.http, attacked.page) as times:
        closed = await asyncio.to_thread(attack)
        seconds = time.perf_counter() - started
    await asyncio.sleep(SETTLE_S)
    lines = served.said().count("\n") - lines
    return [
        Figure(
            f"{UNFINISHED:,} unfinished requests until the last was closed", seconds, "s",
            below=CLOSED_WITHIN_S, beside="" if closed else "some were not",
        ),
        *figures_of(times),
        Figure("    lines in the log", lines, "", below=100),
        Figure(
            "    descriptors after, more", held_by(served.pid)[1] - before, "", below=100,
            beside=f"before {before}, meanwhile {held[0]:,}",
        ),
    ]  # fmt: skip


async def _passwords(attacked: Attacked) -> list[Figure]:
    """Wrong passwords all at once; right ones and searches are timed until the last answer."""
    entered = Times()
    async with (
        client_of(attacked.served) as browser,
        searching(attacked.http, attacked.page) as times,
    ):
        started = time.perf_counter()
        guesses = [
            asyncio.create_task(browser.post("/login", data=_form(LOGIN[0], f"wrong {n}")))
            for n in range(GUESSES)
        ]
        await asyncio.sleep(0.5)
        while not all(guess.done() for guess in guesses):
            async with client_of(attacked.served) as person:
                await entered.take("login", _enter(person, *LOGIN))
            await asyncio.sleep(1)
        seconds = time.perf_counter() - started
    took = entered.seconds["login"]
    answers = Counter(guess.result().status_code for guess in guesses)
    return [
        Figure(
            f"{GUESSES} wrong passwords at once, let in", GUESSES - answers[400], "", below=1,
            beside=f"answered within {seconds:.0f} s",
        ),
        Figure(
            "    right ones meanwhile, at worst", max(took), "s", below=ENTER_BAR_S,
            beside=f"n {len(took)}, refused {entered.errors.total()}",
        ),
        *figures_of(times),
    ]  # fmt: skip


async def _enter(http: httpx.AsyncClient, name: str, password: str) -> None:
    (await http.post("/login", data=_form(name, password))).raise_for_status()


def _form(name: str, password: str) -> dict[str, str]:
    return {"username": name, "password": password}


async def _foreign(attacked: Attacked) -> list[Figure]:
    """Requests of other sites' pages, and files at addresses, in every way there is."""
    http = attacked.http
    pages: Counter[int] = Counter()
    addresses: Counter[int] = Counter()
    async with searching(http, attacked.page) as times:
        for headers in FOREIGN:
            for method, path in routes(attacked.served):
                async with http.stream(method, path, headers=headers) as answer:
                    pages[answer.status_code] += 1
        with listening() as (address, connections):
            for target in (address, OUTSIDE, "https://dns.google/x.jpg"):
                for route in PROXIES:
                    answer = await http.get(f"/gradio_api/{route}{target}")
                    addresses[answer.status_code] += 1
                for call in CALLS:
                    for body in crafted(target):
                        answer = await http.post(f"/gradio_api/{call}", json=body)
                        addresses[answer.status_code] += 1
    return [
        *(
            Figure(
                f"{what}, not refused", counts.total() - counts[403], "", below=1,
                beside=f"refused {counts[403]} of {counts.total()}",
            )
            for what, counts in (
                ("requests of another origin, host or site", pages),
                ("addresses in place of files", addresses),
            )
        ),
        Figure("    connections to them", len(connections), "", below=1),
        *figures_of(times),
    ]  # fmt: skip


async def _programs(attacked: Attacked) -> list[Figure]:
    """Calls of a program that keep the model busy, while a person does what a page offers."""
    http, page = attacked.http, attacked.page
    calls = [
        asyncio.create_task(
            Visitor(http, page).call("classify_photos", list(PHOTO_IDS), None, _classes(number))
        )
        for number in range(CLASSIFY_CALLS)
    ]
    times, person, turn = Times(), Visitor(http, page), 0
    started = time.perf_counter()
    await times.take("arriving", person.arrive())
    while not all(call.done() for call in calls):
        await times.take("search", person.search(f"a red car {turn}"))
        await times.take("status", person.tick())
        await person.open()
        person.type("caption", f"Mine, {turn}.")
        await times.take("saving a caption", person.fire("save-caption", "click"))
        turn += 1
    seconds = time.perf_counter() - started
    await person.leave()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [str(answer) for answer in answers if isinstance(answer, RefusedError)]
    failed = [str(answer) for answer in answers if not isinstance(answer, RefusedError | dict)]
    return [
        Figure(
            f"{CLASSIFY_CALLS} classify calls of a program, until all were answered", seconds, "s",
            beside=f"refused {len(refused)}: {'; '.join(sorted(set(refused)))}",
        ),
        Figure("    failed otherwise", len(failed), "", below=1, beside="; ".join(failed[:3])),
        *figures_of(times),
    ]  # fmt: skip


def _classes(number: int) -> str:
    return ", ".join(f"thing {number} {n}" for n in range(CLASSES))
