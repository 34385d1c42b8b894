"""What EXIF tags say of a photo, in the album's terms.

Cameras and editors leave blanks, zeros and left-over memory in these tags: what cannot be true is
None, and nothing here raises. Tag numbers: CIPA DC-008 (Exif 2.32), tables 4 to 15; those of stars
and key words are Microsoft's.
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

_ISO_OVERFLOW = 65535  # all that 16 bits hold: the true number is elsewhere
_FIRST_GPS_CAMERA = datetime(1990, 1, 1)  # receivers without a fix begin in 1980
_MAX_NAME_LENGTH = 80


def capture_moment(tags: Mapping[int, Any]) -> Moment | None:
    """When the shutter opened, else when the picture was digitized, on the camera's clock."""
    return _moment(tags, _DATE_TIME_ORIGINAL, _SUB_SEC_ORIGINAL, _OFFSET_TIME_ORIGINAL) or _moment(
        tags, _DATE_TIME_DIGITIZED, _SUB_SEC_DIGITIZED, _OFFSET_TIME_DIGITIZED
    )


def file_moment(tags: Mapping[int, Any]) -> Moment | None:
    """When a camera or an editor last wrote the file, on its clock."""
    return _moment(tags, _DATE_TIME, _SUB_SEC, _OFFSET_TIME)


def offset(tags: Mapping[int, Any]) -> int | None:
    """Minutes east of UTC of the camera's clock, from whichever of its dates says so."""
    for tag in (_OFFSET_TIME_ORIGINAL, _OFFSET_TIME_DIGITIZED, _OFFSET_TIME):
        minutes = capture_time.parse_offset(_text(tags.get(tag)) or "")
        if minutes is not None:
            return minutes
    return None


def gps_time(gps: Mapping[int, Any]) -> datetime | None:
    """The satellites' date and time: UTC, naive; None where one of the two is missing."""
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
    """Make and model as people say it: "Canon EOS 40D", not "Canon Canon EOS 40D"."""
    return camera_name(_text(tags.get(_MAKE)), _text(tags.get(_MODEL)))


def camera_name(make: str | None, model: str | None) -> str | None:
    """The name of a camera out of its two parts, each one line."""
    if make is None or model is None:
        return make or model
    if model.split()[0].lower() in make.lower().split():  # "NIKON CORPORATION", "NIKON D70"
        return model
    return f"{make} {model}"[:_MAX_NAME_LENGTH].rstrip()


def lens(tags: Mapping[int, Any]) -> str | None:
    """The lens by its own name."""
    return _text(tags.get(_LENS_MODEL))


def exposure_s(tags: Mapping[int, Any]) -> float | None:
    """Exposure time in seconds: above 0, a day at most."""
    return _positive(tags.get(_EXPOSURE_TIME), 86_400)


def f_number(tags: Mapping[int, Any]) -> float | None:
    """The f-number, above 0."""
    return _positive(tags.get(_F_NUMBER), 1_000)


def iso(tags: Mapping[int, Any]) -> int | None:
    """The sensitivity, 1 or more."""
    value = tags.get(_ISO)
    if isinstance(value, (tuple, list)):  # the standard allows several
        value = value[0] if value else None
    if value == _ISO_OVERFLOW:
        value = tags.get(_RECOMMENDED_EXPOSURE_INDEX, value)
    number = _positive(value, 100_000_000)
    return None if number is None or number < 1 else round(number)


def focal_mm(tags: Mapping[int, Any]) -> float | None:
    """The real focal length in millimetres, above 0."""
    return _positive(tags.get(_FOCAL_LENGTH), 100_000)


def orientation(tags: Mapping[int, Any]) -> int:
    """How the pixels lie in the file: 1 (upright, also when nothing is said) to 8."""
    value = tags.get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def rating(tags: Mapping[int, Any]) -> int | None:
    """0 to 5 stars."""
    value = tags.get(_RATING)
    return value if isinstance(value, int) and 0 <= value <= 5 else None


def keywords(tags: Mapping[int, Any]) -> list[str]:
    """The words that Windows keeps, as they are written; may hold blanks and doubles."""
    value = tags.get(_XP_KEYWORDS)
    if isinstance(value, (tuple, list)) and all(isinstance(n, int) and 0 <= n < 256 for n in value):
        value = bytes(value)
    if not isinstance(value, bytes):
        return []
    return value.decode("utf-16-le", errors="ignore").partition("\0")[0].split(";")


def position(gps: Mapping[int, Any]) -> tuple[float, float] | tuple[None, None]:
    """Latitude and longitude in degrees, north and east positive."""
    latitude = _degrees(gps.get(_LATITUDE), _text(gps.get(_LATITUDE_REF)), "NS", 90)
    longitude = _degrees(gps.get(_LONGITUDE), _text(gps.get(_LONGITUDE_REF)), "EW", 180)
    # Cameras without a fix write 0, 0: a spot in the sea where nobody takes photos.
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def one_line(value: str) -> str | None:
    """At most 80 printable characters of a text; None where there is nothing to read."""
    value, _, _ = value.partition("\0")  # what follows the end of a string is left-over memory
    shown = "".join(letter if letter.isprintable() else " " for letter in value[:1000])
    return " ".join(shown.split())[:_MAX_NAME_LENGTH].rstrip() or None


def _moment(tags: Mapping[int, Any], date: int, fraction: int, offset: int) -> Moment | None:
    # Each date has an offset of its own: an editor tells its own clock beside the camera's.
    return capture_time.parse(
        _text(tags.get(date)) or "",
        fraction=_text(tags.get(fraction)),
        offset=capture_time.parse_offset(_text(tags.get(offset)) or ""),
    )


def _degrees(parts: object, ref: str | None, signs: str, limit: float) -> float | None:
    """Degrees out of degrees, minutes and seconds; `signs` is the positive ref, then the other."""
    numbers = _three_numbers(parts)
    if ref is None or ref[0].upper() not in signs or numbers is None:
        return None
    degrees, minutes, seconds = numbers
    total = degrees + minutes / 60 + seconds / 3600
    if total > limit:
        return None
    return total if ref[0].upper() == signs[0] else -total


def _three_numbers(parts: object) -> tuple[float, float, float] | None:
    """Degrees or hours, minutes and seconds: finite, 0 or more."""
    if not isinstance(parts, tuple):
        return None
    try:
        numbers = first, second, third = tuple(float(part) for part in parts)
    except (TypeError, ValueError, ArithmeticError):  # not three, or not numbers
        return None
    # In the positive: false for the NaN of a zero denominator.
    return (first, second, third) if all(0 <= number < math.inf for number in numbers) else None


def _positive(value: object, limit: float) -> float | None:
    """A number above 0 and up to `limit`."""
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever a file holds
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if 0 < number <= limit else None


def _text(value: object) -> str | None:
    """One short printable line out of an EXIF value; None where there is nothing to read."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return one_line(value) if isinstance(value, str) else None
