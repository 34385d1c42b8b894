"""What people and rules say about a label, photo by photo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from album.storage.database import Database
from album.storage.photo_filters import all_labels
from album.storage.statements import placeholders
from album.storage.text_tokens import fold

REFUSED: Final = -1
"""A person said that the label is wrong for the photo."""
BY_RULE: Final = 1
BY_PERSON: Final = 2

Ids = npt.NDArray[np.int64]
Evidence = npt.NDArray[np.int8]
"""Of each photo: one of `REFUSED`, 0 for nothing, `BY_RULE` and `BY_PERSON`."""
_SOURCES = (
    ("label_refusals", REFUSED, ""),
    ("labels", BY_RULE, " AND given_by <> 'person'"),
    ("labels", BY_PERSON, " AND given_by = 'person'"),
)


def read_evidence(database: Database, labels: Iterable[str], ids: Ids) -> dict[str, Evidence]:
    """Read the evidence on labels, ignoring their case.

    Args:
        database: of the album.
        labels: their names.
        ids: (n,) the photos, in any order.

    Returns:
        (n,) evidence on each label, which overrules a refusal in other letters.
    """
    by_label = {label: np.zeros(int(ids.max(initial=0)) + 1, np.int8) for label in labels}
    by_folded: dict[str, list[Evidence]] = {}
    for label, evidence in by_label.items():
        by_folded.setdefault(fold(label), []).append(evidence)
    for table, value, where in _SOURCES if by_label else ():
        for spelled in all_labels(database, table):
            if (same := by_folded.get(fold(spelled))) is None:
                continue
            # One long text: a Python object for each row would take twice the time.
            (listed,) = database.connection.execute(
                f"SELECT group_concat(photo_id) FROM {table} WHERE label = ?{where}", (spelled,)
            ).fetchone()
            photo_ids = np.fromstring(listed or "", dtype=np.int64, sep=",")
            for evidence in same:
                evidence[photo_ids[(photo_ids >= 0) & (photo_ids < len(evidence))]] = value
    return {label: evidence[ids] for label, evidence in by_label.items()}


def labels_among(
    database: Database, photo_ids: Sequence[int], labels: Iterable[str]
) -> dict[int, list[str]]:
    """Return which of the labels each photo of a page has, ignoring their case."""
    wanted = {fold(label) for label in labels}
    among: dict[int, list[str]] = {}
    if wanted and photo_ids:
        rows = database.connection.execute(
            "SELECT photo_id, label FROM labels"
            f" WHERE photo_id IN ({placeholders(photo_ids)}) ORDER BY label",
            tuple(photo_ids),
        )
        for photo_id, label in rows:
            if fold(label) in wanted:
                among.setdefault(photo_id, []).append(label)
    return among
