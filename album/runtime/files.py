"""Files of the disk: their identity, their names, and room for more."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

SPARE_BYTES = 100_000_000  # that stay free on the disk, for the database and its log


def has_room(folder: Path, size_bytes: int) -> bool:
    """Whether the disk of a folder can hold so many bytes more."""
    return shutil.disk_usage(folder).free > size_bytes + SPARE_BYTES


def display_name(path: Path) -> str:
    """A file's name as text, also where an old Korean disk wrote it in CP949."""
    raw = os.fsencode(path.name)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp949", "replace")


def sha256_of(path: Path) -> str:
    """The identity of a photo: the sha256 of its bytes, in lower-case hex.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
