"""Watch of the owner's folders while the album runs.

The system reports changes where it can (watchdog). Network drives and full tables of watches do
not, so every folder is also rescanned now and then. Unchanged files cost almost nothing.
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

CALM_S = 3.0  # while a camera is being copied, changes keep coming
LONGEST_WAIT_S = 60.0  # but photos wait no longer than this
CHECK_EVERY_S = 1.0
_CHANGES = frozenset({"created", "modified", "moved", "deleted", "closed"})


class FolderWatcher:
    """Calls back when a folder should be rescanned."""

    def __init__(
        self, folders: Sequence[Path], rescan: Callable[[Path], None], every_s: float
    ) -> None:
        """Prepare to watch.

        Args:
            folders: folders that need not be there all the time.
            rescan: called with a folder, from a thread for each, never before `start`.
            every_s: how often a folder is rescanned without a reported change.
        """
        self._rescan = rescan
        self._every_s = every_s
        self._folders = [_Folder(path) for path in folders]
        self._observer: BaseObserver | None = None
        self.loops = [
            SupervisedLoop("folders", partial(self._check, folder)) for folder in self._folders
        ]
        """One for each folder, so that none waits for another's disk."""

    def start(self) -> None:
        """Start to watch. Every folder that is there is rescanned at once."""
        if self._folders:
            self._observer = Observer()
            self._observer.daemon = True
            self._observer.start()
            for loop in self.loops:
                loop.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop to watch."""
        if self._observer is None:
            return
        deadline = time.monotonic() + timeout_s
        self._observer.stop()
        for loop in self.loops:
            loop.stop(0)
        self._observer.join(timeout_s)
        for loop in self.loops:
            loop.stop(max(deadline - time.monotonic(), 0.0))

    def _check(self, folder: _Folder) -> float:
        identity = _identity(folder.path)
        if identity != folder.identity:  # its disk was plugged in or pulled out
            folder.identity = identity
            folder.set_due()
            self._subscribe(folder)
        if identity is not None and folder.is_due(time.monotonic(), self._every_s):
            try:
                self._rescan(folder.path)
            except BaseException:
                folder.set_due()
                raise
        return CHECK_EVERY_S

    def _subscribe(self, folder: _Folder) -> None:
        assert self._observer is not None  # it runs before this thread does
        if folder.watch is not None:  # it reports nothing of a folder that is gone
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
                folder.path,
                self._every_s / 60,
                error,
            )


class _Folder(FileSystemEventHandler):
    """Reported changes of one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity: tuple[int, int] | None = None
        """Device and inode of the folder at the last check. None: there was none."""
        self.watch: ObservedWatch | None = None
        self._lock = threading.Lock()
        self._scanned_at: float | None = None
        self._first_change_at: float | None = None
        self._last_change_at = 0.0

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note a change. Watchdog calls it in a thread of its own."""
        if event.event_type in _CHANGES:
            with self._lock:
                self._last_change_at = time.monotonic()
                self._first_change_at = self._first_change_at or self._last_change_at

    def set_due(self) -> None:
        """Make the folder due: it came back, or a rescan failed."""
        with self._lock:
            self._scanned_at = None

    def is_due(self, now: float, every_s: float) -> bool:
        """Tell whether it is time to rescan. Returns True once."""
        with self._lock:
            changed = self._first_change_at is not None and (
                now - self._last_change_at > CALM_S or now - self._first_change_at > LONGEST_WAIT_S
            )
            if not (self._scanned_at is None or changed or now - self._scanned_at > every_s):
                return False
            self._first_change_at = None
            self._scanned_at = now
            return True


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder, if it exists."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None
