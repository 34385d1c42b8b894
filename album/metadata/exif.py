"""Photo facts from EXIF tags.

Cameras and editors leave blanks, zeros and uninitialised memory in these tags. Implausible values
become None, and nothing here raises. Tag numbers are those of CIPA DC-008 (Exif 2.32), tables 4 to
15. Rating and keywords are Microsoft's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from album.metadata import capture_time
from album.metadata.capture_time import Moment

_MAKE, _MODEL, _LENS_MODEL = 0x010F, 0x0110, 0xA434
_DATE_TIME, _DATE_TIME_ORIGINAL, _DATE_TIME_DIGITIZED = 0x0132, 0x9003, 0x9004
_OFFSET_TIME, _OFFSET_TIME_ORIGINAL, _OFFSET_TIME_DIGITIZED = 0x9010, 0x9011, 0x9012
_SUB_SEC, _SUB_SEC_ORIGINAL, _SUB_SEC_DIGITIZED = 0x9290, 0x9291, 0x9292
_EXPOSURE_TIME, _F_NUMBER, _ISO, _FOCAL_LENGTH = 0x829A, 0x829D, 0x8827, 0x920A
_RECOMMENDED_EXPOSURE_INDEX = 0x8832
_ORIENTATION, _RATING, _XP_KEYWORDS = 0x0112, 0x4746, 0x9C9E
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_TIME_STAMP, _DATE_STAMP = 7, 29

_ISO_OVERFLOW = 65535  # the largest 16-bit number: the real one is in another tag
_FIRST_GPS_CAMERA = datetime(1990, 1, 1)  # receivers without a fix report 1980
_MAX_NAME_LENGTH = 80


def capture_moment(tags: Mapping[int, Any]) -> Moment | None:
    """Return when the shutter opened, else when the image was digitized."""
    return _moment(tags, _DATE_TIME_ORIGINAL, _SUB_SEC_ORIGINAL, _OFFSET_TIME_ORIGINAL) or _moment(
        tags, _DATE_TIME_DIGITIZED, _SUB_SEC_DIGITIZED, _OFFSET_TIME_DIGITIZED
    )


def file_moment(tags: Mapping[int, Any]) -> Moment | None:
    """Return when a camera or editor last wrote the file."""
    return _moment(tags, _DATE_TIME, _SUB_SEC, _OFFSET_TIME)


def offset(tags: Mapping[int, Any]) -> int | None:
    """Return the camera's UTC offset in minutes, from its first date that has one."""
    for tag in (_OFFSET_TIME_ORIGINAL, _OFFSET_TIME_DIGITIZED, _OFFSET_TIME):
        minutes = capture_time.parse_offset(_text(tags.get(tag)) or "")
        if minutes is not None:
            return minutes
    return None


def gps_time(gps: Mapping[int, Any]) -> datetime | None:
    """Return the GPS time in naive UTC, or None without a date and a time."""
    day = capture_time.parse(_text(gps.get(_DATE_STAMP)) or "")
    clock = _three_numbers(gps.get(_TIME_STAMP))
    if day is None or clock is None or day.at < _FIRST_GPS_CAMERA:
        return None
    hour, minute, second = clock
    if hour >= 24 or minute >= 60 or second >= 61:
        return None
    midnight = day.at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=hour, minutes=minute, seconds=second)


def camera(tags: Mapping[int, Any]) -> str | None:
    """Join make and model: "Canon EOS 40D", not "Canon Canon EOS 40D"."""
    return camera_name(_text(tags.get(_MAKE)), _text(tags.get(_MODEL)))


def camera_name(make: str | None, model: str | None) -> str | None:
    """Join make and model, each a single line."""
    if make is None or model is None:
        return make or model
    if model.split()[0].lower() in make.lower().split():  # "NIKON CORPORATION", "NIKON D70"
        return model
    return f"{make} {model}"[:_MAX_NAME_LENGTH].rstrip()


def lens(tags: Mapping[int, Any]) -> str | None:
    return _text(tags.get(_LENS_MODEL))


def exposure_s(tags: Mapping[int, Any]) -> float | None:
    """Return the exposure time in seconds, above 0 and at most a day."""
    return _positive(tags.get(_EXPOSURE_TIME), 86_400)


def f_number(tags: Mapping[int, Any]) -> float | None:
    """Return the f-number, above 0."""
    return _positive(tags.get(_F_NUMBER), 1_000)


def iso(tags: Mapping[int, Any]) -> int | None:
    """Return the ISO sensitivity, 1 or more."""
    value = tags.get(_ISO)
    if isinstance(value, (tuple, list)):  # the standard allows several
        value = value[0] if value else None
    if value == _ISO_OVERFLOW:
        value = tags.get(_RECOMMENDED_EXPOSURE_INDEX, value)
    number = _positive(value, 100_000_000)
    return None if number is None or number < 1 else round(number)


def focal_mm(tags: Mapping[int, Any]) -> float | None:
    """Return the actual focal length in millimetres, above 0."""
    return _positive(tags.get(_FOCAL_LENGTH), 100_000)


def orientation(tags: Mapping[int, Any]) -> int:
    """Return the orientation, 1 to 8, or 1 (upright) when unknown."""
    value = tags.get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def rating(tags: Mapping[int, Any]) -> int | None:
    """Return 0 to 5 stars."""
    value = tags.get(_RATING)
    return value if isinstance(value, int) and 0 <= value <= 5 else None


def keywords(tags: Mapping[int, Any]) -> list[str]:
    """Return the keywords of Windows, unchanged: with blanks and duplicates."""
    value = tags.get(_XP_KEYWORDS)
    if isinstance(value, (tuple, list)) and all(isinstance(n, int) and 0 <= n < 256 for n in value):
        value = bytes(value)
    if not isinstance(value, bytes):
        return []
    return value.decode("utf-16-le", errors="ignore").partition("\0")[0].split(";")


def position(gps: Mapping[int, Any]) -> tuple[float, float] | tuple[None, None]:
    """Return latitude and longitude in degrees, north and east positive."""
    latitude = _degrees(gps.get(_LATITUDE), _text(gps.get(_LATITUDE_REF)), "NS", 90)
    longitude = _degrees(gps.get(_LONGITUDE), _text(gps.get(_LONGITUDE_REF)), "EW", 180)
    # Cameras without a fix write 0, 0, which is in the open sea.
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def one_line(value: str) -> str | None:
    """Return the first 80 printable characters of a text, or None if there are none."""
    return printable(value, _MAX_NAME_LENGTH) or None


def printable(value: str, max_length: int) -> str:
    """Cut a text at NUL and at a length, and collapse blanks and control characters."""
    value, _, _ = value[:1000].partition("\0")  # memory garbage follows the end of a string
    letters = "".join(letter if letter.isprintable() else " " for letter in value)
    return " ".join(letters.split())[:max_length].rstrip()


def _moment(tags: Mapping[int, Any], date: int, fraction: int, offset: int) -> Moment | None:
    # Each date has its own offset, because an editor adds its clock beside the camera's.
    return capture_time.parse(
        _text(tags.get(date)) or "",
        fraction=_text(tags.get(fraction)),
        offset=capture_time.parse_offset(_text(tags.get(offset)) or ""),
    )


def _degrees(parts: object, ref: str | None, signs: str, limit: float) -> float | None:
    """Convert degrees, minutes and seconds to degrees.

    `signs` has the positive ref, then the negative one.
    """
    numbers = _three_numbers(parts)
    if ref is None or ref[0].upper() not in signs or numbers is None:
        return None
    degrees, minutes, seconds = numbers
    total = degrees + minutes / 60 + seconds / 3600
    if total > limit:
        return None
    return total if ref[0].upper() == signs[0] else -total


def _three_numbers(parts: object) -> tuple[float, float, float] | None:
    """Return degrees (or hours), minutes and seconds, each finite and 0 or more."""
    if not isinstance(parts, tuple):
        return None
    try:
        numbers = first, second, third = tuple(float(part) for part in parts)
    except (TypeError, ValueError, ArithmeticError):  # not three, or not numbers
        return None
    # Written so that the NaN of a zero denominator fails.
    return (first, second, third) if all(0 <= number < math.inf for number in numbers) else None


def _positive(value: object, limit: float) -> float | None:
    """Return a number in (0, limit]."""
    try:
        number = float(value)  # type: ignore[arg-type]  # any type a file can hold
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if 0 < number <= limit else None


def _text(value: object) -> str | None:
    """Return an EXIF value as one short printable line, or None."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return one_line(value) if isinstance(value, str) else None
