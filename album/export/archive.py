"""Export into a ZIP with the content of a folder export.

Photos pass through a temporary folder one by one, so the disk holds them only once.
"""

from __future__ import annotations

import tempfile
import uuid
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from album.domain.progress import OnProgress
from album.errors import DISK_FULL, AlbumError, is_full
from album.export.exporter import ExportReport, PhotoExport
from album.export.files import XMP
from album.export.verification import VerifyReport, verify_export
from album.storage.labels import LabelStore
from album.storage.originals import PARTIAL, Originals
from album.storage.photos import PhotoStore


def export_zip(
    export: PhotoExport,
    target: Path,
    photo_ids: Sequence[int] | None = None,
    *,
    with_photos: bool = False,
    replace: bool = False,
    on_progress: OnProgress = lambda done, total, name: None,
    stopped: Callable[[], bool] = lambda: False,
) -> ExportReport:
    """Write sidecars, and photos, into a new ZIP.

    Args:
        export: writes the sidecars.
        target: the ZIP, in an existing folder. It appears when it is complete.
        photo_ids: which photos, or None for all.
        with_photos: also add the photos.
        replace: overwrite captions and stars of other programs.
        on_progress: called after each photo.
        stopped: called before each photo. True ends the export with a valid ZIP.

    Raises:
        AlbumError: the ZIP cannot be written, for example to a full disk.
    """
    partial = target.with_name(f".{uuid.uuid4().hex}{PARTIAL}")  # a name that no user file has
    try:
        with (
            tempfile.TemporaryDirectory(prefix="album-") as place,
            zipfile.ZipFile(partial, "w", strict_timestamps=False) as zipped,
        ):
            folder = Path(place)

            def archive_photo(done: int, total: int, name: str) -> None:
                _archive_files(zipped, folder)
                on_progress(done, total, name)

            report = export.export(
                folder,
                photo_ids,
                with_photos=with_photos,
                replace=replace,
                on_progress=archive_photo,
                stopped=stopped,
            )
            _archive_files(zipped, folder)
        partial.replace(target)
    except OSError as error:
        if is_full(error):
            raise AlbumError(DISK_FULL) from error
        raise AlbumError(
            "The zip could not be written: {reason}.", reason=error.strerror or error
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return report


def verify_zip(
    store: PhotoStore,
    labels: LabelStore,
    originals: Originals,
    zip_file: Path,
    photo_ids: Sequence[int] | None = None,
    *,
    on_progress: OnProgress = lambda done, total, name: None,
) -> VerifyReport:
    """Verify the sidecars in a ZIP by `verify_export`.

    Raises:
        AlbumError: the ZIP is gone or damaged.
    """
    with tempfile.TemporaryDirectory(prefix="album-") as place:
        try:
            with zipfile.ZipFile(zip_file) as zipped:
                names = [name for name in zipped.namelist() if name.endswith(XMP)]
                zipped.extractall(place, names)
        except (OSError, zipfile.BadZipFile) as error:
            raise AlbumError("The zip is not there any more: make it again.") from error
        return verify_export(
            store, labels, originals, Path(place), photo_ids, on_progress=on_progress
        )


def _archive_files(zipped: zipfile.ZipFile, folder: Path) -> None:
    """Move all files of a folder into a ZIP, photos uncompressed."""
    for path in sorted(folder.iterdir()):
        compression = zipfile.ZIP_DEFLATED if path.name.endswith(XMP) else zipfile.ZIP_STORED
        zipped.write(path, path.name, compression)
        path.unlink()
