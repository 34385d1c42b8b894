"""Photo facts from IPTC records (IIM 4.2), which editors wrote before XMP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from album.metadata import capture_time
from album.metadata.capture_time import Moment

Records = Mapping[tuple[int, int], bytes | list[bytes]]

_KEYWORDS, _DATE_CREATED, _TIME_CREATED = (2, 25), (2, 55), (2, 60)


@dataclass(frozen=True, slots=True)
class IptcFacts:
    """Facts from the records, None or () where missing."""

    taken: Moment | None = None
    keywords: tuple[str, ...] = ()
    """Unchanged: with blanks and duplicates."""


def read(records: Records) -> IptcFacts:
    """Read records as Pillow returns them: one value or a list, by number."""
    day = "".join(_texts(records, _DATE_CREATED)[:1]).strip()
    time = "".join(_texts(records, _TIME_CREATED)[:1]).strip()
    return IptcFacts(
        taken=_moment(day, time) or _moment(day, ""),
        keywords=tuple(_texts(records, _KEYWORDS)),
    )


def _moment(day: str, time: str) -> Moment | None:
    """Parse a day such as 20220110 and a time such as 151544-0400."""
    if len(day) != 8:
        return None
    text = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    if time:
        zone = time[6:]
        # Editors that must write an offset and know none write +0000.
        text += f"T{time[:2]}:{time[2:4]}:{time[4:6]}" + ("" if zone == "+0000" else zone)
    return capture_time.parse(text)


def _texts(records: Records, number: tuple[int, int]) -> list[str]:
    values = records.get(number, [])
    return [_text(value) for value in (values if isinstance(values, list) else [values])]


def _text(value: bytes) -> str:
    """Decode text whose encoding the records seldom name.

    For Korean before Unicode it is the strict EUC-KR: CP949 accepts much Latin-1 text as Korean.
    """
    for encoding in ("utf-8", "euc_kr"):
        try:
            return value.decode(encoding)
        except UnicodeDecodeError:
            continue
    return value.decode("latin-1")
