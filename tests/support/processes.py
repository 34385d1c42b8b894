"""Observation of worker processes by /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 60


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait until a condition holds, and return whether it did in time."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def held_megabytes(pids: set[int]) -> int:
    """Return the total resident memory of processes."""
    pages = 0
    for pid in pids:
        with suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def runs(pid: int) -> bool:
    """Return whether a process runs, which a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def has_open(file: Path) -> list[int]:
    """Return the workers of any process that have a file open."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            files = {str(link.readlink()) for link in (process / "fd").iterdir()}
            if str(file) in files and b"decoder_worker" in (process / "cmdline").read_bytes():
                pids.append(int(process.name))
    return pids


def workers() -> set[int]:
    """Return all child processes, including zombies."""
    pids = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = stat.read_text().partition(" (")
            parent = int(rest.rsplit(") ", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid():
            pids.add(int(pid))
    return pids
