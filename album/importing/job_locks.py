"""Locks that tell whether a process works on an import.

The system releases the lock of a process that ends, however it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

CLAIM_S = 0.2  # `is_free` holds the lock of an import for a moment
ATTEMPTS = 2  # the file of the first may be deleted in that very moment


class JobLocks:
    """One lock file an import, and one for the start of imports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.claimed_ids: set[int] = set()
        """Imports that this process works on, or is about to."""
        with suppress(OSError):  # where nothing can be written, nothing is imported
            folder.mkdir(parents=True, exist_ok=True)

    def starting(self) -> FileLock:
        """Return the lock to hold until an import's row is complete."""
        return FileLock(self._folder / "begin.lock")

    @contextmanager
    def claim(self, import_id: int) -> Iterator[bool]:
        """Claim an import. Yields False if it is claimed elsewhere."""
        lock = self._lock(import_id)
        if not any(_is_acquired(lock) for _ in range(ATTEMPTS)):
            yield False
            return
        self.claimed_ids.add(import_id)
        try:
            yield True
        finally:
            self.claimed_ids.discard(import_id)
            # While it is held: a lock on a deleted file does not count, and is tried again.
            with suppress(OSError):  # some systems keep open files
                Path(lock.lock_file).unlink()
            lock.release()

    def is_free(self, import_id: int) -> bool:
        """Tell whether no process works on an import."""
        if import_id in self.claimed_ids:
            return False
        try:
            with self._lock(import_id).acquire(timeout=0):
                return True
        except OSError:  # somebody holds it, or this user may not write here
            return False

    def sweep(self, unfinished: Collection[int]) -> None:
        """Remove lock files that a kill left of ended imports."""
        for file in self._folder.glob("[0-9]*.lock"):
            if file.stem.isdecimal() and int(file.stem) not in unfinished:
                with self.claim(int(file.stem)):
                    pass

    def _lock(self, import_id: int) -> FileLock:
        return FileLock(self._folder / f"{import_id}.lock")


def _is_acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=CLAIM_S, poll_interval=CLAIM_S / 4)
    except Timeout:
        return False
    return True
