"""Identity and names of files, and free disk space."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

SPARE_BYTES = 100_000_000  # stay free on the disk for the database and its log


def has_room(folder: Path, size_bytes: int) -> bool:
    """Tell whether the disk of a folder has room for more bytes."""
    return shutil.disk_usage(folder).free > size_bytes + SPARE_BYTES


def display_name(path: Path) -> str:
    """Return a file's name as text. Old Korean disks use CP949."""
    raw = os.fsencode(path.name)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp949", "replace")


def sha256_of(path: Path) -> str:
    """Return a photo's identity: the sha256 of its bytes in lower-case hex.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
