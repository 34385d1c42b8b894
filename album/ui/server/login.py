"""Who may enter: the check behind Gradio's login page."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time

log = logging.getLogger(__name__)

DELAY_S = 1.0  # Gradio does not limit attempts; this makes guessing slow
MOST_WAITING = 100
LOG_EVERY_S = 60.0


class Login:
    """Compares a name and a password with the right ones.

    Wrong guesses wait for each other in one lane, each for `delay_s`. The right ones never wait.

    Attributes:
        wrong: wrong guesses since the start.
    """

    def __init__(self, name: str, password: str, *, delay_s: float = DELAY_S) -> None:
        self._right = _joined(name, password)
        self._delay_s = delay_s
        self._lane = asyncio.Lock()
        self._waiting = 0
        self._logged = 0
        self._logged_at = -LOG_EVERY_S
        self.wrong = 0

    async def check(self, name: str, password: str) -> bool:
        """Tell whether both are right; answer a wrong guess only when its turn is over."""
        if hmac.compare_digest(_joined(name, password), self._right):
            return True
        self.wrong += 1
        if self._waiting >= MOST_WAITING:  # a guesser who does not wait leaves nothing behind
            return False
        self._waiting += 1
        try:
            async with self._lane:
                self._log(every_s=LOG_EVERY_S)
                await asyncio.sleep(self._delay_s)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._log()
        return False

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


def _joined(name: str, password: str) -> bytes:
    return f"{name}\n{password}".encode("utf-8", "surrogatepass")
