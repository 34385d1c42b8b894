"""Order of requests to the captioner within this process.

A worker reserves a rate slot before it takes a photo, so that no photo is held without one. A
person who waits at the page goes first. The captioner calls the gate right before each request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from album.storage.request_log import RateLimiter
from models.errors import CaptionerUnavailableError

CHECK_EVERY_S = 0.2


class RequestDroppedError(CaptionerUnavailableError):
    """Raised when the album closes or pauses, or the job ended."""


class RequestGate:
    """Lets requests through one after the other. Any thread may call it."""

    def __init__(self, rate: RateLimiter) -> None:
        self._rate = rate
        self._thread = threading.local()
        self._lock = threading.Lock()
        self._people_waiting = 0
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let no more requests through."""
        self._stopped.set()

    def reserve(self) -> float:
        """Reserve a rate slot for this worker thread.

        Returns:
            0, or in how many seconds to try again.
        """
        if self._people_waiting:
            return CHECK_EVERY_S
        slot = self._rate.take()
        self._thread.slot = slot.number
        return slot.wait_s

    def begin(self, still_wanted: Callable[[], bool]) -> None:
        """Announce that this thread will use its rate slot.

        Args:
            still_wanted: called right before each request. False drops the request.
        """
        self._thread.still_wanted = still_wanted

    def end(self) -> None:
        """Return a rate slot that no request used."""
        self._thread.still_wanted = None
        if slot := getattr(self._thread, "slot", 0):
            self._thread.slot = 0
            self._rate.give_back(slot)

    def before_request(self) -> None:
        """Wait until a request may be sent, and log it.

        Raises:
            RequestDroppedError: do not send it.
        """
        still_wanted = getattr(self._thread, "still_wanted", None)
        if still_wanted is not None:
            slot = self._wait()
            if not still_wanted():  # the wait may take a minute, in which somebody cancels
                self._rate.give_back(slot)
                raise RequestDroppedError("This photo is not wanted any more.")
            return
        self._rate.wake()
        with self._lock:
            self._people_waiting += 1
        try:
            self._wait()
        finally:
            with self._lock:
                self._people_waiting -= 1

    def _wait(self) -> int:
        """Wait for a rate slot. Returns its number."""
        reserved, self._thread.slot = getattr(self._thread, "slot", 0), 0
        deadline = time.monotonic() + self._rate.patience_s
        while not self._stopped.is_set():
            # The reserved slot counts from now on: it may be some seconds old.
            slot = self._rate.take(instead_of=reserved)
            reserved = 0
            if slot.number:
                return slot.number
            if time.monotonic() + slot.wait_s > deadline:
                pause = self._rate.resting()
                raise RequestDroppedError(
                    "Gemini has been asked as often as it may be: try again in a minute."
                    if pause is None
                    else pause.reason
                )
            self._stopped.wait(min(slot.wait_s, CHECK_EVERY_S))
        if reserved:
            self._rate.give_back(reserved)
        raise RequestDroppedError("The album is being closed.")
