"""Puts right what a check of the library finds: rows and caches are written, never an original."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from album.domain.photo import Photo
from album.domain.progress import OnProgress
from album.encoding.active_encoder import ActiveEncoder
from album.errors import AlbumError, PhotoNotFoundError, UnreadableImageError
from album.images.decoder import Decoder
from album.images.file_types import file_kind
from album.maintenance.verify import (
    database_faults,
    matrix_fault,
    name_of,
    state_of_jpeg,
    state_of_original,
    unowned,
    width_of,
)
from album.runtime.files import sha256_of
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore
from album.storage.vector_index import VectorIndex, matrix_files


@dataclass(slots=True)
class RepairReport:
    """What a repair did, and what is left for the person to do."""

    thumbnails: int = 0
    """Thumbnails made again."""
    large_views: int = 0
    """Broken large views taken away; they are made when they are next looked at."""
    encoded: int = 0
    """Photos that had no vector of the model in use."""
    matrices: list[str] = field(default_factory=list)
    """Models whose matrix was made again."""
    missing: int = 0
    """Photos that are marked as missing from now on."""
    found: int = 0
    """Photos whose original was found again."""
    to_import: list[Path] = field(default_factory=list)
    """Originals that no photo owns: import copies of them; they themselves stay."""
    left: list[str] = field(default_factory=list)
    """What could not be put right, each with what to do."""


def repair(
    store: PhotoStore,
    originals: Originals,
    active: ActiveEncoder,
    embeddings_dir: Path,
    on_progress: OnProgress = lambda done, total, name: None,
    *,
    deep: bool = False,
) -> RepairReport:
    """Put right what `find_faults` finds; what a crash left on its way in, each start finishes.

    Args:
        store: the rows.
        originals: the files; the album's own may move to where their row says, unchanged.
        active: encodes what lacks a vector.
        embeddings_dir: the folder of the matrices; one that the album has open and that is made
            again is seen by searches from the next start on.
        on_progress: called after each photo.
        deep: read every original and compare its sha256.

    Raises:
        AlbumError: the database itself is damaged.
        ModelLoadingError: no model came in time.
    """
    if database_faults(store):
        raise AlbumError("The album's database itself is damaged: restore a backup of the album.")
    report = RepairReport()
    for file in unowned(store, originals):
        _find_owner(store, originals, file, report)
    total = store.count()
    for done, photo in enumerate(store.all_photos(), start=1):
        has_original = _repair_row(store, originals, photo, deep, report)
        _repair_thumbnails(originals, active.decoder, photo, has_original, report)
        on_progress(done, total, photo.filename)
    _encode(store, active, report)
    for model_id in store.encoded_by():
        _repair_matrix(store, embeddings_dir, model_id, report)
    return report


def _find_owner(store: PhotoStore, originals: Originals, file: Path, report: RepairReport) -> None:
    """A file that no row asks for: the lost original of a photo, or a photo to import."""
    if file_kind(file.name) == "sidecar":
        report.left.append(f"{_shown(file)}: it describes no photo of the album; move it away.")
        return
    try:
        photo = store.by_sha256(sha256_of(file))
    except OSError as error:
        report.left.append(
            f"{_shown(file)}: it cannot be read ({error.strerror or error}); check the disk."
        )
        return
    if photo is None:
        report.to_import.append(file)
    elif originals.path_of(photo).is_file():
        report.left.append(
            f"{_shown(file)}: it has the same bytes as {name_of(photo)}; delete it if you like."
        )
    else:
        own = originals.kept(photo)
        if not own.exists():
            own.parent.mkdir(exist_ok=True)
            file.rename(own)
        store.move(photo.photo_id, None)
        report.found += 1


def _repair_row(
    store: PhotoStore, originals: Originals, photo: Photo, deep: bool, report: RepairReport
) -> bool:
    """Make the row say where its original is, or that it is missing; whether it is there."""
    imports = ImportStore(store.database)
    name = name_of(photo)
    match state_of_original(originals, photo, deep):
        case "sound":
            if photo.missing:
                imports.mark_missing(photo.photo_id, False)
                report.found += 1
            return True
        case "gone":
            own = originals.kept(photo)
            if photo.path is not None and own.is_file() and sha256_of(own) == photo.sha256:
                store.move(photo.photo_id, None)
                report.found += 1
                return True
            if not photo.missing:
                imports.mark_missing(photo.photo_id, True)
                report.missing += 1
            report.left.append(
                f"{name}: its original is gone from {_shown(originals.path_of(photo))}; put it"
                " back, or import the same file again."
            )
        case "changed" | "other bytes" if photo.path is not None:
            report.left.append(
                f"{name}: its original has changed since the import; import"
                f" {_shown(photo.path)} again, or put back the file as it was."
            )
        case _:
            report.left.append(
                f"{name}: its original has other bytes than at the import; move"
                f" {_shown(originals.path_of(photo))} away and import a good copy of the photo."
            )
    return False


def _repair_thumbnails(
    originals: Originals, decoder: Decoder, photo: Photo, has_original: bool, report: RepairReport
) -> None:
    large = originals.large_view(photo.sha256)
    if state_of_jpeg(large) == "broken":
        large.unlink()
        report.large_views += 1
    small = originals.thumbnail(photo.sha256)
    if not has_original or state_of_jpeg(small) == "sound":
        return  # what has no original is among what is left already
    try:
        made = decoder.thumbnail(originals.find(photo))
    except (UnreadableImageError, PhotoNotFoundError) as error:
        report.left.append(f"{name_of(photo)}: its thumbnail cannot be made again. {error}")
        return
    originals.write_cache(small, made)
    report.thumbnails += 1


def _encode(store: PhotoStore, active: ActiveEncoder, report: RepairReport) -> None:
    current = active.current()
    model_id = current.encoder.model_id
    before = store.encoded_by().get(model_id, 0)
    active.encode_missing(current)
    report.encoded = store.encoded_by().get(model_id, 0) - before
    if still := store.count() - before - report.encoded:
        report.left.append(
            f"{still} photos cannot be encoded: neither their original nor their thumbnail can be"
            " read; put the originals back and repair again."
        )


def _repair_matrix(
    store: PhotoStore, embeddings_dir: Path, model_id: str, report: RepairReport
) -> None:
    if matrix_fault(store, embeddings_dir, model_id) is None:
        return
    d = width_of(store, model_id)
    with store.writing():  # which keeps other processes off the files
        for path in matrix_files(embeddings_dir, model_id):
            path.unlink(missing_ok=True)
        VectorIndex(embeddings_dir, store, model_id, d)
    report.matrices.append(model_id)


def _shown(path: Path) -> str:
    """A path as text, also where an old disk wrote it in no Unicode."""
    return os.fsencode(path).decode("utf-8", "replace")
