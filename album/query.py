"""What a person may ask for, understood: days and filters out of what was typed."""

from __future__ import annotations

import calendar
import re
from datetime import date

from album.errors import QueryError

DAY = re.compile(
    r"(?P<year>\d{4})\s*(?:년|[-./])?\s*"
    r"(?:(?P<month>\d{1,2})\s*(?:월|[-./])?\s*(?:(?P<day>\d{1,2})\s*일?\.?)?)?"
)


def parse_day(text: str, *, last: bool = False) -> date | None:
    """The day that `text` names: `2019-08-03`, `2019.8.3`, `2019년 8월`, `2019`; None for blank.

    Args:
        text: a day, a month or a year.
        last: take the last day of a month or year rather than the first, for an upper bound.

    Raises:
        QueryError: it names no day.
    """
    text = text.strip()
    if not text:
        return None
    match = DAY.fullmatch(text)
    if match is None:
        raise QueryError(f"“{text[:100]}” is no date; write it as 2019-08-03, 2019-08 or 2019.")
    year = int(match["year"])
    month = int(match["month"] or (12 if last else 1))
    try:
        final = calendar.monthrange(year, month)[1]
        return date(year, month, int(match["day"] or (final if last else 1)))
    except (ValueError, calendar.IllegalMonthError) as error:
        raise QueryError(f"There is no such day as “{text}”.") from error
