"""Words that are labels: evidence beside looks, strict on request."""

from __future__ import annotations

import numpy as np
import pytest

from album.domain.labels import LabelPlan, LabelRule, PlannedLabel
from album.encoding.score_calibration import MAYBE, SURE, Calibrated
from album.search.label_evidence import LabelEvidence
from album.search.request import SearchRequest
from album.service import Album
from tests.support.images.make import make_photo
from tests.support.importing import take_in

NO_IDS = np.empty(0, np.int64)
COLOURS = ("red", "darkred", "blue", "navy", "green", "yellow", "white", "black", "grey")


@pytest.fixture
def coloured(album: Album, tmp_path) -> Album:
    """A photo of each colour, for a model that sees colours and knows no name."""
    for colour in COLOURS:
        make_photo(tmp_path / "photos" / f"{colour}.jpg", colour, (48, 48))
    take_in(album, [tmp_path / "photos"])
    return album


def id_of(album: Album, colour: str) -> int:
    (photo,) = (it for it in album.store.all_photos() if it.filename == f"{colour}.jpg")
    return photo.photo_id


def bands(album: Album, text: str) -> dict[str, list[str]]:
    """The colours of each band, best first; "rest" for the nearest where nothing matches."""
    by_band: dict[str, list[str]] = {"sure": [], "maybe": [], "rest": []}
    for hit in album.search.find(SearchRequest(text)).hits:
        by_band[hit.band].append(hit.photo.filename.removesuffix(".jpg"))
    return by_band


def give_by_rule(album: Album, label: str, *colours: str, **definition: object) -> None:
    rule = LabelRule(label, "words", definition)
    ids = np.array([id_of(album, colour) for colour in colours])
    shares = np.full(len(ids), 0.6, np.float32)
    album.labels.apply(LabelPlan((PlannedLabel(rule, ids, shares, NO_IDS, 0, 0),)), living=False)


def test_labelled_photos_come_before_lookalikes(coloured: Album) -> None:
    unlabelled = bands(coloured, "red")
    coloured.labels.give("red", [id_of(coloured, "red"), id_of(coloured, "darkred")])
    coloured.labels.give("red", [id_of(coloured, "yellow")])
    labelled = bands(coloured, "red")

    assert unlabelled["sure"][:1] == ["red"]
    assert "yellow" not in unlabelled["sure"] + unlabelled["maybe"]
    assert sorted(labelled["sure"][:3]) == ["darkred", "red", "yellow"]


def test_lookalike_is_found_when_another_photo_is_labelled(coloured: Album) -> None:
    coloured.labels.give("red", [id_of(coloured, "darkred")])

    assert bands(coloured, "red")["sure"] == ["darkred", "red"]
    assert bands(coloured, "label:red")["sure"] == ["darkred"]
    assert bands(coloured, "#red")["sure"] == ["darkred"]


def test_reason_says_label(coloured: Album) -> None:
    coloured.labels.give("red", [id_of(coloured, "yellow")])
    hits = {hit.photo.filename: hit.reasons for hit in coloured.search.find("red").hits}

    first, *others = hits["yellow.jpg"]
    assert (first.kind, first.excerpt) == ("label", "red")
    assert [reason.kind for reason in others] == ["looks"]
    assert [reason.kind for reason in hits["red.jpg"]] == ["looks", "file name"]


def test_labels_by_hand_come_before_labels_by_rule(coloured: Album) -> None:
    give_by_rule(coloured, "red", "red", "darkred")
    coloured.labels.give("red", [id_of(coloured, "yellow")])

    assert bands(coloured, "red")["sure"] == ["yellow", "red", "darkred"]


def test_refused_photo_is_no_hit(coloured: Album) -> None:
    coloured.labels.give("red", [id_of(coloured, "darkred")])
    coloured.labels.refuse("red", [id_of(coloured, "red")])
    found = bands(coloured, "red")

    assert found["sure"][:1] == ["darkred"]
    assert "red" not in found["sure"] + found["maybe"]


@pytest.mark.parametrize("words", ["-red", "without red", "no Red"])
def test_exclusion_spares_refused_photos(coloured: Album, words: str) -> None:
    coloured.labels.give("red", [id_of(coloured, "yellow")])
    excluded = coloured.search.find(SearchRequest(words, rest=True))
    coloured.labels.refuse("red", [id_of(coloured, "darkred")])
    spared = coloured.search.find(SearchRequest(words, rest=True))

    assert {"yellow.jpg", "red.jpg", "darkred.jpg"}.isdisjoint(names(excluded))
    assert {"yellow.jpg", "red.jpg"}.isdisjoint(names(spared))
    assert "darkred.jpg" in names(spared)


def names(page) -> set[str]:
    return {hit.photo.filename for hit in page.hits}


@pytest.mark.parametrize(("labelled", "sure"), [((0, 1, 2), True), ((4, 5, 6, 7), False)])
def test_looks_are_sure_if_they_find_labelled(
    coloured: Album, labelled: tuple[int, ...], sure: bool
) -> None:
    """Looks are sure of the photos 0 and 3, and find 0 to 3; 3 has no label."""
    ids = np.array([photo.photo_id for photo in coloured.store.all_photos()])
    coloured.labels.give("Luna", ids[list(labelled)].tolist())
    log_odds = np.array([SURE + 1, 0.1, 0.1, SURE + 1, *[-3] * 5], np.float32)
    evidence = LabelEvidence(coloured.store.database, [("luna", ("Luna",))], ids)
    looks = evidence.calibrated("luna", Calibrated(log_odds, log_odds, is_absent=False))

    assert (looks.log_odds[3] >= SURE) == sure
    assert looks.log_odds[3] >= MAYBE
    assert (evidence.believed("luna", looks.log_odds)[list(labelled)] > SURE).all()
    assert looks.logits.max() == looks.log_odds.max()


def test_name_that_no_model_knows_finds_labelled_alone(coloured: Album) -> None:
    for word in ("할머니", "Luna", "김서연"):
        coloured.labels.give(word, [id_of(coloured, colour) for colour in ("blue", "green")])
        assert sorted(bands(coloured, word)["sure"]) == ["blue", "green"]


def test_two_labels_must_both_hold(coloured: Album) -> None:
    coloured.labels.give("mum", [id_of(coloured, colour) for colour in ("blue", "green")])
    coloured.labels.give("dad", [id_of(coloured, colour) for colour in ("green", "white")])

    for words in ("mum and dad", "mum, dad", "mum + dad"):
        assert bands(coloured, words)["sure"] == ["green"]


def test_other_names_of_a_class_find_its_label(coloured: Album) -> None:
    classes = ["할머니 | 2:granny (person) | 외할머니 * 3", "건물 | house"]
    give_by_rule(coloured, "할머니", "green", classes=classes, **{"class": "할머니"})

    for words in ("granny", "Granny", "외할머니", "#granny", "label:granny", "my granny 사진"):
        page = coloured.search.find(words)
        assert page.hits[0].photo.filename == "green.jpg", words
        assert page.query.chips[0].label == "할머니"
    assert coloured.search.find("house").query.chips == ()


def test_other_names_of_a_taught_label_find_it(coloured: Album) -> None:
    coloured.labels.give("할머니", [id_of(coloured, "green")])
    assert coloured.search.find("granny").query.chips == ()
    coloured.labels.set_rule(LabelRule("할머니", "examples", {"words": "할머니 | granny"}))

    assert bands(coloured, "granny")["sure"][:1] == ["green"]


def test_saved_matches_of_a_label_include_lookalikes(coloured: Album) -> None:
    coloured.labels.give("red", [id_of(coloured, "yellow")])

    assert coloured.search.all_ids(SearchRequest("red"))[:2] == [
        id_of(coloured, "yellow"),
        id_of(coloured, "red"),
    ]
    assert coloured.search.all_ids(SearchRequest("#red")) == [id_of(coloured, "yellow")]
