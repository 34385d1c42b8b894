"""The password check behind Gradio's login page."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from contextvars import ContextVar

log = logging.getLogger(__name__)

DELAY_S = 1.0  # slows guessing, as Gradio does not limit attempts
MOST_WAITING = 30  # more wrong guesses than a household makes at once
MOST_ADDRESSES = 10_000
LOG_EVERY_S = 60.0

sender_address: ContextVar[str] = ContextVar("sender_address", default="")
"""Address of the sender of the current request."""


class Login:
    """Check of name and password, with a delay for wrong guesses.

    Wrong guesses of one address wait in one lane, each for `delay_s`, even if their sender leaves.
    While `MOST_WAITING` are in the lane, all further guesses from the address are refused
    unchecked. Otherwise right ones never wait.

    Attributes:
        wrong: wrong guesses since the start, including those refused unchecked.
    """

    def __init__(self, name: str, password: str, *, delay_s: float = DELAY_S) -> None:
        self._right = _credentials(name, password)
        self._delay_s = delay_s
        self._lane_ends: dict[str, float] = {}
        """End of the lane of each address, by `time.monotonic`."""
        self._waiting = 0
        self._logged = 0
        self._logged_at = -LOG_EVERY_S
        self.wrong = 0

    async def check(self, name: str, password: str) -> bool:
        """Tell whether both are right, after the delay for a wrong guess."""
        address, now = sender_address.get(), time.monotonic()
        lane_end = max(self._lane_ends.get(address, now), now)
        is_full = lane_end - now > (MOST_WAITING - 1) * self._delay_s
        if not is_full and hmac.compare_digest(_credentials(name, password), self._right):
            return True
        self.wrong += 1
        self._log(every_s=LOG_EVERY_S)
        if is_full:  # so that fast guessing reveals nothing
            return False
        # The lane outlives the task, which a dropped connection would cancel early.
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
        """Forget empty lanes when there are many."""
        if len(self._lane_ends) > MOST_ADDRESSES:
            self._lane_ends = {key: end for key, end in self._lane_ends.items() if end > now}

    def _log(self, every_s: float = 0.0) -> None:
        """Log new wrong guesses, at most once in `every_s`."""
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
