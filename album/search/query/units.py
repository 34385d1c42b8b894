"""Readers of one stretch of days: a date, month, season, feast or year.

Texts are folded as by `text.fold`. Every reader tries one way to write days at one place.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Final, NamedTuple

from album.domain.filters import AtHours
from album.search.query import day_words as table
from album.search.query.words import alternatives, words, words_of
from album.search.query.yearly import (
    Span,
    Yearly,
    easter,
    fixed,
    months,
    nth_weekday,
    of_the_moon,
    on_listed_days,
)

EARLIEST, LATEST = 1800, 2199


class NoDays(NamedTuple):
    """Something that looks like a day, but is none."""

    end: int
    notice: str


class Unit(NamedTuple):
    """One stretch of days, as one of `span`, `yearly` and `weekdays`."""

    end: int
    """Where its words end."""
    span: Span | None = None
    yearly: Yearly | None = None
    weekdays: tuple[int, ...] = ()
    alone: bool = False
    """Only where no plain word stands directly beside it."""
    asks_preposition: bool = False
    """Only behind "in", "last" and the like."""
    feast: str = ""
    """The feast of the west that it ends in, since some things behind it make it a look."""
    hours: AtHours | None = None


def no_such_day(text: str) -> str:
    """Return the notice for an impossible date.

    Its words stay in the look.
    """
    return f"There is no such day as “{text}”, so it is looked for as words."


def not_a_date(text: str) -> str:
    """Return the notice for a date with ambiguous day and month."""
    return (
        f"“{text}” could be two days, so it is looked for as words; write it as 2019-08-03 instead."
    )


def either(text: str) -> str:
    return alternatives(words(text))


def choice(rows: dict[int, str]) -> tuple[str, dict[str, int]]:
    """Return a pattern for all words of a table, and their values.

    The keys of the values have no blanks.
    """
    meaning = {
        word.replace(" ", "").replace("'", ""): value
        for value, row in rows.items()
        for word in words(row)
    }
    return alternatives(words_of(rows)), meaning


def key(text: str) -> str:
    return text.replace(" ", "").replace("'", "")


_YEARS, _YEAR_OF = choice(table.YEARS)
NUMBERS, _NUMBER_OF = choice(table.NUMBERS)
_WEEKDAYS, _WEEKDAY_OF = choice(dict(enumerate(table.WEEKDAYS.values())))
_WEEKDAY_SETS = tuple(table.WEEKDAYS)
_MONTH_NAMES = "|".join([*table.MONTHS, *sorted(table.SHORT_MONTHS, key=len, reverse=True)])
_NOT_AFTER_A_YEAR = "|".join(table.NOT_AFTER_A_YEAR)
WORD_END: Final = r"(?![^\W가-힣])"
"""No letter or digit follows, but Korean may."""
_NUMERIC = re.compile(
    r"([0-9]{4})([-/]|\. ?)([0-9]{1,2})(?:\2([0-9]{1,2}))?(?![0-9])(?:\.(?![0-9]))?"
)
_EIGHT_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?![0-9])")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})(?![0-9])")
_FULL_YEAR = re.compile(
    rf"([0-9]{{4}})(?![0-9])(?: ?(년)도?(?!{_NOT_AFTER_A_YEAR})|['’]s{WORD_END}|)(?!년)"
)
_SHORT_YEAR = re.compile(rf"'?([0-9]{{2}})(?![0-9]) ?년(도?)(?!{_NOT_AFTER_A_YEAR}| ?전)")
_YEAR_WORD = re.compile(_YEARS + r"(?:의|에)?" + WORD_END)
AGO = re.compile(
    rf"(?:([0-9]{{1,3}})|({NUMBERS})(?= |년|달|주|개월|일|해)) ?"
    rf"(년|해|달|개월|주일|주|일|years?|months?|weeks?|days?) ?(?:전|ago)(?!시)" + WORD_END
)
_DECADE = re.compile(rf"(?:the )?([0-9]{{4}})(?:'?s{WORD_END}| ?년대)|([0-9]0) ?년대")
KOREAN_MONTH = re.compile(r"([0-9]{1,2}) ?월(?!드)(?: ?([0-9]{1,2}) ?일(?!간|째| 동안))?")
_PART_OF_MONTH = re.compile(
    " ?(" + alternatives(words_of(table.PARTS_OF_MONTHS)) + ")(?=[^가-힣]|$|에|의|쯤|경)"
)
_PART_OF_YEAR = re.compile(
    " ?(" + alternatives(words_of(table.PARTS_OF_YEARS)) + ")(?=[^가-힣]|$|에|의|쯤|경)"
)
_MONTH_DAY = re.compile(rf"({_MONTH_NAMES})\.? ([0-9]{{1,2}})(?:st|nd|rd|th)?{WORD_END}")
_DAY_MONTH = re.compile(rf"([0-9]{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH_NAMES}){WORD_END}\.?")
_MONTH_NAME = re.compile(rf"({_MONTH_NAMES}){WORD_END}")
_WEEKDAY = re.compile(rf"(?:매주 ?)?({_WEEKDAYS}){WORD_END}")
_TODAY_THEN = re.compile(r" ?(?:오늘|today)" + WORD_END)
_OF_YEAR = re.compile(r"(?: of|,| in)? (?:the )?")
_YEAR_GAP = re.compile(r"(?:의|에)? ?")
IN_YEAR_BEHIND = re.compile(r",? ([0-9]{4})(?![0-9]|[^\W가-힣])")
_THIS_DAY = re.compile(r"(?:on )?this day" + WORD_END)


def numeric(text: str, at: int, today: date) -> Iterator[Unit | NoDays]:
    """Read 2019-08-03, 2019.8, 20190803, 13/8/2019."""
    if match := _EIGHT_DIGITS.match(text, at):
        try:
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            return
        if EARLIEST <= day.year <= LATEST:
            yield Unit(match.end(), (day, day))
    elif match := _NUMERIC.match(text, at):
        year, month = int(match[1]), int(match[3])
        if not EARLIEST <= year <= LATEST:
            return
        span = span_of(year, month, int(match[4]) if match[4] else None)
        if span is not None:
            yield Unit(match.end(), span)
        elif match[4] or (match[2] == "-" and len(match[3]) == 2):
            yield NoDays(match.end(), no_such_day(match[0]))
    elif match := _DAY_FIRST.match(text, at):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        if first <= 12 and second <= 12 and first != second:
            yield NoDays(match.end(), not_a_date(match[0]))
        else:
            span = (
                span_of(year, min(first, second), max(first, second)) if year >= EARLIEST else None
            )
            yield (Unit(match.end(), span) if span else NoDays(match.end(), no_such_day(match[0])))


def span_of(year: int, month: int, day: int | None = None) -> Span | None:
    """Return a month or a day.

    None where the calendar has no such one.
    """
    try:
        if day is not None:
            return (date(year, month, day),) * 2
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    except ValueError:  # calendar.IllegalMonthError is one
        return None


@cache
def one_day(month: int, day: int) -> Yearly:
    return fixed((month, day), (month, day))


def _years(text: str, at: int, today: date, *, short: bool = False) -> Iterator[tuple[int, int]]:
    """Read a year: 2019, 2019년, 작년, 3년 전, and 19년 if `short`.

    Yields (year, where its words end).
    """
    if match := _FULL_YEAR.match(text, at):
        year = int(match[1])
        if EARLIEST <= year <= LATEST and (match[2] or 1900 <= year <= today.year + 1):
            yield year, match.end()
    if match := _SHORT_YEAR.match(text, at):
        year = int(match[1]) + (2000 if int(match[1]) <= (today.year + 1) % 100 else 1900)
        if short or match[2]:
            yield year, match.end()
    if match := _YEAR_WORD.match(text, at):
        word = re.sub("[의에]$", "", match[0])
        yield today.year + _YEAR_OF[key(word)], match.end()
    if (match := AGO.match(text, at)) and match[3] in ("년", "해", "year", "years"):
        year = today.year - count(match)
        if year >= EARLIEST:
            yield year, match.end()


def count(match: re.Match[str]) -> int:
    return int(match[1]) if match[1] else _NUMBER_OF[key(match[2])]


def month_days(text: str, at: int, today: date) -> Iterator[Unit | NoDays]:
    """Read 8월, 2019년 8월 3일, august 3rd 2019, 3 aug."""
    starts: list[tuple[int | None, int]] = [(None, at)]
    starts += [
        (year, _YEAR_GAP.match(text, end).end())  # type: ignore[union-attr]
        for year, end in _years(text, at, today, short=True)
    ]
    for year, start in starts:
        if match := KOREAN_MONTH.match(text, start):
            month, day = int(match[1]), int(match[2]) if match[2] else None
            yield from _month_day(text, at, match.end(), year, month, day)
            if day is None and 1 <= month <= 12:
                yield from _part_of_month(text, match.end(), year, month)
    for match in (_MONTH_DAY.match(text, at), _DAY_MONTH.match(text, at)):
        if match is None:
            continue
        name, number = match.groups() if match[1][0].isalpha() else match.groups()[::-1]
        behind = IN_YEAR_BEHIND.match(text, match.end())
        if behind and EARLIEST <= int(behind[1]) <= LATEST:
            yield from _month_day(
                text, at, behind.end(), int(behind[1]), _month_of(name), int(number)
            )
        yield from _month_day(text, at, match.end(), None, _month_of(name), int(number))


def _month_of(name: str) -> int:
    return table.SHORT_MONTHS.get(name) or table.MONTHS.index(name) + 1


def _month_day(
    text: str, at: int, end: int, year: int | None, month: int, day: int | None
) -> Iterator[Unit | NoDays]:
    span = span_of(year or 2000, month, day)
    if span is None:
        yield NoDays(end, no_such_day(text[at:end]))
    elif year is not None:
        yield Unit(end, span)
    else:
        yield Unit(end, yearly=one_day(month, day) if day else months(month, month))


def _part_of_month(text: str, at: int, year: int | None, month: int) -> Iterator[Unit]:
    """Read 8월 초, 2019년 8월 말."""
    if match := _PART_OF_MONTH.match(text, at):
        for (first, last), row in table.PARTS_OF_MONTHS.items():
            if match[1] in words(row):
                last = min(last, calendar.monthrange(year or 2000, month)[1])
                yearly = fixed((month, first), (month, last))
                span = yearly.in_year(year) if year is not None else None
                yield Unit(match.end(), span, None if span else yearly)


@cache
def _feasts() -> tuple[re.Pattern[str], dict[str, Yearly]]:
    """Return a pattern for seasons and feasts, and their days by name."""
    every: dict[str, Yearly] = {}
    for rows, kind in (
        (table.SEASONS, months),
        (table.ENDS_OF_YEARS, months),
        (table.FEASTS_OF_THE_SUN, fixed),
        (table.FEASTS_OF_THE_MOON, of_the_moon),
        (table.FEASTS_OF_A_WEEKDAY, nth_weekday),
    ):
        for days, row in rows.items():
            every |= dict.fromkeys(words(row), kind(*days))
    every |= dict.fromkeys(words(table.EASTER), easter())
    every |= dict.fromkeys(words(table.EXAM), on_listed_days(table.EXAM_DAYS))
    pattern = re.compile(rf"({alternatives(every)})(?:'s)?{WORD_END}")
    return pattern, {key(name): yearly for name, yearly in every.items()}


_SEASON_WORDS = frozenset(words_of(table.SEASONS))
_WESTERN = frozenset(key(word) for word in table.WESTERN_FEASTS)
_ONLY_FEASTS = re.compile(r"설(?=에|$|[^가-힣])")
"""설 alone is snow and talk as well: only behind a year or 지난."""


def named(text: str, at: int, *, short: bool) -> Iterator[Unit]:
    """Read a month, a season or a feast by name.

    Korean months are read by `month_days`.
    """
    pattern, every = _feasts()
    if match := pattern.match(text, at):
        name = match[1]
        yield Unit(
            match.end(),
            yearly=every[key(name)],
            alone=name in _SEASON_WORDS,
            feast=name if key(name) in _WESTERN else "",
        )
    if (match := _MONTH_NAME.match(text, at)) and (
        short or match[1] not in table.SHORT_MONTHS or len(match[1]) > 3
    ):
        month = _month_of(match[1])
        yield Unit(
            match.end(),
            yearly=months(month, month),
            alone=match[1] == "march",
            asks_preposition=match[1] == "may" or match[1] in table.SHORT_MONTHS,
        )
    if short and (match := _ONLY_FEASTS.match(text, at)):
        yield Unit(match.end(), yearly=every["설날"])


def with_year(text: str, at: int, today: date) -> Iterator[Unit]:
    """2019, 작년 여름, summer of 2019, christmas last year, 1990s."""
    for year, end in _years(text, at, today, short=True):
        start = _YEAR_GAP.match(text, end).end()  # type: ignore[union-attr]
        for unit in named(text, start, short=True):
            yield from _in(year, unit, unit.end)
        if today_then := _TODAY_THEN.match(text, end):
            span = span_of(year, today.month, today.day)
            if span:
                yield Unit(today_then.end(), span)
        if part := _PART_OF_YEAR.match(text, end):
            for (first, last), row in table.PARTS_OF_YEARS.items():
                if part[1] in words(row):
                    yield Unit(part.end(), months(first, last).in_year(year))
    for year, end in _years(text, at, today):
        yield Unit(end, (date(year, 1, 1), date(year, 12, 31)))
    for unit in named(text, at, short=True):
        gap = _OF_YEAR.match(text, unit.end)
        if gap is not None:
            for year, end in _years(text, gap.end(), today):
                yield from _in(year, unit, end)
    if decade := _DECADE.match(text, at):
        year = int(decade[1]) if decade[1] else int(decade[2])
        if decade[2]:
            year += 2000 if year <= today.year % 100 else 1900
        if year % 10 == 0 and EARLIEST <= year <= today.year:
            yield Unit(decade.end(), (date(year, 1, 1), date(year + 9, 12, 31)))


def _in(year: int, unit: Unit, end: int) -> Iterator[Unit]:
    if unit.yearly is not None and (span := unit.yearly.in_year(year)):
        yield Unit(end, span, feast=unit.feast if end == unit.end else "")


def weekdays_at(text: str, at: int) -> Iterator[Unit]:
    if match := _WEEKDAY.match(text, at):
        yield Unit(match.end(), weekdays=_WEEKDAY_SETS[_WEEKDAY_OF[key(match[1])]])


def recurring(text: str, at: int, today: date) -> Iterator[Unit]:
    """summer, march, 크리스마스, 주말."""
    for unit in named(text, at, short=True):
        if text[at : unit.end] != "설" or text.startswith("에", unit.end):
            yield unit
    yield from weekdays_at(text, at)
    if match := _THIS_DAY.match(text, at):
        yield Unit(match.end(), yearly=one_day(today.month, today.day))
