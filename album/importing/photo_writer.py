"""Writing of imported photos: one transaction a batch, then the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from album.domain.photo import ImportRecord, Place
from album.encoding.active_encoder import ActiveEncoder
from album.importing.file_inspector import InspectedFile
from album.importing.original_tracker import DiskState, OriginalTracker
from album.importing.progress import ImportCounters
from album.importing.sidecar_import import SidecarImporter
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore
from models.interfaces import Embeddings


class ReverseGeocoder(Protocol):
    """Knows the towns of the world."""

    def nearest(self, latitude: float, longitude: float) -> Place | None:
        """Return the nearest town of a position in degrees, if any."""


class PhotoWriter:
    """Stores inspected files as photos, together with the counters of their import."""

    def __init__(
        self,
        store: PhotoStore,
        imports: ImportStore,
        originals: Originals,
        active: ActiveEncoder,
        places: ReverseGeocoder,
        tracker: OriginalTracker,
    ) -> None:
        self._store = store
        self._imports = imports
        self._originals = originals
        self._active = active
        self._places = places
        self._tracker = tracker
        self._sidecars = SidecarImporter(store.database)

    def store_batch(
        self, record: ImportRecord, batch: Sequence[InspectedFile], counters: ImportCounters
    ) -> None:
        """Encode a batch and store its photos: all of them or none."""
        if not batch:
            return
        active = self._active.current()
        images = [file.decoded.image for file in batch if file.decoded is not None]
        embeddings = active.encoder.encode_images(images)  # (b, d)
        rows = [self._new_photo(file) for file in batch]
        states = [self._tracker.disk_state(file) for file in batch]
        moves: list[Callable[[], None]] = []
        with self._imports.writing():
            for file, row, embedding, state in zip(batch, rows, embeddings, states, strict=True):
                photo = self._store.by_sha256(file.sha256)
                if photo is None:
                    photo_id = self._store_new(record, file, row, embedding, counters, state)
                    self._sidecars.import_sidecars(photo_id, file.sha256, row.facts.words)
                    if file.in_library:
                        moves.append(partial(self._keep, file.path, photo_id))
                    self._record_file(record, file, photo_id)
                    continue
                outcome = "already_here"
                if file.has_new_sidecars and photo.path in (None, Path(file.scanned.path)):
                    self._store.set_facts(photo.photo_id, row.facts, row.file_time, row.place)
                    outcome = "updated"
                self._sidecars.import_sidecars(photo.photo_id, file.sha256, row.facts.words)
                moves.append(self._link(record, file, counters, state, outcome))
            counters.save()
        for move in moves:  # only now: `repair` and the next start go by the rows
            move()
        active.index.sync()

    def store_known(
        self, record: ImportRecord, file: InspectedFile, counters: ImportCounters
    ) -> None:
        """Count a file of a known photo, and replace a lost original."""
        state = self._tracker.disk_state(file)
        with self._imports.writing():
            move = self._link(record, file, counters, state)
            counters.save()
        move()

    def _new_photo(self, file: InspectedFile) -> NewPhoto:
        assert file.decoded is not None  # a batch holds decoded ones only
        facts = file.decoded.facts
        place = None
        if facts.latitude is not None and facts.longitude is not None:
            place = self._places.nearest(facts.latitude, facts.longitude)
        return NewPhoto(
            sha256=file.sha256,
            filename=file.scanned.display_name,
            path=None if file.in_library else Path(file.scanned.path),
            size_bytes=file.size_bytes,
            facts=facts,
            file_time=file.file_time,
            place=place,
        )

    def _store_new(
        self,
        record: ImportRecord,
        file: InspectedFile,
        row: NewPhoto,
        embedding: Embeddings,
        counters: ImportCounters,
        state: DiskState,
    ) -> int:
        """Store a new file. Returns the id of its photo."""
        model_id = self._active.current().encoder.model_id
        edited = self._tracker.edited_photo(file)
        if edited is not None and edited == state.edited_photo and state.old_copy is not None:
            self._tracker.move(edited, state.old_copy)
        elif edited is not None:
            self._active.forget_matrices()  # the same photo with other bytes
            self._store.replace(edited, row, model_id, embedding)
            counters.count(file.scanned.display_name, "updated")
            return edited
        photo_id = self._store.add(row, model_id, embedding, import_id=record.import_id)
        assert photo_id is not None  # under the write lock, and looked up just before
        counters.count(file.scanned.display_name, "added")
        return photo_id

    def _link(
        self,
        record: ImportRecord,
        file: InspectedFile,
        counters: ImportCounters,
        state: DiskState,
        outcome: str = "already_here",
    ) -> Callable[[], None]:
        """Count a file of a known photo, and replace a lost original.

        Returns:
            What to do with the file after the transaction.
        """
        photo = self._store.by_sha256(file.sha256)
        assert photo is not None  # photos are never deleted while an import runs
        lost = state.lost_original is not None
        lost = lost and state.lost_original == self._originals.path_of(photo)
        if lost:
            if photo.path is not None:
                self._imports.forget_file(photo.path)
            if file.in_library:
                self._store.move(photo.photo_id, None)
            else:
                self._tracker.move(photo.photo_id, Path(file.scanned.path))
        elif photo.missing:
            self._imports.mark_missing(photo.photo_id, False)
        self._record_file(record, file, photo.photo_id)
        outcome = counters.outcome_of_known(photo.photo_id, outcome)
        counters.count(file.scanned.display_name, outcome)
        if not file.in_library:
            return lambda: None
        if lost:
            return partial(self._keep, file.path, photo.photo_id)
        return partial(self._originals.discard, file.path)

    def _keep(self, path: Path, photo_id: int) -> None:
        self._originals.store_original(path, self._store.get(photo_id))

    def _record_file(self, record: ImportRecord, file: InspectedFile, photo_id: int) -> None:
        scanned = file.scanned
        if record.kind != "upload" and scanned.stamp is not None:
            self._imports.record_file(record.import_id, Path(scanned.path), scanned.stamp, photo_id)
