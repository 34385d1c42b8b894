"""AutoLabelProgress: how far each automatic label has come among the photos.

The vectors of a model are numbered as they come, so a rule needs to know but the number of the last
that it was asked about.
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
"""The model whose vectors a rule was asked about (None: it never was), and the number of the last
of them."""


class AutoLabelProgress:
    """The clocks of living rules; methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last_seq(self, model_id: str) -> int:
        """The number of the last vector of a model; later ones have higher numbers."""
        row = self._database.connection.execute(
            "SELECT max(seq) FROM embeddings WHERE model_id = ?", (model_id,)
        ).fetchone()
        return int(row[0] or 0)

    def behind(self, model_id: str) -> dict[RuleCursor, list[LabelRule]]:
        """The living rules that were not asked about all vectors of a model, by how far each is."""
        rows = self._database.connection.execute(
            "SELECT * FROM label_rules WHERE living AND NOT (model_id IS ? AND seen >= ?)"
            " ORDER BY label",
            (model_id, self.last_seq(model_id)),
        )
        behind: dict[RuleCursor, list[LabelRule]] = {}
        for row in rows:
            behind.setdefault((row["model_id"], row["seen"]), []).append(rule_of(row))
        return behind

    def unseen(self, seen: RuleCursor, model_id: str, limit: int) -> tuple[Ids, RuleCursor]:
        """The photos that came after a rule was asked.

        Photos that it was asked about by the vectors of another model are not new; a rule that was
        never asked begins with those that come from now on.

        Args:
            seen: how far the rule is.
            model_id: whose vectors there are now.
            limit: how many photos at the most; after a change of the model there may be more.

        Returns:
            (n,) their rising ids, and how far the rule is when it has been asked about them.
        """
        before, last = seen
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

    def give(
        self,
        answers: Sequence[tuple[LabelRule, Sequence[tuple[int, float]]]],
        seen: RuleCursor,
        now_seen: RuleCursor,
    ) -> int:
        """Give new photos their labels and note how far the rules have come, in one transaction.

        A rule that somebody changed meanwhile is left alone.

        Args:
            answers: rules, each with (photo id, probability) of those that get its label.
            seen: how far the rules were before.
            now_seen: how far they are now.

        Returns:
            How many labels were given.
        """
        given = 0
        with self._database.writing() as db:
            for rule, rows in answers:
                row = db.execute(
                    "SELECT * FROM label_rules WHERE label = ?", (rule.label,)
                ).fetchone()
                if row is None or rule_of(row) != rule or (row["model_id"], row["seen"]) != seen:
                    continue
                given += label_history.give_to_new(db, rule, rows)
                db.execute(
                    "UPDATE label_rules SET model_id = ?, seen = ? WHERE label = ?",
                    (*now_seen, rule.label),
                )
        return given
