"""Imports in the background: one after the other, each watched and cancelled from anywhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from album.errors import AlbumError
from album.importer import PhotoImporter
from album.photo import ImportReport
from models.errors import ModelError

log = logging.getLogger(__name__)


class ImportJob:
    """One running import, as seen from outside."""

    def __init__(self) -> None:
        self.total = 0
        """How many files; 0 while the folders are still being walked."""
        self.done = 0
        self.name = ""
        """The photo that was done last."""
        self.report: ImportReport | None = None
        """Set when the import ended, also when it was cancelled."""
        self.problem: str | None = None
        """Set when the import could not go on, in one sentence."""
        self._started = time.monotonic()
        self._cancelled = threading.Event()
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._ended.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked it to end early."""
        return self._cancelled.is_set()

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the pace so far; None where there is none yet."""
        if not self.done:
            return None
        return (time.monotonic() - self._started) / self.done * (self.total - self.done)

    def cancel(self) -> None:
        """End after the photos in hand; those that are in stay."""
        self._cancelled.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it ended within the time."""
        return self._ended.wait(timeout_s)

    def progressed(self, done: int, total: int, name: str) -> None:
        """Told by the importer after each file."""
        if done == 1:
            self._started = min(self._started, time.monotonic())
        self.done, self.total, self.name = done, total, name

    def begin(self) -> None:
        """The files are known and the first is about to be read."""
        self._started = time.monotonic()

    def end(self) -> None:
        """Nothing more will happen."""
        self._ended.set()


class ImportJobs:
    """Runs imports one at a time: they share the processor with the page, not each other."""

    def __init__(self, importer: PhotoImporter) -> None:
        self._importer = importer
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._jobs: list[ImportJob] = []

    @property
    def running(self) -> ImportJob | None:
        """The import at work, or the next to be; None when there is none."""
        self._jobs = [job for job in self._jobs if not job.ended]
        return self._jobs[0] if self._jobs else None

    def start(
        self,
        paths: Sequence[Path],
        *,
        staged: bool = False,
        then: Callable[[ImportReport], None] = lambda report: None,
    ) -> ImportJob:
        """Import files and folders in place, or `staged` ones, in a thread of their own.

        Args:
            paths: files and folders; with `staged`, files from `PhotoImporter.receive`.
            staged: the files are in the album's keeping already.
            then: called with the report before the job counts as ended.
        """
        job = ImportJob()
        self._jobs.append(job)
        work = threading.Thread(
            target=self._run, args=(job, paths, staged, then), name="import", daemon=True
        )
        work.start()
        return job

    def stop(self) -> None:
        """End all after the photos in hand; uploads that are not in yet wait for the next start."""
        self._closing.set()
        for job in list(self._jobs):
            job.wait(timeout_s=30)

    def _run(
        self,
        job: ImportJob,
        paths: Sequence[Path],
        staged: bool,
        then: Callable[[ImportReport], None],
    ) -> None:
        job.problem = "The import stopped unexpectedly; the album's log says why."
        try:
            with self._turn:
                files, skipped = self._importer.find_photos(paths)
                job.total = len(files)
                job.begin()
                report = self._importer.import_files(
                    files,
                    staged=staged,
                    on_progress=job.progressed,
                    cancelled=lambda: job.cancelled,
                    closing=self._closing.is_set,
                )
                report.skipped = skipped
                then(report)
                job.report = report
                job.problem = None
        except (AlbumError, ModelError) as error:
            job.problem = str(error)
        finally:
            job.end()
