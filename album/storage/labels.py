"""Rows of labels, refusals, rules and undoable changes.

Every method is one transaction. A person is never overruled: a person's label or refusal stays
until a person changes it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from album.domain.labels import (
    MAX_LABELS,
    GivenLabel,
    LabelChange,
    LabelPlan,
    LabelRule,
    LabelSummary,
    label_name,
)
from album.errors import AlbumError, QueryError
from album.storage import label_history
from album.storage.database import Database
from album.storage.statements import id_array

Ids = npt.NDArray[np.int64]


class LabelStore:
    """Labels of photos with their givers, safe from any thread."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Labels by people

    def get(self, photo_id: int) -> list[GivenLabel]:
        """Return the labels of a photo, in alphabetical order."""
        rows = self.database.connection.execute(
            "SELECT label, given_by, probability FROM labels WHERE photo_id = ? ORDER BY label",
            (photo_id,),
        )
        return [GivenLabel(*row) for row in rows]

    def set_by_person(self, photo_id: int, labels: Sequence[str]) -> LabelChange | None:
        """Replace the labels of a photo as one change, if any.

        Existing labels keep their giver, new ones are the person's. A removed label that a rule
        gives, to this photo or to any, is recorded as refused, so that the rule does not restore
        it.

        Raises:
            QueryError: these are more labels than a photo can have.
        """
        with self.database.writing():
            before = {assigned.label for assigned in self.get(photo_id)}
            return self.change_by_person(
                photo_id,
                [label for label in labels if label not in before],
                sorted(before.difference(labels)),
            )

    def change_by_person(
        self, photo_id: int, gives: Sequence[str], takes: Sequence[str]
    ) -> LabelChange | None:
        """Add and remove labels of a photo as one change.

        Labels in neither list keep their giver.

        Args:
            photo_id: a photo of the album.
            gives: labels that become the person's where the photo lacks them.
            takes: labels to remove where the photo has them, as in `set_by_person`.

        Returns:
            The change, to be undone by its number. None: nothing changed.

        Raises:
            QueryError: the photo would have more labels than a photo can have.
        """
        with self.database.writing() as db:
            act_id = label_history.write_changes(db, photo_id, gives, takes)
            if gives:
                refuse_too_many(db, [photo_id])
            return None if act_id is None else self.act(act_id)

    def give(self, label: str, photo_ids: Sequence[int]) -> int:
        """Label photos for a person, and count those in the album.

        Raises:
            QueryError: the label has no name, one that is too long, or a photo has too many.
        """
        with self.database.writing() as db:
            count = _give(db, label_name(label), photo_ids)
            refuse_too_many(db, photo_ids)
            return count

    def restore(self, photo_id: int, labels: Iterable[GivenLabel]) -> None:
        """Restore labels from a sidecar if the photo has none.

        Labels that a person refused here stay refused. Labels above `MAX_LABELS` are dropped.
        """
        with self.database.writing() as db:
            if self.get(photo_id):
                return
            db.executemany(
                "INSERT INTO labels (label, photo_id, given_by, probability)"
                " SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS"
                " (SELECT 1 FROM label_refusals WHERE label = ?1 AND photo_id = ?2)"
                " ON CONFLICT DO NOTHING",
                [
                    (label.label, photo_id, label.given_by, label.probability)
                    for label in islice(labels, MAX_LABELS)
                ],
            )

    def refuse(self, label: str, photo_ids: Sequence[int]) -> int:
        """Refuse a label for photos, and count those in the album.

        Raises:
            QueryError: the label has no name, or one that is too long.
        """
        with self.database.writing() as db:
            return _refuse(db, label_name(label), photo_ids)

    def clear_label(self, label: str, photo_ids: Sequence[int]) -> None:
        """Delete a person's label or refusal for these photos."""
        with self.database.writing() as db:
            _clear(db, label_name(label), photo_ids)

    def examples(self, label: str) -> tuple[Ids, Ids]:
        """Return (p,) positive and (q,) negative examples by people, rising ids."""
        by_person, _, refused = self.photo_ids_by_giver(label)
        return by_person, refused

    # All labels

    def summaries(self) -> list[LabelSummary]:
        """Summarize every label in use, refused or with a rule."""
        db = self.database.connection
        counts: dict[str, dict[Any, int]] = {}
        for label, giver, count in db.execute(
            "SELECT label, given_by, count(*) FROM labels GROUP BY label, given_by"
        ):
            counts.setdefault(label, {})[giver] = count
        refused = dict(
            tuple(row)
            for row in db.execute("SELECT label, count(*) FROM label_refusals GROUP BY label")
        )
        rules = {rule.label: rule for rule in self.rules()}
        return [
            LabelSummary(
                label,
                sum(counts.get(label, {}).values()),
                counts.get(label, {}),
                refused.get(label, 0),
                rules.get(label),
            )
            for label in sorted({*counts, *refused, *rules})
        ]

    def photo_ids_by_giver(self, label: str) -> tuple[Ids, Ids, Ids]:
        """Return rising ids by person, by rule, and refused."""
        db = self.database.connection
        has = "SELECT photo_id FROM labels WHERE label = ? AND given_by"
        refused = "SELECT photo_id FROM label_refusals WHERE label = ?"
        return (
            id_array(db.execute(f"{has} = 'person' ORDER BY photo_id", (label,))),
            id_array(db.execute(f"{has} <> 'person' ORDER BY photo_id", (label,))),
            id_array(db.execute(f"{refused} ORDER BY photo_id", (label,))),
        )

    def export_rows(self, label: str) -> list[tuple[str, str, float | None]]:
        """Return (sha256, giver, probability) of all photos of a label.

        Refusals have the giver "refused". Rows are in the order of photo ids.
        """
        rows = self.database.connection.execute(
            "WITH assigned AS (SELECT photo_id, given_by, probability FROM labels WHERE label = ?1"
            " UNION ALL SELECT photo_id, 'refused', NULL FROM label_refusals WHERE label = ?1)"
            " SELECT sha256, given_by, probability FROM assigned JOIN photos USING (photo_id)"
            " ORDER BY photo_id",
            (label,),
        )
        return [tuple(row) for row in rows]

    def ids_of(self, sha256s: Iterable[str]) -> dict[str, int]:
        """Return the photo ids by sha256 for the bytes in this album."""
        rows = self.database.connection.execute(
            "SELECT sha256, photo_id FROM photos WHERE sha256 IN (SELECT value FROM json_each(?))",
            (json.dumps(list(sha256s)),),
        )
        return {row[0]: row[1] for row in rows}

    # Rules

    def rules(self) -> list[LabelRule]:
        """Return the rules of all labels, in alphabetical order."""
        rows = self.database.connection.execute("SELECT * FROM label_rules ORDER BY label")
        return [rule_of(row) for row in rows]

    def rule(self, label: str) -> LabelRule:
        """Return the rule of a label.

        Raises:
            QueryError: it is given by hand alone.
        """
        row = self.database.connection.execute(
            "SELECT * FROM label_rules WHERE label = ?", (label,)
        ).fetchone()
        if row is None:
            raise QueryError(
                "“{label}” is given by hand alone: give it by words, by examples or by a "
                "trained classifier first.",
                label=label,
            )
        return rule_of(row)

    def set_rule(self, rule: LabelRule) -> None:
        """Set the rule of a label without applying it."""
        with self.database.writing() as db:
            label_history.set_rule(db, rule)

    def set_living(self, label: str, living: bool) -> LabelRule:
        """Turn on or off that new photos get a label.

        Raises:
            QueryError: it is given by hand alone.
        """
        with self.database.writing() as db:
            db.execute("UPDATE label_rules SET living = ? WHERE label = ?", (living, label))
            return self.rule(label)

    def forget_rule(self, label: str) -> None:
        """Delete the rule of a label, keeping the label on its photos."""
        with self.database.writing() as db:
            db.execute("DELETE FROM label_rules WHERE label = ?", (label,))

    # Changes

    def apply(self, plan: LabelPlan, *, living: bool) -> LabelChange:
        """Write a plan, skipping deleted photos and a person's later changes.

        Raises:
            AlbumError: nothing is left to write, or more rules than can be kept.
        """
        with self.database.writing() as db:
            return self.act(label_history.apply_plan(db, plan, living=living))

    def merge(
        self,
        rules: Sequence[LabelRule],
        rows: Iterable[label_history.LabelRow],
        labels: Sequence[str],
    ) -> tuple[LabelChange | None, int, list[str]]:
        """Merge labels of another album as one change.

        A person's label or refusal in this album stays.

        Args:
            rules: of labels without a rule here. Others are ignored.
            rows: labels and refusals for photos of this album.
            labels: all labels concerned.

        Returns:
            The change (None: nothing was new), the number of new rows, and the labels whose rules
            were merged.
        """
        with self.database.writing() as db:
            known = {rule.label for rule in self.rules()}
            new = [rule for rule in rules if rule.label not in known]
            act_id, changed = label_history.merge(db, new, rows, list(labels))
            if not changed and not new:
                db.execute("DELETE FROM label_acts WHERE act_id = ?", (act_id,))
                return None, 0, []
            return self.act(act_id), changed, [rule.label for rule in new]

    def remove(self, label: str) -> LabelChange:
        """Delete a label with its photos, refusals and rule.

        Raises:
            QueryError: there is no such label.
        """
        with self.database.writing() as db:
            if label not in {summary.label for summary in self.summaries()}:
                raise QueryError("There is no label “{label}”.", label=label)
            return self.act(label_history.remove(db, label))

    def undo(self, act_id: int) -> LabelChange:
        """Undo a change, except for what was changed since.

        Raises:
            AlbumError: there is no such change, or it was undone before.
        """
        with self.database.writing() as db:
            if self.act(act_id).undone_at is not None:
                raise AlbumError("This has been undone already.")
            label_history.undo(db, act_id)
            return self.act(act_id)

    def act(self, act_id: int) -> LabelChange:
        """Return one change.

        Raises:
            AlbumError: there is no such change.
        """
        row = self.database.connection.execute(
            "SELECT * FROM label_acts WHERE act_id = ?", (act_id,)
        ).fetchone()
        if row is None:
            raise AlbumError("There is nothing of this number to undo.")
        return _change_from_row(row)

    def acts(self, limit: int = 100) -> list[LabelChange]:
        """Return the changes, the latest first."""
        rows = self.database.connection.execute(
            "SELECT * FROM label_acts ORDER BY act_id DESC LIMIT ?", (limit,)
        )
        return [_change_from_row(row) for row in rows]


def _give(db: sqlite3.Connection, label: str, photo_ids: Sequence[int]) -> int:
    pairs = [(label, int(photo_id)) for photo_id in photo_ids]
    db.executemany("DELETE FROM label_refusals WHERE label = ? AND photo_id = ?", pairs)
    return db.executemany(
        "INSERT INTO labels (label, photo_id, given_by, probability)"
        " SELECT ?, photo_id, 'person', NULL FROM photos WHERE photo_id = ?"
        " ON CONFLICT (label, photo_id) DO UPDATE SET given_by = 'person', probability = NULL",
        pairs,
    ).rowcount


def refuse_too_many(db: sqlite3.Connection, photo_ids: Sequence[int]) -> None:
    """Raise, which rolls back, if a photo has more than `MAX_LABELS` labels."""
    full = db.execute(
        "SELECT 1 FROM labels WHERE photo_id IN (SELECT value FROM json_each(?))"
        " GROUP BY photo_id HAVING count(*) > ? LIMIT 1",
        (json.dumps([int(photo_id) for photo_id in photo_ids]), MAX_LABELS),
    ).fetchone()
    if full is not None:
        raise QueryError(
            "A photo can have {limit} labels at most; take some away first.", limit=MAX_LABELS
        )


def _refuse(db: sqlite3.Connection, label: str, photo_ids: Sequence[int]) -> int:
    pairs = [(label, int(photo_id)) for photo_id in photo_ids]
    db.executemany("DELETE FROM labels WHERE label = ? AND photo_id = ?", pairs)
    return db.executemany(
        "INSERT INTO label_refusals SELECT ?, photo_id FROM photos WHERE photo_id = ?"
        " ON CONFLICT DO UPDATE SET label = excluded.label",  # so that an existing one is counted
        pairs,
    ).rowcount


def _clear(db: sqlite3.Connection, label: str, photo_ids: Sequence[int]) -> None:
    pairs = [(label, int(photo_id)) for photo_id in photo_ids]
    db.executemany(
        "DELETE FROM labels WHERE label = ? AND photo_id = ? AND given_by = 'person'", pairs
    )
    db.executemany("DELETE FROM label_refusals WHERE label = ? AND photo_id = ?", pairs)


def rule_of(row: sqlite3.Row) -> LabelRule:
    """Return the rule of a row of `label_rules`."""
    return LabelRule(row["label"], row["kind"], json.loads(row["definition"]), bool(row["living"]))


def _change_from_row(row: sqlite3.Row) -> LabelChange:
    undone = row["undone_at"]
    return LabelChange(
        row["act_id"],
        tuple(json.loads(row["labels"])),
        row["given"],
        row["taken"],
        datetime.fromisoformat(row["done_at"]),
        None if undone is None else datetime.fromisoformat(undone),
    )
