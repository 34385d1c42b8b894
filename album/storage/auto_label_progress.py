"""Progress of each automatic label among the photos.

Embeddings of a model are numbered as they arrive, so a rule only needs the number of the last one
that it was applied to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from album.domain.labels import LabelRule
from album.storage import label_history
from album.storage.database import Database
from album.storage.labels import rule_of

Ids = npt.NDArray[np.int64]
RuleCursor = tuple[str | None, int]
"""Model whose embeddings a rule was applied to (None: never), and the last number."""


class AutoLabelProgress:
    """Cursors of automatic rules, safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last_seq(self, model_id: str) -> int:
        """Return the highest number of a model's embeddings."""
        row = self._database.connection.execute(
            "SELECT max(seq) FROM embeddings WHERE model_id = ?", (model_id,)
        ).fetchone()
        return int(row[0] or 0)

    def pending_rules(self, model_id: str) -> dict[RuleCursor, list[LabelRule]]:
        """Return the automatic rules with unprocessed embeddings, by cursor."""
        rows = self._database.connection.execute(
            "SELECT * FROM label_rules WHERE living AND NOT (model_id IS ? AND seen >= ?)"
            " ORDER BY label",
            (model_id, self.last_seq(model_id)),
        )
        pending: dict[RuleCursor, list[LabelRule]] = {}
        for row in rows:
            pending.setdefault((row["model_id"], row["seen"]), []).append(rule_of(row))
        return pending

    def new_photos(self, cursor: RuleCursor, model_id: str, limit: int) -> tuple[Ids, RuleCursor]:
        """Return the photos that arrived after a cursor.

        Photos processed with the embeddings of another model are not new. A rule that was never
        applied begins with the photos that arrive next.

        Args:
            cursor: the cursor of the rule.
            model_id: the model in use.
            limit: the most photos. After a change of the model there may be more.

        Returns:
            (n,) their rising ids, and the cursor after them.
        """
        before, last = cursor
        db = self._database.connection
        upto = self.last_seq(model_id)
        if before is None:
            return np.empty(0, np.int64), (model_id, upto)
        if before == model_id:
            rows = db.execute(
                "SELECT photo_id, seq FROM embeddings WHERE model_id = ? AND seq > ? AND seq <= ?"
                " ORDER BY seq LIMIT ?",
                (model_id, last, upto, limit),
            ).fetchall()
            if len(rows) == limit:
                upto = rows[-1]["seq"]
        else:
            rows = db.execute(
                "SELECT photo_id FROM embeddings WHERE model_id = ? AND seq <= ? EXCEPT"
                " SELECT photo_id FROM embeddings WHERE model_id = ? AND seq <= ?",
                (model_id, upto, before, last),
            ).fetchall()
        ids = np.array([row["photo_id"] for row in rows], dtype=np.int64)
        return np.sort(ids), (model_id, upto)

    def add_labels(
        self,
        answers: Sequence[tuple[LabelRule, Sequence[tuple[int, float]]]],
        cursor: RuleCursor,
        next_cursor: RuleCursor,
    ) -> int:
        """Label new photos and advance the cursors, in one transaction.

        A rule that was changed meanwhile is skipped.

        Args:
            answers: rules, each with (photo id, probability) of the photos that get its label.
            cursor: the cursor of the rules before.
            next_cursor: the cursor after.

        Returns:
            How many labels were given.
        """
        count = 0
        with self._database.writing() as db:
            for rule, rows in answers:
                row = db.execute(
                    "SELECT * FROM label_rules WHERE label = ?", (rule.label,)
                ).fetchone()
                if row is None or rule_of(row) != rule or (row["model_id"], row["seen"]) != cursor:
                    continue
                count += label_history.give_to_new(db, rule, rows)
                db.execute(
                    "UPDATE label_rules SET model_id = ?, seen = ? WHERE label = ?",
                    (*next_cursor, rule.label),
                )
        return count
