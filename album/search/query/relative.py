"""Readers of days counted from today: yesterday, last summer, 지난주."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from album.search.query import day_words as table
from album.search.query.units import (
    AGO,
    EARLIEST,
    KOREAN_MONTH,
    NUMBERS,
    WORD_END,
    Unit,
    choice,
    count,
    either,
    key,
    named,
    span_of,
    weekdays_at,
)
from album.search.query.words import HOURS, words
from album.search.query.yearly import Span, months

_DAYS, _DAY_OF = choice(table.DAYS)
_WEEKS, _WEEK_OF = choice(table.WEEKS)
_MONTHS_AGO, _MONTH_AGO_OF = choice(table.MONTHS_AGO)
_SPANS, _SPAN_OF = choice(table.SPANS_OF_DAYS)
_LAST, _THIS = either(", ".join(words(table.LAST))), either(table.THIS)
BARE_HOURS = {word: hours for hours in HOURS for word in words(hours.bare)}
_SPAN_AGO = re.compile(rf"({_SPANS}) ?전(?!시)")
_LAST_SPAN = re.compile(
    rf"(?:(?:the )?(?:last|past|previous) |(?:최근|지난) ?)"
    rf"(?:([0-9]{{1,3}})|({NUMBERS})(?= |년|달|주|개월|일|해)) ?"
    rf"(년|해|달|개월|주일|주|일|years?|months?|weeks?|days?)(?: ?간| ?동안)?" + WORD_END
)
_LAST_SPAN_OF_DAYS = re.compile(rf"(?:최근|지난) ?({_SPANS})(?: ?간| ?동안)?")
_DAY_WORD = re.compile(_DAYS + WORD_END)
_WEEK_WORD = re.compile(_WEEKS + r"(?!말)" + WORD_END)
_MONTH_WORD = re.compile(_MONTHS_AGO + WORD_END)
_LATELY = re.compile(either(table.LATELY) + WORD_END)
_LAST_WORD = re.compile(rf"(?:the )?({_LAST}) ?(?=\S)")
_THIS_WORD = re.compile(rf"({_THIS}) ?(?=\S)")
_LAST_NIGHT = re.compile(r"(?:last night|어젯밤|어제밤|어제 밤|간밤|지난 ?밤)" + WORD_END)
_TONIGHT = re.compile(r"(?:tonight|오늘 ?밤)" + WORD_END)
_THIS_PART = re.compile(r"this (morning|afternoon|evening)" + WORD_END)
_GAP = re.compile(r" ?")


def last_or_this(text: str, at: int, today: date) -> Iterator[Unit]:
    """last summer, 지난 3월, this weekend, 올여름, last monday."""
    if match := _LAST_WORD.match(text, at):
        for unit in _after_last(text, match.end()):
            span = None
            if unit.yearly is not None:
                span = unit.yearly.before(today)
            elif unit.weekdays:
                span = _last_weekdays(unit.weekdays, today)
            if span is not None:
                yield Unit(unit.end, span, feast=unit.feast)
    if match := _THIS_WORD.match(text, at):
        for unit in _after_last(text, match.end()):
            span = None
            if unit.yearly is not None:
                span = unit.yearly.in_year(today.year)
                earlier = unit.yearly.in_year(today.year - 1)
                if earlier is not None and earlier[1] >= today:  # in the midst of a winter
                    span = earlier
            elif unit.weekdays:
                span = _in_week(today, unit.weekdays)
            if span is not None:
                yield Unit(unit.end, span, feast=unit.feast)


def _after_last(text: str, at: int) -> Iterator[Unit]:
    yield from named(text, at, short=True)
    if (match := KOREAN_MONTH.match(text, at)) and 1 <= int(match[1]) <= 12 and not match[2]:
        yield Unit(match.end(), yearly=months(int(match[1]), int(match[1])))
    yield from weekdays_at(text, at)


def _in_week(day: date, weekdays: tuple[int, ...]) -> Span:
    """Return these weekdays of the week of `day`.

    A week begins on Monday.
    """
    monday = day - timedelta(days=day.weekday())
    return monday + timedelta(days=weekdays[0]), monday + timedelta(days=weekdays[-1])


def _last_weekdays(weekdays: tuple[int, ...], today: date) -> Span:
    """Return the last of these weekdays that are over."""
    span = _in_week(today, weekdays)
    return span if span[1] < today else _in_week(today - timedelta(days=7), weekdays)


def relative(text: str, at: int, today: date) -> Iterator[Unit]:
    """Read yesterday, 지난주 토요일, two weeks ago, last 3 months, last night."""
    if match := _DAY_WORD.match(text, at):
        day = today - timedelta(days=_DAY_OF[key(match[0])])
        yield Unit(match.end(), (day, day))
    if match := _WEEK_WORD.match(text, at):
        day = today - timedelta(weeks=_WEEK_OF[key(match[0])])
        yield Unit(match.end(), _in_week(day, (0, 6)))
        for unit in weekdays_at(text, _GAP.match(text, match.end()).end()):  # type: ignore[union-attr]
            yield Unit(unit.end, _in_week(day, unit.weekdays))
    if match := _MONTH_WORD.match(text, at):
        yield Unit(match.end(), _months_ago(today, _MONTH_AGO_OF[key(match[0])]))
    if match := _LATELY.match(text, at):
        yield Unit(match.end(), (_back(today, 3, "month"), today))
    if match := AGO.match(text, at):
        yield from _ago(count(match), match[3], match.end(), today)
    if match := _SPAN_AGO.match(text, at):
        day = today - timedelta(days=_SPAN_OF[match[1]])
        yield Unit(match.end(), (day, day))
    if match := _LAST_SPAN.match(text, at):
        yield Unit(match.end(), (_back(today, count(match), match[3]), today))
    if match := _LAST_SPAN_OF_DAYS.match(text, at):
        yield Unit(match.end(), (today - timedelta(days=_SPAN_OF[match[1]]), today))
    yesterday = today - timedelta(days=1)
    if match := _LAST_NIGHT.match(text, at):
        yield Unit(match.end(), (yesterday, today), hours=BARE_HOURS["night"].fact)
    if match := _TONIGHT.match(text, at):
        yield Unit(match.end(), (today, today), hours=BARE_HOURS["night"].fact)
    if match := _THIS_PART.match(text, at):
        yield Unit(match.end(), (today, today), hours=BARE_HOURS[match[1]].fact)


def _ago(count: int, unit: str, end: int, today: date) -> Iterator[Unit]:
    """Read a whole day, week (from Monday), month or year ago."""
    day = _back(today, count, unit)
    if unit.startswith(("주", "week")):
        yield Unit(end, _in_week(day, (0, 6)))
    elif unit.startswith(("일", "day")):
        yield Unit(end, (day, day))
    elif unit.startswith(("달", "개월", "month")):
        yield Unit(end, _months_ago(today, count))
    elif day.year >= EARLIEST:
        yield Unit(end, (date(day.year, 1, 1), date(day.year, 12, 31)))


def _back(today: date, count: int, unit: str) -> date:
    """Return the day `count` days, weeks, months or years ago."""
    if unit.startswith(("일", "day")):
        return today - timedelta(days=count)
    if unit.startswith(("주", "week")):
        return today - timedelta(weeks=count)
    if unit.startswith(("년", "해", "year")):
        count *= 12
    first, last = _months_ago(today, count)
    return first.replace(day=min(today.day, last.day))


def _months_ago(today: date, count: int) -> Span:
    """Return the whole month `count` months ago."""
    year, month = divmod(today.year * 12 + today.month - 1 - count, 12)
    return span_of(year, month + 1) or (today, today)
