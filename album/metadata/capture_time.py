"""When a photo was taken, as files write it: in dates, in clocks of UTC, and in their own names.

Times are the camera's own clock, naive. What comes from a clock of UTC (satellites, Google, the
names that Pixel phones give) is moved to the clock on the wall where the photo was taken: by the
offset that the photo tells, else by its place, else to that of this machine, which is the best
guess at home. A place tells no more here than the sun does, 15 degrees of longitude an hour; so
the hour may be wrong where summer time or borders bend it, but never the instant: the offset is
kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FIRST_PHOTOGRAPH = datetime(1826, 1, 1)

_CLOCK_AHEAD = timedelta(days=366)  # a clock somewhat ahead still tells more than none
_WIDEST_OFFSET = 14 * 60
_EPOCH = datetime(1970, 1, 1)
# South Korea keeps the time of 135 degrees east, which the sun reaches 30 minutes before.
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
    """A believable time of a photo."""

    at: datetime
    """Naive, on the clock that it was read from; to the millisecond."""
    offset: int | None = None
    """Minutes east of UTC of that clock; None when not known."""
    whole_day: bool = False
    """Only the day is known; `at` is its first minute."""


def parse(text: str, *, fraction: str | None = None, offset: int | None = None) -> Moment | None:
    """A date as EXIF ("2019:03:21 11:04:22") or ISO 8601 writes it; None for what cannot be true.

    A month alone or a year alone, as people date scans, is its first day.

    Args:
        text: one date, nothing around it but spaces.
        fraction: digits after the second's point, where they are kept apart.
        offset: minutes east of UTC, where `text` does not say it itself.
    """
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = found.group(1, 2, 3, 4, 5, 6)
    try:
        at = datetime(
            *(int(year), int(month or 1), int(day or 1)),
            *(int(hour or 0), int(minute or 0), int(second or 0)),
            _milliseconds(found[7] or fraction or "") * 1000 if hour else 0,
        )
    except ValueError:  # 0000:00:00, the 31st of February
        return None
    if not is_believable(at):
        return None
    said = parse_offset(found[8]) if found[8] else offset
    return Moment(at, said if hour else None, whole_day=hour is None)


def most_trusted(moments: Sequence[Moment]) -> Moment | None:
    """The first of these, which are in order of trust; a time of the same day beats a mere day."""
    if not moments:
        return None
    chosen = moments[0]
    if chosen.whole_day:
        for moment in moments:
            if not moment.whole_day and moment.at.date() == chosen.at.date():
                return moment
    return chosen


def parse_offset(text: str) -> int | None:
    """Minutes east of UTC out of "+09:00", "-0330" or "Z"; None for what no clock shows."""
    if text.strip() == "Z":
        return 0
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        return None
    minutes = 60 * int(found[2]) + int(found[3])
    if minutes > _WIDEST_OFFSET or int(found[3]) > 59:
        return None
    return -minutes if found[1] == "-" else minutes


def is_believable(at: datetime) -> bool:
    """Whether a photo can be of this time: after the first one, and at most a year ahead."""
    return FIRST_PHOTOGRAPH <= at <= datetime.now() + _CLOCK_AHEAD


def from_utc(
    utc: datetime, *, position: tuple[float, float] | None, offset: int | None = None
) -> Moment | None:
    """A time of UTC as the clock on the wall showed it; None when no photo can be of it.

    Args:
        utc: naive.
        position: latitude and longitude in degrees of where the photo was taken.
        offset: minutes east of UTC, where the photo says them.
    """
    if not is_believable(utc):
        return None
    if offset is None:
        offset = _offset_of_machine(utc) if position is None else _offset_of_place(*position)
    whole_milliseconds = utc.replace(microsecond=utc.microsecond // 1000 * 1000)
    return Moment(whole_milliseconds + timedelta(minutes=offset), offset)


def from_epoch(
    seconds: float, *, position: tuple[float, float] | None, offset: int | None = None
) -> Moment | None:
    """Seconds since 1970 in UTC as the clock on the wall showed them; as `from_utc`."""
    try:
        utc = _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):  # ValueError: NaN
        return None
    return from_utc(utc, position=position, offset=offset)


def from_name(name: str, *, position: tuple[float, float] | None) -> Moment | None:
    """The time that a camera, a phone or a messenger put into the name of a file.

    A day without a time is its first minute. Names that begin with PXL_ are of UTC, and so are
    numbers of milliseconds since 1970.

    Args:
        name: of a file, without folders.
        position: latitude and longitude in degrees of where the photo was taken, where known.
    """
    # Discs of a Mac spell 오전 in single letters, and put thin spaces before AM.
    name = unicodedata.normalize("NFKC", name[:255])
    latest = datetime.now() + timedelta(days=1)  # digits that are no date at all are likelier
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
    rest = name[day.end() :]
    year, month, day_of_month = (int(number) for number in day.group(1, 3, 4))
    for form in _NAMED_TIMES:
        time = form.match(rest)
        if time is None:
            continue
        parts = time.groupdict()
        hour = int(parts["h"])
        half = {"오전": "a", "오후": "p"}.get(parts.get("before") or "") or parts.get("after")
        if half is not None and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half in "pP" else 0)
        try:
            at = datetime(
                *(year, month, day_of_month, hour, int(parts["m"]), int(parts["s"])),
                int(parts["ms"] or 0) * 1000,
            )
        except ValueError:  # 99:11:12 is no time, the day may be one
            continue
        return Moment(at) if is_believable(at) else None
    # A day that goes on in digits, or is followed by an id, is a number that looks like a day.
    if rest[:1].isdigit() or _LONG_NUMBER.match(rest):
        return None
    try:
        at = datetime(year, month, day_of_month)
    except ValueError:
        return None
    return Moment(at, whole_day=True) if is_believable(at) else None


def _milliseconds(digits: str) -> int:
    """ "5" is 500, "023460" is 23, as digits after a point."""
    digits = digits.strip()
    return int(digits[:3].ljust(3, "0")) if digits.isascii() and digits.isdigit() else 0


def _offset_of_place(latitude: float, longitude: float) -> int:
    south, north, west, east = _KOREA
    if south <= latitude <= north and west <= longitude <= east:
        return _KOREAN_OFFSET
    return round(longitude / 15) * 60


def _offset_of_machine(utc: datetime) -> int:
    try:
        offset = utc.replace(tzinfo=UTC).astimezone().utcoffset()
    except (OSError, OverflowError):  # before 1970 on Windows
        return 0
    return 0 if offset is None else round(offset.total_seconds() / 60)
