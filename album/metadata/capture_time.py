"""Capture times from dates, UTC clocks and file names.

Times are naive local times of the camera. UTC times (GPS, Google, names given by Pixel phones) are
converted to local time where the photo was taken: by the photo's UTC offset, else by its position,
else by this machine's time zone. A position gives solar time, 15 degrees of longitude an hour.
Summer time or borders can make that hour wrong. The instant stays right, because the offset is
stored too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FIRST_PHOTOGRAPH = datetime(1826, 1, 1)

_CLOCK_AHEAD = timedelta(days=366)  # a clock set somewhat ahead is still better than none
_MAX_OFFSET = 14 * 60
_EPOCH = datetime(1970, 1, 1)
# South Korea uses the time of 135 degrees east, 30 minutes ahead of solar time.
_KOREA = (33.0, 39.0, 124.0, 132.0)
_KOREAN_OFFSET = 9 * 60

_DATE = re.compile(
    r"(\d{4})(?:[:\-/. ](\d\d?)(?:[:\-/. ](\d\d?)"
    r"(?:[T ]+(\d\d?):(\d\d?)(?::(\d\d?))?(?:[.,](\d+))?\s*(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)

_NAMED_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.: ]?)(\d\d)\2(\d\d)", re.ASCII)
_NAMED_TIMES = (
    # 101112 and 101112345, right after the day or after one sign
    re.compile(r"[-_ T.]?(?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)(?P<ms>\d{3})?(?!\d)", re.ASCII),
    # 10.11.12, 10-11-12-345, "at 3.11.12 PM", "오후 3.11.12"
    re.compile(
        r"[-_ T.,]{1,2}(?:at )?(?P<before>오전|오후)? ?"
        r"(?P<h>\d\d?)([-_.: ])(?P<m>\d\d)\3(?P<s>\d\d)(?:[-_.,](?P<ms>\d{3}))?(?!\d)"
        r"(?: ?(?P<after>[AaPp])\.?[Mm])?",
        re.ASCII,
    ),
)
_LONG_NUMBER = re.compile(r"[-_]\d{7,}", re.ASCII)
_NAMED_EPOCH = re.compile(r"\D*(1\d{12})(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """A plausible capture time."""

    at: datetime
    """Naive local time, to the millisecond."""
    offset: int | None = None
    """UTC offset in minutes, east positive, or None when unknown."""
    whole_day: bool = False
    """Whether only the day is known. Then `at` is its first minute."""


def parse(text: str, *, fraction: str | None = None, offset: int | None = None) -> Moment | None:
    """Parse a date in EXIF ("2019:03:21 11:04:22") or ISO 8601 form.

    A year or a month alone, as people date scans, means its first day.

    Args:
        text: one date, with nothing around it but spaces.
        fraction: digits of the second's fraction, where they are stored separately.
        offset: UTC offset in minutes, where `text` has none.

    Returns:
        None for an implausible date.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, digits, zone = match.groups()
    try:
        date = datetime(int(year), int(month or 1), int(day or 1))
        if hour is None:
            return Moment(date, whole_day=True) if is_plausible(date) else None
        at = date.replace(
            hour=int(hour),
            minute=int(minute),
            second=int(second or 0),
            microsecond=_milliseconds(digits or fraction or "") * 1000,
        )
    except ValueError:  # 0000:00:00, the 31st of February
        return None
    if not is_plausible(at):
        return None
    return Moment(at, parse_offset(zone) if zone else offset)


def most_trusted(moments: Sequence[Moment]) -> Moment | None:
    """Return the first moment, or a more precise one of its day.

    Args:
        moments: in order of trust.
    """
    if not moments:
        return None
    first = moments[0]
    if first.whole_day:
        for moment in moments:
            if not moment.whole_day and moment.at.date() == first.at.date():
                return moment
    return first


def parse_offset(text: str) -> int | None:
    """Parse "+09:00", "-0330" or "Z" into minutes east of UTC.

    Returns:
        None for an impossible offset.
    """
    if text.strip() == "Z":
        return 0
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        return None
    minutes = 60 * int(match[2]) + int(match[3])
    if minutes > _MAX_OFFSET or int(match[3]) > 59:
        return None
    return -minutes if match[1] == "-" else minutes


def is_plausible(at: datetime) -> bool:
    """Return whether a time lies between the first photograph and next year."""
    return FIRST_PHOTOGRAPH <= at <= datetime.now() + _CLOCK_AHEAD


def from_utc(
    utc: datetime, *, position: tuple[float, float] | None, offset: int | None = None
) -> Moment | None:
    """Convert a UTC time to local time where the photo was taken.

    Args:
        utc: naive.
        position: latitude and longitude of the photo in degrees.
        offset: the photo's UTC offset in minutes, where known.

    Returns:
        None for an implausible time.
    """
    if not is_plausible(utc):
        return None
    if offset is None:
        offset = _machine_offset(utc) if position is None else _solar_offset(*position)
    whole_milliseconds = utc.replace(microsecond=utc.microsecond // 1000 * 1000)
    return Moment(whole_milliseconds + timedelta(minutes=offset), offset)


def from_epoch(
    seconds: float, *, position: tuple[float, float] | None, offset: int | None = None
) -> Moment | None:
    """Convert seconds since 1970 UTC to local time, as `from_utc` does."""
    try:
        utc = _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):  # ValueError: NaN
        return None
    return from_utc(utc, position=position, offset=offset)


def from_name(name: str, *, position: tuple[float, float] | None) -> Moment | None:
    """Parse the time that a camera, phone or messenger put into a file name.

    Names that begin with PXL_ and numbers of milliseconds since 1970 are in UTC.

    Args:
        name: a file name, without folders.
        position: latitude and longitude of the photo in degrees, where known.
    """
    # macOS decomposes 오전 into single letters, and puts thin spaces before AM.
    name = unicodedata.normalize("NFKC", name[:255])
    latest = datetime.now() + timedelta(days=1)  # later "dates" are most likely other numbers
    for day in _NAMED_DAY.finditer(name):
        moment = _named_moment(day, name)
        if moment is not None and moment.at <= latest:
            if name.startswith("PXL_") and not moment.whole_day:
                return from_utc(moment.at, position=position)
            return moment
    milliseconds = _NAMED_EPOCH.match(name)
    if milliseconds is None:
        return None
    moment = from_epoch(int(milliseconds[1]) / 1000, position=position)
    return moment if moment is not None and moment.at <= latest else None


def _named_moment(day: re.Match[str], name: str) -> Moment | None:
    tail = name[day.end() :]
    year, month, day_of_month = (int(number) for number in day.group(1, 3, 4))
    for pattern in _NAMED_TIMES:
        time = pattern.match(tail)
        if time is None:
            continue
        parts = time.groupdict()
        hour, minute, second = int(parts["h"]), int(parts["m"]), int(parts["s"])
        half = {"오전": "a", "오후": "p"}.get(parts.get("before") or "") or parts.get("after")
        if half is not None and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half in "pP" else 0)
        microsecond = int(parts["ms"] or 0) * 1000
        try:
            at = datetime(year, month, day_of_month, hour, minute, second, microsecond)
        except ValueError:  # 99:11:12 is no time, but the day may be valid
            continue
        return Moment(at) if is_plausible(at) else None
    # A day followed by more digits or by an id is a number that looks like a day.
    if tail[:1].isdigit() or _LONG_NUMBER.match(tail):
        return None
    try:
        at = datetime(year, month, day_of_month)
    except ValueError:
        return None
    return Moment(at, whole_day=True) if is_plausible(at) else None


def _milliseconds(digits: str) -> int:
    """Convert digits of a fraction: "5" is 500, "023460" is 23."""
    digits = digits.strip()
    return int(digits[:3].ljust(3, "0")) if digits.isascii() and digits.isdigit() else 0


def _solar_offset(latitude: float, longitude: float) -> int:
    south, north, west, east = _KOREA
    if south <= latitude <= north and west <= longitude <= east:
        return _KOREAN_OFFSET
    return round(longitude / 15) * 60


def _machine_offset(utc: datetime) -> int:
    try:
        offset = utc.replace(tzinfo=UTC).astimezone().utcoffset()
    except (OSError, OverflowError):  # before 1970 on Windows
        return 0
    return 0 if offset is None else round(offset.total_seconds() / 60)
