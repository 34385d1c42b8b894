"""ImportJobs: imports in the background, one after the other, each of them a row of the database.

Whoever opens the library sees every import and can ask it to pause, to go on or to end, also one
that another process runs. A lock on a file tells whether somebody works on an import: the system
lets go of it when that process ends, however it does, and the import can be gone on with. Until
then it is told as interrupted, though its row still says "running".
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from album.domain.photo import ENDED_BY, ImportKind, ImportRecord, RequestedState
from album.domain.progress import OnProgress
from album.errors import AlbumError
from album.importing.importer import PhotoImporter
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from models.errors import ModelError

log = logging.getLogger(__name__)

CLAIM_S = 0.2  # who only looks whether somebody works on an import holds its lock for a moment
SETTLED_BY_LATEST = 100  # imports among which the one is looked for that finished another's work

Upload = tuple[Path, str, Sequence[tuple[Path, str]]]
"""A file, what the person called it, and (file, name) of what describes it."""
ATTEMPTS = 2  # the file of the first may be taken away in that very moment
AfterImport = Callable[[ImportRecord], None]


class ImportJobs:
    """Runs imports one at a time: they share the processor with the page, not each other."""

    def __init__(
        self,
        imports: ImportStore,
        importer: PhotoImporter,
        originals: Originals,
        locks_dir: Path,
        then: AfterImport,
    ) -> None:
        """Prepare to run imports.

        Args:
            imports: their rows.
            importer: does the work.
            originals: where uploads wait.
            locks_dir: a folder for the locks.
            then: called when an import is done, before it counts as such.
        """
        self._imports = imports
        self._importer = importer
        self._originals = originals
        self._locks_dir = locks_dir
        self._then = then
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._threads: dict[int, threading.Thread] = {}
        self._again: set[int] = set()
        """Those of them that somebody asked to work on meanwhile."""
        self._held: set[int] = set()
        """Imports that this process works on, or is about to."""
        self._problems: dict[int, str] = {}
        self._at_work: int | None = None
        with suppress(OSError):  # where nothing can be written, nothing is imported
            locks_dir.mkdir(parents=True, exist_ok=True)

    # What there is

    def get(self, import_id: int) -> ImportRecord:
        """One import.

        Raises:
            AlbumError: there is none with this id.
        """
        return self._as_known_here(self._imports.get(import_id))

    def recent(self, limit: int) -> list[ImportRecord]:
        """The imports asked for last, the last one first."""
        return [self._as_known_here(record) for record in self._imports.recent(limit)]

    @property
    def running(self) -> ImportRecord | None:
        """The import at work, or else the next to be, or a paused one; None when there is none."""
        unfinished = [self._as_known_here(record) for record in self._imports.unfinished()]
        order = ("running", "waiting", "paused", "interrupted")
        known = [record for record in unfinished if record.state in order]
        return min(known, key=lambda record: order.index(record.state), default=None)

    @property
    def running_here(self) -> int | None:
        """The import that this process is working on now."""
        return self._at_work

    def wait(self, import_id: int, timeout_s: float | None = None) -> bool:
        """Whether no thread of this process works on an import, at the latest after this time."""
        thread = self._threads.get(import_id)
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    # What can be asked

    def start(self, paths: Sequence[Path], kind: ImportKind = "in place") -> int:
        """Import files, folders and zips in the background; the id of the import.

        One that is under way with the same ones looks through them once more before it ends.
        """
        sources = tuple(path.resolve() for path in paths)
        for record in self._imports.unfinished():
            if (
                record.sources != sources
                or record.kind == "upload"
                or record.requested_state != "run"
            ):
                continue
            if record.state == "waiting" or self._imports.request_rescan(record.import_id):
                self._work_in_thread(record.import_id)  # where nobody works on it any more
                return record.import_id
        import_id = self._imports.begin(kind, sources)
        self._work_in_thread(import_id)
        return import_id

    def start_uploads(
        self,
        uploads: Sequence[Upload],
        caption_language: str | None = None,
        skipped: Mapping[str, int] | None = None,
        left_out: Sequence[tuple[str, str]] = (),
    ) -> int:
        """Take uploads away into the album's keeping and import them; the id of the import.

        Args:
            uploads: files that are there for the album alone.
            caption_language: queue the new photos for captions, "ko", "en" or "ko,en"; None: don't.
            skipped: how many other files came with them, by kind.
            left_out: names of files that are not taken, and why.
        """
        with self._beginning():
            import_id = self._imports.begin("upload", [], caption_language, skipped)
            for number, (name, reason) in enumerate(left_out):  # names may be the same
                self._imports.fail(import_id, Path(str(number), name), reason)
            for file, name, sidecars in uploads:
                self._originals.receive_upload(file, name, import_id=import_id, sidecars=sidecars)
        self._work_in_thread(import_id)
        return import_id

    def run(
        self,
        paths: Sequence[Path],
        kind: ImportKind = "in place",
        on_progress: OnProgress = lambda done, total, name: None,
    ) -> ImportRecord:
        """Import files, folders and zips, and return when that has come to an end.

        Raises:
            ModelLoadingError: no model came in time.
            AlbumError: it could not go on; what is in stays, and it can be gone on with.
        """
        sources = [path.resolve() for path in paths]
        return self._run_new(lambda: self._imports.begin(kind, sources), on_progress)

    def go_on_here(
        self, import_id: int, on_progress: OnProgress = lambda done, total, name: None
    ) -> ImportRecord:
        """Work on an import in this thread until it comes to an end, whatever was asked before.

        Raises:
            ModelLoadingError: no model came in time.
            AlbumError: it could not go on, another process is working on it, or it is an upload
                that was cancelled.
        """
        self._refuse_gone(import_id)
        with self._claimed(import_id) as claimed:
            if not claimed:
                raise AlbumError(f"Import {import_id} is being worked on by another process.")
            self._work(import_id, on_progress, anyway=True)
        return self.get(import_id)

    def pause(self, import_id: int) -> None:
        """End the work on it after the photos in hand, until somebody resumes it."""
        self._ask_to_end(import_id, "pause")

    def cancel(self, import_id: int) -> None:
        """End it after the photos in hand; those that are in stay."""
        self._ask_to_end(import_id, "cancel")

    def resume(self, import_id: int) -> None:
        """Go on with an import that was paused, cancelled, or could not go on.

        Raises:
            AlbumError: there is none with this id, or it is an upload that was cancelled.
        """
        if self._refuse_gone(import_id).state != "done":
            self._imports.request_state(import_id, "run")
            self._work_in_thread(import_id)

    def retry(self, import_id: int) -> int:
        """Try the files of an import that failed again, as an import of its own; its id."""
        again = self._begin_retry(import_id)
        self._work_in_thread(again)
        return again

    def retry_here(
        self, import_id: int, on_progress: OnProgress = lambda done, total, name: None
    ) -> ImportRecord:
        """The same in this thread.

        Raises:
            ModelLoadingError: no model came in time.
            AlbumError: it could not go on.
        """
        return self._run_new(lambda: self._begin_retry(import_id), on_progress)

    def _run_new(self, begin: Callable[[], int], on_progress: OnProgress) -> ImportRecord:
        """Work on the import that `begin` enters; no other process can take it up before."""
        with ExitStack() as held:
            with self._beginning():
                import_id = begin()
                held.enter_context(self._claimed(import_id))
            self._work(import_id, on_progress, anyway=True)
        return self.get(import_id)

    def _begin_retry(self, import_id: int) -> int:
        record = self.get(import_id)
        if record.kind == "upload":
            again = self._imports.begin("upload", [], record.caption_language)
            self._originals.retry(import_id, again)
        else:
            failed = [failure.path for failure in self._imports.failures(import_id)]
            sources = dict.fromkeys(_on_disk(path) for path in failed)
            # A rescan would leave files that failed before alone.
            kind: ImportKind = "in place" if record.kind == "rescan" else record.kind
            again = self._imports.begin(kind, list(sources))
        return again

    def resume_unfinished(self) -> None:
        """Go on with every import that nobody works on: after a restart, or a kill elsewhere."""
        with self._beginning():
            unfinished = self._imports.unfinished()
            if stray := self._stray_uploads(unfinished):
                again = self._imports.begin("upload", [])
                for upload in stray:
                    self._originals.hand_over(upload, again)
                unfinished.append(self._imports.get(again))
            self._sweep_locks({record.import_id for record in unfinished})
        for record in unfinished:
            if record.state != "paused":
                self._work_in_thread(record.import_id)

    def _stray_uploads(self, unfinished: Sequence[ImportRecord]) -> list[Path]:
        """Uploads that no import is to take in; what a kill left of cancelled ones goes."""
        stray = self._originals.uploads_without(record.import_id for record in unfinished)
        if not stray:
            return []
        cancelled = self._originals.uploads_of(stray, self._imports.cancelled())
        for upload in cancelled:
            self._originals.discard(upload)
        return [upload for upload in stray if upload not in cancelled]

    def settle(self) -> None:
        """Note as done what a program left behind and a later import has finished."""
        unfinished = self._imports.unfinished()
        if not unfinished:
            return
        done = [it for it in self._imports.recent(SETTLED_BY_LATEST) if it.state == "done"]
        for record in unfinished:
            if any(it.import_id > record.import_id and _finished(record, it) for it in done):
                self._settle(record)

    def put_down(self) -> None:
        """Have no row say that this process works on an import: it is about to end.

        Raises:
            AlbumError: the database cannot be written to.
        """
        for import_id in list(self._held):
            record = self._imports.get(import_id)
            if record.state == "running":
                self._imports.set_state(import_id, ENDED_BY.get(record.requested_state, "waiting"))

    def stop(self, timeout_s: float = 30.0) -> None:
        """End all after the photos in hand; the rest waits for the next start."""
        self._closing.set()
        patience = time.monotonic() + timeout_s
        for thread in list(self._threads.values()):
            thread.join(max(patience - time.monotonic(), 0.0))

    # How it is done

    def _refuse_gone(self, import_id: int) -> ImportRecord:
        """The import, unless it is an upload whose files went when it was cancelled."""
        record = self.get(import_id)
        if record.kind == "upload" and record.state == "cancelled":
            raise AlbumError(
                "What was left of this upload went when it was cancelled: upload them again."
            )
        return record

    def _ask_to_end(self, import_id: int, wish: RequestedState) -> None:
        self._imports.request_state(import_id, wish)
        with self._claimed(import_id) as claimed:
            record = self.get(import_id)
            if claimed and not record.ended:  # nobody is there to hear it
                self._importer.end_as_requested(record, wish)

    def _work_in_thread(self, import_id: int) -> None:
        with self._starting:
            if import_id in self._threads:
                self._again.add(import_id)  # it may be about to end
                return
            thread = threading.Thread(
                target=self._work_while_asked,
                args=(import_id,),
                name=f"import {import_id}",
                daemon=True,
            )
            self._threads[import_id] = thread
            thread.start()

    def _work_while_asked(self, import_id: int) -> None:
        """Work on an import until nobody asks to go on with it, also not while it was ending."""
        while True:
            self._problems.pop(import_id, None)
            try:
                self._work_if_free(import_id)
            except Exception:
                log.exception("import %d stopped unexpectedly", import_id)
            with self._starting:
                again = import_id in self._again
                self._again.discard(import_id)
                # Whoever resumes it from now on starts a thread of its own.
                if not again and not self._is_resumed(import_id):
                    del self._threads[import_id]
                    return

    def _is_resumed(self, import_id: int) -> bool:
        """Whether another process asked to go on with an import that was just paused here."""
        try:
            record = self._imports.get(import_id)
        except AlbumError:  # a rescan without news is not even listed any more
            return False
        except Exception:
            log.exception("nobody knows whether import %d is to go on", import_id)
            return False
        resumed = record.requested_state == "run" and record.state in ENDED_BY.values()
        return resumed and not self._closing.is_set()

    def _work_if_free(self, import_id: int) -> None:
        with self._claimed(import_id) as claimed:
            if not claimed:
                return
            try:
                with self._turn:
                    record = self._imports.get(import_id)
                    if record.state == "done" or self._closing.is_set():
                        return  # done: another process was quicker
                    # It may have been asked to end before its turn came.
                    if record.requested_state == "run" or not self._importer.end_as_requested(
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
        anyway: bool = False,
    ) -> None:
        problem = "The import stopped unexpectedly; the album's log says why."
        self._at_work = import_id
        try:
            if anyway:
                self._imports.request_state(import_id, "run")
            self._importer.work(
                import_id,
                on_progress=on_progress,
                then=self._then,
                closing=self._closing.is_set,
            )
            problem = ""
            now = self._imports.get(import_id)
            if now.state == "done":
                for other in self._imports.unfinished():
                    if _finished(other, now):
                        self._settle(other)
            news = now.added + now.updated + now.missing + now.failed
            if now.kind == "rescan" and now.state == "done" and not news:
                self._imports.forget(import_id)
        except (AlbumError, ModelError) as error:
            problem = str(error)
            raise
        finally:
            self._at_work = None
            if problem:
                self._problems[import_id] = problem
                self._enter_failed(import_id, problem)

    def _enter_failed(self, import_id: int, problem: str) -> None:
        try:
            self._imports.set_state(import_id, "failed", problem=problem)
        except AlbumError as error:  # the very reason may keep it from being written
            log.warning("import %d: that it failed could not be noted: %s", import_id, error)

    def _as_known_here(self, record: ImportRecord) -> ImportRecord:
        """The import with what its row does not say: that it failed, or that its process ended."""
        problem = self._problems.get(record.import_id)
        if problem is not None and not record.ended:
            return replace(record, state="failed", problem=problem)
        if record.state != "running" or not self._is_left_behind(record.import_id):
            return record
        try:
            record = self._imports.get(record.import_id)  # it may have come to its end just now
        except AlbumError:
            return record
        return replace(record, state="interrupted") if record.state == "running" else record

    def _is_left_behind(self, import_id: int) -> bool:
        """Whether no process works on an import."""
        if import_id in self._held:
            return False
        try:
            with self._lock_of(import_id).acquire(timeout=0):
                return True
        except OSError:  # somebody holds it, or nobody may write here
            return False

    def _settle(self, record: ImportRecord) -> None:
        with self._claimed(record.import_id) as claimed:
            if claimed:
                self._imports.complete_interrupted(record.import_id)

    def _sweep_locks(self, unfinished: set[int]) -> None:
        """Take away what a kill left of the locks of imports that have ended."""
        for file in self._locks_dir.glob("[0-9]*.lock"):
            if file.stem.isdecimal() and int(file.stem) not in unfinished:
                with self._claimed(int(file.stem)):
                    pass

    def _beginning(self) -> FileLock:
        """The lock that is held until an import's row is complete or claimed."""
        return FileLock(self._locks_dir / "begin.lock")

    @contextmanager
    def _claimed(self, import_id: int) -> Iterator[bool]:
        """Whether nobody else works on an import; nobody can begin to within this block."""
        lock = self._lock_of(import_id)
        if not any(_is_acquired(lock) for _ in range(ATTEMPTS)):
            yield False
            return
        self._held.add(import_id)
        try:
            yield True
        finally:
            self._held.discard(import_id)
            # While it is held: a lock on a file that is gone is not taken, but tried anew.
            with suppress(OSError):  # some systems keep what is open
                Path(lock.lock_file).unlink()
            lock.release()

    def _lock_of(self, import_id: int) -> FileLock:
        return FileLock(self._locks_dir / f"{import_id}.lock")


def _finished(record: ImportRecord, by: ImportRecord) -> bool:
    """Whether an import that is done has looked through all that another one was to look through,
    in the same way."""
    in_place = ("in place", "rescan")
    alike = by.kind == record.kind or (by.kind in in_place and record.kind in in_place)
    return (
        record.state == "running"
        and record.import_id != by.import_id
        and record.kind != "upload"
        and alike
        and all(
            any(source == it or it in source.parents for it in by.sources)
            for source in record.sources
        )
    )


def _is_acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=CLAIM_S, poll_interval=CLAIM_S / 4)
    except Timeout:
        return False
    return True


def _on_disk(path: Path) -> Path:
    """The path itself, or the zip that it is a member of."""
    return next((it for it in (path, *path.parents) if it.exists()), path)
