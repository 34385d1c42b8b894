"""Background work that continues after failures.

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
"""After the first failure. It doubles with each further one."""
LONGEST_DELAY_S = 60.0

Step = Callable[[], float | None]
"""One round of the work.

Returns seconds until the next, 0 for at once, or None when the work is done."""


@dataclass(frozen=True, slots=True)
class LoopProblem:
    """Failure of a loop that will try again."""

    work: str
    """The name of the loop."""
    sentence: str


class SupervisedLoop:
    """Calls a step in its own thread until stopped, also after exceptions."""

    def __init__(self, name: str, step: Step) -> None:
        """Create a loop that does not run yet.

        Args:
            name: of the work. The page translates it.
            step: called from one thread only.
        """
        self.name = name
        self.problem: str | None = None
        """Why the last round failed, in one sentence. None if it did not."""
        self._step = step
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._logged = ""

    def start(self) -> None:
        """Start the thread unless it was started before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Begin the next round at once, except after a failure."""
        self._wake.set()

    def stop(self, timeout_s: float) -> bool:
        """End after this round. Returns whether that took at most `timeout_s` seconds."""
        self._stopped.set()
        self._wake.set()
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def _run(self) -> None:
        delay_s = FIRST_DELAY_S
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                wait_s = self._step()
            except BaseException as error:  # some libraries raise other than Exception
                if self._stopped.is_set():
                    log.debug("%s failed while it was being stopped", self.name, exc_info=True)
                    return
                self._report(error)
                self._stopped.wait(delay_s)
                delay_s = min(2 * delay_s, LONGEST_DELAY_S)
                continue
            self.problem, self._logged = None, ""
            delay_s = FIRST_DELAY_S
            if wait_s is None:
                return
            if wait_s > 0:
                self._wake.wait(wait_s)

    def _report(self, error: BaseException) -> None:
        """Set `problem` and log the failure. Unexpected ones get a traceback."""
        expected = isinstance(error, AlbumError | ModelError)
        problem = str(error) if expected else "It failed unexpectedly; the album's log says why."
        self.problem = problem
        text = repr(error)
        if text == self._logged:
            log.debug("%s failed again: %s", self.name, text)
            return
        self._logged = text
        if expected:
            log.warning("%s: %s", self.name, error)
        else:
            log.error("%s failed and is tried again", self.name, exc_info=error)


def loop_problems(loops: Iterable[SupervisedLoop]) -> tuple[LoopProblem, ...]:
    """Return the loops that fail now, one entry for each name."""
    failing = {loop.name: loop.problem for loop in loops if loop.problem is not None}
    return tuple(LoopProblem(name, problem) for name, problem in failing.items())
