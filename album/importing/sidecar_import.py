"""Captions and labels from sidecars that an album wrote.

Imports use it, and the check of an export. What this album says about a photo goes first: nothing
is replaced, and nothing removed.
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
    """Imports the content of sidecars. Methods may be called within a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._captions = CaptionStore(database)
        self._labels = LabelStore(database)

    def import_sidecars(self, photo_id: int, sha256: str, sidecars: Sequence[SidecarWords]) -> None:
        """Give a photo the captions and labels that it lacks.

        Captions are imported if it has none, and labels if it has none.

        Args:
            photo_id: a photo of the album.
            sha256: of its bytes. Sidecars written for other bytes are ignored.
            sidecars: those beside the photo. The first written for it counts.
        """
        sidecar = next((words for words in sidecars if words.written_for == sha256), None)
        if sidecar is None:
            return
        with self._database.writing():
            self._captions.restore(photo_id, sidecar.captions)
            self._labels.restore(photo_id, _valid_labels(sidecar))


def _valid_labels(sidecar: SidecarWords) -> Iterator[GivenLabel]:
    """Yield the labels with valid names. Anybody may have written the file."""
    for name in sidecar.labels:
        try:
            label = label_name(name)
        except QueryError:
            continue
        kind, probability = sidecar.given_by_rules.get(name, (None, None))
        yield GivenLabel(label, cast("Giver", kind or "person"), probability)
