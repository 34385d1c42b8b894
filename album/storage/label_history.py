"""Many labels written as one change, and undone as one.

These functions work inside a transaction of `LabelStore`. A change records for each photo who
had given the label before, so that it can be undone also after later changes. What a person or a
later change has altered since is left alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from album.domain.labels import LabelPlan, LabelRule
from album.errors import AlbumError
from album.storage.database import now

LabelRow = tuple[str, int, str | None, float | None]
"""Label, photo id, giver and probability.

The giver is "refused" for a refusal, and None to remove the label.
"""

LONGEST_RULES = 32_000_000
"""Characters that the rules of one change may have together, each with its list of classes."""

ONLY_REFUSED = (
    "SELECT EXISTS (SELECT 1 FROM label_rules WHERE label = ?1)"
    " OR EXISTS (SELECT 1 FROM labels WHERE label = ?1 AND given_by <> 'person')"
)
"""SQL: whether a rule gives a label, so that a person's refusal must be recorded."""
_MAKE_WANTED = (
    "CREATE TEMP TABLE IF NOT EXISTS wanted (label TEXT, photo_id INTEGER, given_by TEXT,"
    " probability REAL, PRIMARY KEY (label, photo_id)) WITHOUT ROWID"
)
_BEFORE = (
    " FROM temp.wanted AS new"
    " LEFT JOIN labels AS had ON had.label = new.label AND had.photo_id = new.photo_id"
    " LEFT JOIN label_refusals AS no ON no.label = new.label AND no.photo_id = new.photo_id"
)
WAS_BY = "coalesce(had.given_by, iif(no.photo_id IS NULL, NULL, 'refused'))"
_IS_BY = (
    "coalesce((SELECT given_by FROM labels WHERE label = was.label AND photo_id = was.photo_id),"
    " (SELECT 'refused' FROM label_refusals"
    " WHERE label = was.label AND photo_id = was.photo_id))"
)
_NEXT_CHANGE = (
    "SELECT min(later.act_id) FROM label_act_rows AS later JOIN label_acts USING (act_id)"
    " WHERE later.label = was.label AND later.photo_id = was.photo_id"
    " AND later.act_id > was.act_id AND undone_at IS NULL"
)


def apply_plan(db: sqlite3.Connection, plan: LabelPlan, *, living: bool) -> int:
    """Write a plan and its rules, and return the change's number.

    Deleted photos and what a person changed meanwhile are skipped.

    Raises:
        AlbumError: nothing is left to write, or more rules than can be kept.
    """
    labels = [label for label in plan.labels if living or len(label.adds) or len(label.takes)]
    names = [label.rule.label for label in labels]
    act_id = begin_act(db, names, names)
    rows: list[LabelRow] = []
    characters = 0
    for label in labels:
        rule = replace(label.rule, living=living)
        characters += set_rule(db, rule)
        if characters > LONGEST_RULES:
            raise AlbumError(
                "So many labels of so long a list cannot be kept: choose fewer of them."
            )
        db.execute(
            "UPDATE label_rules SET model_id = ?, seen = ? WHERE label = ?",
            (plan.model_id, plan.upto, rule.label),
        )
        for ids, probabilities in (
            (label.adds, label.probabilities),
            (label.again, label.again_probabilities),
        ):
            rows += [
                (rule.label, photo_id, rule.kind, probability)
                for photo_id, probability in zip(ids.tolist(), probabilities.tolist(), strict=True)
            ]
        rows += [(rule.label, photo_id, None, None) for photo_id in label.takes.tolist()]
    added, removed = write_rows(db, act_id, rows, skip=f"{WAS_BY} IN ('person', 'refused')")
    if not (added or removed or living):
        raise AlbumError(
            "Nothing is left to write: the photos are gone, or somebody labelled them meanwhile."
        )
    return act_id


def give_to_new(db: sqlite3.Connection, rule: LabelRule, rows: Iterable[tuple[int, float]]) -> int:
    """Label new photos within the change that made the rule.

    Returns:
        How many got the label.
    """
    (act_id,) = db.execute(
        "SELECT max(act_id) FROM label_acts, json_each(rules_before)"
        " WHERE json_each.key = ? AND undone_at IS NULL",
        (rule.label,),
    ).fetchone()
    wanted: list[LabelRow] = [(rule.label, photo_id, rule.kind, share) for photo_id, share in rows]
    added, _ = write_rows(db, act_id, wanted, skip=f"{WAS_BY} IS NOT NULL")
    return added


def merge(
    db: sqlite3.Connection, rules: Sequence[LabelRule], rows: Iterable[LabelRow], labels: list[str]
) -> tuple[int, int]:
    """Merge labels of another album.

    A person's label or refusal here stays. A rule's label here yields to a person's only.

    Args:
        db: in a transaction.
        rules: of labels without a rule here.
        rows: the labels and refusals.
        labels: all labels concerned.

    Returns:
        The number of the change, and how many rows are new.
    """
    act_id = begin_act(db, labels, [rule.label for rule in rules])
    stays = (
        f"{WAS_BY} IN ('person', 'refused') OR"
        f" {WAS_BY} IS NOT NULL AND new.given_by NOT IN ('person', 'refused')"
    )
    write_rows(db, act_id, rows, skip=stays)
    for rule in rules:
        set_rule(db, rule)
    new = db.execute("SELECT count(*) FROM label_act_rows WHERE act_id = ?", (act_id,)).fetchone()
    return act_id, int(new[0])


def write_changes(
    db: sqlite3.Connection, photo_id: int, gives: Iterable[str], takes: Iterable[str]
) -> int | None:
    """Write a person's changes of a photo's labels.

    An existing label keeps its giver, and only existing labels can be removed. A removed label that
    a rule gives, to this photo or to any, is recorded as refused, so that the rule does not restore
    it.

    Returns:
        The number of the change. None: nothing is new.
    """
    rows: list[LabelRow] = [(label, photo_id, "person", None) for label in gives]
    for label in takes:
        ruled = db.execute(ONLY_REFUSED, (label,)).fetchone()[0]
        rows.append((label, photo_id, "refused" if ruled else None, None))
    act_id = begin_act(db, list(dict.fromkeys(row[0] for row in rows)), [])
    has = "had.photo_id IS NOT NULL"
    write_rows(db, act_id, rows, skip=f"iif(new.given_by IS 'person', {has}, NOT {has})")
    changed = db.execute(
        "SELECT label FROM label_act_rows WHERE act_id = ? ORDER BY label", (act_id,)
    ).fetchall()
    if not changed:
        db.execute("DELETE FROM label_acts WHERE act_id = ?", (act_id,))
        return None
    names = json.dumps([row[0] for row in changed], ensure_ascii=False)
    db.execute("UPDATE label_acts SET labels = ? WHERE act_id = ?", (names, act_id))
    return act_id


def remove(db: sqlite3.Connection, label: str) -> int:
    """Delete a label, and return the change's number."""
    act_id = begin_act(db, [label], [label])
    rows: list[LabelRow] = [
        (label, row[0], None, None)
        for row in db.execute(
            "SELECT photo_id FROM labels WHERE label = :label UNION ALL"
            " SELECT photo_id FROM label_refusals WHERE label = :label",
            {"label": label},
        )
    ]
    write_rows(db, act_id, rows)
    db.execute("DELETE FROM label_rules WHERE label = ?", (label,))
    return act_id


def undo(db: sqlite3.Connection, act_id: int) -> None:
    """Undo a change, except for what was changed since."""
    row = db.execute("SELECT rules_before FROM label_acts WHERE act_id = ?", (act_id,)).fetchone()
    _restore_rules(db, act_id, json.loads(row[0]))
    # A later act is undone to what was before this one, since this one has never been then.
    db.execute(
        "UPDATE label_act_rows AS after SET was_by = was.was_by,"
        " was_probability = was.was_probability FROM label_act_rows AS was"
        " WHERE was.act_id = ? AND after.label = was.label AND after.photo_id = was.photo_id"
        f" AND after.act_id = ({_NEXT_CHANGE})",
        (act_id,),
    )
    rows = db.execute(
        "SELECT label, photo_id, was_by, was_probability FROM label_act_rows AS was"
        f" WHERE act_id = ? AND {_IS_BY} IS is_by AND ({_NEXT_CHANGE}) IS NULL",
        (act_id,),
    ).fetchall()
    write_rows(db, None, [tuple(row) for row in rows])
    db.execute("UPDATE label_acts SET undone_at = ? WHERE act_id = ?", (now(), act_id))


def begin_act(db: sqlite3.Connection, labels: list[str], ruled: list[str]) -> int:
    """Add a change with the rules before it, and return its number."""
    before: dict[str, dict[str, Any] | None] = {}
    for label in ruled:
        row = db.execute("SELECT * FROM label_rules WHERE label = ?", (label,)).fetchone()
        before[label] = None if row is None else dict(row)
    cursor = db.execute(
        "INSERT INTO label_acts (labels, given, taken, rules_before, done_at)"
        " VALUES (?, 0, 0, ?, ?)",
        (json.dumps(labels, ensure_ascii=False), json.dumps(before, ensure_ascii=False), now()),
    )
    return int(cursor.lastrowid or 0)


def set_rule(db: sqlite3.Connection, rule: LabelRule) -> int:
    """Set the rule of a label, and return its length in characters."""
    definition = json.dumps(dict(rule.definition), ensure_ascii=False, allow_nan=False)
    db.execute(
        "INSERT INTO label_rules (label, kind, definition, living, made_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (label) DO UPDATE SET kind = excluded.kind,"
        " definition = excluded.definition, living = excluded.living, made_at = excluded.made_at",
        (rule.label, rule.kind, definition, rule.living, now()),
    )
    return len(definition)


def write_rows(
    db: sqlite3.Connection, act_id: int | None, rows: Iterable[LabelRow], *, skip: str = "0"
) -> tuple[int, int]:
    """Write labels, and count photos that got one and that lost one.

    Args:
        db: in a transaction.
        act_id: the change that records the earlier state. None: nothing is recorded.
        rows: the labels to write. Deleted photos are skipped.
        skip: SQL on `new`, `had` and `no` for the rows to skip.
    """
    db.execute(_MAKE_WANTED)
    db.execute("DELETE FROM temp.wanted")
    db.executemany(
        "INSERT OR REPLACE INTO temp.wanted SELECT ?1, photo_id, ?3, ?4 FROM photos"
        " WHERE photo_id = ?2",
        rows,
    )
    same = f"{WAS_BY} IS new.given_by AND had.probability IS new.probability"
    db.execute(
        "DELETE FROM temp.wanted WHERE (label, photo_id) IN"
        f" (SELECT new.label, new.photo_id{_BEFORE} WHERE {same} OR {skip})"
    )
    added, removed = db.execute(
        "SELECT count(iif(had.given_by IS NULL AND new.given_by <> 'refused', 1, NULL)),"
        " count(iif(had.given_by IS NOT NULL AND coalesce(new.given_by, 'refused') = 'refused',"
        f" 1, NULL)){_BEFORE}"
    ).fetchone()
    if act_id is not None:
        db.execute(
            "INSERT INTO label_act_rows SELECT ?, new.label, new.photo_id,"
            f" {WAS_BY}, had.probability, new.given_by{_BEFORE} WHERE true"
            " ON CONFLICT DO UPDATE SET is_by = excluded.is_by",
            (act_id,),
        )
        db.execute(
            "UPDATE label_acts SET given = given + ?, taken = taken + ? WHERE act_id = ?",
            (added, removed, act_id),
        )
    changed_pairs = "(SELECT label, photo_id FROM temp.wanted"
    db.execute(
        f"DELETE FROM labels WHERE (label, photo_id) IN {changed_pairs}"
        " WHERE given_by IS NULL OR given_by = 'refused')"
    )
    db.execute(
        f"DELETE FROM label_refusals WHERE (label, photo_id) IN {changed_pairs}"
        " WHERE given_by IS NOT 'refused')"
    )
    db.execute(
        "INSERT INTO label_refusals SELECT label, photo_id FROM temp.wanted"
        " WHERE given_by = 'refused' ON CONFLICT DO NOTHING"
    )
    db.execute(
        "INSERT INTO labels (label, photo_id, given_by, probability)"
        " SELECT label, photo_id, given_by, probability FROM temp.wanted"
        " WHERE given_by <> 'refused' ON CONFLICT (label, photo_id) DO UPDATE SET"
        " given_by = excluded.given_by, probability = excluded.probability"
    )
    db.execute("DELETE FROM temp.wanted")
    return int(added), int(removed)


def _restore_rules(
    db: sqlite3.Connection, act_id: int, before: dict[str, dict[str, Any] | None]
) -> None:
    """Restore the rules before a change, unless a later one changed them."""
    for label, columns in before.items():
        later = db.execute(
            "SELECT act_id, rules_before FROM label_acts, json_each(rules_before)"
            " WHERE json_each.key = ? AND act_id > ? AND undone_at IS NULL"
            " ORDER BY act_id LIMIT 1",
            (label, act_id),
        ).fetchone()
        if later is not None:
            rules_before = json.loads(later["rules_before"]) | {label: columns}
            db.execute(
                "UPDATE label_acts SET rules_before = ? WHERE act_id = ?",
                (json.dumps(rules_before, ensure_ascii=False), later["act_id"]),
            )
            continue
        db.execute("DELETE FROM label_rules WHERE label = ?", (label,))
        if columns is not None:
            db.execute(
                f"INSERT INTO label_rules ({', '.join(columns)})"
                f" VALUES ({', '.join('?' * len(columns))})",
                tuple(columns.values()),
            )
