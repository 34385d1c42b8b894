"""What the records of IPTC (IIM 4.2) say of a photo; editors of the time before XMP wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from album.metadata import capture_time
from album.metadata.capture_time import Moment

Records = Mapping[tuple[int, int], bytes | list[bytes]]

_KEYWORDS, _DATE_CREATED, _TIME_CREATED = (2, 25), (2, 55), (2, 60)


@dataclass(frozen=True, slots=True)
class IptcFacts:
    """What the records say; None, and (), where they do not."""

    taken: Moment | None = None
    keywords: tuple[str, ...] = ()
    """As they are written; may hold blanks and doubles."""


def read(records: Records) -> IptcFacts:
    """The facts of records as Pillow finds them: one value, or a list of them, by number."""
    day = "".join(_texts(records, _DATE_CREATED)[:1]).strip()
    time = "".join(_texts(records, _TIME_CREATED)[:1]).strip()
    return IptcFacts(
        taken=_moment(day, time) or _moment(day, ""),
        keywords=tuple(_texts(records, _KEYWORDS)),
    )


def _moment(day: str, time: str) -> Moment | None:
    """A moment out of 20220110 and 151544-0400; a time without a day says nothing."""
    if len(day) != 8:
        return None
    text = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    if time:
        zone = time[6:]
        # +0000 is what editors write who have to write an offset and know none.
        text += f"T{time[:2]}:{time[2:4]}:{time[4:6]}" + ("" if zone == "+0000" else zone)
    return capture_time.parse(text)


def _texts(records: Records, number: tuple[int, int]) -> list[str]:
    values = records.get(number, [])
    return [_text(value) for value in (values if isinstance(values, list) else [values])]


def _text(value: bytes) -> str:
    """Text of an encoding that the records seldom name.

    Korean of before Unicode is read by its strict form: its lenient one takes much of Western
    Europe's letters for Korean.
    """
    for encoding in ("utf-8", "euc_kr"):
        try:
            return value.decode(encoding)
        except UnicodeDecodeError:
            continue
    return value.decode("latin-1")
