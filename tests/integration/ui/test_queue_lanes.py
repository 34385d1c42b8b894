"""Many at once on one page: programs shut nobody out, and each browser's order is kept."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest

from album.search.request import SearchRequest
from album.search.search import SearchPage
from album.service import Album
from album.ui.page import build_page
from album.ui.server.sessions import MOST, limit_sessions
from album.ui.shared import queue_lanes
from album.ui.shared.queue_lanes import use_lanes
from tests.benchmarks.figures import held_by
from tests.support.event_loop import run
from tests.support.fakes import FakeModelState
from tests.support.images.make import make_photo
from tests.support.importing import take_in
from tests.support.visitor import Page, RefusedError, Visitor, load_page

PATIENCE_S = 120  # an upper bound for a busy machine, waited out only by a failing test
CALLS = 80
MORE = 60  # sessions


@dataclass
class Launched:
    """A page in this process, whose album can be told to wait."""

    blocks: gr.Blocks
    album: Album

    def visited(self, act: Callable[[httpx.AsyncClient, Page], Awaitable[Any]]) -> Any:
        """What an act of visitors answers."""

        async def visit() -> Any:
            address = str(self.blocks.local_url)
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(
                base_url=address, timeout=PATIENCE_S, limits=limits
            ) as http:
                return await asyncio.wait_for(act(http, await load_page(http)), PATIENCE_S)

        return run(visit())

    @property
    def sessions(self) -> int:
        """How many the server knows."""
        return len(self.blocks.app.state_holder.session_data)


@pytest.fixture
def launched(album: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launched]:
    take_in(album, [make_photo(tmp_path / "in" / f"{it}.png", it) for it in ("red", "blue")])
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "temp"))
    blocks = build_page(album, FakeModelState(), tmp_path / "temp", [])
    use_lanes(blocks)
    blocks.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", run_history=False,
        app_kwargs={"lifespan": limit_sessions},
    )  # fmt: skip
    yield Launched(blocks, album)
    blocks.close(verbose=False)


def told_of(album: Album, monkeypatch: pytest.MonkeyPatch, told: Callable[[str], None]) -> None:
    """Have a search tell its words before it answers."""
    find = album.search.find

    def telling(question: SearchRequest | str = "", **options: Any) -> SearchPage:
        told(question if isinstance(question, str) else question.text)
        return find(question, **options)

    monkeypatch.setattr(album.search, "find", telling)


def test_four_browsers_search_at_once(launched: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the four waits in its search until all are in theirs."""
    together = threading.Barrier(4)

    def wait_for_others(words: str) -> None:
        if words:
            together.wait(PATIENCE_S / 2)

    async def search(http: httpx.AsyncClient, page: Page) -> None:
        visitors = [Visitor(http, page) for _ in range(4)]
        for visitor in visitors:
            await visitor.arrive()
        await asyncio.gather(*(visitor.search("red") for visitor in visitors))
        assert all("red.png" in visitor.shown("results") for visitor in visitors)

    told_of(launched.album, monkeypatch, wait_for_others)

    launched.visited(search)


def test_newest_search_of_browser_is_answered_last(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first search takes until the server has had time enough to begin the second."""
    began: list[str] = []
    second_waits = threading.Event()

    def note(words: str) -> None:
        if words:
            began.append(words)
        if words == "red":
            second_waits.wait(PATIENCE_S / 2)
            began.append("answered")

    async def search(http: httpx.AsyncClient, page: Page) -> str:
        visitor = Visitor(http, page)
        await visitor.arrive()
        first = asyncio.create_task(visitor.search("red"))
        while not began:
            await asyncio.sleep(0.02)
        visitor.type("query", "blue")
        second = asyncio.create_task(visitor.fire("find", "click"))
        other = Visitor(http, page)  # of whom the second search is to be told apart
        await other.arrive()
        await other.search("green")
        second_waits.set()
        await asyncio.gather(first, second)
        return str(visitor.shown("results"))

    told_of(launched.album, monkeypatch, note)

    results = launched.visited(search)

    assert began == ["red", "green", "answered", "blue"]
    assert "blue.png" in results


def test_slow_pictures_hold_up_no_search(
    launched: Launched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More pictures than there are searches at once; who sent one is answered in order."""
    began: list[str] = []
    decoded = threading.Event()
    find = launched.album.search.find

    def wait_for_pictures(question: SearchRequest | str = "", **options: Any) -> SearchPage:
        if isinstance(question, SearchRequest) and (question.pictures or question.text):
            began.append(question.text or "picture")
            if not question.text:
                decoded.wait(PATIENCE_S / 2)
        return find(question, **options)

    monkeypatch.setattr(launched.album.search, "find", wait_for_pictures)
    picture = make_photo(tmp_path / "query.png", "red")

    async def search(http: httpx.AsyncClient, page: Page) -> str:
        senders = [Visitor(http, page) for _ in range(queue_lanes.DEFAULT_CONCURRENCY + 2)]
        for sender in senders:
            await sender.arrive()
            sender.type("picture", await sender.send(picture))
        sent = [asyncio.create_task(sender.fire("picture", "upload")) for sender in senders]
        while not began:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)  # so that the others wait or have begun
        senders[-1].type("query", "after its picture")
        later = asyncio.create_task(senders[-1].fire("find", "click"))
        other = Visitor(http, page)
        await other.arrive()
        await other.search("blue")
        assert not any(task.done() for task in (*sent, later))
        decoded.set()
        await asyncio.gather(*sent, later)
        return str(other.shown("results"))

    assert "blue.png" in launched.visited(search)
    assert began.index("blue") < len(began) - 1 - began[::-1].index("picture")
    assert began[-1] == "after its picture"


def test_query_during_another_is_answered_too(launched: Launched) -> None:
    """Of a listener that says "once", a page forgets what happens meanwhile."""

    async def modes(http: httpx.AsyncClient, page: Page) -> set[str]:
        asking = (("query", "submit"), ("find", "click"))
        return {page.listener(page.component(it), event)["trigger_mode"] for it, event in asking}

    assert launched.visited(modes) == {"always_last"}


def test_answer_comes_after_the_end_of_a_stream(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a browser would take its stream for open, and never read what is sent next."""
    monkeypatch.setattr(queue_lanes, "CLOSING_S", 3.0)
    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float, *rest: Any) -> Any:
        slept.append(seconds)
        return await sleep(0 if seconds > 1 else seconds, *rest)

    async def act(http: httpx.AsyncClient, page: Page) -> None:
        visitor = Visitor(http, page)
        visitor.stay()
        launched.blocks._queue.note_closed_stream(visitor.session)
        monkeypatch.setattr(queue_lanes.asyncio, "sleep", note)
        await visitor.search("red")
        await visitor.leave()

    launched.visited(act)

    assert [seconds for seconds in slept if 2 < seconds <= 3]


def test_programs_shut_no_browser_out(launched: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    """While 80 calls of a program wait, a person searches, labels and writes a caption."""
    free = threading.Event()
    classify = launched.album.classifier.classify_photos

    def waiting(*given: Any, **options: Any) -> Any:
        free.wait(PATIENCE_S / 2)
        return classify(*given, **options)

    monkeypatch.setattr(launched.album.classifier, "classify_photos", waiting)
    (red,) = (it for it in launched.album.store.all_photos() if it.filename == "red.png")

    async def use(http: httpx.AsyncClient, page: Page) -> list[Any]:
        called = [
            asyncio.create_task(Visitor(http, page).call("classify_photos", [1], None, "red, blue"))
            for _ in range(CALLS)
        ]
        while not any(it.done() for it in called):  # until one is refused
            await asyncio.sleep(0.02)
        person = Visitor(http, page)
        await person.arrive()
        await person.search("red")
        await person.open()
        await person.fire("favourite", "click")
        person.type("caption", "Mine.")
        await person.fire("save-caption", "click")
        assert await person.call("album_status")
        assert (await person.call("search_photos", "red", None, "", "", 20, 0, "", False))["hits"]
        assert not free.is_set()
        free.set()
        return await asyncio.gather(*called, return_exceptions=True)

    answers = launched.visited(use)

    refused = [it for it in answers if isinstance(it, RefusedError)]
    assert len(refused) + sum(isinstance(it, dict) for it in answers) == CALLS
    assert (
        len(refused) >= CALLS - queue_lanes.MOST_OF_PROGRAMS - 2 * queue_lanes.DEFAULT_CONCURRENCY
    )
    assert str(queue_lanes.MOST_OF_PROGRAMS) in str(refused[0])
    assert "try again" in str(refused[0])
    caption = launched.album.captions.get(red.photo_id)
    assert caption is not None
    assert caption.text == "Mine."
    assert launched.album.labels_of(red.photo_id) == ["favourite"]


def test_sessions_are_bounded_and_the_living_stay(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def visit(http: httpx.AsyncClient, page: Page) -> str:
        person = Visitor(http, page)
        await person.arrive()
        await person.search("red")
        for number in range(MOST + 50):
            await Visitor(http, page).call("album_status")
            if number % 50 == 0:
                await person.tick()
        await person.open()
        return str(person.shown("photo-facts"))

    facts = launched.visited(visit)

    assert launched.sessions == MOST
    assert "red.png" in facts
    queue = launched.blocks._queue
    assert len(queue.pending_messages_per_session) <= MOST + 1
    assert len(queue.pending_event_ids_session) <= MOST + 1


def test_sessions_do_not_each_keep_a_page(launched: Launched) -> None:
    """A copy of the page's configuration for each would be 0.6 MB."""

    async def visit(http: httpx.AsyncClient, page: Page) -> float:
        async def come_and_go(times: int) -> float:
            for _ in range(times):
                person = Visitor(http, page)
                await person.arrive()
                await person.leave()
            return held_by(os.getpid())[0]

        before = await come_and_go(20)
        return await come_and_go(MORE) - before

    assert launched.visited(visit) < 0.3 * MORE


def test_empty_session_ends_with_its_program(launched: Launched) -> None:
    async def call(http: httpx.AsyncClient, page: Page) -> None:
        for _ in range(5):
            program = Visitor(http, page)
            program.stay()
            await program.call("album_status")
            await program.leave()
        while launched.sessions:
            await asyncio.sleep(0.05)

    launched.visited(call)


def test_closed_page_keeps_its_state_an_hour(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def visit(http: httpx.AsyncClient, page: Page) -> str:
        person = Visitor(http, page)
        await person.arrive()
        await person.search("red")
        await person.leave()
        sessions = launched.blocks.app.state_holder
        while not sessions.session_data[person.session].is_closed:
            await asyncio.sleep(0.05)
        sessions.delete_all_expired_state()
        await person.open()
        shown = str(person.shown("photo-facts"))
        assert not sessions.session_data[person.session].is_closed
        sessions.session_data[person.session].is_closed = True
        monkeypatch.setattr("album.ui.server.sessions.CLOSED_KEPT", timedelta(seconds=-1))
        sessions.delete_all_expired_state()
        assert person.session not in sessions.session_data
        return shown

    assert "red.png" in launched.visited(visit)
