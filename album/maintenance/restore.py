"""Atomic restoring of a backup into a folder without an album.

The backup may be forged. Its rows are checked and copied into a new database, and the file paths in
them are checked before use.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from album.domain.photo import Photo
from album.domain.progress import OnProgress
from album.errors import AlbumError, is_full
from album.images.file_types import PHOTO_SUFFIXES
from album.maintenance.backup_archive import (
    DATABASE,
    DATABASE_SUFFIXES,
    SIDECAR_SUFFIXES,
    UNCHECKED_DATABASE,
    BackupReader,
    PhotoProblem,
    member_name,
    working_folder,
)
from album.runtime.files import sha256_of
from album.storage.caption_queue import CaptionQueue
from album.storage.database import Database
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore
from album.storage.restored_rows import copy_rows
from album.storage.untrusted_database import MadeUpError

RESTORING = ".restoring"


@dataclass(slots=True)
class RestoreReport:
    """The counts and problems of a restore."""

    made_at: datetime
    photos: int = 0
    originals: int = 0
    """Originals extracted from the backup."""
    in_place: int = 0
    """Photos whose original is at its old path on this machine."""
    kept_now: int = 0
    """Photos that were indexed in place and are now in the album's own folder."""
    missing: list[PhotoProblem] = field(default_factory=list)
    """Photos whose original is neither in the backup nor here."""


def restore(
    file: Path,
    data_dir: Path,
    on_progress: OnProgress = lambda done, total, name: None,
) -> RestoreReport:
    """Restore an album from a backup, completely or not at all.

    A photo indexed in place stays in place if its file has equal bytes on this machine.
    Otherwise its original is extracted into the album's own folder. The next start makes thumbnails
    and matrices.

    Args:
        file: a backup, which is not trusted.
        data_dir: a folder without an album. Originals in it stay.
        on_progress: called after each photo.

    Raises:
        AlbumError: the backup or the folder cannot be used. The folder is unchanged.
    """
    created: list[Path] = []
    try:
        with BackupReader(file) as reader:
            _refuse_album(data_dir)
            _make_folder(data_dir, created)
            with working_folder(data_dir / RESTORING) as place:
                report = _unpack(reader, place, data_dir, on_progress)
                _move_into_place(place, data_dir, created)
        created.clear()
    except OSError as error:
        raise AlbumError(_restore_error(data_dir, error)) from error
    finally:
        if created and not (data_dir / DATABASE).exists():
            _undo(created)
    return report


def _unpack(
    reader: BackupReader, place: Path, data_dir: Path, on_progress: OnProgress
) -> RestoreReport:
    """Extract into `place` what `data_dir` lacks, and update the rows."""
    reader.extract(DATABASE, place / UNCHECKED_DATABASE)
    try:
        copy_rows(place / UNCHECKED_DATABASE, place / DATABASE)
    except MadeUpError as error:
        raise reader.damaged(f"{DATABASE}: {error}") from error
    (place / UNCHECKED_DATABASE).unlink()
    database = Database(place / DATABASE)
    report = RestoreReport(reader.manifest.made_at)
    originals = Originals(place)
    try:
        store = PhotoStore(database)
        kept_now: list[int] = []
        for photo in store.all_photos():
            report.photos += 1
            if _restore_original(reader, originals, photo, data_dir, report):
                kept_now.append(photo.photo_id)
            on_progress(report.photos, reader.manifest.counts.get("photos", 0), photo.filename)
            os.utime(place)  # so that it does not look abandoned
        report.kept_now = len(kept_now)
        with store.writing():
            for photo_id in kept_now:
                store.move(photo_id, None)
        _end_imports(database)
        CaptionQueue(database).pause_all()  # a person must resume what is sent to a captioner
    finally:
        database.close()
    return report


def _restore_original(
    reader: BackupReader,
    originals: Originals,
    photo: Photo,
    data_dir: Path,
    report: RestoreReport,
) -> bool:
    """Restore the original of one photo.

    Returns:
        Whether a photo indexed in place is in the album's own folder now.
    """
    unpacked = originals.stored_path(photo)
    final = data_dir / unpacked.relative_to(originals.photos_dir.parent)
    name = member_name(unpacked)
    member = reader.manifest.members.get(name)
    if member is None:
        if photo.path is not None and _may_stay(photo.path, photo.sha256):
            if photo.path.is_file():
                report.in_place += 1
            else:
                _report_missing(photo, report)
            return False
        if not final.is_file():
            _report_missing(photo, report)
        return photo.path is not None
    accepted = {photo.sha256, member.sha256}
    if photo.path is not None and _has_bytes(photo.path, accepted):
        report.in_place += 1
        return False
    if not final.exists():
        reader.extract(name, unpacked)
        report.originals += 1
    elif not _has_bytes(final, accepted):
        raise AlbumError(f"{final} has other bytes than the backup: move it away and try again.")
    for suffix in SIDECAR_SUFFIXES:
        if name + suffix in reader.manifest.members and not Path(f"{final}{suffix}").exists():
            reader.extract(name + suffix, Path(f"{unpacked}{suffix}"))
    return photo.path is not None


def _has_bytes(path: Path, sha256s: set[str]) -> bool:
    """Tell whether a file has one of the sha256s.

    Size is not enough, as a forged row could name any file of this machine.
    """
    try:
        return path.is_file() and sha256_of(path) in sha256s
    except OSError:
        return False


def _may_stay(path: Path, sha256: str) -> bool:
    """Tell whether a row may keep `path`.

    Any name of a photo may stay, other files only by their sha256.
    """
    return path.suffix.lower() in PHOTO_SUFFIXES or _has_bytes(path, {sha256})


def _report_missing(photo: Photo, report: RestoreReport) -> None:
    reason = "Its original is neither in the backup nor here: put it back or import it again."
    report.missing.append(PhotoProblem(photo.photo_id, photo.filename, reason))


def _end_imports(database: Database) -> None:
    """Cancel running imports, whose files are on another machine."""
    imports = ImportStore(database)
    problem = "The album was restored from a backup made during this import: import again."
    for record in imports.unfinished():
        imports.set_state(record.import_id, "cancelled", problem=problem)


def _move_into_place(place: Path, data_dir: Path, created: list[Path]) -> None:
    """Move the files to their places, the database last."""
    for folder, _, names in os.walk(place / "photos"):
        target = data_dir / Path(folder).relative_to(place)
        if names:
            _make_folder(target, created)
        for name in names:
            if not (target / name).exists():  # never overwrite
                (Path(folder) / name).rename(target / name)
                created.append(target / name)
    if hasattr(os, "sync"):
        os.sync()  # a power cut must not leave rows without photos
    _refuse_album(data_dir)
    (place / DATABASE).rename(data_dir / DATABASE)


def _refuse_album(data_dir: Path) -> None:
    if any((data_dir / (DATABASE + suffix)).exists() for suffix in DATABASE_SUFFIXES):
        raise AlbumError(f"{data_dir} has an album in it already: restore into another folder.")


def _make_folder(folder: Path, created: list[Path]) -> None:
    """Create a folder with its parents, and record the new ones."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    created.extend(reversed(new))


def _undo(created: list[Path]) -> None:
    for path in reversed(created):
        with suppress(OSError):  # a folder with other files stays
            path.rmdir() if path.is_dir() else path.unlink()


def _restore_error(data_dir: Path, error: OSError) -> str:
    if is_full(error):
        return f"The disk of {data_dir} is too small for the backup: make room and try again."
    return f"The backup cannot be restored to {data_dir}: {error.strerror or error}."
