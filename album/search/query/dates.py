"""Readers of dates and ranges at one place in a text.

Each reader tries one way to write days and yields what it reads. The caller takes the longest that
ends where a word ends. Texts are folded as by `text.fold`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from album.domain.filters import Fact, InMonths, OnDays, OnWeekdays, TakenBetween
from album.search.query import day_words as table
from album.search.query.relative import BARE_HOURS, last_or_this, relative
from album.search.query.units import (
    IN_YEAR_BEHIND,
    WORD_END,
    NoDays,
    Unit,
    month_days,
    numeric,
    one_day,
    recurring,
    with_year,
)
from album.search.query.words import LOOK_PHRASES, alternatives, words, words_of
from album.search.query.yearly import Span, months


class Days(NamedTuple):
    """Days that were understood."""

    end: int
    """Where the words end."""
    facts: tuple[Fact, ...]
    first: date | None = None
    last: date | None = None
    alone: bool = False
    """Only where no plain word stands directly beside it."""
    asks_preposition: bool = False
    """Only behind "in", "last" and the like."""
    feast: str = ""
    """The feast of the west that it ends in, since some things behind it make it a look."""


_BARE_HOUR = re.compile(r"(?: ?의)? ?(" + alternatives(BARE_HOURS) + ")" + WORD_END)
_NIGHT_LOOK = re.compile(alternatives(LOOK_PHRASES) + r"(?![^\W_])")
_TO = re.compile(r" ?부터 ?| ?에서 ?| ?[-~] ?| to | through | until | till | and ")
_FROM = re.compile(r"(?:from|between) (?:the )?")
_SIDE = re.compile(r"(since|after|before|until|till|up to|prior to|starting) (?:the |from )?(?=\S)")
_SIDE_BEHIND = re.compile(
    r" ?(이후|이래|이전|까지|부터|전|후)(?:로는|로|에는|에|의)?(?=[^가-힣]|$|찍|사진)"
    r"| (onwards?|or later|or earlier)" + WORD_END
)
_DAY_ONLY = re.compile(r"([0-9]{1,2}) ?일(?!간|째)")
_DAY_NUMBER = re.compile(rf"([0-9]{{1,2}})(?:st|nd|rd|th)?{WORD_END}(?!월|년)")
_UNTIL = re.compile(r" ?까지")
_STARTS = re.compile(
    "[0-9']|"
    + alternatives(
        {
            *words_of(table.YEARS, table.DAYS, table.WEEKS, table.MONTHS_AGO, table.NUMBERS),
            *words_of(table.SPANS_OF_DAYS, table.WEEKDAYS, table.SEASONS, table.ENDS_OF_YEARS),
            *words_of(table.FEASTS_OF_THE_SUN, table.FEASTS_OF_THE_MOON, table.FEASTS_OF_A_WEEKDAY),
            *words(table.EASTER),
            *words(table.EXAM),
            *table.MONTHS,
            *table.SHORT_MONTHS,
            *words(table.LATELY),
            *words(table.LAST),
            *words(table.THIS),
            *words(
                "the, 매주, 어젯밤, 어제밤, 간밤, tonight, on this day, from, between, since,"
                " after, before, until, till, up to, prior to, starting"
            ),
        }
    )
)
"""Beginnings of a date. Most words of a text are skipped by it."""


def read_days(text: str, at: int, today: date) -> list[Days | NoDays]:
    """Read all meanings of the words at `at` as days, the longest first.

    Args:
        text: folded.
        at: where a word begins.
        today: what "last summer" counts from.
    """
    if not _STARTS.match(text, at):
        return []
    readings: list[Days | NoDays] = []
    for read in (_ranges, _sides):
        readings += read(text, at, today)
    for unit in _units(text, at, today):
        if isinstance(unit, NoDays):
            readings.append(unit)
        else:
            readings += _behind(text, unit, today)
            if (days := _days(unit, today)) is not None:
                readings.append(days)
    return sorted(readings, key=lambda days: -days.end)


def _ranges(text: str, at: int, today: date) -> Iterator[Days]:
    """Read from 2018 to 2020, 2018-2020, 3월부터 5월까지."""
    start = _FROM.match(text, at)
    word = start[0].split()[0] if start else ""
    for first in _units(text, start.end() if start else at, today):
        if isinstance(first, NoDays) or first.hours:
            continue
        link = _TO.match(text, first.end)
        if link is None or (link[0].strip() == "and") != (word == "between"):
            continue
        if link[0].strip() in ("to", "through", "until", "till") and first.asks_preposition:
            continue
        for last in [*_units(text, link.end(), today), *_day_only(text, link.end(), first)]:
            if isinstance(last, NoDays) or last.hours:
                continue
            until = _UNTIL.match(text, last.end)
            if link[0].strip() == "에서" and until is None:
                continue
            joined = _join(first, last)
            if joined is not None:
                days = joined._replace(end=until.end() if until else last.end)
                yield days
                if days.first is None and (year := IN_YEAR_BEHIND.match(text, days.end)):
                    yield from _in_year(days, int(year[1]), year.end())


def _in_year(days: Days, year: int, end: int) -> Iterator[Days]:
    """Read a yearly range in one year: june 3-5, 2019."""
    for fact in days.facts:
        if isinstance(fact, OnDays):
            try:
                first, last = date(year, *fact.days[0]), date(year, *fact.days[-1])
            except ValueError:
                continue
            if first <= last:
                yield Days(end, (TakenBetween(first, last),), first, last)


def _day_only(text: str, at: int, first: Unit) -> Iterator[Unit]:
    """Read the 5일 of 8월 3일~5일, or the 5 of august 3-5."""
    match = _DAY_ONLY.match(text, at) or _DAY_NUMBER.match(text, at)
    if match is None:
        return
    try:
        if first.span is not None and first.span[0] == first.span[1]:
            day = first.span[0].replace(day=int(match[1]))
            yield Unit(match.end(), (day, day))
        elif first.yearly is not None and isinstance(first.yearly.every_year, OnDays):
            (month, _), *more = first.yearly.every_year.days
            if not more:
                yield Unit(match.end(), yearly=one_day(month, int(match[1])))
    except ValueError:
        return


def _join(first: Unit, last: Unit) -> Days | None:
    """Return all days from one unit to another.

    A unit without a year takes that of the other.
    """
    begin, end = first.span, last.span
    if begin is None and end is None:
        return _join_yearly(first, last)
    if begin is None and end is not None and first.yearly is not None:
        begin = first.yearly.in_year(end[1].year)
        if begin is not None and begin[0] > end[1]:
            begin = first.yearly.in_year(end[1].year - 1)
    elif end is None and begin is not None and last.yearly is not None:
        end = last.yearly.in_year(begin[0].year)
        if end is not None and end[1] < begin[0]:
            end = last.yearly.in_year(begin[0].year + 1)
    if begin is None or end is None:
        return None
    days = (min(begin[0], end[0]), max(begin[1], end[1]))
    return Days(0, (TakenBetween(*days),), *days)


def _join_yearly(first: Unit, last: Unit) -> Days | None:
    if first.weekdays and last.weekdays:
        count = (last.weekdays[-1] - first.weekdays[0]) % 7 + 1
        return Days(
            0, (OnWeekdays(tuple(sorted((first.weekdays[0] + i) % 7 for i in range(count)))),)
        )
    if first.yearly is None or last.yearly is None:
        return None
    begin, end = first.yearly.every_year, last.yearly.every_year
    if isinstance(begin, InMonths) and isinstance(end, InMonths):
        return Days(0, (months(begin.months[0], end.months[-1]).every_year,))  # type: ignore[arg-type]  # months make months
    if isinstance(begin, OnDays) and isinstance(end, OnDays):
        day, stop = date(2000, *begin.days[0]), date(2000, *end.days[-1])
        if stop < day:
            stop = stop.replace(year=2001)
        every = [day + timedelta(days=i) for i in range((stop - day).days + 1)]
        return Days(0, (OnDays(tuple((each.month, each.day) for each in every)),))
    return None


def _sides(text: str, at: int, today: date) -> Iterator[Days]:
    """since 2019, before last summer."""
    side = _SIDE.match(text, at)
    if side is None:
        return
    for unit in _units(text, side.end(), today):
        if not isinstance(unit, NoDays) and (span := unit.span or _recent(unit, today)):
            yield _bounded(side[1], span, unit.end)


def _behind(text: str, unit: Unit, today: date) -> Iterator[Days]:
    """2015년 이후, 작년까지, 2015 or later."""
    side = _SIDE_BEHIND.match(text, unit.end)
    if side is not None and (span := unit.span or _recent(unit, today)):
        yield _bounded(side[1] or side[2], span, side.end())


def _recent(unit: Unit, today: date) -> Span | None:
    return unit.yearly.begun(today) if unit.yearly is not None else None


def _bounded(side: str, span: Span, end: int) -> Days:
    """Return days with one end open.

    이전 and 이후 include their day, as dictionaries say.
    """
    first, last = span
    match side:
        case "since" | "starting" | "이후" | "이래" | "부터" | "onward" | "onwards" | "or later":
            return Days(end, (TakenBetween(first, None),), first, None)
        case "after" | "후":
            first = last + timedelta(days=1)
            return Days(end, (TakenBetween(first, None),), first, None)
        case "before" | "prior to" | "전":
            last = first - timedelta(days=1)
            return Days(end, (TakenBetween(None, last),), None, last)
        case _:
            return Days(end, (TakenBetween(None, last),), None, last)


def _days(unit: Unit, today: date) -> Days | None:
    facts: tuple[Fact, ...]
    if unit.span is not None:
        facts = (TakenBetween(*unit.span),)
    elif unit.yearly is not None:
        facts = unit.yearly.facts(today)
    else:
        facts = (OnWeekdays(unit.weekdays),)
    if unit.hours is not None:
        facts += (unit.hours,)
    first, last = unit.span or (None, None)
    return Days(unit.end, facts, first, last, unit.alone, unit.asks_preposition, unit.feast)


def _units(text: str, at: int, today: date) -> list[Unit | NoDays]:
    """Read one stretch of days in every way, the longest first."""
    units: list[Unit | NoDays] = []
    for read in (numeric, relative, month_days, last_or_this, with_year, recurring):
        units += read(text, at, today)
    for unit in list(units):
        if isinstance(unit, Unit) and _has_hours(unit):
            hour = _BARE_HOUR.match(text, unit.end)
            if hour is not None and not _NIGHT_LOOK.match(text, hour.start(1)):
                fact = BARE_HOURS[hour[1]].fact
                units.append(unit._replace(end=hour.end(), hours=fact, feast=""))
    return sorted(units, key=lambda unit: -unit.end)


def _has_hours(unit: Unit) -> bool:
    """Return whether an hour may follow.

    It may follow days and feasts, not months, seasons or years.
    """
    if unit.hours is not None:
        return False
    if unit.span is not None:
        return unit.span[1] - unit.span[0] <= timedelta(days=3)
    return unit.yearly is None or not isinstance(unit.yearly.every_year, InMonths)
