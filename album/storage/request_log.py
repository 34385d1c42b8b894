"""Rate limiter for caption requests, shared by all processes.

Every request is recorded before it is sent, so the rate holds across threads, processes, restarts
and kills. A log of times limits the requests in any window. A token bucket does not: a full one
lets twice as many through within its window.
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
LONGEST_REST_S = 90_000.0  # a day of 25 hours, even if a server asks for more
CALIFORNIA = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True, slots=True)
class RateSlot:
    """Slot for a request, or the time to wait for one."""

    number: int
    """Id of the slot, 0 for none yet."""
    wait_s: float
    """Seconds until the next attempt, 0 for a slot."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Period in which nothing is sent."""

    until: float
    """Unix time."""
    reason: str
    """One sentence."""


class RateLimiter:
    """Request counter in the database, safe from any thread and process."""

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
        """Use the requests that are recorded in `database`.

        Args:
            database: where requests are recorded.
            per_minute: the most in any `window_s` seconds, above 0.
            per_day: the most per day of Google's, which begins at midnight in California
                (https://ai.google.dev/gemini-api/docs/rate-limits). 0: unlimited.
            window_s: the length of a minute.
            margin_s: by how much the delays of two requests may differ.
            clock: returns Unix time.
        """
        self.per_minute = per_minute
        self.per_day = per_day
        self.window_s = window_s
        self._apart_s = window_s + margin_s
        self._database = database
        self._clock = clock

    @property
    def patience_s(self) -> float:
        """Longest wait for a slot when nobody else wants one."""
        return 1.1 * self._apart_s

    def take(self, instead_of: int = 0) -> RateSlot:
        """Record a slot for a request that is sent at once.

        Args:
            instead_of: number of an unused slot to give back.
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
        """Return an unused slot."""
        with self._database.writing() as db:
            db.execute("DELETE FROM caption_requests WHERE request_id = ?", (number,))

    def rest(self, seconds: float, reason: str, *, cautious: bool = False) -> None:
        """Send nothing for some seconds.

        Args:
            seconds: the duration, cut to a day.
            reason: one sentence.
            cautious: the server did not request it, so `wake` ends it.
        """
        with self._database.writing() as db:
            at = self._clock()
            db.execute("DELETE FROM caption_rests WHERE until <= ?", (at,))
            db.execute(
                "INSERT INTO caption_rests (until, reason, cautious) VALUES (?, ?, ?)",
                (at + min(seconds, LONGEST_REST_S), reason, cautious),
            )

    def wake(self) -> None:
        """Delete cautious rests, since a person waits."""
        with self._database.writing() as db:
            db.execute("DELETE FROM caption_rests WHERE cautious")

    def resting(self) -> Rest | None:
        """Return the current rest, or None.

        A full minute is no rest. A full day is one.
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
        """Count the requests of this day in California."""
        at = self._clock()
        row = self._database.connection.execute(
            "SELECT count(*) FROM caption_requests WHERE at >= ? AND at < ?",
            (day_start(at), next_day(at)),
        ).fetchone()
        return int(row[0])

    def _wait_s(self, at: float) -> float:
        """Return the seconds until a request may be sent, 0 for now."""
        if (rest := self.resting()) is not None:
            return max(rest.until - at, 0.001)
        # Requests ahead of the clock were recorded before it was set back.
        row = self._database.connection.execute(
            "SELECT at FROM caption_requests WHERE at > ? AND at < ?"
            " ORDER BY at DESC LIMIT 1 OFFSET ?",
            (at - self._apart_s, at + self._apart_s, self.per_minute - 1),
        ).fetchone()
        return 0.0 if row is None else max(float(row[0]) + self._apart_s - at, 0.001)


def day_start(at: float) -> float:
    """Return the Unix time of the last midnight in California."""
    return _midnight(at, 0)


def next_day(at: float) -> float:
    """Return the Unix time of California's next midnight, also across DST changes."""
    return _midnight(at, 1)


def _midnight(at: float, days: int) -> float:
    there = datetime.fromtimestamp(at, UTC).astimezone(CALIFORNIA) + timedelta(days=days)
    return there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()
