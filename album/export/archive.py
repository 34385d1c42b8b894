"""An export as one file: the zip holds what an export into a folder writes there.

The photos go through a folder in the system's temporary place one by one, so that the disk has to
hold them once, in the zip.
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
    """Write sidecars, and photos, into a new zip.

    Args:
        export: writes them.
        target: the zip; it is there when all of it is. Its folder must be there.
        photo_ids: which photos; None: all.
        with_photos: the photos themselves, too.
        replace: the album's captions and stars count where a sidecar has others.
        on_progress: called after each photo.
        stopped: asked before each photo; True ends the export, and the zip is what there is.

    Raises:
        AlbumError: the zip cannot be written, for the disk is full or refuses.
    """
    partial = target.with_name(f".{uuid.uuid4().hex}{PARTIAL}")  # nobody's own file
    try:
        with (
            tempfile.TemporaryDirectory(prefix="album-") as place,
            zipfile.ZipFile(partial, "w", strict_timestamps=False) as zipped,
        ):
            folder = Path(place)

            def take_up(done: int, total: int, name: str) -> None:
                _archive_files(zipped, folder)
                on_progress(done, total, name)

            report = export.export(
                folder,
                photo_ids,
                with_photos=with_photos,
                replace=replace,
                on_progress=take_up,
                stopped=stopped,
            )
            _archive_files(zipped, folder)
        partial.replace(target)
    except OSError as error:
        if is_full(error):
            raise AlbumError(DISK_FULL) from error
        raise AlbumError(f"The zip could not be written: {error.strerror or error}.") from error
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
    """`verify_export` of the sidecars in a zip that `export_zip` made.

    Raises:
        AlbumError: it is not there any more, or damaged.
    """
    with tempfile.TemporaryDirectory(prefix="album-") as place:
        try:
            with zipfile.ZipFile(zip_file) as zipped:
                zipped.extractall(place, [it for it in zipped.namelist() if it.endswith(XMP)])
        except (OSError, zipfile.BadZipFile) as error:
            raise AlbumError("The zip is not there any more: make it again.") from error
        return verify_export(
            store, labels, originals, Path(place), photo_ids, on_progress=on_progress
        )


def _archive_files(zipped: zipfile.ZipFile, folder: Path) -> None:
    """Everything in the folder; photos hold nothing that could be pressed together further."""
    for path in sorted(folder.iterdir()):
        how = zipfile.ZIP_DEFLATED if path.name.endswith(XMP) else zipfile.ZIP_STORED
        zipped.write(path, path.name, how)
        path.unlink()
