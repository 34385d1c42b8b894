"""Captions and labels that an album wrote into a sidecar become those of the photo again.

Here is all that an import, and the check of an export, do with them. What this album says of a
photo already counts before what lies beside it: nothing is replaced, and nothing taken away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from album.domain.labels import GivenLabel, Giver, label_name
from album.domain.photo import SidecarWords
from album.errors import QueryError
from album.storage.captions import CaptionStore
from album.storage.database import Database
from album.storage.labels import LabelStore


class SidecarImporter:
    """Takes in what sidecars say; methods may be called within a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._captions = CaptionStore(database)
        self._labels = LabelStore(database)

    def take_in(self, photo_id: int, sha256: str, words: Sequence[SidecarWords]) -> None:
        """Give a photo the captions and the labels of its sidecar: captions if it has none, labels
        if it has none.

        Args:
            photo_id: of a photo of the album.
            sha256: of its bytes; what was written for others is not about it.
            words: what lies beside it; the first that was written for it counts.
        """
        ours = next((it for it in words if it.written_for == sha256), None)
        if ours is None:
            return
        with self._database.writing():
            self._captions.restore(photo_id, ours.captions)
            self._labels.restore(photo_id, _sound_labels(ours))


def _sound_labels(words: SidecarWords) -> Iterator[GivenLabel]:
    """The labels that may be ones, for the file may be anybody's."""
    for written in words.labels:
        try:
            label = label_name(written)
        except QueryError:
            continue
        kind, probability = words.given_by_rules.get(written, (None, None))
        yield GivenLabel(label, cast("Giver", kind or "person"), probability)
