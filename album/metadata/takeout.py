"""What Google Photos says of a photo in the JSON files that Google Takeout lays beside it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 1024 * 1024
"""Longer files say nothing; real ones have about a thousand bytes."""


@dataclass(frozen=True, slots=True)
class TakeoutFacts:
    """What one file says; None where it does not."""

    taken_s: float | None = None
    """Seconds since 1970, UTC."""
    position: tuple[float, float] | None = None
    """Latitude and longitude in degrees, north and east positive."""


def read(packet: bytes) -> TakeoutFacts:
    """The facts of one file; none of a JSON file of somebody else, or of no JSON at all."""
    if len(packet) > MAX_BYTES:
        return TakeoutFacts()
    try:
        said = json.loads(packet)
    except (ValueError, RecursionError):
        return TakeoutFacts()
    if not isinstance(said, dict) or "photoTakenTime" not in said:
        return TakeoutFacts()
    return TakeoutFacts(
        taken_s=_number(_member(said, "photoTakenTime", "timestamp")) or None,  # 0: not known
        # What the person said on Google's page, then what Google found in the file.
        position=_position(said, "geoData") or _position(said, "geoDataExif"),
    )


def _position(said: dict[str, Any], name: str) -> tuple[float, float] | None:
    latitude = _number(_member(said, name, "latitude"))
    longitude = _number(_member(said, name, "longitude"))
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _member(said: dict[str, Any], name: str, part: str) -> object:
    inner = said.get(name)
    return inner.get(part) if isinstance(inner, dict) else None


def _number(value: object) -> float | None:
    """A finite number, also one in quotes."""
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
