"""RequestGate: who in this process sends the next request.

A worker takes its place in the rate before it takes a photo, so that none is held while there is
nothing to send it on; a person who waits at the page goes first. The captioner asks here right
before each of its requests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from album.storage.request_log import RateLimiter
from models.errors import CaptionerUnavailableError

LOOK_AGAIN_S = 0.2


class NotNowError(CaptionerUnavailableError):
    """Raised where a request has not been sent: the album closes or rests, or nobody wants it."""


class RequestGate:
    """Lets requests through one after the other; methods may be called from any thread."""

    def __init__(self, rate: RateLimiter) -> None:
        self._rate = rate
        self._own = threading.local()
        self._lock = threading.Lock()
        self._people = 0
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let nothing through any more."""
        self._stopped.set()

    def reserve(self) -> float:
        """Take a place for this thread, which is a worker; in how many seconds to ask again, or 0
        where it has one."""
        if self._people:
            return LOOK_AGAIN_S
        place = self._rate.take()
        self._own.place = place.number
        return place.wait_s

    def begin(self, still_wanted: Callable[[], bool]) -> None:
        """This thread is about to ask the captioner, on the place that it has.

        Args:
            still_wanted: asked right before each request, when its turn has come.
        """
        self._own.still_wanted = still_wanted

    def end(self) -> None:
        """Give back a place that no request was sent on."""
        self._own.still_wanted = None
        if place := getattr(self._own, "place", 0):
            self._own.place = 0
            self._rate.give_back(place)

    def before_request(self) -> None:
        """Wait until a request may be sent, and write it down.

        Raises:
            NotNowError: it is not to be sent.
        """
        still_wanted = getattr(self._own, "still_wanted", None)
        if still_wanted is not None:
            place = self._wait()
            if not still_wanted():  # a turn may take a minute, in which somebody cancels
                self._rate.give_back(place)
                raise NotNowError("This photo is not wanted any more.")
            return
        self._rate.wake()
        with self._lock:
            self._people += 1
        try:
            self._wait()
        finally:
            with self._lock:
                self._people -= 1

    def _wait(self) -> int:
        """Wait for a place; its number."""
        reserved, self._own.place = getattr(self._own, "place", 0), 0
        patience = time.monotonic() + self._rate.patience_s
        while not self._stopped.is_set():
            # What was reserved is counted from now on: it may have taken a while to get here.
            place = self._rate.take(instead_of=reserved)
            reserved = 0
            if place.number:
                return place.number
            if time.monotonic() + place.wait_s > patience:
                rest = self._rate.resting()
                raise NotNowError(
                    "Gemini has been asked as often as it may be: try again in a minute."
                    if rest is None
                    else rest.reason
                )
            self._stopped.wait(min(place.wait_s, LOOK_AGAIN_S))
        if reserved:
            self._rate.give_back(reserved)
        raise NotNowError("The album is being closed.")
