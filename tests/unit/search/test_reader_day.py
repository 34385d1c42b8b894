"""The reader's day depends on the zone, and no name of a zone does harm."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from album.search.reader_day import today_in


@pytest.mark.parametrize(
    ("time_zone", "hours"),
    [("Etc/GMT-14", 14), ("Etc/GMT+12", -12), ("Asia/Seoul", 9), ("UTC", 0)],
)
def test_day_is_that_of_the_zone(time_zone: str, hours: int) -> None:
    before = datetime.now(UTC)
    day = today_in(time_zone)
    after = datetime.now(UTC)

    assert day in {(now + timedelta(hours=hours)).date() for now in (before, after)}


@pytest.mark.parametrize(
    "time_zone",
    [
        "",
        "Mars/Olympus",
        "Asia",
        "../../etc/passwd",
        "/etc/localtime",
        "tzdata.zi",
        "zone.tab",
        "Asia/Seoul\0",
        "\ud800",
        "서울",
        "A" * 100_000,
    ],
)
def test_unknown_zone_is_the_servers_day(time_zone: str) -> None:
    before = date.today()

    assert today_in(time_zone) in (before, date.today())
