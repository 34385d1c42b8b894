"""Yearly days: months, seasons, and fixed, lunar and moving feasts.

Lunar days are Korea's (those of the Korea Astronomy and Space Science Institute), which differ from
China's now and then. They are known through 2050.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from korean_lunar_calendar import KoreanLunarCalendar  # type: ignore[import-untyped]

from album.domain.filters import Fact, InMonths, OnDays, TakenBetween

Span = tuple[date, date]
"""First and last day, both included."""
EARLIEST_FEAST = 1990
"""The first year whose moving feasts are asked for where no year is named."""
_MOON = range(1900, 2051)


class Yearly(NamedTuple):
    """Something that comes back every year."""

    in_year: Callable[[int], Span | None]
    """Its days in a year. A winter counts to the year it begins in. None where not known."""
    every_year: Fact | None
    """All its days at once. None where they move from year to year."""

    def facts(self, today: date) -> tuple[Fact, ...]:
        """Return its days in any year.

        Of moving days, each that has begun from 1990 on.
        """
        return (self.every_year,) if self.every_year is not None else _every_time(self, today)

    def before(self, today: date) -> Span | None:
        """Return the last one that is over."""
        return next((span for span in self._latest(today) if span[1] < today), None)

    def begun(self, today: date) -> Span | None:
        """Return the last one that has begun."""
        return next((span for span in self._latest(today) if span[0] <= today), None)

    def _latest(self, today: date) -> Iterator[Span]:
        """Yield those of this year and the two before, the latest first."""
        spans = (self.in_year(year) for year in range(today.year, today.year - 3, -1))
        return (span for span in spans if span is not None)


@lru_cache(maxsize=64)
def _every_time(feast: Yearly, today: date) -> tuple[Fact, ...]:
    spans = (feast.in_year(year) for year in range(EARLIEST_FEAST, today.year + 1))
    return tuple(TakenBetween(*span) for span in spans if span and span[0] <= today)


def months(first: int, last: int) -> Yearly:
    """Return whole months, 1 to 12, over New Year where last < first."""
    length = (last - first) % 12 + 1

    def in_year(year: int) -> Span:
        last_year = year + (last < first)
        days = calendar.monthrange(last_year, last)[1]
        return date(year, first, 1), date(last_year, last, days)

    return Yearly(in_year, InMonths(tuple((first - 1 + i) % 12 + 1 for i in range(length))))


def fixed(first: tuple[int, int], last: tuple[int, int]) -> Yearly:
    """Return fixed days of the solar calendar, (month, day) each.

    A 29th of February is only in leap years.

    Raises:
        ValueError: no year has such a day.
    """
    day, end = date(2000, *first), date(2000, *last)
    days = []
    while day <= end:
        days.append((day.month, day.day))
        day += timedelta(days=1)

    def in_year(year: int) -> Span | None:
        try:
            return date(year, *first), date(year, *last)
        except ValueError:
            return None

    return Yearly(in_year, OnDays(tuple(days)))


def of_the_moon(month: int, day: int, around: int) -> Yearly:
    """Return a day of the lunar calendar, and `around` days beside it."""

    def in_year(year: int) -> Span | None:
        if year not in _MOON:
            return None
        middle = _moon_days(month, day)[year]
        return middle - timedelta(days=around), middle + timedelta(days=around)

    return Yearly(in_year, None)


@lru_cache(maxsize=32)
def _moon_days(month: int, day: int) -> dict[int, date]:
    moon = KoreanLunarCalendar()  # it remembers the last date it was asked for: not to be shared
    days = {}
    for year in _MOON:
        if moon.setLunarDate(year, month, day, False):
            days[year] = date(moon.solarYear, moon.solarMonth, moon.solarDay)
    return days


def nth_weekday(month: int, weekday: int, nth: int) -> Yearly:
    """Return the nth (from 1) `date.weekday` of a month."""

    def in_year(year: int) -> Span:
        first = date(year, month, 1)
        day = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
        return day, day

    return Yearly(in_year, None)


def on_listed_days(days: Sequence[str]) -> Yearly:
    """Return days of one year each, as ISO dates."""
    by_year = {day.year: (day, day) for day in map(date.fromisoformat, days)}
    return Yearly(by_year.get, None)


def easter() -> Yearly:
    """Return Easter Sunday in the west.

    By the anonymous Gregorian algorithm (Nature, 20 April 1876).
    """

    def in_year(year: int) -> Span:
        century, short_year = divmod(year, 100)
        golden = year % 19
        shift = (century - (century + 8) // 25 + 1) // 3
        epact = (19 * golden + century - century // 4 - shift + 15) % 30
        sunday = (32 + 2 * (century % 4) + 2 * (short_year // 4) - epact - short_year % 4) % 7
        late = (golden + 11 * epact + 22 * sunday) // 451
        month, day = divmod(epact + sunday - 7 * late + 114, 31)
        sunday_date = date(year, month, day + 1)
        return sunday_date, sunday_date

    return Yearly(in_year, None)


def together(stretches: Sequence[tuple[TakenBetween, ...]]) -> list[TakenBetween]:
    """Combine the days of several parts of a sentence.

    Closed stretches (2018, 2019) are alternatives already. Open ones (since 2010, before 2015)
    must all hold, and cut the others. Feasts that move, many stretches at once, are those within
    the closed ones. What would leave no day at all is taken as alternatives after all.
    """
    single = [one[0] for one in stretches if len(one) == 1]
    feasts = [day for many in stretches if len(many) > 1 for day in many]
    closed = [each for each in single if each.first is not None and each.last is not None]
    bounds = [each for each in single if each.first is None or each.last is None]
    days = _within(feasts, closed) if feasts and closed else feasts or closed
    days = days or closed
    for bound in bounds:
        days = _within(days, [bound]) if days else [bound]
    return days or [*closed, *bounds]


def _within(days: Sequence[TakenBetween], bounds: Sequence[TakenBetween]) -> list[TakenBetween]:
    """Return the parts of `days` that lie in one of `bounds`."""
    parts = []
    for day in days:
        for bound in bounds:
            first = max(day.first or date.min, bound.first or date.min)
            last = min(day.last or date.max, bound.last or date.max)
            if first <= last:
                parts.append(
                    TakenBetween(
                        None if first == date.min else first, None if last == date.max else last
                    )
                )
    return parts
