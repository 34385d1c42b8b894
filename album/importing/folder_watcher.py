"""FolderWatcher: keeps the folders that the owner named up to date while the album runs.

The system tells of changes where it can (watchdog); network drives and full tables of watches do
not, so every folder is also looked through now and then. Unchanged files cost almost nothing.
"""

from __future__ import annotations

import logging
import stat
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from album.runtime.supervised_loop import SupervisedLoop

log = logging.getLogger(__name__)

CALM_S = 3.0  # a camera that is being copied changes something all the time
PATIENCE_S = 60.0  # but what is there is not made to wait for longer
LOOK_EVERY_S = 1.0
_TELLING = frozenset({"created", "modified", "moved", "deleted", "closed"})


class FolderWatcher:
    """Calls back when a folder should be looked through."""

    def __init__(
        self, folders: Sequence[Path], rescan: Callable[[Path], None], every_s: float
    ) -> None:
        """Prepare to watch.

        Args:
            folders: folders that need not be there all the time.
            rescan: called with a folder, from a thread for each, never before `start`.
            every_s: how often a folder is looked through though nothing was heard of it.
        """
        self._rescan = rescan
        self._every_s = every_s
        self._folders = [_Folder(path) for path in folders]
        self._observer: BaseObserver | None = None
        self.loops = [SupervisedLoop("folders", partial(self._look_at, it)) for it in self._folders]
        """One for each folder, so that none waits for another's disk."""

    def start(self) -> None:
        """Begin to watch; every folder that is there is looked through at once."""
        if self._folders:
            self._observer = Observer()
            self._observer.daemon = True
            self._observer.start()
            for loop in self.loops:
                loop.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Watch no more."""
        if self._observer is None:
            return
        patience = time.monotonic() + timeout_s
        self._observer.stop()
        for loop in self.loops:
            loop.stop(0)
        self._observer.join(timeout_s)
        for loop in self.loops:
            loop.stop(max(patience - time.monotonic(), 0.0))

    def _look_at(self, folder: _Folder) -> float:
        identity = _identity(folder.path)
        if identity != folder.identity:  # its disk was plugged in or pulled out
            folder.identity = identity
            folder.look_again()
            self._listen(folder)
        if identity is not None and folder.is_due(time.monotonic(), self._every_s):
            try:
                self._rescan(folder.path)
            except BaseException:
                folder.look_again()
                raise
        return LOOK_EVERY_S

    def _listen(self, folder: _Folder) -> None:
        assert self._observer is not None  # it runs before this thread does
        if folder.watch is not None:  # of a folder that is gone it tells nothing any more
            with suppress(KeyError):
                self._observer.unschedule(folder.watch)
            folder.watch = None
        if folder.identity is None:
            return
        try:
            folder.watch = self._observer.schedule(folder, str(folder.path), recursive=True)
        except OSError as error:
            log.warning(
                "changes of %s are only seen every %.0f minutes: %s",
                folder.path, self._every_s / 60, error,
            )  # fmt: skip


class _Folder(FileSystemEventHandler):
    """What was heard of one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity: tuple[int, int] | None = None
        """Device and inode of the folder that was there at the last look; None: there was none."""
        self.watch: ObservedWatch | None = None
        self._lock = threading.Lock()
        self._looked_at: float | None = None
        self._first: float | None = None
        self._last = 0.0

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Told by watchdog, in a thread of its own."""
        if event.event_type in _TELLING:
            with self._lock:
                self._last = time.monotonic()
                self._first = self._first or self._last

    def look_again(self) -> None:
        """Make the folder due: it came back, or could not be looked through."""
        with self._lock:
            self._looked_at = None

    def is_due(self, now: float, every_s: float) -> bool:
        """Whether it is time to look through the folder; True is said once."""
        with self._lock:
            changed = self._first is not None and (
                now - self._last > CALM_S or now - self._first > PATIENCE_S
            )
            if not (self._looked_at is None or changed or now - self._looked_at > every_s):
                return False
            self._first = None
            self._looked_at = now
            return True


def _identity(folder: Path) -> tuple[int, int] | None:
    """Device and inode of a folder; None where there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None
