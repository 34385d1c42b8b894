"""RateLimiter: when the next request may be sent, whoever sends it.

Every request is written down before it is sent, so the rate holds across threads, processes,
restarts and kills. A log of times keeps to so many requests in any window, which a bucket of tokens
does not: a full one lets twice as many through within its window.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from album.storage.database import Database

WINDOW_S = 60.0
MARGIN_S = 1.0  # a request may reach its server so much later than the one after it
DAYS_KEPT_S = 3 * 86_400.0
LONGEST_REST_S = 90_000.0  # a day of 25 hours; whatever a server says
CALIFORNIA = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True, slots=True)
class RateSlot:
    """A place among the requests, or how long to wait for one."""

    number: int
    """Names it; 0: there is none yet."""
    wait_s: float
    """In so many seconds it is worth asking again; 0 for a place."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A time in which nothing is sent."""

    until: float
    """Unix time."""
    reason: str
    """One sentence."""


class RateLimiter:
    """Counts requests in the database; methods may be called from any thread and process."""

    def __init__(
        self,
        database: Database,
        per_minute: int,
        per_day: int,
        *,
        window_s: float = WINDOW_S,
        margin_s: float = MARGIN_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Connects to the requests that were sent before.

        Args:
            database: where requests are written down.
            per_minute: how many at the most in any `window_s` seconds; above 0.
            per_day: how many at the most on a day of Google's, which begins at midnight in
                California (https://ai.google.dev/gemini-api/docs/rate-limits); 0: any number.
            window_s: what a minute is.
            margin_s: by how much requests may be late, each in its own way.
            clock: tells Unix time.
        """
        self.per_minute = per_minute
        self.per_day = per_day
        self.window_s = window_s
        self._apart_s = window_s + margin_s
        self._database = database
        self._clock = clock

    @property
    def patience_s(self) -> float:
        """How long a place takes at the most where nobody else wants one."""
        return 1.1 * self._apart_s

    def take(self, instead_of: int = 0) -> RateSlot:
        """Take a place for a request that is sent at once, and write it down.

        Args:
            instead_of: number of a place that was taken before and not used, which is given back.
        """
        with self._database.writing() as db:
            at = self._clock()
            if instead_of:
                db.execute("DELETE FROM caption_requests WHERE request_id = ?", (instead_of,))
            if (wait_s := self._wait_s(at)) > 0:
                return RateSlot(0, wait_s)
            db.execute("DELETE FROM caption_requests WHERE at < ?", (at - DAYS_KEPT_S,))
            number = db.execute(
                "INSERT INTO caption_requests (at) VALUES (?) RETURNING request_id", (at,)
            ).fetchone()[0]
        return RateSlot(int(number), 0.0)

    def give_back(self, number: int) -> None:
        """Return a place that no request was sent on."""
        with self._database.writing() as db:
            db.execute("DELETE FROM caption_requests WHERE request_id = ?", (number,))

    def rest(self, seconds: float, reason: str, *, cautious: bool = False) -> None:
        """Send nothing for so long.

        Args:
            seconds: how long, but not longer than a day.
            reason: one sentence.
            cautious: nobody asked for it; `wake` ends it.
        """
        with self._database.writing() as db:
            at = self._clock()
            db.execute("DELETE FROM caption_rests WHERE until <= ?", (at,))
            db.execute(
                "INSERT INTO caption_rests (until, reason, cautious) VALUES (?, ?, ?)",
                (at + min(seconds, LONGEST_REST_S), reason, cautious),
            )

    def wake(self) -> None:
        """Forget rests that were only cautious: somebody is waiting."""
        with self._database.writing() as db:
            db.execute("DELETE FROM caption_rests WHERE cautious")

    def resting(self) -> Rest | None:
        """Until when nothing is sent, and why; None where something may be.

        A minute that is full counts as no rest; a day that is full does.
        """
        at = self._clock()
        row = self._database.connection.execute(
            "SELECT until, reason FROM caption_rests WHERE until > ? AND until <= ?"
            " ORDER BY until DESC LIMIT 1",
            (at, at + LONGEST_REST_S),
        ).fetchone()
        if row is not None:
            return Rest(float(row[0]), str(row[1]))
        if self.per_day and self.today() >= self.per_day:
            sentence = (
                f"The {self.per_day} requests of today are used up: the next can be sent after"
                " midnight in California."
            )
            return Rest(next_day(at), sentence)
        return None

    def today(self) -> int:
        """How many requests were sent on this day of Google's."""
        at = self._clock()
        row = self._database.connection.execute(
            "SELECT count(*) FROM caption_requests WHERE at >= ? AND at < ?",
            (day_start(at), next_day(at)),
        ).fetchone()
        return int(row[0])

    def _wait_s(self, at: float) -> float:
        """0 where a request may be sent at that time."""
        if (rest := self.resting()) is not None:
            return max(rest.until - at, 0.001)
        # What lies ahead of the clock was written before somebody set it back.
        row = self._database.connection.execute(
            "SELECT at FROM caption_requests WHERE at > ? AND at < ?"
            " ORDER BY at DESC LIMIT 1 OFFSET ?",
            (at - self._apart_s, at + self._apart_s, self.per_minute - 1),
        ).fetchone()
        return 0.0 if row is None else max(float(row[0]) + self._apart_s - at, 0.001)


def day_start(at: float) -> float:
    """Unix time of the last midnight in California."""
    return _midnight(at, 0)


def next_day(at: float) -> float:
    """Unix time of the next one, on days of 23 and 25 hours, too."""
    return _midnight(at, 1)


def _midnight(at: float, days: int) -> float:
    there = datetime.fromtimestamp(at, UTC).astimezone(CALIFORNIA) + timedelta(days=days)
    return there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()
