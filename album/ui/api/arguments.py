"""Checks of what programs send."""

from __future__ import annotations

from datetime import date
from typing import Any

from album.errors import QueryError
from album.search.query import parse_day

MAX_HITS = 500
MAX_FILES = 1000
MAX_DAY_LENGTH = 100


def parse_text(value: str | None) -> str:
    """Replace the lone surrogates that JSON can carry and UTF-8 cannot."""
    return (value or "").encode(errors="replace").decode()


def parse_date(value: str | None, *, last: bool = False) -> date | None:
    text = parse_text(value).strip()
    # A text too long for a day must not be searched for one.
    short = text if len(text) <= MAX_DAY_LENGTH else f"{text[:MAX_DAY_LENGTH]}…"
    return parse_day(short, last=last)


def parse_photo_id(value: Any) -> int:
    number = _integer(value)
    if number is None or not 0 < number < 2**63:
        raise QueryError("A photo id is a whole number above zero.")
    return number


def parse_import_id(value: Any) -> int:
    number = _integer(value)
    if number is None or not 0 < number < 2**63:
        raise QueryError("An import id is a whole number above zero.")
    return number


def parse_offset(value: Any) -> int:
    return _bounded(value, 0, 2**31)


def parse_limit(value: Any) -> int:
    return _bounded(value, 1, MAX_HITS)


def check_file_count(files: list[str] | None) -> None:
    """Refuse more than `MAX_FILES` uploads.

    Raises:
        QueryError: there are more.
    """
    if len(files or ()) > MAX_FILES:
        raise QueryError("Send at most {limit} files at once.", limit=MAX_FILES)


def _bounded(value: Any, low: int, high: int) -> int:
    number = _integer(value)
    if number is None:
        raise QueryError("limit and offset are whole numbers.")
    return max(low, min(number, high))


def _integer(value: Any) -> int | None:
    """Convert a JSON integer, also one written as 1.0, or return None."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
