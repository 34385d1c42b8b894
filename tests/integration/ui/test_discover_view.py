"""Themes and map on the page without a browser: what is rendered, sent and written."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from album.domain.photo import SearchFilters
from album.organizing import discovery
from album.search.request import SearchRequest
from album.service import Album
from album.ui.api.album_endpoints import AlbumEndpoints
from album.ui.search.discover_view import DiscoverView, theme_name
from album.ui.server.discover_routes import MOST_ROWS, discover_routes
from album.ui.shared.session_state import SearchState
from models.classifiers.factory import DefaultClassifiers
from tests.support.captioning import set_caption
from tests.support.embeddings import Words
from tests.support.fakes import DecodeHere, FakeCaptioner
from tests.support.themes import Rows, photos_of_words

ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"}, query_params={})
KOREAN: Any = SimpleNamespace(headers={"accept-language": "ko"}, query_params={})
WORDS = ["dog", "car", "mountain", "cake", "bridge", "flower", "bird", "book", "train", "cat",
         "hat", "snow"]  # fmt: skip
EACH = 10
HARM = "<img src=x onerror=hack()>'\""


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    folder = tmp_path_factory.mktemp("album")
    rows = Rows(folder)
    vectors, _ = photos_of_words(WORDS, EACH)
    rows.add(vectors, HARM)
    rows.store.database.close()
    album = Album(folder, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    album.active.set_encoder(Words(), fill=False)
    album.discovery.find(niceness=0)
    yield album
    album.close()


@pytest.fixture
def view(album: Album) -> DiscoverView:
    with gr.Blocks():
        built = DiscoverView(album)
        built.build_views()
        built.build_view()
        built.build_actions()
    return built


def shown(view: DiscoverView, state: SearchState, language: str = "en", **options: Any) -> Any:
    """What `show` answers, by the ids of the components."""
    updates = view.show(state, language, empty=options.get("empty", False))
    return {component.elem_id: value for component, value in updates.items()}


def dogs(album: Album) -> int:
    return next(it.key for it in album.discovery.themes() if "dog" in it.name.in_language("en"))


@pytest.mark.parametrize(("language", "name"), [("en", "dog"), ("ko", "개")])
def test_themes_are_cards_in_the_language(view, language, name):
    answer = shown(view, SearchState(view="themes"), language)

    cards = re.findall(r"<a class=\"theme.*?</a>", answer["discover"], re.S)
    assert len(cards) == len(WORDS)
    assert sum(f"<strong>{name}</strong>" in card for card in cards) == 1
    assert all(card.count("<img") == 4 for card in cards)
    assert "photos/" in cards[0]
    assert 'href="?view=themes" data-ask aria-current="page"' in answer["views"]


def test_map_shell_holds_names_and_places(view):
    answer = shown(view, SearchState(view="map"))

    assert "<canvas" in answer["discover"]
    assert answer["discover"].count("data-theme=") == len(WORDS)
    assert '"name": "dog"' in str(answer["discover"]).replace("&#34;", '"')


@pytest.mark.parametrize(
    "state",
    [
        SearchState(SearchRequest("dog"), view="themes"),
        SearchState(SearchRequest(filters=SearchFilters(label="x")), view="map"),
        SearchState(SearchRequest(burst=1), view="themes"),
        SearchState(SearchRequest(theme=1), view="themes"),
    ],
)
def test_views_belong_to_the_home(view, state):
    answer = shown(view, state)

    assert answer["views"] == ""
    assert answer["discover"] == ""


def test_empty_album_has_no_views(view):
    assert shown(view, SearchState(view="themes"), empty=True)["views"] == ""


def test_unsure_theme_says_so(album):
    theme = album.discovery.themes()[0]
    guessed = discovery.Theme(1, type(theme.name)((), theme.name.words), 3, (), (0, 0))
    unnamed = discovery.Theme(1, type(theme.name)(), 3, (), (0, 0))

    assert theme_name(guessed, "en").startswith("no sure name, perhaps ")
    assert theme_name(guessed, "ko").startswith("이름 모름, 혹시 ")
    assert theme_name(unnamed, "ko") == "이름 모름"


@pytest.mark.parametrize(
    ("kind", "english", "korean"),
    [
        ("few", "begin at 60 photos", "60장이 되면"),
        ("no_model", "still being loaded", "불러오는 중"),
        ("working", "Finding the themes of your photos: 40%", "주제를 찾는 중: 40%"),
        ("failed", "could not be found", "찾지 못했습니다"),
    ],
)
def test_page_says_why_there_is_nothing(album, view, monkeypatch, kind, english, korean):
    state = discovery.DiscoveryState(kind, 0.4)
    monkeypatch.setattr(album.discovery, "state", lambda: state)

    for language, words in (("en", english), ("ko", korean)):
        html = shown(view, SearchState(view="themes"), language)["discover"]
        assert words in html
        assert ("data-waits" in html) == (kind != "few")
        assert ("<progress" in html) == (kind == "working")


def test_theme_is_labelled_and_undone(album, view):
    request = SearchRequest(theme=dogs(album))
    state = SearchState(request, results=album.search.find(request))
    assert shown(view, state)["theme-actions"]["visible"]

    form = {it.elem_id: value for it, value in view.open_form(state, KOREAN).items()}
    assert (form["theme-name"], form["theme-give"]) == ("개", f"{EACH}장에 붙이기")
    said = view.give_label(state, " 우리 개 ", ENGLISH)[view.said]
    assert f"우리 개: given to {EACH} photos" in said
    (summary,) = album.labels.summaries()
    assert (summary.label, summary.photos) == ("우리 개", EACH)

    number = int(re.search(r'data-number="(\d+)"', said)[1])
    event: Any = SimpleNamespace(index=number, value="undo")
    assert "되돌렸습니다." in view.undo(event, KOREAN)[view.said]
    assert album.labels.summaries() == []


def test_label_without_a_name_is_refused(album, view):
    request = SearchRequest(theme=dogs(album))
    state = SearchState(request, results=album.search.find(request))

    with pytest.raises(gr.Error, match="name for the label"):
        view.give_label(state, "  ", ENGLISH)


@pytest.fixture
def client(album):
    app = Starlette(routes=discover_routes(album))
    app.auth, app.tokens, app.cookie_id = None, {}, "x"  # type: ignore[attr-defined]
    return TestClient(app)


def test_map_is_sent_as_columns(album, client):
    answer = client.get("/discover/map")

    n = int(np.frombuffer(answer.content, "<u4", 1)[0])
    assert n == len(WORDS) * EACH
    assert len(answer.content) == 4 + 10 * n
    assert np.frombuffer(answer.content, "<u4", n, 4).tolist() == list(range(1, n + 1))
    album_map = album.discovery.map()
    places = np.frombuffer(answer.content, "<u2", 3 * n, 4 + 4 * n).reshape(3, n)
    np.testing.assert_array_equal(places[:2].T, album_map.positions)
    np.testing.assert_array_equal(places[2], album_map.themes)
    again = client.get("/discover/map", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_photos_are_told_by_their_ids(album, client):
    set_caption(album.store.database, 2, "a dog", "en", "m")

    rows = client.get("/discover/photos?ids=1,2,99999").json()

    assert [(row["id"], row["width"], row["height"]) for row in rows] == [
        (1, 400, 300), (2, 400, 300),
    ]  # fmt: skip
    assert rows[0]["alt"] == f"{HARM}1.jpg"
    assert rows[1]["alt"] == "a dog"
    assert len(rows[0]["version"]) == 16


@pytest.mark.parametrize(
    "ids", ["", "x", "1,", "-1", "1.5", "9" * 30, ",".join(["1"] * (MOST_ROWS + 1)), "١"]
)
def test_forged_ids_are_refused(client, ids):
    assert client.get("/discover/photos", params={"ids": ids}).status_code == 422


def test_routes_need_the_login(album):
    app = Starlette(routes=discover_routes(album))
    app.auth, app.tokens, app.cookie_id = ("a", "b"), {}, "x"  # type: ignore[attr-defined]
    client = TestClient(app)

    for address in ("/discover/map", "/discover/photos?ids=1"):
        answer = client.get(address)
        assert answer.status_code == 401
        assert b"jpg" not in answer.content


def test_programs_are_told_the_themes(album):
    told = AlbumEndpoints(album).album_themes()

    assert told["state"] == "ready"
    assert len(told["themes"]) == len(WORDS)
    dog = next(it for it in told["themes"] if it["theme"] == dogs(album))
    assert dog["words"] == {"en": ["dog"], "ko": ["개"]}
    assert dog["sure"]
    assert (dog["photos"], len(dog["cover"])) == (EACH, 4)
