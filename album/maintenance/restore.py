"""The journey back: an album out of a backup, in a folder that has none; whole or not at all.

The backup may be made up: its rows are checked and copied into a new database, nothing of the saved
one is kept, and what they say of files is checked before it is believed.
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
    """What became of a backup."""

    made_at: datetime
    photos: int = 0
    originals: int = 0
    """Originals that came out of the backup."""
    in_place: int = 0
    """Photos whose original lies on this machine where it always was."""
    kept_now: int = 0
    """Photos that were in place and are in the album's own keeping from now on."""
    missing: list[PhotoProblem] = field(default_factory=list)
    """Photos whose original is neither in the backup nor here."""


def restore(
    file: Path,
    data_dir: Path,
    on_progress: OnProgress = lambda done, total, name: None,
) -> RestoreReport:
    """Make an album out of a backup; it is there whole or not at all.

    A photo that was indexed in place stays there where its file has the same bytes on this machine;
    else the album keeps the original from the backup itself. Thumbnails and matrices are made by
    the next start.

    Args:
        file: a backup, perhaps a hostile one.
        data_dir: a folder without an album in it; originals that lie there already stay.
        on_progress: called after each photo.

    Raises:
        AlbumError: the backup or the folder cannot be used; the folder is as it was.
    """
    made: list[Path] = []
    try:
        with BackupReader(file) as reader:
            _refuse_album(data_dir)
            _make_folder(data_dir, made)
            with working_folder(data_dir / RESTORING) as place:
                report = _unpack(reader, place, data_dir, on_progress)
                _move_into_place(place, data_dir, made)
        made.clear()
    except OSError as error:
        raise AlbumError(_restore_error(data_dir, error)) from error
    finally:
        if made and not (data_dir / DATABASE).exists():
            _undo(made)
    return report


def _unpack(
    reader: BackupReader, place: Path, data_dir: Path, on_progress: OnProgress
) -> RestoreReport:
    """Unpack into `place` what `data_dir` does not have, and make the rows say so."""
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
            os.utime(place)  # it is not left behind
        report.kept_now = len(kept_now)
        with store.writing():
            for photo_id in kept_now:
                store.move(photo_id, None)
        _end_imports(database)
        CaptionQueue(database).pause_all()  # nothing is sent from here before somebody asks for it
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
    """See to the original of one photo; True: its row must say that the album keeps it now."""
    unpacked = originals.kept(photo)
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
    known = {photo.sha256, member.sha256}
    if photo.path is not None and _has_bytes(photo.path, known):
        report.in_place += 1
        return False
    if not final.exists():
        reader.extract(name, unpacked)
        report.originals += 1
    elif not _has_bytes(final, known):
        raise AlbumError(f"{final} has other bytes than the backup: move it away and try again.")
    for end in SIDECAR_SUFFIXES:
        if name + end in reader.manifest.members and not Path(f"{final}{end}").exists():
            reader.extract(name + end, Path(f"{unpacked}{end}"))
    return photo.path is not None


def _has_bytes(path: Path, sha256s: set[str]) -> bool:
    """Size is not enough: a made-up row could name any file of this machine for a photo."""
    try:
        return path.is_file() and sha256_of(path) in sha256s
    except OSError:
        return False


def _may_stay(path: Path, sha256: str) -> bool:
    """Whether a row may go on naming `path`: photos by their name, unread, and others that are."""
    return path.suffix.lower() in PHOTO_SUFFIXES or _has_bytes(path, {sha256})


def _report_missing(photo: Photo, report: RestoreReport) -> None:
    reason = "Its original is neither in the backup nor here: put it back or import it again."
    report.missing.append(PhotoProblem(photo.photo_id, photo.filename, reason))


def _end_imports(database: Database) -> None:
    """End what was running: the files that were on their way are on another machine."""
    imports = ImportStore(database)
    problem = "The album was restored from a backup made during this import: import again."
    for record in imports.unfinished():
        imports.enter(record.import_id, "cancelled", problem=problem)


def _move_into_place(place: Path, data_dir: Path, made: list[Path]) -> None:
    """Move what is whole to where it belongs, the database last: it makes an album of it."""
    for folder, _, names in os.walk(place / "photos"):
        target = data_dir / Path(folder).relative_to(place)
        if names:
            _make_folder(target, made)
        for name in names:
            if not (target / name).exists():  # nothing is ever overwritten
                (Path(folder) / name).rename(target / name)
                made.append(target / name)
    if hasattr(os, "sync"):
        os.sync()  # once for all: a power cut must not leave rows without their photos
    _refuse_album(data_dir)
    (place / DATABASE).rename(data_dir / DATABASE)


def _refuse_album(data_dir: Path) -> None:
    if any((data_dir / (DATABASE + log)).exists() for log in DATABASE_SUFFIXES):
        raise AlbumError(f"{data_dir} has an album in it already: restore into another folder.")


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make a folder with its parents and note those that are new."""
    new = [it for it in (folder, *folder.parents) if not it.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    made.extend(reversed(new))


def _undo(made: list[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):  # a folder that somebody has put something else into stays
            path.rmdir() if path.is_dir() else path.unlink()


def _restore_error(data_dir: Path, error: OSError) -> str:
    if is_full(error):
        return f"The disk of {data_dir} is too small for the backup: make room and try again."
    return f"The backup cannot be restored to {data_dir}: {error.strerror or error}."
