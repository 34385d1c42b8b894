"""Photos and places as rows of the database."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from album.domain.photo import ImageFacts, Photo, Place


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """Values of a photo's row before it has an id."""

    sha256: str
    filename: str
    path: Path | None
    size_bytes: int
    facts: ImageFacts
    file_time: datetime
    """Replaces the capture time where the file does not know it."""
    place: Place | None = None


def path_value(path: Path | None) -> str | bytes | None:
    """Return a path as text, or as bytes if not Unicode.

    Old disks and zip files have such names.
    """
    if path is None:
        return None
    raw = os.fsencode(path)
    return str(path) if raw == str(path).encode("utf-8", "replace") else raw


def photo_from_row(row: sqlite3.Row) -> Photo:
    return Photo(
        photo_id=row["photo_id"],
        sha256=row["sha256"],
        filename=row["filename"],
        path=None if row["path"] is None else Path(os.fsdecode(row["path"])),
        file_type=row["file_type"],
        size_bytes=row["size_bytes"],
        width=row["width"],
        height=row["height"],
        taken_at=datetime.fromisoformat(row["taken_at"]),
        taken_from=row["taken_from"],
        taken_offset=row["taken_offset"],
        camera=row["camera"],
        lens=row["lens"],
        exposure_s=row["exposure_s"],
        f_number=row["f_number"],
        iso=row["iso"],
        focal_mm=row["focal_mm"],
        orientation=row["orientation"],
        rating=row["rating"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        added_at=datetime.fromisoformat(row["added_at"]),
        missing=row["missing_since"] is not None,
    )


def place_from_row(row: sqlite3.Row) -> Place:
    return Place(
        row["town"], row["town_ko"], row["country_code"], row["country"], row["country_ko"]
    )


def photo_columns(db: sqlite3.Connection, new: NewPhoto) -> dict[str, Any]:
    """Return all columns that an import sets."""
    return {
        "sha256": new.sha256,
        "filename": new.filename,
        "path": path_value(new.path),
        "size_bytes": new.size_bytes,
        **fact_columns(db, new.facts, new.file_time, new.place),
    }


def fact_columns(
    db: sqlite3.Connection, facts: ImageFacts, file_time: datetime, place: Place | None
) -> dict[str, Any]:
    """Return the columns read from the file and its sidecars."""
    taken_at = facts.taken_at or file_time
    return {
        "file_type": facts.file_type,
        "width": facts.width,
        "height": facts.height,
        "taken_at": taken_at.isoformat(
            timespec="milliseconds" if taken_at.microsecond else "seconds"
        ),
        "taken_from": (facts.taken_from or "exif") if facts.taken_at else "file",
        "taken_offset": facts.taken_offset,
        "camera": facts.camera,
        "lens": facts.lens,
        "exposure_s": facts.exposure_s,
        "f_number": facts.f_number,
        "iso": facts.iso,
        "focal_mm": facts.focal_mm,
        "orientation": facts.orientation,
        "rating": facts.rating,
        "latitude": facts.latitude,
        "longitude": facts.longitude,
        "place_id": None if place is None else _place_id(db, place),
    }


def _place_id(db: sqlite3.Connection, place: Place) -> int:
    """Return the id of a place, adding a new one."""
    names = (place.country_code, place.town, place.town_ko, place.country, place.country_ko)
    db.execute(
        "INSERT OR IGNORE INTO places (country_code, town, town_ko, country, country_ko)"
        " VALUES (?, ?, ?, ?, ?)",
        names,
    )
    row = db.execute(
        "SELECT place_id FROM places WHERE country_code = ? AND town = ? AND town_ko = ?",
        names[:3],
    ).fetchone()
    return int(row[0])


def update_photo(db: sqlite3.Connection, photo_id: int, columns: dict[str, Any]) -> None:
    assignments = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE photos SET {assignments} WHERE photo_id = ?", (*columns.values(), photo_id))


def set_keywords(db: sqlite3.Connection, photo_id: int, keywords: Sequence[str]) -> None:
    """Replace the keywords of a photo."""
    db.execute("DELETE FROM keywords WHERE photo_id = ?", (photo_id,))
    db.executemany(
        "INSERT OR IGNORE INTO keywords (photo_id, keyword) VALUES (?, ?)",
        [(photo_id, keyword) for keyword in keywords],
    )
