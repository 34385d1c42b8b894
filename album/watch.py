"""FolderWatch: keeps the folders that the owner named up to date while the album runs.

The system tells of changes where it can (watchdog); network drives and full tables of watches do
not, so every folder is also looked through now and then. Unchanged files cost almost nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)

CALM_S = 3.0  # a camera that is being copied changes something all the time
PATIENCE_S = 60.0  # but what is there is not made to wait for longer
LOOK_EVERY_S = 1.0
_TELLING = frozenset({"created", "modified", "moved", "deleted", "closed"})


class FolderWatch:
    """Calls back when a folder should be looked through."""

    def __init__(
        self, folders: Sequence[Path], rescan: Callable[[Path], None], every_s: float
    ) -> None:
        """Prepare to watch.

        Args:
            folders: folders that need not be there all the time.
            rescan: called with a folder, from one thread, never before `start`.
            every_s: how often a folder is looked through though nothing was heard of it.
        """
        self._rescan = rescan
        self._every_s = every_s
        self._folders = [_Folder(path) for path in folders]
        self._observer: BaseObserver | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="folder-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch; every folder that is there is looked through at once."""
        if self._folders:
            self._observer = Observer()
            self._observer.daemon = True
            self._observer.start()
            self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=10)
            self._thread.join(timeout=10)

    def _look(self) -> None:
        while not self._stopped.is_set():
            for folder in self._folders:
                self._look_at(folder)
            self._stopped.wait(LOOK_EVERY_S)

    def _look_at(self, folder: _Folder) -> None:
        if not folder.path.is_dir():
            folder.forget()  # when its disk is plugged in again, it is as new
            return
        if not folder.watched:
            folder.watched = True
            self._listen(folder)
        if folder.is_due(time.monotonic(), self._every_s):
            self._rescan(folder.path)

    def _listen(self, folder: _Folder) -> None:
        assert self._observer is not None  # it runs before this thread does
        try:
            self._observer.schedule(folder, str(folder.path), recursive=True)
        except OSError as error:
            log.warning(
                "changes of %s are only seen every %.0f minutes: %s",
                folder.path, self._every_s / 60, error,
            )  # fmt: skip


class _Folder(FileSystemEventHandler):
    """What was heard of one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.watched = False
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

    def forget(self) -> None:
        """The folder is gone: look through it when it comes back."""
        self.watched = False
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
