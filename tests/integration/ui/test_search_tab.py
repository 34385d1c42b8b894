"""The Search tab without a browser: what its listeners answer, on a real library."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from album.domain.labels import FAVOURITE, MAX_LABELS, LabelPlan, LabelRule, PlannedLabel
from album.domain.photo import ImageFacts, Place, SearchFilters
from album.search.query import Query
from album.search.request import SearchRequest
from album.search.search import SearchPage
from album.service import Album
from album.ui.photo.lightbox import Lightbox, read_request
from album.ui.search.layout import SearchLayout
from album.ui.search.photo_navigation import PhotoNavigation
from album.ui.search.queries import SearchHandlers
from album.ui.search.url_navigation import UrlNavigation
from album.ui.shared.session_state import SearchState
from album.ui.shared.uploads import UploadFolder
from tests.support.images.make import make_photo

ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"}, query_params={})


class Tab:
    """The parts of the tab and those who work with them."""

    def __init__(self, album: Album, folder: Path) -> None:
        self.album = album
        with gr.Blocks():
            lightbox = Lightbox(album)
            self.parts = SearchLayout(album, UploadFolder(folder), lightbox)
        self.queries = SearchHandlers(album, self.parts)
        self.photos = PhotoNavigation(self.parts, self.queries)
        self.urls = UrlNavigation(album, self.parts, self.queries, self.photos)

    def answers(self, question: SearchRequest, page: int = 0) -> dict[Any, Any]:
        return self.queries.show(SearchState(question, page), ENGLISH)

    def commands(self, updates: dict[Any, Any]) -> Any:
        """What the lightbox of the browser is told to do."""
        return json.loads(updates[self.parts.lightbox.outputs[1]])

    def arrives(self, shown: SearchState, address: str) -> dict[Any, Any]:
        """All updates together, the later ones on top."""
        together: dict[Any, Any] = {}
        for update in self.urls.open_address(shown, address, ENGLISH):
            together |= update
        return together


NO_IDS = np.empty(0, np.int64)


class PanelOf:
    """A browser with a photo open: it sends back what its components hold."""

    def __init__(self, tab: Tab, photo_id: int) -> None:
        self._photos, self._panel = tab.photos, tab.parts.panel
        self.open(photo_id)

    def open(self, photo_id: int) -> None:
        self._photo_id = photo_id
        self._holds: dict[Any, Any] = {self._panel.label_editor.saved: ""}
        self.takes(self._panel.show(photo_id, None, "en"))

    def takes(self, updates: dict[Any, Any]) -> None:
        """What the server answers, in the components."""
        self._holds |= updates

    def choose(self, *labels: str) -> dict[Any, Any]:
        _, *notes = [self._holds.get(it) for it in self._panel.label_editor.inputs]
        answer = self._photos.save_labels(
            SearchState(), self._photo_id, list(labels), *notes, ENGLISH
        )
        self.takes(answer)
        return answer

    def press_heart(self) -> None:
        heart = self._holds[self._panel.favourite]
        self.takes(self._photos.toggle_favourite(SearchState(), self._photo_id, heart, ENGLISH))


@pytest.fixture
def tab(album: Album, tmp_path: Path) -> Tab:
    colours = ("red", "blue", "green")
    photos = [make_photo(tmp_path / "in" / f"{it}.png", it) for it in colours]
    album.imports.wait(album.imports.start(photos))
    return Tab(album, tmp_path / "uploads")


@pytest.mark.parametrize("language", ["", "ko"])
def test_tab_names_language_the_model_cannot_read(tab: Tab, language: str) -> None:
    found = SearchPage([], 0, Query("강아지"), unread=language)

    updates = tab.parts.results.show(SearchState(SearchRequest("강아지")), found, "en", empty=False)

    line = updates[tab.parts.results.outputs[3]]
    assert line["visible"] is (language == "ko")
    assert updates[tab.parts.results.translate]["visible"] is tab.album.can_translate


def test_box_without_value_asks_for_all_photos(tab: Tab) -> None:
    """A page nobody has typed in yet, and a crafted request, send null for the box."""
    nothing = dict.fromkeys(tab.parts.filters.inputs)
    held = {**nothing, tab.parts.state: SearchState(SearchRequest()), tab.parts.query: None}
    chip: Any = SimpleNamespace(value="like", index=0)

    answers = [
        tab.queries.search(held, ENGLISH),
        tab.queries.clear_filters(held[tab.parts.state], None, ENGLISH),
        tab.queries.remove_chip(held, chip, ENGLISH),
    ]

    for updates in answers:
        assert updates[tab.parts.state].query == SearchRequest()
        assert updates[tab.parts.state].results.total == tab.album.store.count()


def test_an_address_brings_words_filters_order_and_photo(tab: Tab) -> None:
    (photo_id,) = [
        hit.photo.photo_id
        for hit in tab.album.search.find("").hits
        if hit.photo.filename == "red.png"
    ]

    updates = tab.arrives(SearchState(), f"?q=red&sort=date&rest=1&type=PNG&photo={photo_id}")

    shown: SearchState = updates[tab.parts.state]
    assert updates[tab.parts.query] == "red"
    assert shown.query == SearchRequest(
        "red", filters=SearchFilters(file_type="PNG"), sort="date", rest=True
    )
    assert shown.photo == photo_id
    assert tab.commands(updates)["photo"]["id"] == photo_id


def test_address_ignores_deleted_photos(tab: Tab) -> None:
    updates = tab.arrives(SearchState(), "?like=98,99&photo=97&burst=96&import=95&p=50")

    shown: SearchState = updates[tab.parts.state]
    assert (shown.query, shown.page, shown.photo) == (SearchRequest(), 0, None)
    assert len(shown.photo_ids) == 3


def test_import_has_a_chip_that_shows_all_again(tab: Tab, tmp_path: Path) -> None:
    later = tab.album.imports.start([make_photo(tmp_path / "later.png", "navy")])
    assert tab.album.imports.wait(later, 60)

    updates = tab.arrives(SearchState(), f"?import={later}")

    state: SearchState = updates[tab.parts.state]
    assert state.total == 1
    assert "import of" in updates[tab.parts.results.chips]
    assert updates[tab.parts.examples_row]["visible"] is False
    held = {
        **dict.fromkeys(tab.parts.filters.inputs),
        tab.parts.state: state,
        tab.parts.query: "",
    }
    chip: Any = SimpleNamespace(value="import", index=0)
    assert tab.queries.search(held, ENGLISH)[tab.parts.state].query.import_id == later
    assert tab.queries.remove_chip(held, chip, ENGLISH)[tab.parts.state].total == 4
    cleared = tab.queries.clear_filters(state, "", ENGLISH)
    assert cleared[tab.parts.state].query.import_id is None


def test_same_query_only_closes_the_photo(tab: Tab) -> None:
    shown: SearchState = tab.answers(SearchRequest("red", rest=True))[tab.parts.state]
    shown = replace(shown, photo=shown.photo_ids[0])

    updates = tab.arrives(shown, "?q=red&rest=1")

    assert tab.parts.results.tiles not in updates
    assert updates[tab.parts.state] == replace(shown, photo=None)
    assert tab.commands(updates)["photo"] is None


def test_uploaded_images_stay_with_an_equal_address(tab: Tab, tmp_path: Path) -> None:
    question = SearchRequest(pictures=(tmp_path / "in" / "red.png",))
    shown: SearchState = tab.answers(question)[tab.parts.state]

    updates = tab.arrives(replace(shown, photo=shown.photo_ids[0]), "")

    assert updates[tab.parts.state].query == question


def test_missing_page_becomes_the_last_page(tab: Tab) -> None:
    shown: SearchState = tab.answers(SearchRequest(), page=7)[tab.parts.state]

    assert shown.page == 0
    assert len(shown.photo_ids) == 3


def test_first_import_takes_the_place_of_samples(album: Album, tmp_path: Path) -> None:
    tab = Tab(album, tmp_path / "uploads")
    parts, store = tab.parts, album.import_store

    empty = tab.answers(SearchRequest())
    import_id = store.begin("in place", [Path("/photos")])
    store.set_total(import_id, 5, {})
    importing = tab.answers(SearchRequest())

    assert empty[parts.welcome]["visible"]
    assert empty[parts.welcome_buttons]["visible"]
    assert importing[parts.welcome]["visible"]
    assert not importing[parts.welcome_buttons]["visible"]
    assert "looked at" in importing[parts.welcome_title]


def test_favourite_and_other_labels_are_independent(tab: Tab) -> None:
    photo_id = tab.album.search.find("").hits[0].photo.photo_id
    tab.album.labels.set_by_person(photo_id, ["holiday"])
    panel = PanelOf(tab, photo_id)

    panel.press_heart()
    assert sorted(tab.album.labels_of(photo_id)) == [FAVOURITE, "holiday"]
    panel.choose("snow")
    assert sorted(tab.album.labels_of(photo_id)) == [FAVOURITE, "snow"]
    panel.press_heart()
    assert tab.album.labels_of(photo_id) == ["snow"]


def test_label_added_meanwhile_stays(tab: Tab) -> None:
    """A rule and another browser label the open photo; the box does not show that."""
    photo_id = tab.album.search.find("").hits[0].photo.photo_id
    tab.album.labels.set_by_person(photo_id, ["holiday"])
    panel, other = PanelOf(tab, photo_id), PanelOf(tab, photo_id)
    labels = tab.album.labels
    other.choose("holiday", "granny")
    rule = LabelRule("cat", "words", {})
    planned = PlannedLabel(rule, np.array([photo_id]), np.array([0.75], np.float32), NO_IDS, 0, 0)
    labels.apply(LabelPlan((planned,)), living=False)

    panel.choose("holiday", "snow")

    assert sorted(tab.album.labels_of(photo_id)) == ["cat", "granny", "holiday", "snow"]
    assert labels.examples("cat")[1].tolist() == []
    panel.choose("snow")
    assert sorted(tab.album.labels_of(photo_id)) == ["cat", "granny", "snow"]
    assert labels.examples("cat")[1].tolist() == []


def test_label_edits_build_on_previous_edit(tab: Tab) -> None:
    photo_id = tab.album.search.find("").hits[0].photo.photo_id
    panel = PanelOf(tab, photo_id)

    panel.choose("snow")
    panel.choose("snow", "ice")
    panel.choose("ice")
    assert tab.album.labels_of(photo_id) == ["ice"]
    panel.choose()
    assert tab.album.labels_of(photo_id) == []


def test_label_edit_can_be_undone(tab: Tab) -> None:
    photo_id = tab.album.search.find("").hits[0].photo.photo_id
    tab.album.labels.set_by_person(photo_id, ["holiday"])
    panel = PanelOf(tab, photo_id)
    panel.choose("snow")

    (act, *_) = tab.album.labels.acts()
    tab.album.labelling.undo(act.act_id)

    assert (set(act.labels), act.added, act.removed) == ({"holiday", "snow"}, 1, 1)
    assert tab.album.labels_of(photo_id) == ["holiday"]


def test_late_label_answer_leaves_other_photo_unchanged(
    tab: Tab,
) -> None:
    first, second = [hit.photo.photo_id for hit in tab.album.search.find("").hits[:2]]
    tab.album.labels.set_by_person(second, ["holiday"])
    panel = PanelOf(tab, first)
    late = panel.choose("snow")
    panel.open(second)
    panel.takes(late)

    panel.choose("holiday", "ice")

    assert tab.album.labels_of(first) == ["snow"]
    assert tab.album.labels_of(second) == ["holiday", "ice"]


def test_typed_favourite_label_sets_the_heart(tab: Tab) -> None:
    photo_id = tab.album.search.find("").hits[0].photo.photo_id
    panel = PanelOf(tab, photo_id)

    panel.choose(FAVOURITE)
    assert tab.album.labels_of(photo_id) == [FAVOURITE]
    panel.press_heart()
    assert tab.album.labels_of(photo_id) == []


def test_two_browsers_both_set_the_heart(tab: Tab) -> None:
    photo_id = tab.album.search.find("").hits[0].photo.photo_id
    one, two = PanelOf(tab, photo_id), PanelOf(tab, photo_id)

    one.press_heart()
    two.press_heart()

    assert tab.album.labels_of(photo_id) == [FAVOURITE]


@pytest.mark.parametrize("note", ["", "[]", "{", '{"photo": 1, "labels": 7}', "null", None])
def test_forged_snapshot_removes_no_label(tab: Tab, note: Any) -> None:
    photo_id = tab.album.search.find("").hits[0].photo.photo_id
    tab.album.labels.set_by_person(photo_id, ["holiday"])

    tab.photos.save_labels(SearchState(), photo_id, [], note, note, ENGLISH)

    assert tab.album.labels_of(photo_id) == ["holiday"]


def test_too_many_labels_are_refused(tab: Tab) -> None:
    photo_id = tab.album.search.find("").hits[0].photo.photo_id
    panel = PanelOf(tab, photo_id)

    with pytest.raises(gr.Error, match=f"{MAX_LABELS} labels at most"):
        panel.choose(*(f"label {n}" for n in range(10_000)))

    assert tab.album.labels_of(photo_id) == []


def test_reader_time_zone_comes_with_the_cookie(tab: Tab) -> None:
    def zone(cookie: str) -> str:
        request: Any = SimpleNamespace(headers={"cookie": cookie}, query_params={})
        return tab.queries.show(SearchState(), request)[tab.parts.state].query.time_zone

    assert zone("a=1; time-zone=Asia%2FSeoul; b=2") == "Asia/Seoul"
    assert zone("time-zone=%FF%00../..") == "\ufffd\0../.."
    assert zone("other-time-zone=Asia%2FSeoul") == ""


def test_filters_have_chips_that_remove_them(tab: Tab) -> None:
    filters = SearchFilters(country="KR", town="Atlantis", file_type="PNG", has_caption=False)
    shown = tab.answers(SearchRequest("red", filters=filters))
    state, chips = shown[tab.parts.state], shown[tab.parts.results.chips]
    assert all(name in chips for name in ("KR · Atlantis", "PNG", "Caption: without"))
    held = {tab.parts.state: state, tab.parts.query: "red"}
    chip: Any = SimpleNamespace(value="filter", index=1)

    updates = tab.queries.remove_chip(held, chip, ENGLISH)

    left = replace(filters, file_type=None)
    assert updates[tab.parts.state].query == SearchRequest("red", filters=left)
    assert tab.parts.query not in updates
    row = {tab.parts.query: "red"} | {
        box: updates[box]["value"] if isinstance(updates[box], dict) else updates[box]
        for box in tab.parts.filters.inputs
    }
    assert tab.parts.filters.read(row) == left


@pytest.mark.parametrize("index", [-1, 3, 99])
def test_forged_filter_chip_removes_nothing(tab: Tab, index: int) -> None:
    state = SearchState(SearchRequest(filters=SearchFilters(file_type="PNG")))
    chip: Any = SimpleNamespace(value="filter", index=index)
    held = {tab.parts.state: state, tab.parts.query: ""}

    updates = tab.queries.remove_chip(held, chip, ENGLISH)

    assert updates[tab.parts.state].query == state.query


def test_dead_end_offers_each_part_to_drop(tab: Tab) -> None:
    request = SearchRequest("1999", filters=SearchFilters(file_type="PNG"))
    shown = tab.answers(request)
    state, ways = shown[tab.parts.state], shown[tab.parts.results.ways_out]
    assert "Without “1999”: 3 photos" in ways
    assert "PNG" not in ways
    held = {tab.parts.state: state, tab.parts.query: "1999"}

    box = dict.fromkeys(tab.parts.filters.inputs)
    updates = tab.queries.remove_chip(held | box, SimpleNamespace(value="chip", index=0), ENGLISH)  # type: ignore[arg-type]

    assert updates[tab.parts.query] == ""
    assert updates[tab.parts.results.ways_out] == ""


def test_dead_end_of_many_parts_drops_all(tab: Tab) -> None:
    request = SearchRequest("1999 red jpeg", filters=SearchFilters(camera="X"))
    shown = tab.answers(request)
    assert "Without any condition: search in 3 photos" in shown[tab.parts.results.ways_out]
    held = {tab.parts.state: shown[tab.parts.state], tab.parts.query: "1999 red jpeg"}
    way: Any = SimpleNamespace(value="all", index=0)

    updates = tab.queries.remove_chip(held, way, ENGLISH)

    assert updates[tab.parts.query] == "red"
    assert updates[tab.parts.state].query == SearchRequest("red")
    assert updates[tab.parts.state].results.total


@pytest.mark.parametrize(
    ("language", "country", "town"),
    [
        ("en", "South Korea (3)", "South Korea · Seoul (3)"),
        ("ko", "대한민국 (3)", "대한민국 · 서울 (3)"),
    ],
)
def test_places_are_choices_with_counts(tab: Tab, language: str, country: str, town: str) -> None:
    for photo in list(tab.album.store.all_photos()):
        place = Place("Seoul", "서울", "KR", "South Korea", "대한민국")
        tab.album.store.set_facts(photo.photo_id, ImageFacts("PNG", 4, 3), photo.taken_at, place)
    chosen = SearchFilters(country="IT", town="Rome")

    row = tab.parts.filters.show(chosen, language)[tab.parts.filters.inputs[2]]

    names = [(name, value) for name, value in row["choices"] if value not in ("", "yes", "no")]
    assert names == [(country, "KR"), (town, "KR/Seoul"), ("IT/Rome", "IT/Rome")]
    assert row["value"] == "IT/Rome"


def test_forged_tile_index_opens_nothing(tab: Tab) -> None:
    shown: SearchState = tab.answers(SearchRequest())[tab.parts.state]

    for place in (-1, 3, 10**9):
        for value in ("turn", "burst", {"path": "/etc/passwd"}):
            event: Any = SimpleNamespace(index=place, value=value)
            updates = tab.photos.select_tile(shown, event, ENGLISH)
            assert [*updates] == [tab.parts.state]


# The lightbox


def test_drawer_follows_the_browser(tab: Tab) -> None:
    shown: SearchState = tab.answers(SearchRequest("red", rest=True))[tab.parts.state]
    photo_id = shown.photo_ids[0]

    opened = tab.photos.follow_browser(shown, f'{{"asked": 7, "photo": {photo_id}}}', ENGLISH)
    told, command = tab.parts.lightbox.outputs[:2]

    assert opened[tab.parts.state].photo == photo_id
    assert f"photo={photo_id}" in opened[tab.parts.bar.address]
    assert command not in opened  # the stage belongs to the browser
    answer = json.loads(opened[told])
    photo = tab.album.photo(photo_id)
    assert (answer["asked"], answer["photo"]["id"]) == (7, photo_id)
    assert answer["photo"]["version"] == photo.sha256[:16]
    assert (answer["photo"]["width"], answer["photo"]["height"]) == (photo.width, photo.height)
    assert "gone" not in answer["photo"]

    closed = tab.photos.follow_browser(
        opened[tab.parts.state], '{"asked": 8, "photo": null}', ENGLISH
    )
    assert closed[tab.parts.state] == shown
    answer = json.loads(closed[told])
    assert (answer["asked"], answer["photo"]) == (8, None)


def test_photo_without_original_is_told_as_gone(tab: Tab) -> None:
    photo = next(iter(tab.album.store.all_photos()))
    tab.album.originals.find(photo).unlink()

    updates = tab.photos.follow_browser(
        SearchState(), f'{{"asked": 1, "photo": {photo.photo_id}}}', ENGLISH
    )

    assert json.loads(updates[tab.parts.lightbox.outputs[0]])["photo"]["gone"] is True


def test_unknown_photo_is_a_sentence(tab: Tab) -> None:
    with pytest.raises(gr.Error, match="not in the album"):
        tab.photos.follow_browser(SearchState(), '{"asked": 1, "photo": 99999}', ENGLISH)


FORGED = ("", "{", "[]", "null", "1", '{"asked": 1}', '{"asked": "1", "photo": 2}', None, 3.5)


@pytest.mark.parametrize(
    "request_text",
    [
        *FORGED,
        '{"asked": 1, "photo": true}',
        '{"asked": 1, "photo": "/etc/passwd"}',
        "[" * 10_000,
    ],
)
def test_forged_request_opens_nothing(tab: Tab, request_text: Any) -> None:
    updates = tab.photos.follow_browser(SearchState(), request_text, ENGLISH)

    assert read_request(request_text) == (0, None)
    assert updates[tab.parts.state].photo is None


def test_turned_page_opens_its_nearest_photo(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("album.ui.search.queries.PAGE", 2)
    monkeypatch.setattr("album.ui.shared.session_state.PAGE", 2)
    find = tab.album.search.find
    monkeypatch.setattr(
        tab.album.search, "find", lambda *query, **how: find(*query, **{**how, "limit": 2})
    )
    first: SearchState = tab.answers(SearchRequest("red", rest=True))[tab.parts.state]
    assert (len(first.photo_ids), first.page_count) == (2, 2)

    def turn(shown: SearchState, step: int) -> dict[Any, Any]:
        event: Any = SimpleNamespace(index=step, value="turn")
        return tab.photos.select_tile(shown, event, ENGLISH)

    later = turn(first, +1)
    assert later[tab.parts.state].page == 1
    assert tab.commands(later)["photo"]["id"] == later[tab.parts.state].photo_ids[0]
    back = turn(later[tab.parts.state], -1)
    assert back[tab.parts.state].photo == first.photo_ids[-1]
    assert [*turn(first, -1)] == [tab.parts.state]
    assert [*turn(later[tab.parts.state], +1)] == [tab.parts.state]
