"""Exports of the page in worker threads."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from album.errors import AlbumError
from album.export.archive import export_zip, verify_zip
from album.export.exporter import ExportReport, PhotoExport
from album.export.verification import VerifyReport, verify_export
from album.runtime.files import has_room
from album.service import Album
from album.ui.shared.background_task import BackgroundTask, Step

WORKERS = 2  # exports at work for all browsers
ZIP_KEPT_S = 3_600  # at least, and Gradio deletes it after a day


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What to export, held in the session of a browser."""

    photo_ids: tuple[int, ...]
    beside: bool
    with_photos: bool
    replace: bool


@dataclass(frozen=True, slots=True)
class FinishedExport:
    """What was exported last, so that it can be read back."""

    photo_ids: tuple[int, ...]
    zip_file: Path | None
    """None: beside the photos."""


class ExportJobs:
    """Exports to ZIP files or beside photos, with `WORKERS` at a time."""

    def __init__(self, album: Album, zips_dir: Path) -> None:
        self._album = album
        self._zips_dir = zips_dir
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="export")

    def refuse_full_disk(self, size_bytes: int) -> None:
        """Check the space for a ZIP.

        Raises:
            AlbumError: the disk is too full.
        """
        self._zips_dir.mkdir(parents=True, exist_ok=True)
        if not has_room(self._zips_dir, size_bytes):
            raise AlbumError(
                "The album's disk has no room for this ZIP: make room, or choose fewer photos."
            )

    def new_zip(self) -> Path:
        """Choose the path of a new ZIP and delete old ones."""
        self._zips_dir.mkdir(parents=True, exist_ok=True)
        for folder in self._zips_dir.iterdir():
            if folder.stat().st_mtime < time.time() - ZIP_KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
        folder = self._zips_dir / uuid.uuid4().hex
        folder.mkdir()
        return folder / f"photo-album-{date.today()}.zip"

    def export(
        self, order: ExportOrder, zip_file: Path | None, task: BackgroundTask[ExportReport]
    ) -> Iterator[Step]:
        """Write the sidecars in a worker thread, and yield the progress."""
        return task.steps(self._pool, partial(self._export, order, zip_file, task))

    def verify(self, done: FinishedExport, task: BackgroundTask[VerifyReport]) -> Iterator[Step]:
        """Read an export back in a worker thread, and yield the progress."""
        return task.steps(self._pool, partial(self._verify, done, task))

    def _export(
        self, order: ExportOrder, zip_file: Path | None, task: BackgroundTask[ExportReport]
    ) -> ExportReport:
        export = PhotoExport(self._album.store, self._album.labels, self._album.originals)
        options: dict[str, Any] = {
            "replace": order.replace,
            "on_progress": task.report,
            "stopped": task.is_cancelled,
        }
        if zip_file is None:
            return export.export(None, order.photo_ids, **options)
        is_needed = False
        try:
            report = export_zip(
                export, zip_file, order.photo_ids, with_photos=order.with_photos, **options
            )
            is_needed = bool(report.new or report.copied) and not task.abandoned
        finally:
            if not is_needed:
                shutil.rmtree(zip_file.parent, ignore_errors=True)
        return report

    def _verify(self, done: FinishedExport, task: BackgroundTask[VerifyReport]) -> VerifyReport:
        stores = (self._album.store, self._album.labels, self._album.originals)
        if done.zip_file is None:
            return verify_export(*stores, None, done.photo_ids, on_progress=task.report_or_cancel)
        return verify_zip(*stores, done.zip_file, done.photo_ids, on_progress=task.report_or_cancel)
