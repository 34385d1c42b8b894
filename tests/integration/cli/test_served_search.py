"""Commands ask the album that is being served, and get what they would have found themselves."""

from __future__ import annotations

import json
from datetime import date
from functools import partial

import pytest

from album.cli import search as search_commands
from album.cli import served_search
from album.cli.served_search import VERSION, answer_request, page_json, search_served
from album.domain.photo import SearchFilters
from album.runtime.local_socket import LocalSocket, ask
from album.search.request import SearchRequest
from tests.models.commands import read, run
from tests.support.images.make import make_photo
from tests.support.importing import take_in


@pytest.fixture
def served(album, tmp_path):
    """An album with three photos that is being served."""
    for colour in ("red", "blue", "green"):
        take_in(album, [make_photo(tmp_path / f"{colour}.png", colour)])
    answering = LocalSocket(album.data_dir, partial(answer_request, album))
    answering.start()
    yield album
    answering.close()


def questions(tmp_path):
    return [
        SearchRequest("red"),
        SearchRequest("빨간 꽃", rest=True, sort="date"),
        SearchRequest(),
        SearchRequest("2001"),
        SearchRequest(
            "red", filters=SearchFilters(after=date(2000, 1, 1), before=date(2001, 1, 1))
        ),
        SearchRequest(like=(1,), rest=True),
        SearchRequest(pictures=(tmp_path / "blue.png",), like=(3,), text="blue", rest=True),
    ]


def test_served_answer_equals_local_search(served, tmp_path):
    for question in questions(tmp_path):
        for limit in (1, 10):
            here = page_json(served, served.search.find(question, limit=limit))
            assert search_served(served.data_dir, question, limit) == json.loads(json.dumps(here))


@pytest.fixture
def never_opened(monkeypatch):
    def open_library(*args: object, **how: object) -> None:
        raise AssertionError("the album that is served was to be asked")

    monkeypatch.setattr(search_commands, "open_album", open_library)


@pytest.mark.usefixtures("never_opened")
def test_commands_do_not_open_a_served_library(served, tmp_path):
    found = read(run(served.data_dir, "search", "red", "--json"))
    assert [hit["path"] for hit in found["hits"]] == [str(tmp_path / "red.png")]
    assert (found["query"], found["model_id"]) == ("red", "fake")
    lines = run(served.data_dir, "search", "red").stdout.splitlines()
    assert len(lines) == 1
    assert str(tmp_path / "red.png") in lines[0]
    by_file = read(run(served.data_dir, "similar", tmp_path / "blue.png", "--json"))
    assert by_file["hits"][0]["path"] == str(tmp_path / "blue.png")
    assert by_file["hits"][0]["score"] == pytest.approx(1, abs=1e-4)
    by_id = read(run(served.data_dir, "similar", by_file["hits"][0]["photo_id"], "--json"))
    assert len(by_id["hits"]) == 2


@pytest.mark.usefixtures("never_opened")
def test_picture_path_is_relative_to_the_caller(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    found = read(run(served.data_dir, "search", "--image", "blue.png", "--rest", "--json"))
    assert found["hits"][0]["path"] == str(tmp_path / "blue.png")


def test_command_reports_what_served_album_cannot_answer(served):
    for question in (
        SearchRequest(like=(99,)),
        SearchRequest(pictures=(served.data_dir / "none.png",)),
    ):
        assert search_served(served.data_dir, question, 10) is None
    result = run(served.data_dir, "similar", 99)

    assert result.exit_code == 1
    assert result.stderr.startswith("This photo is not in the album")


def test_command_searches_locally_when_nothing_is_served(album, tmp_path):
    take_in(album, [make_photo(tmp_path / "red.png", "red")])

    assert search_served(album.data_dir, SearchRequest("2001"), 10) is None
    assert read(run(album.data_dir, "search", "--json"))["total"] == 1


def request_of(folder, changes=()):
    whole = {
        "version": VERSION, "data_dir": str(folder), "text": "red", "pictures": [], "like": [],
        "after": None, "before": None, "sort": "best", "rest": False, "limit": 10,
    }  # fmt: skip
    return {key: it for key, it in {**whole, **dict(changes)}.items() if it != "left out"}


@pytest.mark.parametrize(
    "changes",
    [
        {"version": VERSION + 1}, {"version": "left out"}, {"data_dir": "/other"}, {"text": 7},
        {"text": "left out"}, {"text": "x" * 5000}, {"pictures": [7]}, {"pictures": "left out"},
        {"like": ["1"]}, {"like": [True]}, {"like": 1}, {"like": [2**80]}, {"after": "yesterday"},
        {"after": 7}, {"sort": "size"}, {"sort": ["best"]}, {"rest": 1}, {"limit": 0},
        {"limit": True}, {"limit": 10**9}, {"limit": "10"}, {"text": "red \udcff"},
    ],
)  # fmt: skip
def test_a_request_that_is_none_gets_no_answer(served, changes, caplog):
    asked = request_of(served.data_dir, changes)
    answer = ask(served.data_dir, asked)

    assert answer is None or (changes == {"text": "red \udcff"} and answer["total"] >= 0)
    assert "Traceback" not in caplog.text
    assert ask(served.data_dir, request_of(served.data_dir))["total"] == 1


def test_an_answer_of_another_version_is_not_used(served, monkeypatch):
    monkeypatch.setattr(served_search, "ask", lambda *args: {"version": VERSION + 1, "hits": []})

    assert search_served(served.data_dir, SearchRequest("red"), 10) is None
