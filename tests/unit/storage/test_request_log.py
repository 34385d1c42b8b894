"""A rate that holds in any window, over restarts, and over clocks that are set back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from album.storage.database import Database
from album.storage.request_log import RateLimiter, day_start, next_day
from tests.support.gemini_server import most_within

WINTER = datetime(2026, 1, 15, 20, 0, tzinfo=UTC).timestamp()  # noon in California


class Clock:
    def __init__(self) -> None:
        self.at = WINTER

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "album.db")
    yield database
    database.close()


def test_requests_in_any_window_stay_limited(database, clock):
    """However irregularly they are made."""
    rate = RateLimiter(database, 10, 0, clock=clock)
    rng = random.Random(1)
    sent = []

    for _ in range(2000):
        clock.at += rng.choice([0.01, 0.5, 3.0, 20.0])
        if rng.random() < 0.05:
            rate = RateLimiter(database, 10, 0, clock=clock)  # the album was started again
        place = rate.take()
        if place.number:
            sent.append(clock.at + rng.random() * 0.99)  # when the server hears of it
        else:
            assert place.wait_s > 0

    assert most_within(sent, 60.0) == 10
    assert len(sent) > 300


def test_slot_is_free_after_the_announced_wait(database, clock):
    rate = RateLimiter(database, 3, 0, clock=clock)
    for _ in range(20):
        place = rate.take()
        clock.at += place.wait_s
        assert place.number or rate.take().number


def test_unused_slot_is_reused(database, clock):
    rate = RateLimiter(database, 1, 0, clock=clock)
    first = rate.take().number

    assert rate.take().number == 0
    second = rate.take(instead_of=first).number
    assert second
    rate.give_back(second)
    assert rate.take().number


def test_held_slot_counts_from_its_use(database, clock):
    rate = RateLimiter(database, 1, 0, clock=clock)
    held = rate.take().number
    clock.at += 50

    assert rate.take(instead_of=held).number
    clock.at += 50
    assert rate.take().wait_s == pytest.approx(11)


def test_daily_limit_resets_at_midnight_in_california(database, clock):
    rate = RateLimiter(database, 100, 3, clock=clock)
    assert [bool(rate.take().number) for _ in range(4)] == [True, True, True, False]

    rest = rate.resting()
    assert rest is not None
    assert datetime.fromtimestamp(rest.until, UTC) == datetime(2026, 1, 16, 8, tzinfo=UTC)
    assert "3 requests of today" in rest.reason
    clock.at = rest.until
    assert rate.resting() is None
    assert rate.today() == 0
    assert rate.take().number


def test_days_of_23_and_25_hours_are_days():
    spring = datetime(2026, 3, 8, 20, tzinfo=UTC).timestamp()
    autumn = datetime(2026, 11, 1, 20, tzinfo=UTC).timestamp()

    assert next_day(spring) - day_start(spring) == 23 * 3600
    assert next_day(autumn) - day_start(autumn) == 25 * 3600
    assert day_start(next_day(spring)) == next_day(spring)


def test_wake_ends_only_cautious_rests(database, clock):
    """Every process keeps a rest."""
    rate = RateLimiter(database, 10, 0, clock=clock)
    other = RateLimiter(database, 10, 0, clock=clock)

    rate.rest(30, "They are tired.", cautious=True)
    assert other.take().wait_s == pytest.approx(30)
    other.wake()
    assert rate.take().number
    rate.rest(40, "They said so.")
    rate.rest(20, "It failed.", cautious=True)
    rate.wake()
    rest = other.resting()
    assert rest is not None
    assert (rest.reason, rest.until - clock.at) == ("They said so.", pytest.approx(40))
    clock.at += 41
    assert other.resting() is None


def test_rest_is_bounded_when_clock_moves_back(database, clock):
    """No server can request a rest of years, and no clock that was set back causes one."""
    rate = RateLimiter(database, 1, 0, clock=clock)
    rate.rest(1e12, "For ever.")
    clock.at += 90_001
    assert rate.take().number

    clock.at -= 10 * 86_400
    assert rate.take().number
