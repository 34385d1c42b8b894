"""Long work in a thread of its own, looked at by a listener that tells the browser how far it is.

A listener that is a generator is closed when its browser goes away, and the work with it.

    def listener(self, work):               # a state; whoever has it, such as a button, can stop it
        for step in work.steps(pool, job):  # job() calls work.tell, and asks work.is_stopped
            yield {self._bar: step}
        report = work.result()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Generic, NamedTuple, TypeVar

from album.errors import AlbumError

T = TypeVar("T")
LOOK_EVERY_S = 0.3


class Step(NamedTuple):
    """How far the work is."""

    done: int = 0
    total: int = 0
    name: str = ""
    """Of what was done last."""


class TaskCancelledError(AlbumError):
    """Raised when somebody ended what gives no half results."""


class BackgroundTask(Generic[T]):
    """One piece of work."""

    def __init__(self) -> None:
        self.abandoned = False
        """Nobody waits for the result any more."""
        self._stopped = Event()
        self._now = Step()
        self._future: Future[T] | None = None

    def stop(self) -> None:
        """End it after what is in hand."""
        self._stopped.set()

    def is_stopped(self) -> bool:
        """Whether somebody ended it."""
        return self._stopped.is_set()

    def tell(self, done: int, total: int, name: str) -> None:
        """Called by the work, however often."""
        self._now = Step(done, total, name)

    def tell_or_end(self, done: int, total: int, name: str) -> None:
        """The same, where the work itself does not ask whether it is stopped.

        Raises:
            TaskCancelledError: it is.
        """
        if self.is_stopped():
            raise TaskCancelledError("This was stopped before it was done.")
        self.tell(done, total, name)

    def steps(self, pool: ThreadPoolExecutor, job: Callable[[], T]) -> Iterator[Step]:
        """Do it; how far it is, now and then, until it is done.

        Whoever looks no further has ended it.
        """
        self._future = pool.submit(job)
        try:
            yield self._now
            while not wait([self._future], LOOK_EVERY_S).done:
                yield self._now
        except GeneratorExit:  # thrown in by the event loop, which must not wait
            self.abandoned = True
            self.stop()
            raise

    def result(self) -> T:
        """What came of it; what it raised is raised."""
        if self._future is None:
            raise RuntimeError("ask for the steps first")
        return self._future.result()
