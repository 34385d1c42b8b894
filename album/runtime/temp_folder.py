"""TempFolder: where one process puts uploads and downloads for a while.

data/temp/<process>-<random>/        its files
data/temp/<process>-<random>.lock    held as long as it lives, however it ends
"""

from __future__ import annotations

import os
import shutil
import stat
import time
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from album.runtime.supervised_loop import SupervisedLoop

KEPT_S = 86_400.0  # query pictures and downloads; photos leave the folder at once
PARTIAL_KEPT_S = 3_600.0  # an upload to which nothing has been added for so long was given up
SWEEP_EVERY_S = 600.0
STOP_S = 10.0
PARTIAL = "tmp"  # Gradio's uploads on their way begin so, in no folder of their own


class TempFolder:
    """A folder of one process alone, empty at first and swept by age from then on."""

    def __init__(self, parent: Path) -> None:
        """Make it, and remove those of processes that have ended.

        Args:
            parent: the folder of all of them; whatever else is in it is removed.

        Raises:
            OSError: it cannot be made.
        """
        parent.mkdir(parents=True, exist_ok=True)
        self.path = parent.resolve() / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._lock = FileLock(_lock_of(self.path))
        # Whoever starts at the same moment must not find a folder that is not locked yet.
        with FileLock(parent / "starting.lock"):
            _remove_dead(parent)
            self._lock.acquire()
            self.path.mkdir()
        self._loop = SupervisedLoop("temporary files", self._sweep_in_time)
        self._loop.start()

    def sweep(self, now: float | None = None) -> None:
        """Remove what is too old, whether Gradio knows of it or not, and empty folders.

        Args:
            now: the time in seconds since 1970; None: of the clock.
        """
        now = time.time() if now is None else now
        for folder, names, files in os.walk(self.path, topdown=False):
            for name in files:
                path = Path(folder, name)
                partial = path.parent == self.path and name.startswith(PARTIAL)
                if _age_s(path, now) > (PARTIAL_KEPT_S if partial else KEPT_S):
                    path.unlink(missing_ok=True)
            for name in names:
                path = Path(folder, name)
                if path.is_symlink():
                    path.unlink(missing_ok=True)
                elif _age_s(path, now) > PARTIAL_KEPT_S and not any(path.iterdir()):
                    path.rmdir()

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        self._loop.stop(STOP_S)
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        _lock_of(self.path).unlink(missing_ok=True)

    def _sweep_in_time(self) -> float:
        self.sweep()
        return SWEEP_EVERY_S


def _remove_dead(parent: Path) -> None:
    """Remove what no living process holds the lock of."""
    for entry in parent.iterdir():
        if entry.suffix == ".lock":
            continue
        lock = FileLock(_lock_of(entry))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        if stat.S_ISDIR(entry.lstat().st_mode):
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
        lock.release()
        _lock_of(entry).unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _age_s(path: Path, now: float) -> float:
    """Since it was written or put here; a copy may have the date of what it was made of."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return 0.0
    return now - max(there.st_mtime, there.st_ctime)
