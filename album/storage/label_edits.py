"""Changes of whole labels by a person: giving to many photos, renaming and merging.

Each is one transaction and one change, which can be undone as others can.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from album.domain.labels import FAVOURITE, LabelChange, label_name
from album.errors import QueryError
from album.storage.label_history import WAS_BY, LabelRow, begin_act, write_rows
from album.storage.labels import LabelStore, refuse_too_many

_RULE_COLUMNS = "kind, definition, living, model_id, seen, made_at"


class LabelEdits:
    """Edits of the labels in one store, safe from any thread."""

    def __init__(self, labels: LabelStore) -> None:
        self._labels = labels

    def give_all(self, label: str, photo_ids: Sequence[int]) -> LabelChange:
        """Label many photos for a person as one change.

        Photos that have the label keep their giver, and those that a person refused it for stay
        without it.

        Raises:
            QueryError: the label has no name or too long a one, no photo would get it, or one would
                have too many.
        """
        name = label_name(label)
        with self._labels.database.writing() as db:
            act_id = begin_act(db, [name], [])
            rows: list[LabelRow] = [(name, int(photo_id), "person", None) for photo_id in photo_ids]
            added, _ = write_rows(db, act_id, rows, skip=f"{WAS_BY} IS NOT NULL")
            if not added:
                raise QueryError("These photos have the label “{label}” already.", label=name)
            refuse_too_many(db, photo_ids)
            return self._labels.act(act_id)

    def rename(self, label: str, name: str) -> LabelChange:
        """Rename a label, with its refusals and its rule.

        Raises:
            QueryError: there is no such label, the new name is empty, too long or in use, or the
                label is that of the favourites.
        """
        new = label_name(name)
        with self._labels.database.writing() as db:
            labels = {summary.label for summary in self._labels.summaries()}
            _refuse_unknown(labels, label)
            if new in labels:
                raise QueryError(
                    "There is a label “{label}” already: merge the two instead.", label=new
                )
            act_id = begin_act(db, [label, new], [label, new])
            rows: list[LabelRow] = []
            for photo_id, giver, probability in _rows_of(db, label):
                rows += [(new, photo_id, giver, probability), (label, photo_id, None, None)]
            write_rows(db, act_id, rows)
            _move_rule(db, label, new)
            return self._labels.act(act_id)

    def merge(self, labels: Sequence[str], into: str) -> LabelChange:
        """Give the photos of some labels another one, and delete those labels.

        A photo that a person labelled is the person's afterwards. Refusals of the merged labels end
        with them, since "no kitten" does not mean "no cat". The label keeps its rule, or gets that
        of the first merged label that has one.

        Raises:
            QueryError: a label is not there, is that of the favourites, or is merged into itself.
        """
        target = label_name(into)
        with self._labels.database.writing() as db:
            known = {summary.label for summary in self._labels.summaries()}
            merged = list(dict.fromkeys(labels))
            for label in merged:
                _refuse_unknown(known, label)
            if not merged or target in merged:
                raise QueryError("Choose another label to merge “{label}” with.", label=target)
            if target not in known:
                raise QueryError("There is no label “{label}”.", label=target)
            act_id = begin_act(db, [*merged, target], [*merged, target])
            has = {photo_id: giver for photo_id, giver, _ in _rows_of(db, target)}
            rows: dict[tuple[str, int], LabelRow] = {}
            for label in merged:
                for photo_id, giver, probability in _rows_of(db, label):
                    rows[label, photo_id] = (label, photo_id, None, None)
                    before = has.get(photo_id)
                    if giver == "person" or (giver != "refused" and before is None):
                        has[photo_id] = giver
                        rows[target, photo_id] = (target, photo_id, giver, probability)
            write_rows(db, act_id, rows.values())
            for label in merged:
                _move_rule(db, label, target)
            return self._labels.act(act_id)


def _refuse_unknown(known: set[str], label: str) -> None:
    """Raise for a label that is not there, or that must keep its name."""
    if label not in known:
        raise QueryError("There is no label “{label}”.", label=label)
    if label == FAVOURITE:
        raise QueryError("The label of your favourites keeps its name.")


def _rows_of(db: sqlite3.Connection, label: str) -> list[tuple[int, str, float | None]]:
    """Return (photo id, giver, probability) of a label's photos, with "refused" as a giver."""
    return [
        tuple(row)
        for row in db.execute(
            "SELECT photo_id, given_by, probability FROM labels WHERE label = :label"
            " UNION ALL SELECT photo_id, 'refused', NULL FROM label_refusals WHERE label = :label"
            " ORDER BY photo_id",
            {"label": label},
        )
    ]


def _move_rule(db: sqlite3.Connection, label: str, target: str) -> None:
    """Give the rule of a label to another one that has none."""
    db.execute(
        f"INSERT OR IGNORE INTO label_rules (label, {_RULE_COLUMNS})"
        f" SELECT ?, {_RULE_COLUMNS} FROM label_rules WHERE label = ?",
        (target, label),
    )
    db.execute("DELETE FROM label_rules WHERE label = ?", (label,))
