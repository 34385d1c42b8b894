"""Whole labels change their name, join others or arrive on many photos, and all can be undone."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from album.domain.labels import FAVOURITE, MAX_LABELS, LabelPlan, LabelRule, PlannedLabel
from album.domain.photo import ImageFacts
from album.errors import QueryError
from album.storage.database import Database
from album.storage.label_edits import LabelEdits
from album.storage.labels import LabelStore
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore

RULE = LabelRule("cat", "examples", {"words": "", "two_stage": False, "threshold": None})


@pytest.fixture
def labels(tmp_path):
    store = PhotoStore(Database(tmp_path / "album.db"))
    for number in range(1, 9):
        new = NewPhoto(
            f"{number:064x}", f"{number}.jpg", Path(f"/{number}"), 1, ImageFacts("JPEG", 4, 3),
            datetime.now(),
        )  # fmt: skip
        store.add(new, "m", np.eye(1, 8, dtype=np.float32)[0])
    yield LabelStore(store.database)
    store.database.close()


@pytest.fixture
def edits(labels):
    return LabelEdits(labels)


def give_by_rule(labels: LabelStore, label: str, *ids: int, living: bool = True) -> None:
    rule = dataclasses.replace(RULE, label=label)
    nothing = np.empty(0, np.int64)
    shares = np.full(len(ids), 0.75, np.float32)
    planned = PlannedLabel(rule, np.array(ids), shares, nothing, 0, 0)
    labels.apply(LabelPlan((planned,), 0, "m", 8), living=living)


def givers(labels: LabelStore, label: str) -> dict[int, tuple[str, float | None]]:
    return {int(sha, 16): (giver, share) for sha, giver, share in labels.export_rows(label)}


def everything(labels: LabelStore) -> list[object]:
    names = {summary.label for summary in labels.summaries()}
    return [labels.rules(), {name: givers(labels, name) for name in sorted(names)}]


def test_renaming_moves_photos_refusals_and_rule(labels, edits):
    give_by_rule(labels, "cat", 1, 2)
    labels.give("cat", [3])
    labels.refuse("cat", [4])
    before = everything(labels)

    change = edits.rename("cat", " 고양이 ")

    assert givers(labels, "cat") == {}
    assert givers(labels, "고양이") == {
        1: ("examples", 0.75), 2: ("examples", 0.75), 3: ("person", None), 4: ("refused", None),
    }  # fmt: skip
    assert [(rule.label, rule.living) for rule in labels.rules()] == [("고양이", True)]
    assert change.labels == ("cat", "고양이")
    assert (change.added, change.removed) == (3, 3)
    labels.undo(change.act_id)
    assert everything(labels) == before


def test_renamed_rule_goes_on_where_it_was(labels, edits):
    give_by_rule(labels, "cat", 1)
    edits.rename("cat", "tabby")

    row = labels.database.connection.execute("SELECT model_id, seen FROM label_rules").fetchone()

    assert tuple(row) == ("m", 8)


@pytest.mark.parametrize("name", ["dog", " dog "])
def test_renaming_to_a_label_in_use_is_refused(labels, edits, name):
    labels.give("cat", [1])
    labels.give("dog", [2])

    with pytest.raises(QueryError, match="There is a label “dog” already: merge the two instead"):
        edits.rename("cat", name)

    assert givers(labels, "cat") == {1: ("person", None)}
    assert labels.acts() == []


def test_undone_renaming_leaves_later_changes_alone(labels, edits):
    labels.give("cat", [1, 2])
    change = edits.rename("cat", "tabby")
    labels.change_by_person(3, ["tabby"], [])

    labels.undo(change.act_id)

    assert givers(labels, "cat") == {1: ("person", None), 2: ("person", None)}
    assert givers(labels, "tabby") == {3: ("person", None)}


def test_merging_keeps_what_people_said(labels, edits):
    give_by_rule(labels, "kitten", 1, 2, 3, 4)
    labels.give("kitten", [5, 6])
    labels.refuse("kitten", [7])
    labels.give("cat", [1])
    labels.refuse("cat", [2, 5])
    before = everything(labels)

    change = edits.merge(["kitten"], "cat")

    assert givers(labels, "kitten") == {}
    assert givers(labels, "cat") == {
        1: ("person", None),
        2: ("refused", None),  # a person said so, and only a rule says otherwise
        3: ("examples", 0.75),
        4: ("examples", 0.75),
        5: ("person", None),
        6: ("person", None),
    }
    assert [rule.label for rule in labels.rules()] == ["cat"]
    labels.undo(change.act_id)
    assert everything(labels) == before


def test_merged_label_keeps_its_own_rule(labels, edits):
    give_by_rule(labels, "kitten", 1, living=True)
    give_by_rule(labels, "cat", 2, living=False)

    edits.merge(["kitten"], "cat")

    assert [(rule.label, rule.living) for rule in labels.rules()] == [("cat", False)]


def test_merging_joins_several_labels_at_once(labels, edits):
    for number, label in enumerate(["개", "dog", "puppy"], start=1):
        labels.give(label, [number, 4])

    change = edits.merge(["개", "puppy"], "dog")

    assert [(label.label, label.photos) for label in labels.summaries()] == [("dog", 4)]
    assert change.added == 2


@pytest.mark.parametrize(
    ("merged", "into", "why"),
    [
        (["cat"], "cat", "Choose another label"),
        ([], "cat", "Choose another label"),
        (["unicorn"], "cat", "There is no label “unicorn”"),
        (["cat"], "unicorn", "There is no label “unicorn”"),
        ([FAVOURITE], "cat", "favourites keeps its name"),
    ],
)
def test_merging_names_what_is_wrong(labels, edits, merged, into, why):
    labels.give("cat", [1])
    labels.give(FAVOURITE, [2])

    with pytest.raises(QueryError, match=why):
        edits.merge(merged, into)

    assert labels.acts() == []


def test_label_of_favourites_cannot_be_renamed(labels, edits):
    labels.give(FAVOURITE, [1])

    with pytest.raises(QueryError, match="favourites keeps its name"):
        edits.rename(FAVOURITE, "best")


def test_giving_to_many_is_one_change(labels, edits):
    give_by_rule(labels, "cat", 1)
    labels.refuse("cat", [2])

    change = edits.give_all("cat", [1, 2, 3, 4, 99])

    assert change.added == 2
    assert givers(labels, "cat") == {
        1: ("examples", 0.75), 2: ("refused", None), 3: ("person", None), 4: ("person", None),
    }  # fmt: skip
    labels.undo(change.act_id)
    assert givers(labels, "cat") == {1: ("examples", 0.75), 2: ("refused", None)}


def test_giving_to_many_needs_a_new_photo(labels, edits):
    labels.give("cat", [1])

    with pytest.raises(QueryError, match="These photos have the label “cat” already"):
        edits.give_all("cat", [1])

    assert labels.acts() == []


def test_giving_to_many_respects_the_limit(labels, edits):
    for number in range(MAX_LABELS):
        labels.give(f"label {number}", [1])

    with pytest.raises(QueryError, match="labels at most"):
        edits.give_all("cat", [1, 2])

    assert givers(labels, "cat") == {}
