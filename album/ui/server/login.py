"""Who may enter: the check behind Gradio's login page."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from contextvars import ContextVar

log = logging.getLogger(__name__)

DELAY_S = 1.0  # Gradio does not limit attempts; this makes guessing slow
MOST_WAITING = 30  # more than a household mistypes at once
MOST_ADDRESSES = 10_000
LOG_EVERY_S = 60.0

sender_address: ContextVar[str] = ContextVar("sender_address", default="")
"""Where the request in hand comes from."""


class Login:
    """Compares a name and a password with the right ones.

    Wrong guesses of one address wait for each other in one lane, each for `delay_s`, whether their
    sender stays for the answer or not. While `MOST_WAITING` of them are in the lane, what else
    comes from that address is refused without a look. Else right ones never wait.

    Attributes:
        wrong: wrong guesses since the start, with those refused without a look.
    """

    def __init__(self, name: str, password: str, *, delay_s: float = DELAY_S) -> None:
        self._right = _credentials(name, password)
        self._delay_s = delay_s
        self._lane_ends: dict[str, float] = {}
        """When the last guess of an address has had its turn, by `time.monotonic`."""
        self._waiting = 0
        self._logged = 0
        self._logged_at = -LOG_EVERY_S
        self.wrong = 0

    async def check(self, name: str, password: str) -> bool:
        """Tell whether both are right; answer a wrong guess only when its turn is over."""
        address, now = sender_address.get(), time.monotonic()
        lane_end = max(self._lane_ends.get(address, now), now)
        is_full = lane_end - now > (MOST_WAITING - 1) * self._delay_s
        if not is_full and hmac.compare_digest(_credentials(name, password), self._right):
            return True
        self.wrong += 1
        self._log(every_s=LOG_EVERY_S)
        if is_full:  # a guesser who does not wait learns nothing
            return False
        # No task or connection holds the turn: one that is dropped would end it early.
        self._lane_ends[address] = lane_end + self._delay_s
        self._forget_ended(now)
        self._waiting += 1
        try:
            await asyncio.sleep(lane_end + self._delay_s - now)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._log()
        return False

    def _forget_ended(self, now: float) -> None:
        """Forget the lanes that are empty, when there are many."""
        if len(self._lane_ends) > MOST_ADDRESSES:
            self._lane_ends = {key: end for key, end in self._lane_ends.items() if end > now}

    def _log(self, every_s: float = 0.0) -> None:
        """Say how many guesses were wrong, unless said already or less than `every_s` ago."""
        if self.wrong == self._logged or time.monotonic() < self._logged_at + every_s:
            return
        log.warning(
            "Login refused: %d wrong since the last line, %d since the start",
            self.wrong - self._logged,
            self.wrong,
        )
        self._logged, self._logged_at = self.wrong, time.monotonic()


def _credentials(name: str, password: str) -> bytes:
    return f"{name}\n{password}".encode("utf-8", "surrogatepass")
