"""Photo facts from the JSON sidecars of Google Takeout."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 1024 * 1024
"""Longer files are ignored. Real ones have about a thousand bytes."""


@dataclass(frozen=True, slots=True)
class TakeoutFacts:
    """Facts from one file, None where missing."""

    taken_s: float | None = None
    """Seconds since 1970, UTC."""
    position: tuple[float, float] | None = None
    """Latitude and longitude in degrees, north and east positive."""


def read(packet: bytes) -> TakeoutFacts:
    """Read one file. Other JSON, and bytes that are no JSON, give no facts."""
    if len(packet) > MAX_BYTES:
        return TakeoutFacts()
    try:
        document = json.loads(packet)
    except (ValueError, RecursionError):
        return TakeoutFacts()
    if not isinstance(document, dict) or "photoTakenTime" not in document:
        return TakeoutFacts()
    return TakeoutFacts(
        taken_s=_number(_member(document, "photoTakenTime", "timestamp")) or None,  # 0: unknown
        # The position that a person entered on Google's page precedes that of the file.
        position=_position(document, "geoData") or _position(document, "geoDataExif"),
    )


def _position(document: dict[str, Any], name: str) -> tuple[float, float] | None:
    latitude = _number(_member(document, name, "latitude"))
    longitude = _number(_member(document, name, "longitude"))
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _member(document: dict[str, Any], name: str, part: str) -> object:
    inner = document.get(name)
    return inner.get(part) if isinstance(inner, dict) else None


def _number(value: object) -> float | None:
    """Return a finite number, also if quoted."""
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
