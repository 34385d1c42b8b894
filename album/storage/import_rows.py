"""Imports and files as rows of the database."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from album.domain.photo import ImportRecord

LOOK_AGAIN = "look again"
"""Value of the column `wish` for a running import whose sources changed meanwhile.

It means: run, and scan the sources once more. Any other value may replace it, since an import
that is resumed scans all of its sources anyway.
"""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Values that identify an unchanged file without reading it."""

    size_bytes: int
    mtime_ns: int
    sidecars: str
    """Names, sizes and times of its sidecars, as one text."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """File as an earlier import read it, with its photo's state."""

    stamp: FileStamp
    import_id: int | None
    """The last import that read it."""
    photo_id: int | None
    """None: it could not be read."""
    is_original: bool
    """Whether the photo's original belongs at this path."""
    missing: bool
    """Whether the photo is marked as missing."""


def import_from_row(row: sqlite3.Row) -> ImportRecord:
    return ImportRecord(
        import_id=row["import_id"],
        kind=row["kind"],
        sources=tuple(Path(_read_path(path)) for path in json.loads(row["sources"])),
        caption_language=row["caption_language"],
        state=row["state"],
        requested_state="run" if row["wish"] == LOOK_AGAIN else row["wish"],
        total=row["total"],
        done=row["done"],
        added=row["added"],
        already_here=row["already_here"],
        updated=row["updated"],
        missing=row["missing"],
        failed=row["failed"],
        skipped=json.loads(row["skipped"]),
        current=row["current"],
        problem=row["problem"],
        seconds=row["seconds"],
        asked_at=datetime.fromisoformat(row["asked_at"]),
        ended_at=None if row["ended_at"] is None else datetime.fromisoformat(row["ended_at"]),
    )


def spell_path(path: Path) -> str:
    """Return a path as Latin-1 text of its bytes (maybe not Unicode)."""
    return os.fsencode(path).decode("latin-1")


def _read_path(spelled: str) -> str:
    return os.fsdecode(spelled.encode("latin-1"))


def path_range(folder: Path) -> tuple[bytes, bytes]:
    """Return the first path below a folder, and the first after them."""
    inside = os.fsencode(folder).rstrip(b"/\\") + os.fsencode(os.sep)
    return inside, inside[:-1] + bytes([inside[-1] + 1])
