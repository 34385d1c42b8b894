"""Days that depend on the year or on today, and single days as typed."""

from __future__ import annotations

from datetime import date

import pytest

from album.domain.filters import Filter, TakenBetween
from album.domain.known_names import KnownNames
from album.errors import QueryError
from album.search.query import parse, parse_day

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        # As the almanacs of these years have them.
        ("1999년 설날", date(1999, 2, 16)),
        ("2012년 설날", date(2012, 1, 23)),
        ("2020년 설날", date(2020, 1, 25)),
        ("2027년 설날", date(2027, 2, 7)),
        ("1999년 추석", date(1999, 9, 24)),
        ("2017년 추석", date(2017, 10, 4)),
        ("2020년 추석", date(2020, 10, 1)),
        ("2025년 추석", date(2025, 10, 6)),
        ("2024년 부처님 오신 날", date(2024, 5, 15)),
        ("2023년 단오", date(2023, 6, 22)),
        ("easter 2000", date(2000, 4, 23)),
        ("easter 2008", date(2008, 3, 23)),
        ("easter 2025", date(2025, 4, 20)),
        ("thanksgiving 2023", date(2023, 11, 23)),
        ("father's day 2024", date(2024, 6, 16)),
    ],
)
def test_feasts_that_move_are_found_in_their_year(text, day):
    (condition,) = parse(text, KnownNames(), TODAY).conditions

    assert isinstance(condition.fact, TakenBetween)
    first, last = condition.fact.first, condition.fact.last
    assert first is not None
    assert last is not None
    assert first <= day <= last
    assert day - first == last - day


def test_future_feast_is_no_filter():
    asked = parse("추석", KnownNames(), date(2026, 9, 1)).conditions

    assert Filter(TakenBetween(date(2025, 10, 5), date(2025, 10, 7))) in asked
    assert not [each for each in asked if each.fact.first > date(2026, 9, 1)]


@pytest.mark.parametrize(
    ("text", "today", "first"),
    [
        ("last summer", date(2026, 7, 10), date(2025, 6, 1)),
        ("last summer", date(2026, 9, 1), date(2026, 6, 1)),
        ("this winter", date(2026, 1, 10), date(2025, 12, 1)),
        ("last winter", date(2026, 1, 10), date(2024, 12, 1)),
        ("last christmas", date(2026, 12, 26), date(2026, 12, 24)),
        ("지난주", date(2026, 1, 1), date(2025, 12, 22)),
        ("지난달", date(2026, 1, 31), date(2025, 12, 1)),
        ("last month", date(2026, 3, 31), date(2026, 2, 1)),
        ("last 3 months", date(2026, 5, 31), date(2026, 2, 28)),
        ("a year ago today", date(2026, 3, 1), date(2025, 3, 1)),
        ("작년 오늘", date(2025, 2, 28), date(2024, 2, 28)),
    ],
)
def test_what_is_counted_from_today_moves_with_it(text, today, first):
    (chip,) = parse(text, KnownNames(), today).chips

    assert chip.first == first


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2019-08-03", date(2019, 8, 3), date(2019, 8, 3)),
        ("2019.8.3", date(2019, 8, 3), date(2019, 8, 3)),
        ("2019. 8. 3.", date(2019, 8, 3), date(2019, 8, 3)),
        ("2019/08", date(2019, 8, 1), date(2019, 8, 31)),
        ("2019년 8월 3일", date(2019, 8, 3), date(2019, 8, 3)),
        ("2020년 2월", date(2020, 2, 1), date(2020, 2, 29)),
        ("2019년", date(2019, 1, 1), date(2019, 12, 31)),
        (" 2019 ", date(2019, 1, 1), date(2019, 12, 31)),
        ("20190803", date(2019, 8, 3), date(2019, 8, 3)),
    ],
)
def test_parse_day_reads_common_spellings(text, first, last):
    assert parse_day(text) == first
    assert parse_day(text, last=True) == last


def test_a_blank_is_no_bound():
    assert parse_day("  ") is None


@pytest.mark.parametrize(
    "text", ["yesterday", "2019-13", "2019-02-30", "0000", "8/3/2019", "-2019", "2019-08-03T10:00"]
)
def test_parse_day_error_repeats_the_text(text):
    with pytest.raises(QueryError) as raised:
        parse_day(text)
    assert text in str(raised.value)
