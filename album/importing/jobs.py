"""Imports as jobs, each a row of the database.

Every process that opens the library sees all imports, and can pause, resume or cancel them, also
those of another process. A lock file tells whether a process works on an import. When that process
ends, however it does, the import counts as interrupted, though its row still says "running".
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from album.domain.photo import ENDED_BY, ImportKind, ImportRecord, RequestedState
from album.domain.progress import OnProgress
from album.errors import AlbumError
from album.importing.importer import PhotoImporter
from album.importing.job_locks import JobLocks
from album.importing.job_recovery import complete_covered, complete_finished, stray_uploads
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from models.errors import ModelError

log = logging.getLogger(__name__)

Upload = tuple[Path, str, Sequence[tuple[Path, str]]]
"""(file, its name, [(sidecar file, its name)])"""
OnComplete = Callable[[ImportRecord], None]


class ImportJobs:
    """Runs imports. Those of background threads run one at a time."""

    def __init__(
        self,
        imports: ImportStore,
        importer: PhotoImporter,
        originals: Originals,
        locks_dir: Path,
        on_complete: OnComplete,
    ) -> None:
        """Prepare to run imports.

        Args:
            imports: their rows.
            importer: does the work.
            originals: where uploads wait.
            locks_dir: a folder for the locks.
            on_complete: called when an import is done, before it counts as such.
        """
        self._imports = imports
        self._importer = importer
        self._originals = originals
        self._on_complete = on_complete
        self._locks = JobLocks(locks_dir)
        self._one_at_a_time = threading.Lock()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._threads: dict[int, threading.Thread] = {}
        self._restarts: set[int] = set()
        """Imports in `_threads` that were started again meanwhile."""
        self._problems: dict[int, str] = {}
        self._current_id: int | None = None

    def get(self, import_id: int) -> ImportRecord:
        """Return one import.

        Raises:
            AlbumError: there is none with this id.
        """
        return self._with_live_state(self._imports.get(import_id))

    def recent(self, limit: int) -> list[ImportRecord]:
        """Return the latest imports, the last one first."""
        return [self._with_live_state(record) for record in self._imports.recent(limit)]

    @property
    def running(self) -> ImportRecord | None:
        """The running import, or else a waiting, paused or interrupted one."""
        unfinished = [self._with_live_state(record) for record in self._imports.unfinished()]
        order = ("running", "waiting", "paused", "interrupted")
        live = [record for record in unfinished if record.state in order]
        return min(live, key=lambda record: order.index(record.state), default=None)

    @property
    def running_here(self) -> int | None:
        """The import that this process is working on now."""
        return self._current_id

    def wait(self, import_id: int, timeout_s: float | None = None) -> bool:
        """Wait for the thread of an import. Returns whether none is left."""
        thread = self._threads.get(import_id)
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def start(self, paths: Sequence[Path], kind: ImportKind = "in place") -> int:
        """Import paths in the background. Returns the id of the import.

        An unfinished import of these paths goes through them once more instead.
        """
        sources = tuple(path.resolve() for path in paths)
        for record in self._imports.unfinished():
            is_other = record.sources != sources or record.kind == "upload"
            if is_other or record.requested_state != "run":
                continue
            if record.state == "waiting" or self._imports.request_rescan(record.import_id):
                self._start_thread(record.import_id)  # if nobody works on it any more
                return record.import_id
        import_id = self._imports.begin(kind, sources)
        self._start_thread(import_id)
        return import_id

    def start_uploads(
        self,
        uploads: Sequence[Upload],
        caption_language: str | None = None,
        skipped: Mapping[str, int] | None = None,
        rejected: Sequence[tuple[str, str]] = (),
    ) -> int:
        """Import uploads in the background. Returns the id of the import.

        Args:
            uploads: temporary files that nothing else uses.
            caption_language: queue the new photos for captions, "ko", "en" or "ko,en". None: don't.
            skipped: how many other files came with them, by kind.
            rejected: (name, reason) of files that are not imported.
        """
        with self._locks.starting():
            import_id = self._imports.begin("upload", [], caption_language, skipped)
            for number, (name, reason) in enumerate(rejected):  # names may be the same
                self._imports.fail(import_id, Path(str(number), name), reason)
            for file, name, sidecars in uploads:
                self._originals.receive_upload(file, name, import_id=import_id, sidecars=sidecars)
        self._start_thread(import_id)
        return import_id

    def run(
        self,
        paths: Sequence[Path],
        kind: ImportKind = "in place",
        on_progress: OnProgress = lambda done, total, name: None,
    ) -> ImportRecord:
        """Import files, folders and zips in this thread.

        Raises:
            ModelLoadingError: no model came in time.
            AlbumError: it could not continue. Imported photos stay, and it can be resumed.
        """
        sources = [path.resolve() for path in paths]
        return self._run_new(lambda: self._imports.begin(kind, sources), on_progress)

    def resume_here(
        self, import_id: int, on_progress: OnProgress = lambda done, total, name: None
    ) -> ImportRecord:
        """Run an import in this thread, even if it was stopped.

        Raises:
            ModelLoadingError: no model came in time.
            AlbumError: it could not continue, another process is working on it, or it is an
                upload that was cancelled.
        """
        self._refuse_cancelled_upload(import_id)
        with self._locks.claim(import_id) as claimed:
            if not claimed:
                raise AlbumError(
                    "Import {import_id} is being worked on by another process.", import_id=import_id
                )
            self._work(import_id, on_progress, resume=True)
        return self.get(import_id)

    def pause(self, import_id: int) -> None:
        """Stop an import after the photos in hand, until somebody resumes it."""
        self._request_stop(import_id, "pause")

    def cancel(self, import_id: int) -> None:
        """End an import after the photos in hand. Imported photos stay."""
        self._request_stop(import_id, "cancel")

    def resume(self, import_id: int) -> None:
        """Continue an import that was paused, cancelled, or could not continue.

        Raises:
            AlbumError: there is none with this id, or it is an upload that was cancelled.
        """
        if self._refuse_cancelled_upload(import_id).state != "done":
            self._imports.request_state(import_id, "run")
            self._start_thread(import_id)

    def retry(self, import_id: int) -> int:
        """Import failed files again. Returns the id of the new import."""
        retry_id = self._begin_retry(import_id)
        self._start_thread(retry_id)
        return retry_id

    def retry_here(
        self, import_id: int, on_progress: OnProgress = lambda done, total, name: None
    ) -> ImportRecord:
        """Import the failed files of an import again, in this thread.

        Raises:
            ModelLoadingError: no model came in time.
            AlbumError: it could not continue.
        """
        return self._run_new(lambda: self._begin_retry(import_id), on_progress)

    def resume_unfinished(self) -> None:
        """Resume every import without a worker, except paused ones."""
        with self._locks.starting():
            unfinished = self._imports.unfinished()
            if uploads := stray_uploads(self._imports, self._originals, unfinished):
                import_id = self._imports.begin("upload", [])
                for upload in uploads:
                    self._originals.hand_over(upload, import_id)
                unfinished.append(self._imports.get(import_id))
            self._locks.sweep({record.import_id for record in unfinished})
        for record in unfinished:
            if record.state != "paused":
                self._start_thread(record.import_id)

    def complete_finished(self) -> None:
        """Mark interrupted imports as done whose work a later import has finished."""
        complete_finished(self._imports, self._locks)

    def release(self) -> None:
        """Mark this process's imports as not running before it ends.

        Raises:
            AlbumError: the database cannot be written to.
        """
        for import_id in list(self._locks.claimed_ids):
            record = self._imports.get(import_id)
            if record.state == "running":
                self._imports.set_state(import_id, ENDED_BY.get(record.requested_state, "waiting"))

    def stop(self, timeout_s: float = 30.0) -> None:
        """End all after the photos in hand. The next start resumes them."""
        self._closing.set()
        deadline = time.monotonic() + timeout_s
        for thread in list(self._threads.values()):
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _run_new(self, begin: Callable[[], int], on_progress: OnProgress) -> ImportRecord:
        """Run a new import before another process can claim it."""
        with ExitStack() as claims:
            with self._locks.starting():
                import_id = begin()
                claims.enter_context(self._locks.claim(import_id))
            self._work(import_id, on_progress, resume=True)
        return self.get(import_id)

    def _begin_retry(self, import_id: int) -> int:
        record = self.get(import_id)
        if record.kind == "upload":
            retry_id = self._imports.begin("upload", [], record.caption_language)
            self._originals.retry(import_id, retry_id)
            return retry_id
        failures = self._imports.failures(import_id)
        sources = dict.fromkeys(_on_disk(failure.path) for failure in failures)
        # A rescan would skip files that failed before.
        kind: ImportKind = "in place" if record.kind == "rescan" else record.kind
        return self._imports.begin(kind, list(sources))

    def _refuse_cancelled_upload(self, import_id: int) -> ImportRecord:
        """Return the import, unless it is an upload whose files were deleted."""
        record = self.get(import_id)
        if record.kind == "upload" and record.state == "cancelled":
            raise AlbumError(
                "What was left of this upload went when it was cancelled: upload them again."
            )
        return record

    def _request_stop(self, import_id: int, requested: RequestedState) -> None:
        self._imports.request_state(import_id, requested)
        with self._locks.claim(import_id) as claimed:
            record = self.get(import_id)
            if claimed and not record.ended:  # nobody is there to notice it
                self._importer.stop_idle(record, requested)

    def _start_thread(self, import_id: int) -> None:
        with self._starting:
            if import_id in self._threads:
                self._restarts.add(import_id)  # it may be about to end
                return
            thread = threading.Thread(
                target=self._run_thread, args=(import_id,), name=f"import {import_id}", daemon=True
            )
            self._threads[import_id] = thread
            thread.start()

    def _run_thread(self, import_id: int) -> None:
        """Work on an import until it ends and nobody resumed it meanwhile."""
        while True:
            self._problems.pop(import_id, None)
            try:
                self._work_if_free(import_id)
            except Exception:
                log.exception("import %d stopped unexpectedly", import_id)
            with self._starting:
                restart = import_id in self._restarts
                self._restarts.discard(import_id)
                # A resume from now on starts a thread of its own.
                if not restart and not self._is_resumed_elsewhere(import_id):
                    del self._threads[import_id]
                    return

    def _is_resumed_elsewhere(self, import_id: int) -> bool:
        """Whether another process resumed an import that was just paused here."""
        try:
            record = self._imports.get(import_id)
        except AlbumError:  # the row of a rescan without news is deleted
            return False
        except Exception:
            log.exception("nobody knows whether import %d is to go on", import_id)
            return False
        resumed = record.requested_state == "run" and record.state in ENDED_BY.values()
        return resumed and not self._closing.is_set()

    def _work_if_free(self, import_id: int) -> None:
        with self._locks.claim(import_id) as claimed:
            if not claimed:
                return
            try:
                with self._one_at_a_time:
                    record = self._imports.get(import_id)
                    if record.state == "done" or self._closing.is_set():
                        return  # done: another process was quicker
                    # It may have been paused or cancelled before its turn came.
                    if record.requested_state == "run" or not self._importer.stop_idle(
                        record, record.requested_state
                    ):
                        self._work(import_id)
            except (AlbumError, ModelError) as error:
                log.warning("import %d could not go on: %s", import_id, error)

    def _work(
        self,
        import_id: int,
        on_progress: OnProgress = lambda done, total, name: None,
        *,
        resume: bool = False,
    ) -> None:
        problem = "The import stopped unexpectedly; the album's log says why."
        self._current_id = import_id
        try:
            if resume:
                self._imports.request_state(import_id, "run")
            self._importer.work(
                import_id,
                on_progress=on_progress,
                on_complete=self._on_complete,
                closing=self._closing.is_set,
            )
            problem = ""
            record = self._imports.get(import_id)
            if record.state == "done":
                complete_covered(self._imports, self._locks, record)
                news = record.added + record.updated + record.missing + record.failed
                if record.kind == "rescan" and not news:
                    self._imports.forget(import_id)
        except (AlbumError, ModelError) as error:
            problem = str(error)
            raise
        finally:
            self._current_id = None
            if problem:
                self._problems[import_id] = problem
                self._enter_failed(import_id, problem)

    def _enter_failed(self, import_id: int, problem: str) -> None:
        try:
            self._imports.set_state(import_id, "failed", problem=problem)
        except AlbumError as error:  # the same reason may keep it from being written
            log.warning("import %d: that it failed could not be noted: %s", import_id, error)

    def _with_live_state(self, record: ImportRecord) -> ImportRecord:
        """Return a record with its live state: failed here, or interrupted."""
        problem = self._problems.get(record.import_id)
        if problem is not None and not record.ended:
            return replace(record, state="failed", problem=problem)
        if record.state != "running" or not self._locks.is_free(record.import_id):
            return record
        try:
            record = self._imports.get(record.import_id)  # it may have ended just now
        except AlbumError:
            return record
        return replace(record, state="interrupted") if record.state == "running" else record


def _on_disk(path: Path) -> Path:
    """Return the path itself, or the zip around a member."""
    return next((place for place in (path, *path.parents) if place.exists()), path)
