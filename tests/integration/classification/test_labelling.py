"""Rules over the album: dry runs, what is written of them, and labels that new photos get."""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pytest

from album.classification import labelling
from album.classification.label_sources import ExampleLabel, TextClasses
from album.domain.labels import LabelRule, SortOptions, checked_rule, label_name
from album.domain.photo import SearchFilters
from album.errors import AlbumError, QueryError
from album.maintenance.backup import backup
from album.maintenance.restore import restore
from album.search.request import SearchRequest
from album.search.serialization import understood_json
from album.service import Album
from album.storage.database import Database
from album.storage.labels import LabelStore
from album.storage.migrations import MIGRATIONS
from models.classifiers.factory import DefaultClassifiers
from models.interfaces import FittedProbe
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.images.make import make_photo
from tests.support.importing import opened, take_in, wait_until

CLASSES = "빨강 | red\nblue | 파랑\n초록 | green"
ALL = SortOptions(strictness=-math.inf)


@pytest.fixture
def coloured(album, tmp_path):
    """Photos 1 to 12: red (1 to 4), blue (5 to 8) and green (9 to 12), less and less so."""
    for first, colour in ((1, "red"), (5, "blue"), (9, "green")):
        import_shades(album, tmp_path, colour, 4, first)
    return album


@dataclass(frozen=True)
class NearestMean:
    """A probe that everybody can follow: is a photo nearer to those that are, or to the others?"""

    positive: np.ndarray
    negative: np.ndarray

    def probabilities(self, embeddings):
        return 1 / (1 + np.exp(-20 * embeddings @ (self.positive - self.negative)))


@pytest.fixture
def taught(coloured, monkeypatch):
    """ "sunset" is red, and neither blue nor green."""

    def fit(positives, negatives, unlabelled, text=None):
        probe = NearestMean(positives.mean(axis=0), negatives.mean(axis=0))
        return FittedProbe(probe, 0.5, None, None)

    monkeypatch.setattr(coloured.classifiers, "fit_probe", fit)
    coloured.labels.give("sunset", [1, 2])
    coloured.labels.refuse("sunset", [5, 9])
    return coloured


def import_shades(album, tmp_path, colour, count=1, first=1, step=12):
    """Photos of one colour, each greyer than the one before; their ids."""
    hue = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 160, 0)}[colour]
    files = []
    for n in range(count):
        shade = tuple(int(it + (128 - it) * (first + n) * step / 1000) for it in hue)
        files.append(make_photo(tmp_path / "photos" / f"{colour}{first + n}.png", shade))
    return sorted(take_in(album, files).added)


def givers(album, label):
    ids = album.labels.ids_of(it[0] for it in album.labels.export_rows(label))
    return {ids[sha256]: giver for sha256, giver, _ in album.labels.export_rows(label)}


def found(album, question):
    return {hit.photo.photo_id for hit in album.search.find(question).hits}


def labels_understood(album, text):
    return [
        it
        for it in understood_json(album.search.find(SearchRequest(text)))["understood"]
        if it["kind"] == "label"
    ]


def of(plan, label):
    return next(it for it in plan.labels if it.rule.label == label)


# Dry runs


def test_text_plan_lists_changes_and_writes_nothing(coloured):
    """A dry run of words tells who would get what and writes nothing."""
    plan = coloured.labelling.plan(TextClasses(CLASSES, ALL))

    assert [it.rule.label for it in plan.labels] == ["빨강", "blue", "초록"]
    assert sorted(of(plan, "빨강").adds.tolist()) == [1, 2, 3, 4]
    assert sorted(of(plan, "blue").adds.tolist()) == [5, 6, 7, 8]
    assert plan.additions == 12
    assert plan.none_of_these == 0
    shares = of(plan, "blue").probabilities
    assert ((shares > 0) & (shares <= 1)).all()
    assert (np.diff(shares) <= 0).all()
    assert coloured.labels.summaries() == []


def test_chosen_labels_are_given_while_all_classes_compete(coloured):
    plan = coloured.labelling.plan(TextClasses(CLASSES, ALL), only=["blue"])

    assert [it.rule.label for it in plan.labels] == ["blue"]
    assert sorted(of(plan, "blue").adds.tolist()) == [5, 6, 7, 8]
    assert plan.none_of_these == 8
    with pytest.raises(QueryError, match="“pink” is none of the classes"):
        coloured.labelling.plan(TextClasses(CLASSES, ALL), only=["pink"])


def test_plan_of_some_photos_ignores_others(coloured):
    coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL), only=["blue"]))

    plan = coloured.labelling.plan(
        TextClasses("빨강 | red\nblue | green", ALL), photo_ids=[1, 5, 99]
    )

    assert of(plan, "빨강").adds.tolist() == [1]
    assert len(of(plan, "blue").takes) <= 1
    assert plan.additions + len(of(plan, "blue").again) + plan.none_of_these == 2


def test_what_people_said_is_counted_and_left_out(coloured):
    coloured.labels.give("blue", [1, 5])
    coloured.labels.refuse("blue", [2, 6])

    planned = of(coloured.labelling.plan(TextClasses(CLASSES, ALL)), "blue")

    assert sorted(planned.adds.tolist()) == [7, 8]
    assert (planned.kept, planned.refused) == (2, 1)
    assert planned.takes.tolist() == []


def test_rule_takes_back_labels_it_denies_now(coloured):
    coloured.labelling.apply(
        coloured.labelling.plan(TextClasses("a | red\nb | blue\nc | green", ALL))
    )
    coloured.labels.give("a", [2])

    plan = coloured.labelling.plan(TextClasses("a | blue\nd | red\nc | green", ALL))
    act = coloured.labelling.apply(plan)

    assert of(plan, "a").takes.tolist() == [1, 3, 4]
    assert sorted(of(plan, "c").again.tolist()) == [9, 10, 11, 12]
    assert (act.added, act.removed) == (8, 3)
    assert givers(coloured, "a") == {2: "person", **dict.fromkeys([5, 6, 7, 8], "words")}


def test_surest_and_edge_are_twenty_different_photos(album, tmp_path):
    """The surest and those at the edge are twenty each and never the same."""
    import_shades(album, tmp_path, "red", 30, step=16)
    planned = of(album.labelling.plan(TextClasses("red\nblue", ALL)), "red")

    assert len(planned.adds) == 30
    assert [photo_id for photo_id, _ in planned.surest] == planned.adds[:20].tolist()
    assert [photo_id for photo_id, _ in planned.edge] == planned.adds[20:].tolist()[::-1]
    few = of(album.labelling.plan(TextClasses("red\nblue", ALL), photo_ids=range(1, 21)), "red")
    assert (len(few.surest), few.edge) == (20, [])


def test_empty_album_has_an_unwritable_plan(album):
    plan = album.labelling.plan(TextClasses(CLASSES))

    assert (plan.additions, plan.removals, plan.none_of_these) == (0, 0, 0)
    with pytest.raises(QueryError, match="nothing to write"):
        album.labelling.apply(plan)


def test_examples_label_similar_photos(taught):
    plan = taught.labelling.plan(ExampleLabel(" sunset "))
    taught.labelling.apply(plan)

    planned = of(plan, "sunset")
    assert planned.rule == LabelRule(
        "sunset", "examples", {"words": "", "two_stage": False, "threshold": None}
    )
    assert sorted(planned.adds.tolist()) == [3, 4]
    assert planned.probabilities[0] >= planned.probabilities[1] > 0.5
    assert (planned.kept, planned.refused, plan.none_of_these) == (2, 0, 8)
    assert givers(taught, "sunset") == {
        1: "person", 2: "person", 3: "examples", 4: "examples", 5: "refused", 9: "refused",
    }  # fmt: skip


def test_examples_that_nobody_gave_are_one_sentence(coloured):
    with pytest.raises(QueryError, match=r"^\S[^\n]*\.$"):
        coloured.labelling.plan(ExampleLabel("sunset"))


def test_rule_of_a_label_is_planned_again(coloured, tmp_path):
    options = SortOptions(temperature=2.0, strictness=-math.inf, wording="name")
    coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, options), only=["blue"]))
    (new,) = import_shades(coloured, tmp_path, "blue", 1, 21)

    plan = coloured.labelling.plan_again("blue")

    assert [it.rule for it in plan.labels] == [coloured.labels.rule("blue")]
    assert of(plan, "blue").adds.tolist() == [new]
    assert of(plan, "blue").takes.tolist() == []
    with pytest.raises(QueryError, match="by hand alone"):
        coloured.labelling.plan_again("빨강")


def test_rule_stores_its_list_and_options(coloured):
    plan = coloured.labelling.plan(TextClasses(f"\n {CLASSES}\n", SortOptions(strictness=-1.5)))

    assert of(plan, "blue").rule.definition == {
        "classes": ["빨강 | red", "blue | 파랑", "초록 | green"], "class": "blue",
        "temperature": 1.0, "strictness": -1.5, "wording": "ensemble",
    }  # fmt: skip
    everything = of(coloured.labelling.plan(TextClasses(CLASSES, ALL)), "blue").rule.definition
    assert everything["strictness"] is None


# Written


def test_new_label_becomes_filter_and_search_word(coloured):
    """A label is a filter and a word of the search box right after it was written."""
    assert not labels_understood(coloured, "초록")  # and what was found is remembered

    act = coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL)))

    assert found(coloured, SearchRequest("", filters=SearchFilters(label="blue"))) == {5, 6, 7, 8}
    assert labels_understood(coloured, "초록")
    assert found(coloured, SearchRequest("초록")) == {9, 10, 11, 12}
    assert found(coloured, SearchRequest('"초록"')) == {9, 10, 11, 12}
    assert set(coloured.label_names()) == {"빨강", "blue", "초록"}

    coloured.labelling.undo(act.act_id)
    assert found(coloured, SearchRequest("", filters=SearchFilters(label="blue"))) == set()
    assert not labels_understood(coloured, "초록")


def test_photo_deleted_after_plan_is_left_out(coloured):
    plan = coloured.labelling.plan(TextClasses(CLASSES, ALL), only=["blue"])
    with coloured.database.writing() as db:
        db.execute("DELETE FROM photos WHERE photo_id = 6")

    act = coloured.labelling.apply(plan)

    assert act.added == 3
    assert set(givers(coloured, "blue")) == {5, 7, 8}


def test_some_labels_of_a_plan_are_written(coloured):
    plan = coloured.labelling.plan(TextClasses(CLASSES, ALL)).only(["blue", "초록"])
    assert plan.additions == 8

    coloured.labelling.apply(plan)

    assert [it.label for it in coloured.labels.summaries()] == ["blue", "초록"]


def test_too_long_label_cannot_be_planned(coloured):
    with pytest.raises(AlbumError, match="100 characters"):
        coloured.labelling.plan(ExampleLabel("x" * 101))


# Living labels


def test_new_photos_get_a_living_label_at_import(coloured, tmp_path):
    coloured.labelling.apply(
        coloured.labelling.plan(TextClasses(CLASSES, ALL), only=["blue", "빨강"]), living=True
    )

    (blue,) = import_shades(coloured, tmp_path, "blue", 1, 21)
    (green,) = import_shades(coloured, tmp_path, "green", 1, 21)

    assert [(it.label, it.given_by) for it in coloured.labels.get(blue)] == [("blue", "words")]
    assert 0 < coloured.labels.get(blue)[0].probability <= 1
    assert coloured.labels.get(green) == []
    assert coloured.labelling.catch_up() == 0


def test_label_that_is_not_living_skips_new_photos(coloured, tmp_path):
    coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL)), living=True)
    assert not coloured.labelling.living("blue", on=False).living

    (blue,) = import_shades(coloured, tmp_path, "blue", 1, 21)
    assert coloured.labels.get(blue) == []

    assert coloured.labelling.living("blue", on=True).living
    assert coloured.labelling.catch_up() == 1
    with pytest.raises(QueryError, match="by hand alone"):
        coloured.labelling.living("pink", on=True)


def test_living_label_without_photos_is_written(coloured, tmp_path):
    plan = coloured.labelling.plan(TextClasses("blue\nred", ALL), only=["blue"], photo_ids=[1])
    assert plan.additions == 0

    coloured.labelling.apply(plan, living=True)
    (blue,) = import_shades(coloured, tmp_path, "blue", 1, 21)

    assert list(givers(coloured, "blue")) == [blue]


def test_photos_imported_after_dry_run_get_living_label(coloured, tmp_path):
    """Photos that came between dry run and writing are new to a living label."""
    plan = coloured.labelling.plan(TextClasses(CLASSES, ALL), only=["blue"])
    (between,) = import_shades(coloured, tmp_path, "blue", 1, 21)

    coloured.labelling.apply(plan, living=True)
    assert coloured.labelling.catch_up() == 1

    assert between in givers(coloured, "blue")


def test_a_label_taught_by_examples_lives_too(taught, tmp_path):
    taught.labelling.apply(taught.labelling.plan(ExampleLabel("sunset")), living=True)

    (red,) = import_shades(taught, tmp_path, "red", 1, 21)
    (blue,) = import_shades(taught, tmp_path, "blue", 1, 21)

    assert givers(taught, "sunset")[red] == "examples"
    assert taught.labels.get(blue) == []


def test_many_new_photos_are_asked_about_in_portions(coloured, tmp_path, monkeypatch):
    monkeypatch.setattr(labelling, "NEW_AT_ONCE", 2)
    coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL)), living=True)

    new = import_shades(coloured, tmp_path, "blue", 5, 21, step=6)

    assert set(new) <= set(givers(coloured, "blue"))
    assert coloured.labelling.catch_up() == 0


def test_classes_of_one_list_are_asked_once_together(coloured, tmp_path, monkeypatch):
    coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL)), living=True)
    asked = []
    sort = coloured.classifier.sort_photos
    monkeypatch.setattr(
        coloured.classifier, "sort_photos", lambda *of: asked.append(of) or sort(*of)
    )

    import_shades(coloured, tmp_path, "blue", 1, 21)

    ((classes, options, photo_ids, _),) = asked
    assert classes.splitlines() == CLASSES.splitlines()
    assert (options, photo_ids) == (ALL, [13])


def test_failing_living_rule_does_not_stop_others(coloured, tmp_path, caplog):
    gone = {"head": "gone", "class": "a", "threshold": 0.5}
    for label, kind, definition in (
        ("a", "model", gone),
        ("broken", "words", {"classes": 7}),
        ("c", "examples", {"words": "", "two_stage": False, "threshold": None}),
    ):
        coloured.labels.set_rule(LabelRule(label, kind, definition, living=True))
    coloured.labelling.catch_up()  # they begin with what comes from now on
    coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL)), living=True)

    with caplog.at_level(logging.WARNING):
        (blue,) = import_shades(coloured, tmp_path, "blue", 1, 21)
        coloured.labelling.catch_up()

    assert [it.label for it in coloured.labels.get(blue)] == ["blue"]
    said = [it.getMessage() for it in caplog.records if "living label" in it.getMessage()]
    assert len(said) == 3


def without_model(tmp_path):
    return Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())


def test_catch_up_does_nothing_without_a_model(coloured, tmp_path):
    coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL)), living=True)

    album = without_model(tmp_path)

    assert album.labelling.catch_up() == 0
    album.close()


def test_new_model_labels_new_photos_alone(coloured, tmp_path):
    plan = coloured.labelling.plan(TextClasses(CLASSES, ALL), only=["blue"], photo_ids=[5, 6])
    coloured.labelling.apply(plan, living=True)

    album = without_model(tmp_path)
    album.active.set_encoder(FakeEncoder("another"), fill=False)
    album.active.encode_missing(album.active.current())
    assert album.labelling.catch_up() == 0
    (new,) = import_shades(album, tmp_path, "blue", 1, 21)

    assert set(givers(album, "blue")) == {5, 6, new}
    album.close()


def test_album_labels_photos_imported_by_another_process(coloured, tmp_path):
    coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL)), living=True)
    coloured.start()
    other = opened(tmp_path / "data")
    other.labelling.catch_up = lambda stopped: 0  # a process that dies before it comes to that
    try:
        (blue,) = import_shades(other, tmp_path, "blue", 1, 21)
        wait_until(lambda: blue in givers(coloured, "blue"))
    finally:
        other.close()


# Rules out of files


@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        ("words", {}),
        ("words", None),
        ("poetry", {}),
        (None, {}),
        ({}, {}),
        ("examples", {"words": 7, "two_stage": False, "threshold": None}),
        ("examples", {"words": "", "two_stage": 1, "threshold": None}),
        ("examples", {"words": "", "two_stage": False, "threshold": math.nan}),
        ("model", {"head": "x", "class": "y", "threshold": True}),
        ("model", {"head": "x", "class": "y", "threshold": 2}),
        ("model", {"head": ["x"], "class": "y", "threshold": 0.5}),
        (
            "words",
            {"classes": ["a", 7], "class": "a", "temperature": 1, "strictness": 0,
             "wording": "ensemble"},
        ),
        (
            "words",
            {"classes": ["a"], "class": "a", "temperature": 0, "strictness": 0,
             "wording": "ensemble"},
        ),
        (
            "words",
            {"classes": ["a"], "class": "a", "temperature": 1, "strictness": 0, "wording": "rhyme"},
        ),
    ],
)  # fmt: skip
def test_a_rule_that_is_none_is_one_sentence(kind, definition):
    with pytest.raises(AlbumError, match=r"^How “cat” is given cannot be understood: .*\.$"):
        checked_rule("cat", kind, definition, False)


def test_planned_rule_survives_json(coloured):
    coloured.labels.give("sunset", [1, 2, 3])
    for plan in (
        coloured.labelling.plan(TextClasses(CLASSES, ALL)),
        coloured.labelling.plan(ExampleLabel("sunset")),
    ):
        rule = plan.labels[0].rule
        written = json.loads(json.dumps(dict(rule.definition)))
        assert checked_rule(rule.label, rule.kind, written, False) == rule


def test_letters_of_a_label_are_composed():
    apart = unicodedata.normalize("NFD", "고양이")

    assert apart != "고양이"
    assert label_name(apart) == "고양이"


# In keeping


def test_backup_restores_labels_refusals_rules_and_history(coloured, tmp_path):
    act = coloured.labelling.apply(coloured.labelling.plan(TextClasses(CLASSES, ALL)), living=True)
    coloured.labels.give("mine", [1])
    coloured.labels.refuse("blue", [5])
    before = {it.label: coloured.labels.export_rows(it.label) for it in coloured.labels.summaries()}
    file = tmp_path / "album.backup"

    backup(coloured.database, coloured.store, coloured.originals, file, with_originals=False)
    restore(file, tmp_path / "restored")
    album = opened(tmp_path / "restored")

    assert {
        it.label: album.labels.export_rows(it.label) for it in album.labels.summaries()
    } == before
    assert album.labels.rules() == coloured.labels.rules()
    album.labelling.undo(act.act_id)
    assert [it.label for it in album.labels.summaries()] == ["blue", "mine"]
    assert album.database.faults() == []
    album.close()


def test_labels_without_givers_become_a_persons(tmp_path):
    file = tmp_path / "album.db"
    with closing(sqlite3.connect(file)) as db:
        for script in MIGRATIONS[:3]:
            db.executescript(script)
        db.execute("PRAGMA user_version = 3")
        db.execute(
            "INSERT INTO photos (photo_id, sha256, filename, file_type, size_bytes, width, height,"
            " taken_at, taken_from, added_at)"
            " VALUES (1, 'a', 'a', 'JPEG', 1, 1, 1, '2020', 'exif', '2020')"
        )
        db.execute("INSERT INTO labels VALUES (1, 'mine')")
        db.commit()

    database = Database(file)

    assert [(it.label, it.given_by) for it in LabelStore(database).get(1)] == [("mine", "person")]
    database.close()
