"""Repair of rows and caches of a library, but never of originals."""

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
    embedding_width,
    jpeg_state,
    matrix_fault,
    original_state,
    photo_title,
    unowned_originals,
)
from album.runtime.files import sha256_of
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore
from album.storage.vector_index import VectorIndex, matrix_files
from album.storage.view_cache import ViewCache


@dataclass(slots=True)
class RepairReport:
    """What a repair did, and what is left to the user."""

    thumbnails: int = 0
    """Thumbnails recreated."""
    large_views: int = 0
    """Broken large views deleted, which are recreated when viewed."""
    encoded: int = 0
    """Photos that lacked a vector of the model in use."""
    matrices: list[str] = field(default_factory=list)
    """Models whose matrix was rebuilt."""
    missing: int = 0
    """Photos newly marked as missing."""
    found: int = 0
    """Photos whose original was found again."""
    to_import: list[Path] = field(default_factory=list)
    """Originals without a photo, of which copies can be imported."""
    left: list[str] = field(default_factory=list)
    """Faults that could not be repaired, each with advice."""


def repair(
    store: PhotoStore,
    originals: Originals,
    active: ActiveEncoder,
    embeddings_dir: Path,
    on_progress: OnProgress = lambda done, total, name: None,
    *,
    deep: bool = False,
) -> RepairReport:
    """Repair what `find_faults` finds.

    Unfinished uploads are not repaired, as each start finishes them.

    Args:
        store: the rows.
        originals: the files. The album's own may be moved to their places, unchanged.
        active: encodes photos without a vector.
        embeddings_dir: the folder of the matrices. Searches use a rebuilt matrix from the next
            start on.
        on_progress: called after each photo.
        deep: read every original and compare its sha256.

    Raises:
        AlbumError: the database itself is damaged.
        ModelLoadingError: no model came in time.
    """
    if database_faults(store):
        raise AlbumError("The album's database itself is damaged: restore a backup of the album.")
    report = RepairReport()
    for file in unowned_originals(store, originals):
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
    """Move an unowned file to its photo, or list it for import."""
    if file_kind(file.name) == "sidecar":
        report.left.append(f"{_printable(file)}: it describes no photo of the album; move it away.")
        return
    try:
        photo = store.by_sha256(sha256_of(file))
    except OSError as error:
        report.left.append(
            f"{_printable(file)}: it cannot be read ({error.strerror or error}); check the disk."
        )
        return
    if photo is None:
        report.to_import.append(file)
    elif originals.path_of(photo).is_file():
        report.left.append(
            f"{_printable(file)}: it has the same bytes as {photo_title(photo)};"
            " delete it if you like."
        )
    else:
        target = originals.stored_path(photo)
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            file.rename(target)
        store.move(photo.photo_id, None)
        report.found += 1


def _repair_row(
    store: PhotoStore, originals: Originals, photo: Photo, deep: bool, report: RepairReport
) -> bool:
    """Update the path of an original, or mark it missing.

    Returns:
        Whether there is a sound original.
    """
    imports = ImportStore(store.database)
    name = photo_title(photo)
    match original_state(originals, photo, deep):
        case "sound":
            if photo.missing:
                imports.mark_missing(photo.photo_id, False)
                report.found += 1
            return True
        case "gone":
            copy = originals.stored_path(photo)
            if photo.path is not None and copy.is_file() and sha256_of(copy) == photo.sha256:
                store.move(photo.photo_id, None)
                report.found += 1
                return True
            if not photo.missing:
                imports.mark_missing(photo.photo_id, True)
                report.missing += 1
            report.left.append(
                f"{name}: its original is gone from {_printable(originals.path_of(photo))}; put it"
                " back, or import the same file again."
            )
        case "changed" | "other bytes" if photo.path is not None:
            report.left.append(
                f"{name}: its original has changed since the import; import"
                f" {_printable(photo.path)} again, or put back the file as it was."
            )
        case _:
            report.left.append(
                f"{name}: its original has other bytes than at the import; move"
                f" {_printable(originals.path_of(photo))} away and import a good copy of the photo."
            )
    return False


def _repair_thumbnails(
    originals: Originals, decoder: Decoder, photo: Photo, has_original: bool, report: RepairReport
) -> None:
    for view in ViewCache(originals).paths(photo.sha256):
        if jpeg_state(view) == "broken":
            view.unlink()
            report.large_views += 1
    small = originals.thumbnail(photo.sha256)
    if not has_original or jpeg_state(small) == "sound":
        return  # a photo without its original has been reported
    try:
        jpeg = decoder.thumbnail(originals.find(photo))
    except (UnreadableImageError, PhotoNotFoundError) as error:
        report.left.append(f"{photo_title(photo)}: its thumbnail cannot be made again. {error}")
        return
    originals.write_cache(small, jpeg)
    report.thumbnails += 1


def _encode(store: PhotoStore, active: ActiveEncoder, report: RepairReport) -> None:
    current = active.current()
    model_id = current.encoder.model_id
    before = store.encoded_by().get(model_id, 0)
    active.encode_missing(current)
    report.encoded = store.encoded_by().get(model_id, 0) - before
    if missing := store.count() - before - report.encoded:
        report.left.append(
            f"{missing} photos cannot be encoded: neither their original nor their thumbnail can be"
            " read; put the originals back and repair again."
        )


def _repair_matrix(
    store: PhotoStore, embeddings_dir: Path, model_id: str, report: RepairReport
) -> None:
    if matrix_fault(store, embeddings_dir, model_id) is None:
        return
    d = embedding_width(store, model_id)
    with store.writing():  # locks the files against other processes
        for path in matrix_files(embeddings_dir, model_id):
            path.unlink(missing_ok=True)
        VectorIndex(embeddings_dir, store, model_id, d)
    report.matrices.append(model_id)


def _printable(path: Path) -> str:
    """Convert a path to text, also where its bytes are no Unicode."""
    return os.fsencode(path).decode("utf-8", "replace")
