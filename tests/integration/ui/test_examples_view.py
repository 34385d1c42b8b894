"""Teaching a label on the page, without a browser: what its listeners answer, on a real library."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from album.classification.few_shot import FewShotModel
from album.domain.labels import LabelPlan, LabelRule, PlannedLabel
from album.errors import QueryError
from album.service import Album
from album.ui.classify.examples_html import ExampleOffer, learned, question_tiles
from album.ui.classify.examples_view import ExamplesView
from models.interfaces import Proportion
from tests.support.images.make import make_photo

ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"}, query_params={})
KOREAN: Any = SimpleNamespace(headers={"accept-language": "ko"}, query_params={})
HARM = "<img src=x onerror=window.hacked=1>'\"&${1}{{1}}"
SHADES = {"red": (255, 0, 0), "blue": (0, 0, 255)}


@pytest.fixture
def view(album: Album, tmp_path: Path) -> ExamplesView:
    """Twelve red photos and twelve blue ones, each of a shade of its own."""
    photos = [
        make_photo(tmp_path / "in" / f"{name}{n:02}.png", tuple(abs(it - 9 * n) for it in shade))
        for name, shade in SHADES.items()
        for n in range(12)
    ]
    album.imports.wait(album.imports.start(photos))
    with gr.Blocks():
        examples_view = ExamplesView(album)
        examples_view.build_overview()
        return examples_view


def ids_of(album: Album, name: str) -> list[int]:
    hits = album.search.find("", limit=100).hits
    found = [hit.photo for hit in hits if hit.photo.filename.startswith(name)]
    return [it.photo_id for it in sorted(found, key=lambda it: it.filename)]


def pressed(place: object, value: object) -> Any:
    return SimpleNamespace(index=place, value=value)


def last(steps: Iterable[dict[Any, Any]]) -> dict[str, Any]:
    """All updates of a listener together, by what they are of."""
    together: dict[Any, Any] = {}
    for updates in steps:
        together |= updates
    return {getattr(it, "elem_id", None) or "offer": value for it, value in together.items()}


def examples(album: Album, label: str) -> tuple[list[int], list[int]]:
    positives, negatives = album.labels.examples(label)
    return positives.tolist(), negatives.tolist()


def test_mark_is_stored_and_taken_back(album: Album, view: ExamplesView) -> None:
    red, blue = ids_of(album, "red"), ids_of(album, "blue")
    offer = ExampleOffer("found", (red[0], blue[0]))

    said = last([view.mark(offer, " big   red ", pressed(0, "is"), ENGLISH)])
    assert "1 is “big red” · 0 are not" in said["teach-said"]
    view.mark(offer, "big red", pressed(1, "not"), ENGLISH)
    assert examples(album, "big red") == ([red[0]], [blue[0]])
    assert album.labels_of(red[0]) == ["big red"]

    view.mark(offer, "big red", pressed(0, "not"), ENGLISH)
    assert examples(album, "big red") == ([], sorted((red[0], blue[0])))
    view.mark(offer, "big red", pressed(0, ""), ENGLISH)
    view.mark(offer, "big red", pressed(1, ""), ENGLISH)
    assert examples(album, "big red") == ([], [])


def test_marked_places_of_the_browser_are_checked(album: Album, view: ExamplesView) -> None:
    red = ids_of(album, "red")
    for place in (-1, 1, 10**9, "0", None, {"path": "/etc/passwd"}):
        view.mark(ExampleOffer("found", (red[0],)), "label", pressed(place, "is"), ENGLISH)

    assert album.labels.summaries() == []


@pytest.mark.parametrize("name", ["", "   ", None, ["a"], 7])
def test_nameless_label_is_asked_for_a_name(view: ExamplesView, name: Any) -> None:
    with pytest.raises(gr.Error, match="먼저 이름표의 이름을 적어 주세요"):
        view.mark(ExampleOffer("found", (1,)), name, pressed(0, "is"), KOREAN)
    with pytest.raises(gr.Error, match="Give the label a name first"):
        list(view.learn(name, "", False, ENGLISH))


def test_overlong_or_broken_name_is_a_sentence(album: Album, view: ExamplesView) -> None:
    """A name that is too long or half a character is no bug."""
    offer = ExampleOffer("found", (ids_of(album, "red")[0],))
    with pytest.raises(gr.Error, match="100 characters at most"):
        view.mark(offer, "x" * 101, pressed(0, "is"), ENGLISH)

    with pytest.raises(gr.Error, match="half a character"):
        view.mark(offer, "half \ud800", pressed(0, "is"), ENGLISH)

    assert album.label_names() == []


def test_deleted_photo_is_said_to_be_gone(view: ExamplesView) -> None:
    with pytest.raises(gr.Error, match="not in the album any more"):
        view.mark(ExampleOffer("found", (9999,)), "label", pressed(0, "is"), ENGLISH)
    drawn = last([view.draw(ExampleOffer("found", (9999,)), "label", ENGLISH)])
    assert "question-tiles" not in drawn["teach-tiles"]


def test_results_are_offered_with_their_marks(album: Album, view: ExamplesView) -> None:
    red = ids_of(album, "red")
    album.labels.give("warm", red[:1])
    album.labels.refuse("warm", red[1:2])

    offer = last([view.take(red, ENGLISH)])["offer"]
    tiles = last([view.draw(offer, "warm", ENGLISH)])["teach-tiles"]

    assert offer == ExampleOffer("found", tuple(red))
    assert re.findall(r'data-said="(\w*)"', tiles) == ["is", "not", *[""] * 10]
    assert tiles.count('aria-pressed="true"') == 2
    assert 'aria-label="“warm”: red00.png"' in tiles
    assert 'aria-label="Not “warm”: red00.png"' in tiles
    again = last([view.draw(offer, "warm", ENGLISH)])["teach-tiles"]
    assert again != tiles  # a browser that has changed marks by itself must draw it anew


def test_first_offer_comes_from_a_search(album: Album, view: ExamplesView) -> None:
    offer = last(view.learn("warm", "red | 빨강", False, ENGLISH))["offer"]

    assert offer.source == "start"
    assert len(offer.photo_ids) == 10
    assert set(offer.photo_ids) <= set(ids_of(album, "red"))

    album.labels.refuse("warm", offer.photo_ids[:4])
    more = last(view.learn("warm", "red | 빨강", False, ENGLISH))["offer"]
    assert len(more.photo_ids) == 10
    assert not set(more.photo_ids) & set(offer.photo_ids[:4])


def test_learning_reports_accuracy_and_offers_new_photos(album: Album, view: ExamplesView) -> None:
    red, blue = ids_of(album, "red"), ids_of(album, "blue")
    album.labels.give("warm", red[:6])
    album.labels.refuse("warm", blue[:6])

    steps = list(view.learn("warm", "", False, ENGLISH))
    updates = last(steps)

    assert "Learning" in last(steps[:1])["teach-learned"]
    assert re.search(
        r"About \d+ of 10+ photos that it labels are right \(\d+ to \d+ of 10+\);"
        r" it finds \d+ of 10+\.",
        updates["teach-learned"],
    )
    assert updates["offer"].source == "ask"
    assert 0 < len(updates["offer"].photo_ids) <= 10
    assert not set(updates["offer"].photo_ids) & {*red[:6], *blue[:6]}


def test_few_examples_tell_nothing_yet(album: Album, view: ExamplesView) -> None:
    album.labels.give("warm", ids_of(album, "red")[:1])

    said = last(view.learn("warm", "", False, KOREAN))["teach-learned"]

    assert "네 장씩 알려 주세요" in said


def test_the_surest_come_with_their_percentages(album: Album, view: ExamplesView) -> None:
    red, blue = ids_of(album, "red"), ids_of(album, "blue")
    album.labels.give("warm", red[:4])
    album.labels.refuse("warm", blue[:4])

    offer = last(view.show_surest("warm", "", False, ENGLISH))["offer"]
    tiles = last([view.draw(offer, "warm", ENGLISH)])["teach-tiles"]

    assert offer.source == "surest"
    assert offer.photo_ids[0] in red[4:]
    assert f'<span class="sure">{offer.shares[0]:.0%}</span>' in tiles


def test_renaming_keeps_results_and_drops_questions(album: Album, view: ExamplesView) -> None:
    red = ids_of(album, "red")
    album.labels.give("old", red[:1])

    found = last([view.rename(ExampleOffer("found", tuple(red)), "new", ENGLISH)])
    asked = last([view.rename(ExampleOffer("ask", tuple(red)), "new", ENGLISH)])

    assert found["offer"].photo_ids == tuple(red)
    assert 'data-said="is"' not in found["teach-tiles"]
    assert asked["offer"] == ExampleOffer()
    assert "data-place" not in asked["teach-tiles"]
    assert found["teach-learned"] == asked["teach-learned"] == ""


def test_plan_is_made_from_the_boxes(album: Album, view: ExamplesView) -> None:
    red, blue = ids_of(album, "red"), ids_of(album, "blue")
    album.labels.give("warm", red[:4])
    album.labels.refuse("warm", blue[:4])

    boxes = {view.name: " warm ", view.words: " red |  빨강 ", view.two_stage: True}
    (planned,) = album.labelling.plan(view.source(boxes)).labels

    assert planned.rule.label == "warm"
    assert planned.rule.definition["words"] == "red | 빨강"
    assert planned.rule.definition["two_stage"] is True
    with pytest.raises(QueryError):
        album.labelling.plan(view.source({**boxes, view.name: "", view.words: ""}))


# The list of all labels


def with_rule(album: Album, label: str, photo_ids: list[int], living: bool = False) -> None:
    rule = LabelRule(label, "examples", {"words": "red", "two_stage": True, "threshold": None})
    shares = np.full(len(photo_ids), 0.9, np.float32)
    none = np.empty(0, np.int64)
    plan = LabelPlan((PlannedLabel(rule, np.array(photo_ids), shares, none, 0, 0),))
    album.labelling.apply(plan, living=living)


def test_table_shows_givers_and_living_labels(album: Album, view: ExamplesView) -> None:
    red = ids_of(album, "red")
    album.labels.give("warm", red[:2])
    album.labels.refuse("warm", red[2:3])
    with_rule(album, "warm", red[3:6])
    album.labels.give("by hand", red[:1])

    updates = last([view.overview.refresh(ENGLISH)])
    by_hand, warm = re.findall(r"<li.*?</li>", updates["label-list"], re.S)

    assert "1 photo<" in by_hand
    assert "switch" not in by_hand
    assert "forget" not in by_hand
    assert "5 photos · 2 by hand · 3 from examples · 1 are not" in warm
    assert 'role="switch" aria-checked="false"' in warm
    assert [value for _, value in updates["teach-name"]["choices"]] == ["by hand", "warm"]


def test_a_rule_lives_rests_and_is_forgotten(album: Album, view: ExamplesView) -> None:
    red = ids_of(album, "red")
    with_rule(album, "warm", red[:3])
    listed = last([view.overview.refresh(ENGLISH)])["offer"]

    on = last([view.overview.on_button(listed, pressed(0, "living"), ENGLISH)])
    assert 'aria-checked="true"' in on["label-list"]
    assert album.labels.rules()[0].living
    view.overview.on_button(listed, pressed(0, "still"), ENGLISH)
    assert not album.labels.rules()[0].living
    view.overview.on_button(listed, pressed(0, "forget"), ENGLISH)
    assert album.labels.rules() == []
    assert album.labels_of(red[0]) == ["warm"]

    for place in (-1, 1, "0", None):
        view.overview.on_button(listed, pressed(place, "forget"), ENGLISH)


def act(view: ExamplesView, label: str, what: str, request: Any = ENGLISH) -> dict[str, Any]:
    """Press a button of a label."""
    listed = last([view.overview.refresh(request)])["offer"]
    return last([view.overview.on_button(listed, pressed(listed.index(label), what), request)])


def test_label_is_renamed_merged_and_deleted(album: Album, view: ExamplesView) -> None:
    red, blue = ids_of(album, "red"), ids_of(album, "blue")
    album.labels.give("warm", red[:3])
    album.labels.give("cold", blue[:2])

    renamed = act(view, "warm", "rename: hot ")
    assert "“warm” is now called “hot”." in renamed["label-list"]
    assert album.labels_of(red[0]) == ["hot"]
    undo = int(re.findall(r'data-what="undo" data-number="(\d+)"', renamed["label-list"])[0])
    merged = act(view, "hot", "merge:cold", KOREAN)
    assert "“hot” 이름표를 “cold” 이름표에 합쳤습니다." in merged["label-list"]
    assert [(it.label, it.photos) for it in album.labels.summaries()] == [("cold", 5)]
    deleted = act(view, "cold", "delete")
    assert "“cold” is deleted." in deleted["label-list"]
    assert album.labels.summaries() == []
    numbers = [it["labels-written"] for it in (renamed, merged, deleted)]
    assert numbers == sorted(set(numbers))

    for act_id in (undo + 2, undo + 1, undo):
        undone = last([view.overview.on_button((), pressed(act_id, "undo"), ENGLISH)])
        assert "Undone." in undone["label-list"]
    assert [(it.label, it.photos) for it in album.labels.summaries()] == [("cold", 2), ("warm", 3)]


def test_hostile_label_is_renamed_and_escaped(album: Album, view: ExamplesView) -> None:
    album.labels.give("warm", ids_of(album, "red")[:1])

    shown = act(view, "warm", f"rename:{HARM}")["label-list"]

    assert album.labels.summaries()[0].label == HARM
    assert "<img" not in shown
    assert "{1}" in shown


def test_favourites_cannot_be_renamed_on_the_page(album: Album, view: ExamplesView) -> None:
    album.labels.give("favourite", ids_of(album, "red")[:1])

    shown = last([view.overview.refresh(ENGLISH)])["label-list"]
    assert 'data-what="rename"' not in shown
    with pytest.raises(gr.Error, match="favourites keeps its name"):
        act(view, "favourite", "rename:best")


def test_label_is_taught_again_with_its_words(album: Album, view: ExamplesView) -> None:
    with_rule(album, "warm", ids_of(album, "red")[:3])

    updates = last([view.overview.on_button(("warm",), pressed(0, "teach"), ENGLISH)])

    assert updates["teach-name"]["value"] == "warm"
    assert updates["teach-words"] == "red"
    assert updates["teach-two-stage"] is True


# Words


def taught(**changes: Any) -> FewShotModel:
    plain: dict[str, Any] = {
        "rule": LabelRule("cat", "examples", {}),
        "positives": 5, "negatives": 5, "threshold": 0.5,
        "precision": Proportion(0.8, 0.61, 0.92), "recall": Proportion(0.7, 0.4, 0.9),
        "ask": (), "surest": (), "contradictions": (),
    }  # fmt: skip
    return FewShotModel(**{**plain, **changes})


def test_accuracy_is_worded_for_people() -> None:
    english, korean = learned(taught(), "en"), learned(taught(), "ko")

    assert "About 8 of 10 photos that it labels are right (6 to 9 of 10)" in english
    assert "it finds 7 of 10." in english
    assert "10장 가운데 약 8장이 맞고(6~9장), 찾아야 할 10장 가운데 7장을 찾습니다." in korean


def test_much_evidence_is_told_in_hundredths() -> None:
    sure = taught(precision=Proportion(0.973, 0.95, 0.98), recall=Proportion(0.91, 0.9, 0.92))

    assert "About 97 of 100 photos that it labels are right (95 to 98 of 100)" in learned(
        sure, "en"
    )
    assert "it finds 91 of 100" in learned(sure, "en")


def test_examples_that_are_not_encoded_yet_are_told() -> None:
    assert "2 examples have not" in learned(taught(left_out=2), "en")
    assert "보기 사진 1장은" in learned(taught(left_out=1, precision=None), "ko")


def test_contradictions_stand_in_pairs_that_can_be_answered(
    album: Album, view: ExamplesView
) -> None:
    red = ids_of(album, "red")
    album.labels.give("warm", red[:1])
    album.labels.refuse("warm", red[1:2])
    offer = ExampleOffer("ask", (red[5],), pairs=((red[0], red[1]),))

    tiles = last([view.draw(offer, "warm", ENGLISH)])["teach-tiles"]
    assert "one is “warm” and the other is not" in tiles
    assert re.findall(r'data-photo="(\d+)" data-said="(\w*)"', tiles) == [
        (str(red[5]), ""), (str(red[0]), "is"), (str(red[1]), "not"),
    ]  # fmt: skip

    view.mark(offer, "warm", pressed(2, "is"), ENGLISH)
    assert examples(album, "warm") == (sorted(red[:2]), [])


def test_hostile_names_stay_text(album: Album, view: ExamplesView, tmp_path: Path) -> None:
    (photo_id, *_) = ids_of(album, "red")
    photo = album.photo(photo_id)
    hostile = type(photo)(
        **{name: getattr(photo, name) for name in photo.__dataclass_fields__} | {"filename": HARM}
    )
    tiles = question_tiles(
        album, ExampleOffer("ask", (photo_id,), pairs=((photo_id, photo_id),)),
        {photo_id: hostile}, ((), ()), HARM, "en",
    )  # fmt: skip
    said = last([view.mark(ExampleOffer("ask", (photo_id,)), HARM, pressed(0, "is"), ENGLISH)])
    with_rule(album, HARM, ids_of(album, "blue")[:1])
    rows = last([view.overview.refresh(ENGLISH)])["label-list"]

    for text in (tiles, said["teach-said"], rows):
        assert "onerror" in text
        assert "<img src=x" not in text
        assert not re.search(r"""=["'][^"'<>]*<""", text)
