"""What photos are called: people are never overruled, and what was done can be undone."""

from __future__ import annotations

import itertools
import sqlite3
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from album.domain.labels import MAX_LABELS, GivenLabel, LabelPlan, LabelRule, PlannedLabel
from album.domain.photo import ImageFacts
from album.errors import AlbumError, QueryError
from album.storage import label_history
from album.storage.auto_label_progress import AutoLabelProgress
from album.storage.database import Database
from album.storage.labels import LabelStore
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore

WORDS = LabelRule(
    "cat", "words",
    {"classes": ["cat", "dog"], "class": "cat", "temperature": 1.0, "strictness": None,
     "wording": "ensemble"},
)  # fmt: skip
EXAMPLES = LabelRule("cat", "examples", {"words": "", "two_stage": False, "threshold": None})


@pytest.fixture
def store(tmp_path):
    store = PhotoStore(Database(tmp_path / "album.db"))
    for number in range(1, 11):
        add(store, number)
    yield store
    store.database.close()


@pytest.fixture
def labels(store):
    return LabelStore(store.database)


@pytest.fixture
def living(store):
    return AutoLabelProgress(store.database)


def add(store: PhotoStore, number: int, model_id: str | None = "m") -> int:
    facts = ImageFacts("JPEG", 4, 3)
    new = NewPhoto(f"{number:064x}", f"{number}.jpg", Path(f"/{number}"), 1, facts, datetime.now())
    vector = np.eye(1, 8, dtype=np.float32)
    photo_id = store.add(new, model_id, vector[0] if model_id else None)
    assert photo_id is not None
    return photo_id


def plan(
    *adds: int,
    rule: LabelRule = WORDS,
    takes: tuple[int, ...] = (),
    again: tuple[int, ...] = (),
    share: float = 0.75,
    upto: int = 0,
) -> LabelPlan:
    def ids(of: tuple[int, ...]) -> np.ndarray:
        return np.array(of, np.int64)

    def shares(of: tuple[int, ...]) -> np.ndarray:
        return np.full(len(of), share, np.float32)

    planned = PlannedLabel(
        rule, ids(adds), shares(adds), ids(takes), 0, 0, ids(again), shares(again)
    )
    return LabelPlan((planned,), 0, "m", upto)


def givers(labels: LabelStore, label: str = "cat") -> dict[int, str]:
    return {int(sha256, 16): giver for sha256, giver, _ in labels.export_rows(label)}


def everything(store: PhotoStore) -> dict[str, list[tuple]]:
    return {
        table: [tuple(row) for row in store.database.connection.execute(f"SELECT * FROM {table}")]
        for table in ("labels", "label_refusals", "label_rules")
    }


def forget_photo(store: PhotoStore, photo_id: int) -> None:
    with store.database.writing() as db:
        db.execute("DELETE FROM photos WHERE photo_id = ?", (photo_id,))


# What people say


def test_typed_label_is_the_persons(labels):
    labels.apply(plan(1, 2), living=False)

    labels.set_by_person(1, ["cat", "sofa"])

    assert [(it.label, it.given_by, it.probability) for it in labels.get(1)] == [
        ("cat", "words", 0.75), ("sofa", "person", None),
    ]  # fmt: skip


def test_removed_rule_label_is_refused(labels):
    labels.apply(plan(1, 2), living=False)
    labels.set_by_person(1, ["sofa"])
    assert givers(labels) == {1: "refused", 2: "words"}

    labels.set_by_person(1, [])

    assert givers(labels, "sofa") == {}


def test_removed_own_label_is_refused_when_ruled(labels):
    """A person's label that a rule gives, too, is refused when the person removes it."""
    labels.give("cat", [1])
    labels.set_rule(WORDS)

    labels.set_by_person(1, [])

    assert givers(labels) == {1: "refused"}


def test_change_by_person_can_be_undone(labels):
    labels.apply(plan(1, 2), living=False)
    labels.give("sofa", [1])

    act = labels.change_by_person(1, ["dog"], ["cat", "sofa"])
    assert (act.added, act.removed) == (1, 2)
    assert givers(labels) == {1: "refused", 2: "words"}

    labels.undo(act.act_id)

    assert [(it.label, it.given_by, it.probability) for it in labels.get(1)] == [
        ("cat", "words", 0.75), ("sofa", "person", None),
    ]  # fmt: skip
    assert givers(labels) == {1: "words", 2: "words"}


def test_a_change_of_nothing_is_no_act(labels):
    labels.give("cat", [1])

    assert labels.change_by_person(1, ["cat"], ["dog"]) is None
    assert labels.set_by_person(1, ["cat"]) is None
    assert labels.acts() == []
    assert givers(labels, "dog") == {}


def test_labels_per_photo_are_limited(labels):
    names = [f"label {n}" for n in range(MAX_LABELS)]
    labels.set_by_person(1, names)

    for one_more in (
        lambda: labels.change_by_person(1, ["dog"], []),
        lambda: labels.set_by_person(1, [*names, "dog"]),
        lambda: labels.give("dog", [2, 1]),
    ):
        with pytest.raises(QueryError, match=f"{MAX_LABELS} labels at most"):
            one_more()

    assert len(labels.get(1)) == MAX_LABELS
    assert givers(labels, "dog") == {}
    labels.change_by_person(1, ["dog"], names[:1])
    assert givers(labels, "dog") == {1: "person"}


def test_restored_labels_are_limited(labels):
    labels.restore(1, [GivenLabel(f"label {n}", "person", None) for n in range(1000)])

    assert len(labels.get(1)) == MAX_LABELS


def test_label_and_refusal_replace_each_other(labels):
    """Both can be cleared, too."""
    assert labels.give("cat", [1, 2, 99]) == 2
    assert labels.refuse("cat", [2, 3, 99]) == 2
    assert labels.refuse("cat", [2]) == 1
    assert givers(labels) == {1: "person", 2: "refused", 3: "refused"}
    assert [it.tolist() for it in labels.examples("cat")] == [[1], [2, 3]]

    labels.give("cat", [3])
    labels.clear_label("cat", [1, 2])

    assert givers(labels) == {3: "person"}


def test_rule_label_becomes_the_persons_when_confirmed(labels):
    labels.apply(plan(1), living=False)
    labels.give("cat", [1])
    assert [(it.given_by, it.probability) for it in labels.get(1)] == [("person", None)]

    labels.apply(plan(2, takes=(1,)), living=False)

    assert givers(labels) == {1: "person", 2: "words"}


@pytest.mark.parametrize("name", ["", " \n", "x" * 101])
def test_label_name_is_rejected_when_empty_or_long(labels, name):
    for say in (labels.give, labels.refuse):
        with pytest.raises(AlbumError, match=r"^\S[^\n]*\.$"):
            say(name, [1])
    assert labels.summaries() == []


def test_a_name_is_kept_on_one_line(labels):
    labels.give(" my \n cat\ud800 ", [1])

    assert [it.label for it in labels.get(1)] == ["my cat?"]


# Plans that are written


def test_plan_never_overrules_a_person(labels):
    labels.give("cat", [1])
    labels.refuse("cat", [2])

    act = labels.apply(plan(1, 2, 3), living=False)

    assert givers(labels) == {1: "person", 2: "refused", 3: "words"}
    assert (act.added, act.removed, act.labels) == (1, 0, ("cat",))


def test_plan_skips_deleted_photos(labels, store):
    forget_photo(store, 2)

    act = labels.apply(plan(1, 2), living=False)

    assert act.added == 1
    assert givers(labels) == {1: "words"}


def test_plan_raises_when_nothing_is_left(labels, store):
    """It raises and writes nothing."""
    forget_photo(store, 2)
    before = everything(store)

    with pytest.raises(AlbumError, match="gone"):
        labels.apply(plan(2), living=False)

    assert everything(store) == before
    assert labels.acts() == []


def test_a_crash_in_the_middle_leaves_nothing(labels, store, monkeypatch):
    labels.apply(plan(1, takes=()), living=False)
    before = everything(store)
    with store.database.writing() as db:
        db.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON labels WHEN NEW.photo_id = 7"
            " BEGIN SELECT RAISE(ABORT, 'pulled plug'); END"
        )

    with pytest.raises(sqlite3.IntegrityError, match="pulled plug"):
        labels.apply(plan(5, 6, 7, takes=(1,), rule=EXAMPLES), living=True)

    assert everything(store) == before
    assert len(labels.acts()) == 1


def test_plan_removes_only_rule_labels(labels):
    labels.apply(plan(1, 2, 3), living=False)
    labels.give("cat", [2])

    act = labels.apply(plan(4, takes=(1, 2, 9)), living=False)

    assert (act.added, act.removed) == (1, 1)
    assert givers(labels) == {2: "person", 3: "words", 4: "words"}


def test_label_has_the_latest_rule_as_giver(labels):
    labels.apply(plan(1, 2, share=0.5), living=False)

    act = labels.apply(plan(3, again=(1,), rule=EXAMPLES, share=0.875), living=False)

    assert act.added == 1
    assert [(it.given_by, it.probability) for it in labels.get(1)] == [("examples", 0.875)]
    assert givers(labels)[2] == "words"


def test_plan_with_too_long_rules_writes_nothing(labels, store, monkeypatch):
    """It raises one sentence and writes nothing."""
    monkeypatch.setattr(label_history, "LONGEST_RULES", 10)

    with pytest.raises(AlbumError, match="choose fewer"):
        labels.apply(plan(1), living=False)

    assert everything(store) == {"labels": [], "label_refusals": [], "label_rules": []}


# Undone


def test_undoing_brings_back_labels_probabilities_and_rules(labels, store):
    labels.apply(plan(1, 2, share=0.5), living=True)
    before = everything(store)

    act = labels.apply(plan(3, takes=(1,), again=(2,), rule=EXAMPLES, upto=7), living=False)
    undone = labels.undo(act.act_id)

    assert everything(store) == before
    assert undone.undone_at is not None
    assert labels.rule("cat").living


def test_undoing_leaves_alone_what_a_person_said_since(labels):
    act = labels.apply(plan(1, 2, 3, 4), living=False)
    labels.give("cat", [1])
    labels.refuse("cat", [2])
    labels.set_by_person(3, [])

    labels.undo(act.act_id)

    assert givers(labels) == {1: "person", 2: "refused", 3: "refused"}


def test_undo_skips_labels_refused_since(labels):
    """Undo does not restore a label that a person refused since."""
    labels.apply(plan(1, 2), living=False)
    act = labels.apply(plan(3, takes=(1, 2)), living=False)
    labels.refuse("cat", [1])

    labels.undo(act.act_id)

    assert givers(labels) == {1: "refused", 2: "words"}


def test_undo_keeps_later_changes(labels):
    first = labels.apply(plan(1, 2), living=False)
    labels.apply(plan(3, again=(2,), rule=EXAMPLES), living=True)

    labels.undo(first.act_id)

    assert givers(labels) == {2: "examples", 3: "examples"}
    assert (labels.rule("cat").kind, labels.rule("cat").living) == ("examples", True)


def test_undo_keeps_labels_confirmed_later(labels):
    """A later change of the same kind confirmed them."""
    first = labels.apply(plan(1, 2, share=0.5), living=False)
    second = labels.apply(plan(3, again=(1,), share=0.25), living=False)

    labels.undo(first.act_id)

    assert givers(labels) == {1: "words", 3: "words"}
    assert labels.get(1)[0].probability == 0.25
    labels.undo(second.act_id)
    assert givers(labels) == {}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_acts_can_be_undone_in_any_order(labels, store, order):
    labels.give("cat", [9])
    before = everything(store)
    acts = [
        labels.apply(plan(1, 2, 3, share=0.5), living=True),
        labels.apply(plan(4, again=(1, 2), takes=(3,), rule=EXAMPLES), living=False),
        labels.apply(plan(3, again=(1,), takes=(4,), share=0.25), living=False),
    ]

    for number in order:
        labels.undo(acts[number].act_id)

    assert everything(store) == before


def test_undo_raises_when_repeated_or_unknown(labels):
    act = labels.apply(plan(1), living=False)
    labels.undo(act.act_id)

    with pytest.raises(AlbumError, match="undone already"):
        labels.undo(act.act_id)
    with pytest.raises(AlbumError, match="nothing of this number"):
        labels.undo(99)


def test_deleted_photo_loses_labels_and_history(labels, store):
    """Its refusals go, too."""
    act = labels.apply(plan(1, 2), living=False)
    labels.refuse("dog", [2])

    forget_photo(store, 2)
    labels.undo(act.act_id)

    assert store.database.faults() == []
    assert everything(store) == {"labels": [], "label_refusals": [], "label_rules": []}


# Removed


def test_removed_label_is_restored_by_undo(labels, store):
    """Its rule is removed and restored with it."""
    labels.apply(plan(1, 2), living=True)
    labels.give("cat", [3])
    labels.refuse("cat", [4])
    labels.give("dog", [1])
    before = everything(store)

    act = labels.remove("cat")
    assert [it.label for it in labels.summaries()] == ["dog"]
    assert (act.added, act.removed) == (0, 3)
    labels.give("cat", [5])
    labels.undo(act.act_id)

    assert givers(labels) == {1: "words", 2: "words", 3: "person", 4: "refused", 5: "person"}
    labels.clear_label("cat", [5])
    assert everything(store) == before


def test_remove_raises_for_unknown_label(labels):
    with pytest.raises(QueryError, match="no label “cat”"):
        labels.remove("cat")


def test_summaries_tell_givers_refusals_and_rules(labels):
    labels.apply(plan(1, 2), living=True)
    labels.give("cat", [3])
    labels.refuse("sofa", [4])

    cat, sofa = labels.summaries()

    assert (cat.label, cat.photos, cat.giver_counts, cat.refused) == (
        "cat", 3, {"person": 1, "words": 2}, 0,
    )  # fmt: skip
    assert cat.rule is not None
    assert cat.rule.living
    assert (sofa.label, sofa.photos, sofa.giver_counts, sofa.refused, sofa.rule) == (
        "sofa",
        0,
        {},
        1,
        None,
    )


# New photos


def test_unseen_photos_come_after_the_plan(labels, living, store):
    upto = living.last_seq("m")
    labels.apply(plan(1, upto=upto), living=True)
    assert living.pending_rules("m") == {}

    new = [add(store, 11), add(store, 12)]

    ((seen, rules),) = living.pending_rules("m").items()
    assert [rule.label for rule in rules] == ["cat"]
    ids, now_seen = living.new_photos(seen, "m", 100)
    assert (ids.tolist(), now_seen) == (new, ("m", living.last_seq("m")))
    ids, now_seen = living.new_photos(seen, "m", 1)
    assert ids.tolist() == new[:1]
    assert living.new_photos(now_seen, "m", 100)[0].tolist() == new[1:]


def test_photos_stay_seen_when_model_changes(labels, living, store):
    labels.apply(plan(1, upto=living.last_seq("m")), living=True)
    new = add(store, 11)
    vectors = np.repeat(np.eye(1, 8, dtype=np.float32), 11, axis=0)
    store.add_embeddings("n", list(range(1, 12)), vectors)

    ((seen, _),) = living.pending_rules("n").items()

    assert living.new_photos(seen, "n", 3)[0].tolist() == [new]


def test_unused_rule_begins_with_next_photos(labels, living, store):
    labels.set_rule(WORDS)
    assert living.pending_rules("m") == {}
    labels.set_living("cat", True)

    ((seen, rules),) = living.pending_rules("m").items()
    ids, now_seen = living.new_photos(seen, "m", 100)
    assert ids.tolist() == []
    assert living.add_labels([(rules[0], [])], seen, now_seen) == 0

    assert living.pending_rules("m") == {}
    add(store, 11)
    assert list(living.pending_rules("m")) == [now_seen]


def test_undo_includes_later_automatic_labels(labels, living, store):
    act = labels.apply(plan(1, upto=living.last_seq("m")), living=True)
    new = [add(store, 11), add(store, 12), add(store, 13)]
    labels.refuse("cat", new[2:])
    ((seen, (rule,)),) = living.pending_rules("m").items()
    ids, now_seen = living.new_photos(seen, "m", 100)

    rows = [(photo_id, 0.5) for photo_id in ids.tolist()]
    assert living.add_labels([(rule, rows)], seen, now_seen) == 2
    labels.give("cat", new[:1])
    assert labels.act(act.act_id).added == 3
    labels.undo(act.act_id)

    assert givers(labels) == {new[0]: "person", new[2]: "refused"}


def test_undo_by_person_keeps_automatic_labels(labels, living, store):
    labels.apply(plan(1, upto=living.last_seq("m")), living=True)
    act = labels.change_by_person(2, ["cat"], [])
    new = add(store, 11)
    ((seen, (rule,)),) = living.pending_rules("m").items()
    assert living.add_labels([(rule, [(new, 0.5)])], seen, ("m", 11)) == 1

    labels.undo(act.act_id)

    assert givers(labels) == {1: "words", new: "words"}


def test_automatic_label_is_dropped_when_rule_changed(labels, living, store):
    labels.apply(plan(1, upto=living.last_seq("m")), living=True)
    new = add(store, 11)
    ((seen, (rule,)),) = living.pending_rules("m").items()
    labels.apply(plan(2, rule=EXAMPLES, upto=seen[1]), living=True)

    assert living.add_labels([(rule, [(new, 0.5)])], seen, ("m", 11)) == 0

    assert new not in givers(labels)


def test_manual_label_cannot_be_automatic(labels):
    labels.give("cat", [1])

    with pytest.raises(QueryError, match="by hand alone"):
        labels.set_living("cat", True)
    with pytest.raises(QueryError, match="by hand alone"):
        labels.rule("cat")


# Two at once


def test_change_is_atomic_for_other_processes(labels, store, tmp_path):
    other = LabelStore(Database(tmp_path / "album.db"))
    with store.database.writing():
        labels.apply(plan(1, 2), living=False)
        assert givers(other) == {}
    assert givers(other) == {1: "words", 2: "words"}

    other.undo(labels.acts()[0].act_id)

    assert givers(labels) == {}
    other.database.close()
