"""SupervisedLoop: work in the background that goes on after a failure.

loop = SupervisedLoop("thumbnails", step)
loop.start()     # calls step() again and again in a thread
loop.problem     # one sentence while it fails, for the status line
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from album.errors import AlbumError
from models.errors import ModelError

log = logging.getLogger(__name__)

FIRST_DELAY_S = 1.0
"""After the first failure; doubles with each that follows."""
LONGEST_DELAY_S = 60.0

Step = Callable[[], float | None]
"""One round of the work. Returns in how many seconds the next is due, 0 for at once, or None when
nothing is left to do."""


@dataclass(frozen=True, slots=True)
class LoopProblem:
    """A loop that failed in its last round and will try again."""

    work: str
    """The name of the loop."""
    sentence: str


class SupervisedLoop:
    """Calls a step in a thread of its own until it is stopped, whatever the step raises."""

    def __init__(self, name: str, step: Step) -> None:
        """Start nothing yet.

        Args:
            name: what the work is; the page has a word for it in each language.
            step: called from one thread only.
        """
        self.name = name
        self.problem: str | None = None
        """Why the last round failed, in one sentence; None where it did not."""
        self._step = step
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._logged = ""

    def start(self) -> None:
        """Begin, unless it was begun before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Begin the next round at once; a delay after a failure is not cut short."""
        self._wake.set()

    def stop(self, timeout_s: float) -> bool:
        """End after the round in hand; whether it has ended within `timeout_s` seconds."""
        self._stopped.set()
        self._wake.set()
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_stopped(self) -> bool:
        """Whether it was asked to end."""
        return self._stopped.is_set()

    def _run(self) -> None:
        delay_s = FIRST_DELAY_S
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                wait_s = self._step()
            except BaseException as error:  # some libraries raise what is no Exception
                if self._stopped.is_set():
                    log.debug("%s failed while it was being stopped", self.name, exc_info=True)
                    return
                self._note(error)
                self._stopped.wait(delay_s)
                delay_s = min(2 * delay_s, LONGEST_DELAY_S)
                continue
            self.problem, self._logged = None, ""
            delay_s = FIRST_DELAY_S
            if wait_s is None:
                return
            if wait_s > 0:
                self._wake.wait(wait_s)

    def _note(self, error: BaseException) -> None:
        """Keep what a person is told, and log a failure, in full where nobody foresaw it."""
        named = isinstance(error, AlbumError | ModelError)
        problem = str(error) if named else "It failed unexpectedly; the album's log says why."
        self.problem = problem
        kind = repr(error)
        if kind == self._logged:
            log.debug("%s failed again: %s", self.name, kind)
            return
        self._logged = kind
        if named:
            log.warning("%s: %s", self.name, error)
        else:
            log.error("%s failed and is tried again", self.name, exc_info=error)


def problems_of(loops: Iterable[SupervisedLoop]) -> tuple[LoopProblem, ...]:
    """What fails now, one entry a name."""
    found = {it.name: LoopProblem(it.name, it.problem) for it in loops if it.problem is not None}
    return tuple(found.values())
