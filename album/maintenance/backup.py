"""Backup of an album in use to one file.

A backup is a snapshot of the database with its originals. Unreadable originals are reported, and a
failed backup leaves no file behind.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from album.domain.photo import Photo
from album.domain.progress import OnProgress
from album.errors import AlbumError, PhotoNotFoundError, is_full
from album.maintenance.backup_archive import (
    DATABASE,
    SIDECAR_SUFFIXES,
    UNPLACED_ZIP,
    BackupWriter,
    PhotoProblem,
    member_name,
    working_folder,
)
from album.storage.captions import CaptionStore
from album.storage.database import Database
from album.storage.originals import Originals
from album.storage.photos import PhotoStore


@dataclass(slots=True)
class BackupReport:
    """The counts and problems of a backup."""

    file: Path
    size_bytes: int = 0
    photos: int = 0
    """Photos in the database."""
    originals: int = 0
    """Originals in the backup."""
    left_out: list[PhotoProblem] = field(default_factory=list)
    """Originals that could not be read."""
    changed: list[PhotoProblem] = field(default_factory=list)
    """Originals saved with other bytes than at their import."""


def backup(
    database: Database,
    store: PhotoStore,
    originals: Originals,
    file: Path,
    *,
    with_originals: bool,
    overwrite: bool = False,
    on_progress: OnProgress = lambda done, total, name: None,
) -> BackupReport:
    """Save a snapshot of an album in use to one file.

    An original that cannot be read is reported and never stops the backup.

    Args:
        database: the rows.
        store: the same rows, as photos.
        originals: the files.
        file: the backup, which appears when it is complete.
        with_originals: also save the originals, including those indexed in place.
        overwrite: replace an earlier backup at `file` when the new one is complete.
        on_progress: called after each photo.

    Raises:
        AlbumError: `file` cannot be written, or must not be overwritten.
    """
    try:
        if originals.photos_dir.parent.resolve() in file.resolve().parents:
            raise AlbumError(
                "A backup in the album's own folder would be lost with it: choose another place."
            )
        _refuse_existing(file, overwrite)
        with working_folder(file.with_name(file.name + ".part")) as place:
            if with_originals:
                _refuse_small_disk(store, originals, place)
            database.snapshot(place / DATABASE)
            report = _write(place, originals, file, with_originals, on_progress)
            _refuse_existing(file, overwrite)
            (place / UNPLACED_ZIP).replace(file)
    except OSError as error:
        raise AlbumError(_write_error(file, error)) from error
    report.size_bytes = file.stat().st_size
    return report


def _write(
    place: Path,
    originals: Originals,
    file: Path,
    with_originals: bool,
    on_progress: OnProgress,
) -> BackupReport:
    report = BackupReport(file)
    copy = Database(place / DATABASE)
    try:
        copy.refuse_damage()
        store = PhotoStore(copy)
        report.photos = total = store.count()
        captions, waiting, failed = CaptionStore(copy).counts()
        counts = {
            "photos": total,
            "vectors": sum(store.encoded_by().values()),
            "captions": captions,
            "caption_jobs": waiting + failed,
            "labels": len(store.values_of("label")),
        }
        with BackupWriter(place / UNPLACED_ZIP) as writer:
            if with_originals:
                for done, photo in enumerate(store.all_photos(), start=1):
                    _save(writer, originals, photo, report)
                    on_progress(done, total, photo.filename)
            copy.close()  # so that SQLite leaves a single file
            writer.add(DATABASE, place / DATABASE, deflate=True)
            writer.finish(with_originals, counts | {"originals": report.originals})
    finally:
        copy.close()
    return report


def _save(writer: BackupWriter, originals: Originals, photo: Photo, report: BackupReport) -> None:
    name = member_name(originals.stored_path(photo))
    try:
        original = _original(originals, photo)
        member = writer.add(name, original)
        if photo.path is None:
            for end in SIDECAR_SUFFIXES:
                if (sidecar := original.with_name(original.name + end)).is_file():
                    writer.add(name + end, sidecar)
    except PhotoNotFoundError as error:
        report.left_out.append(PhotoProblem(photo.photo_id, photo.filename, str(error)))
        return
    report.originals += 1
    if member.sha256 != photo.sha256:
        reason = "The file has changed since it was imported; it is saved as it is now."
        report.changed.append(PhotoProblem(photo.photo_id, photo.filename, reason))


def _original(originals: Originals, photo: Photo) -> Path:
    """Find the original of a photo.

    While an import runs, it may reach its place a moment after its row is written.
    """
    if photo.path is None and not originals.path_of(photo).is_file():
        for sha256, arrived in originals.identified():
            if sha256 == photo.sha256:
                return arrived
    return originals.find(photo)


def _refuse_existing(file: Path, overwrite: bool) -> None:
    if file.is_dir():
        raise AlbumError(f"{file} is a folder: name a file for the backup.")
    if file.exists() and not overwrite:
        raise AlbumError(f"{file} is there already: choose another name, or allow overwriting it.")


def _refuse_small_disk(store: PhotoStore, originals: Originals, place: Path) -> None:
    needed = sum(
        photo.size_bytes for photo in store.all_photos() if originals.path_of(photo).is_file()
    )
    if needed > (free := shutil.disk_usage(place).free):
        raise AlbumError(
            f"The backup needs about {_gigabytes(needed)} GB and its disk has"
            f" {_gigabytes(free)} GB left: make room, or choose another disk."
        )


def _write_error(file: Path, error: OSError) -> str:
    if is_full(error):
        return f"The disk became full before {file} was whole: make room, or choose another disk."
    return f"{file} cannot be written: {error.strerror or error}; choose another place."


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:,.1f}"
