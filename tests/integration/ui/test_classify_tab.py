"""The Classify tab without a browser: what its listeners answer, on a real library."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from album.classification.label_sources import TextClasses
from album.domain.classification import NONE, Classification, Prediction
from album.service import Album
from album.ui.classify.class_picker import ALL_SUBJECTS, _key, decided_at
from album.ui.classify.results_view import CLASSES_WITH_TILES, TILES, ResultsView
from album.ui.classify.tab import ClassifyTab
from album.ui.i18n.messages import TEXTS
from album.ui.photo.panel import PhotoPanel
from album.ui.shared.uploads import UploadFolder
from models.prompts import EVERYDAY_WORDS, SUBJECTS
from tests.support.images.make import make_photo, make_text

ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"}, query_params={})
KOREAN: Any = SimpleNamespace(headers={"accept-language": "ko"}, query_params={})
COLOURS = ("red", "blue", "green")
HARM = "<script>hacked()</script>"


class Tab:
    """The tab, and what the browser would send with every press."""

    def __init__(self, album: Album, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.album = album
        with gr.Blocks():
            self.tab = ClassifyTab(album, UploadFolder(folder))
            self.panel = PhotoPanel(album)
        self.words, self.apply, self.photos = self.tab._words, self.tab.apply, self.tab.photos
        self.given: dict[Any, Any] = {
            it: it.value
            for it in (
                *self.tab._source_inputs, *self.photos.inputs, self.tab._sorted,
            )
        }  # fmt: skip

    def writes(self, classes: str) -> None:
        self.given[self.words._classes] = classes

    def sorts(self) -> str:
        updates = self.tab.sort(self.given, ENGLISH)
        self.given[self.tab._sorted] = updates[self.tab._sorted]
        return str(updates[self.tab.verdicts])

    def plans(self, request: Any = ENGLISH) -> dict[Any, Any]:
        self.sorts()
        return self.tab.plan(self.given[self.tab._sorted], request)

    def presses(self, value: str, number: int = 0) -> dict[Any, Any]:
        event: Any = SimpleNamespace(index=number, value=value)
        return self.apply.on_button(event, ENGLISH)


@pytest.fixture
def ids(album: Album, tmp_path: Path) -> dict[str, int]:
    photos = [make_photo(tmp_path / "in" / f"{it}.png", it) for it in COLOURS]
    album.imports.wait(album.imports.start(photos))
    found = album.store.get_many(range(1, 10))
    return {Path(photo.filename).stem: photo_id for photo_id, photo in found.items()}


@pytest.fixture
def tab(album: Album, ids: dict[str, int], tmp_path: Path) -> Tab:
    return Tab(album, tmp_path / "uploads")


def sections(answer: str) -> dict[str, list[int]]:
    """The photos below each heading of a grid."""
    parts = re.findall(r"<h3>(.*?)</h3>(.*?)</section>", answer, re.S)
    return {
        name: [int(it) for it in re.findall(r'data-photo="(\d+)"', rest)] for name, rest in parts
    }


def labels_of(album: Album, photo_id: int) -> dict[str, str]:
    return {it.label: it.given_by for it in album.labels.get(photo_id)}


# Looking


def test_the_whole_album_is_sorted_class_by_class(tab: Tab, ids: dict[str, int]) -> None:
    tab.writes("red\nblue\ngreen")

    answer = tab.sorts()

    assert {name: it for name, it in sections(answer).items() if name in COLOURS} == {
        colour: [ids[colour]] for colour in COLOURS
    }
    assert "3 photos looked at" in answer


def test_classes_and_names_are_never_markup(tab: Tab, album: Album, ids: dict[str, int]) -> None:
    tab.writes(f"red {HARM}\nblue")
    album.labels.set_by_person(ids["red"], [f"{HARM}"])

    shown = tab.sorts() + str(tab.plans()[tab.apply.tiles])
    tab.given[tab.photos.chosen] = tuple(ids.values())
    shown += tab.sorts()
    plan = tab.plans()
    written = tab.apply.write(
        plan[tab.apply._plan], plan[tab.apply._labels]["value"], True, ENGLISH
    )
    shown += tab.apply.changes_html("en") + written[tab.apply._applied]

    assert "<script" not in shown
    assert shown.count("&lt;script") >= 5


def test_photo_of_no_class_is_none_of_these(tab: Tab) -> None:
    """A photo that fits no class is said to be none of these."""
    verdict = Prediction((), none=True)

    card = ResultsView(tab.album).cards([], [], [1], [verdict], "en")

    assert "None of these" in card


def test_commas_and_lines_separate_classes(tab: Tab, ids: dict[str, int]) -> None:
    tab.writes("red, blue\ngreen、 RED,")

    answer = tab.sorts()

    assert [it for it in sections(answer) if it in COLOURS] == ["red", "blue", "green"]


def test_results_become_labels_as_they_are_shown(tab: Tab, ids: dict[str, int]) -> None:
    tab.writes("red, blue")
    tab.sorts()
    tab.writes("something, else")

    plan = tab.tab.plan(tab.given[tab.tab._sorted], ENGLISH)[tab.apply._plan]

    assert {it.rule.label for it in plan.labels} == {"red", "blue"}


def test_uploaded_files_alone_become_no_labels(tab: Tab, tmp_path: Path) -> None:
    red = make_photo(tmp_path / "uploads" / "red.png", "red")
    tab.given[tab.photos.files] = [str(red)]
    tab.writes("red, blue")

    updates = tab.tab.sort(tab.given, ENGLISH)

    assert updates[tab.apply.preview]["visible"] is False
    with pytest.raises(gr.Error, match="Sort photos of the album first"):
        tab.tab.plan(updates[tab.tab._sorted], ENGLISH)


@pytest.mark.parametrize(
    ("language", "whole", "some"),
    [
        ("en", "Sorts the whole album.", "Sorts only 2 photos of the album, 1 uploaded photo."),
        ("ko", "사진첩 전체를 분류합니다.", "사진첩의 사진 2장, 올린 사진 1장만 분류합니다."),
    ],
)
def test_page_says_which_photos_are_sorted(
    tab: Tab, ids: dict[str, int], language: str, whole: str, some: str
) -> None:
    request = {"en": ENGLISH, "ko": KOREAN}[language]
    chosen = (ids["red"], ids["blue"])

    some_chosen = tab.photos.show_files(["a.jpg"], chosen, request)
    nothing_chosen = tab.photos.clear(request)

    assert some in some_chosen[tab.photos._view]
    assert some_chosen[tab.photos._clear]["visible"] is True
    assert whole in nothing_chosen[tab.photos._view]
    assert nothing_chosen[tab.photos._clear]["visible"] is False
    assert nothing_chosen[tab.photos.files] is None


def test_empty_album_has_nothing_to_sort(album: Album, tmp_path: Path) -> None:
    empty = Tab(album, tmp_path / "uploads")
    empty.writes("red, blue")

    with pytest.raises(gr.Error, match="no photos yet: add some under Upload"):
        empty.sorts()


def test_dropped_files_each_show_their_result(tab: Tab, tmp_path: Path) -> None:
    red = make_photo(tmp_path / "uploads" / "a" / "red.png", "red")
    text = make_text(tmp_path / "uploads" / "diary.jpg")
    tab.given[tab.photos.files] = [str(red), str(text)]
    tab.writes("red\nblue")

    answer = tab.sorts()

    assert answer.index("red.png") < answer.index("not an image")
    assert answer.count('class="bar"') == 2


def test_photos_that_are_gone_meanwhile_are_left_out(tab: Tab, ids: dict[str, int]) -> None:
    tab.writes("red\nblue")
    tab.given[tab.photos.chosen] = (ids["red"], 99)

    answer = tab.sorts()

    assert answer.count('class="verdict') == 2  # the frame and one card
    tab.given[tab.photos.chosen] = (99,)
    with pytest.raises(gr.Error, match="not in the album any more"):
        tab.sorts()


def test_turning_a_slider_classifies_the_photos_again(tab: Tab) -> None:
    tab.writes("red\nblue\ngreen")
    assert tab.tab.sort_again(tab.given, ENGLISH) == {tab.tab.verdicts: gr.skip()}
    before = tab.sorts()

    tab.given[tab.words.decided] = -4
    tab.writes("red\nbl")  # half written: what the results show is sorted again
    after = str(tab.tab.sort_again(tab.given, ENGLISH)[tab.tab.verdicts])
    assert [*sections(after)][:3] == ["red", "blue", "green"]

    def surest(answer: str) -> int:
        return max(int(it) for it in re.findall(r"<span>(\d+)%</span>", answer))

    assert surest(after) < surest(before)


def test_the_sliders_end_where_everything_has_a_class(tab: Tab) -> None:
    tab.given[tab.words._strictness] = -6

    assert tab.words.chosen(tab.given).options.strictness == -math.inf


@pytest.mark.parametrize(("temperature", "place"), [(1, 0), (2, -1), (0.25, 2), (1e-9, 4)])
def test_the_slider_stands_for_a_temperature(temperature: float, place: float) -> None:
    assert decided_at(temperature) == place


def test_results_of_a_large_album_stay_small(tab: Tab, ids: dict[str, int]) -> None:
    n, c = 100_000, 5_000
    rng = np.random.default_rng(7)
    winners = rng.integers(NONE, c, n)
    photo_ids = np.resize(np.array([*ids.values()]), n)
    sorting = Classification(
        tuple(f"class {it}" for it in range(c)), photo_ids, winners, rng.random(n, np.float32)
    )

    answer = ResultsView(tab.album).grid(sorting, "en")

    assert 0 < answer.count('data-photo="') <= TILES * (CLASSES_WITH_TILES + 1)
    assert len(answer) < 300_000
    assert f"{c - CLASSES_WITH_TILES:,} more classes" in answer


def test_choosing_another_way_clears_the_results(tab: Tab) -> None:
    updates = tab.tab.choose_way("examples")

    assert updates[tab.tab.verdicts] == ""
    assert updates[tab.tab._sorted] is updates[tab.apply._plan] is None
    assert updates[tab.apply.preview]["visible"] is False
    assert updates[tab.words.options]["visible"] is False
    assert updates[tab.words.column]["visible"] is False
    assert updates[tab.tab.teaching.column]["visible"] is True


# Everyday words


def test_subject_words_begin_with_the_readers_language(tab: Tab) -> None:
    korean, subject = tab.words.add_words("강아지 | puppy", "animals", KOREAN)
    english, _ = tab.words.add_words("", "animals", ENGLISH)

    assert subject == ""
    assert korean.splitlines()[0] == "강아지 | puppy"
    assert "고양이 | cat" in korean.splitlines()
    assert len([it for it in korean.splitlines() if "강아지" in it.split(" | ")]) == 1
    assert "cat | 고양이" in english.splitlines()


def test_all_subjects_together_make_a_usable_list(tab: Tab) -> None:
    classes, _ = tab.words.add_words("", "all", KOREAN)
    tab.writes(classes)

    assert len(classes.splitlines()) == len(EVERYDAY_WORDS)
    assert tab.sorts()


def test_every_subject_has_its_words_on_the_page() -> None:
    assert all(_key(it) in TEXTS for it in (*SUBJECTS, ALL_SUBJECTS))


# Giving labels


def test_dry_run_writes_nothing_until_it_is_written(
    tab: Tab, album: Album, ids: dict[str, int]
) -> None:
    tab.writes("red\nblue")
    updates = tab.plans()

    labels = updates[tab.apply._labels]["value"]
    assert "get it" in updates[tab.apply.tiles]
    assert album.labels.acts() == []
    written = tab.apply.write(updates[tab.apply._plan], labels, False, ENGLISH)

    assert labels_of(album, ids["red"]) == {"red": "words"}
    assert 'data-what="undo"' in written[tab.apply.acts]
    assert written[tab.apply._plan] is None


def test_only_the_labels_that_were_chosen_are_written(
    tab: Tab, album: Album, ids: dict[str, int]
) -> None:
    tab.writes("red\nblue")
    plan = tab.plans()[tab.apply._plan]

    assert "1 photo would" in tab.apply.summarise(plan, ["red"], ENGLISH)
    tab.apply.write(plan, ["red"], False, ENGLISH)

    assert labels_of(album, ids["red"]) == {"red": "words"}
    assert labels_of(album, ids["blue"]) == {}


def test_change_is_undone_by_its_button(tab: Tab, album: Album, ids: dict[str, int]) -> None:
    tab.writes("red\nblue")
    updates = tab.plans()
    tab.apply.write(updates[tab.apply._plan], updates[tab.apply._labels]["value"], False, ENGLISH)
    (act,) = album.labels.acts()

    answer = tab.presses("undo", act.act_id)

    assert labels_of(album, ids["red"]) == {}
    assert "undone" in answer[tab.apply.acts]
    with pytest.raises(gr.Error, match="undone already"):
        tab.presses("undo", act.act_id)


def test_living_label_can_be_stopped(tab: Tab, album: Album) -> None:
    tab.writes("red\nblue")
    updates = tab.plans()
    written = tab.apply.write(updates[tab.apply._plan], ["red"], True, ENGLISH)
    assert 'data-what="stop:red"' in written[tab.apply.acts]

    answer = tab.presses("stop:red")

    assert "stop:red" not in answer[tab.apply.acts]
    assert not any(rule.living for rule in album.labels.rules())


@pytest.mark.parametrize(("value", "number"), [("undo", -1), ("undo", 2**70), ("stop", 1), ({}, 0)])
def test_button_values_of_the_browser_are_checked(tab: Tab, value: Any, number: int) -> None:
    assert tab.presses(value, number)[tab.apply.acts] == ""


def test_plan_is_written_for_the_photos_left(tab: Tab, album: Album, ids: dict[str, int]) -> None:
    """A plan whose photos are gone is written for those that are left."""
    tab.writes("red\nblue")
    plan = tab.plans()[tab.apply._plan]
    with album.database.writing() as db:
        db.execute("DELETE FROM photos WHERE photo_id = ?", (ids["red"],))

    tab.apply.write(plan, ["red", "blue"], False, ENGLISH)

    assert labels_of(album, ids["blue"]) == {"blue": "words"}
    assert album.labels.acts()[0].added == 1


def test_labels_can_be_for_the_chosen_photos_alone(
    tab: Tab, album: Album, ids: dict[str, int]
) -> None:
    tab.writes("red, blue")
    with pytest.raises(gr.Error, match="Sort photos of the album first"):
        tab.tab.plan(None, ENGLISH)

    tab.given[tab.photos.chosen] = (ids["blue"],)
    plan = tab.plans()[tab.apply._plan]

    assert [it.adds.tolist() for it in plan.labels if len(it.adds)] == [[ids["blue"]]]


def test_example_label_is_sorted_and_planned(tab: Tab, album: Album, ids: dict[str, int]) -> None:
    album.labels.give("warm", [ids["red"]])
    album.labels.refuse("warm", [ids["blue"]])
    tab.given[tab.tab._way] = "examples"
    tab.given[tab.tab.teaching.name] = "warm"

    found = sections(tab.sorts())

    # What somebody said of a photo stands, whatever was learned from it.
    assert ids["red"] in found["warm"]
    assert ids["blue"] in found["None of these"]
    assert sorted(found["warm"] + found["None of these"]) == sorted(ids.values())
    assert tab.plans()[tab.apply._plan].labels[0].kept == 1


def test_page_explains_training_without_trained_classifiers(tab: Tab) -> None:
    tab.given[tab.tab._way] = "head"

    updates = tab.tab.enter(None, None, (), ENGLISH)

    assert updates[tab.tab._heads._none]["visible"] is True
    with pytest.raises(gr.Error, match="Choose a trained classifier"):
        tab.sorts()


# The panel of a photo


@pytest.mark.parametrize(("language", "words"), [("en", "by words, "), ("ko", "말로 분류 ")])
def test_the_panel_tells_who_gave_a_label(
    tab: Tab, album: Album, ids: dict[str, int], language: str, words: str
) -> None:
    album.labels.set_by_person(ids["red"], ["mine"])
    album.labelling.apply(album.labelling.plan(TextClasses("red\nblue")))

    box = tab.panel.refresh_labels(ids["red"], language)[tab.panel.label_editor.labels]

    told = {value: name for name, value in box["choices"]}
    assert told["mine"] == "mine"
    assert told["red"].startswith(f"red · {words}")
    assert sorted(box["value"]) == ["mine", "red"]


def test_rule_label_removed_in_panel_is_refused(
    tab: Tab, album: Album, ids: dict[str, int]
) -> None:
    """A label of a rule that is taken away in the panel is refused."""
    album.labelling.apply(album.labelling.plan(TextClasses("red\nblue")))

    box = tab.panel.label_editor
    filled = tab.panel.refresh_labels(ids["red"], "en")[box.outputs[1]]
    tab.panel.save_labels(ids["red"], [], filled, "", "en")

    assert album.labels.examples("red")[1].tolist() == [ids["red"]]
