"""What EXIF tags say of a photo, in the album's terms.

Cameras and editors leave blanks, zeros and left-over memory in these tags: what cannot be true is
None, and nothing here raises. Tag numbers: CIPA DC-008 (Exif 2.32), tables 4 to 15.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

_MAKE, _MODEL, _LENS_MODEL = 0x010F, 0x0110, 0xA434
_DATE_TIME, _DATE_TIME_ORIGINAL, _DATE_TIME_DIGITIZED = 0x0132, 0x9003, 0x9004
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4

_FIRST_PHOTOGRAPH = datetime(1826, 1, 1)
_CLOCK_AHEAD = timedelta(days=366)  # a clock somewhat ahead still tells more than none
_MAX_NAME_LENGTH = 80
_DATE = re.compile(
    r"(\d{4})[:\-/. ](\d\d?)[:\-/. ](\d\d?)"
    r"(?:[T ]+(\d\d?):(\d\d?)(?::(\d\d?))?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


def taken_at(tags: Mapping[int, Any]) -> datetime | None:
    """When the shutter opened, else was digitized, else was written: naive, the camera's clock."""
    for tag in (_DATE_TIME_ORIGINAL, _DATE_TIME_DIGITIZED, _DATE_TIME):
        numbers = _DATE.fullmatch(_text(tags.get(tag)) or "")
        if numbers is None:
            continue
        year, month, day, hour, minute, second = (int(number or 0) for number in numbers.groups())
        try:
            moment = datetime(year, month, day, hour, minute, second)
        except ValueError:  # 0000:00:00, the 31st of February
            continue
        if _FIRST_PHOTOGRAPH <= moment <= datetime.now() + _CLOCK_AHEAD:
            return moment
    return None


def camera(tags: Mapping[int, Any]) -> str | None:
    """Make and model as people say it: "Canon EOS 40D", not "Canon Canon EOS 40D"."""
    make, model = _text(tags.get(_MAKE)), _text(tags.get(_MODEL))
    if make is None or model is None:
        return make or model
    if model.split()[0].lower() in make.lower().split():  # "NIKON CORPORATION", "NIKON D70"
        return model
    return f"{make} {model}"[:_MAX_NAME_LENGTH].rstrip()


def lens(tags: Mapping[int, Any]) -> str | None:
    """The lens by its own name."""
    return _text(tags.get(_LENS_MODEL))


def position(gps: Mapping[int, Any]) -> tuple[float, float] | tuple[None, None]:
    """Latitude and longitude in degrees, north and east positive."""
    latitude = _degrees(gps.get(_LATITUDE), _text(gps.get(_LATITUDE_REF)), "NS", 90)
    longitude = _degrees(gps.get(_LONGITUDE), _text(gps.get(_LONGITUDE_REF)), "EW", 180)
    # Cameras without a fix write 0, 0: a spot in the sea where nobody takes photos.
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def _degrees(parts: object, ref: str | None, signs: str, limit: float) -> float | None:
    """Degrees out of degrees, minutes and seconds; `signs` is the positive ref, then the other."""
    if ref is None or ref[0].upper() not in signs:
        return None
    if not isinstance(parts, tuple):
        return None
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ArithmeticError):  # not three, or not numbers
        return None
    total = degrees + minutes / 60 + seconds / 3600
    # Two conditions in the positive: both are false for the NaN of a zero denominator.
    if not (min(degrees, minutes, seconds) >= 0 and total <= limit):
        return None
    return total if ref[0].upper() == signs[0] else -total


def _text(value: object) -> str | None:
    """One short printable line out of an EXIF value; None where there is nothing to read."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return None
    value, _, _ = value.partition("\0")  # what follows the end of a string is left-over memory
    shown = "".join(letter if letter.isprintable() else " " for letter in value[:1000])
    return " ".join(shown.split())[:_MAX_NAME_LENGTH].rstrip() or None
