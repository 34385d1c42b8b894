"""Cache of views: large JPEGs of photos, made when somebody looks at them.

    data/thumbnails/large/<ab>/<sha256>.<kind>.jpg

The files together stay below a number of bytes. What was used longest ago goes first. Several
processes may use the cache at once: each looks at the files after it has added a part of the bound,
and leaves room for what another adds meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from album.domain.photo import ViewKind
from album.storage.originals import PARTIAL, Originals

KINDS: Final[dict[ViewKind, str]] = {"large": "2560", "full": "full"}
"""The kind in file names. A large view of another size is another file."""
MOST_BYTES: Final = 2 * 10**9
PARTS: Final = 16
"""Part of the bound after whose writing a process looks at the files again: one of so many."""
USE_NOTED_S: Final = 3600.0
"""A use is noted in the time of the file, but not more often than this."""
PARTIAL_KEPT_S: Final = 3600.0


class _Entry(NamedTuple):
    used_ns: int
    size: int
    path: Path


class ViewCache:
    """Views of one data folder, by the sha256 of the photo."""

    def __init__(self, originals: Originals, most_bytes: int = MOST_BYTES) -> None:
        self._originals = originals
        self._folder = originals.thumbnails_dir / "large"
        self._part = most_bytes // PARTS
        self._kept = most_bytes - 2 * self._part
        self._lock = threading.Lock()
        self._written: int | None = None
        """Bytes written since the last look. None: there was none yet."""

    def path(self, sha256: str, kind: ViewKind) -> Path:
        """Return the path where a view belongs."""
        return self._folder / sha256[:2] / f"{sha256}.{KINDS[kind]}.jpg"

    def paths(self, sha256: str) -> list[Path]:
        """Return the paths of all views that a photo may have."""
        return [self.path(sha256, kind) for kind in KINDS]

    def find(self, sha256: str, kind: ViewKind) -> Path | None:
        """Return a view that is there, and note its use."""
        path = self.path(sha256, kind)
        try:
            used = path.stat().st_mtime
        except OSError:
            return None
        if abs(time.time() - used) > USE_NOTED_S:
            with suppress(OSError):  # a disk that cannot be written to
                os.utime(path)
        return path

    def store(self, sha256: str, kind: ViewKind, jpeg: bytes) -> Path:
        """Write a view atomically, and remove old ones if it is time to look.

        Raises:
            OSError: it cannot be written.
        """
        path = self.path(sha256, kind)
        self._originals.write_cache(path, jpeg)
        with self._lock:
            written = None if self._written is None else self._written + len(jpeg)
            self._written = written
            if written is None or written >= self._part:
                self._prune()
                self._written = 0
        return path

    def _prune(self) -> None:
        """Remove what was used longest ago, in one pass over the files."""
        entries = sorted(self._entries())
        total = sum(entry.size for entry in entries)
        for used_ns, size, path in entries:
            if total <= self._kept:
                return
            try:
                if path.stat().st_mtime_ns != used_ns:
                    continue  # used meanwhile
                path.unlink()
            except FileNotFoundError:
                pass  # another process was faster
            except OSError:
                continue
            total -= size

    def _entries(self) -> Iterator[_Entry]:
        for folder in _scan(self._folder):
            for file in _scan(folder):
                with suppress(OSError):
                    status = file.stat()
                    if not file.name.endswith(PARTIAL):
                        yield _Entry(status.st_mtime_ns, status.st_size, Path(file.path))
                    elif status.st_mtime < time.time() - PARTIAL_KEPT_S:  # left by a crash
                        Path(file.path).unlink()


def _scan(folder: os.DirEntry[str] | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
