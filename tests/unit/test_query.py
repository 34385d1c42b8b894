from __future__ import annotations

from datetime import date

import pytest

from album.errors import QueryError
from album.query import parse_day


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
def test_days_months_and_years_are_read_as_people_write_them(text, first, last):
    assert parse_day(text) == first
    assert parse_day(text, last=True) == last


def test_a_blank_is_no_bound():
    assert parse_day("  ") is None


@pytest.mark.parametrize(
    "text", ["yesterday", "2019-13", "2019-02-30", "0000", "8/3/2019", "-2019", "2019-08-03T10:00"]
)
def test_what_is_no_day_is_one_sentence_that_repeats_it(text):
    with pytest.raises(QueryError) as raised:
        parse_day(text)
    assert text in str(raised.value)
