"""Disks as tests need them: full ones, and ones that nothing can be written to."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[Path]:
    """A disk of its own at `folder`, of so many kilobytes; skips where tests may mount none."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs"):
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing in `folder` can be written, not even by root; skips where tests may not mount."""
    with _mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield


def fill(folder: Path, leave_bytes: int = 0) -> Path:
    """A file that takes all that the disk of `folder` has left, but some bytes."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        left = shutil.disk_usage(folder).free - leave_bytes
        try:
            while left > 0:
                left -= file.write(bytes(min(left, 65_536)))
        except OSError:
            return filler
    return filler


@contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(["mount", *options, str(folder)], capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("tests may not mount disks here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
