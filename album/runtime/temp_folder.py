"""Temporary uploads and downloads of one process.

data/temp/<process>-<random>/        its files
data/temp/<process>-<random>.lock    held as long as the process lives, however it ends
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

KEPT_S = 86_400.0  # query images and downloads. Photos leave the folder at once
PARTIAL_KEPT_S = 3_600.0  # an upload without new bytes for so long was abandoned
SWEEP_EVERY_S = 600.0
STOP_S = 10.0
PARTIAL = "tmp"  # prefix of Gradio's unfinished uploads, which have no folder of their own


class TempFolder:
    """Folder of one process, swept by age."""

    def __init__(self, parent: Path) -> None:
        """Create the folder, and remove those of processes that have ended.

        Args:
            parent: the folder of all such folders. Anything else in it is removed.

        Raises:
            OSError: the folder cannot be created.
        """
        parent.mkdir(parents=True, exist_ok=True)
        self.path = parent.resolve() / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._lock = FileLock(_lock_of(self.path))
        # Another process that starts now must not find a folder without its lock.
        with FileLock(parent / "starting.lock"):
            _remove_dead(parent)
            self._lock.acquire()
            self.path.mkdir()
        self._loop = SupervisedLoop("temporary files", self._sweep_step)
        self._loop.start()

    def sweep(self, now: float | None = None) -> None:
        """Remove old files and empty folders, whether Gradio knows them or not.

        Args:
            now: the time in seconds since 1970. None: now.
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
        """Remove the folder with its files."""
        self._loop.stop(STOP_S)
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        _lock_of(self.path).unlink(missing_ok=True)

    def _sweep_step(self) -> float:
        self.sweep()
        return SWEEP_EVERY_S


def _remove_dead(parent: Path) -> None:
    """Remove the entries whose lock no living process holds."""
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
    """Age since it was written or, for a copy, put here."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0.0
    return now - max(status.st_mtime, status.st_ctime)
