"""Long work in a thread, with progress for the browser.

Gradio closes a generator when its browser goes away, which cancels the task.

    def listener(self, task):               # a state, so that a button can cancel it
        for step in task.steps(pool, job):  # job() calls task.report, and asks task.is_cancelled
            yield {self._bar: step}
        report = task.result()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Generic, NamedTuple, TypeVar

from album.errors import AlbumError

T = TypeVar("T")
POLL_INTERVAL_S = 0.3


class Step(NamedTuple):
    """Progress of a task."""

    done: int = 0
    total: int = 0
    name: str = ""
    """Name of the item done last."""


class TaskCancelledError(AlbumError):
    """Cancellation of a task that has no partial result."""


class BackgroundTask(Generic[T]):
    """One job in a thread, with its progress and its cancellation."""

    def __init__(self) -> None:
        self.abandoned = False
        """Whether its listener has gone, so nobody waits for the result."""
        self._cancelled = Event()
        self._step = Step()
        self._future: Future[T] | None = None

    def cancel(self) -> None:
        """Ask the job to end after its current item."""
        self._cancelled.set()

    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def report(self, done: int, total: int, name: str) -> None:
        """Record progress. Called by the job."""
        self._step = Step(done, total, name)

    def report_or_cancel(self, done: int, total: int, name: str) -> None:
        """Record progress for a job that does not check for cancellation.

        Raises:
            TaskCancelledError: the task was cancelled.
        """
        if self.is_cancelled():
            raise TaskCancelledError("This was stopped before it was done.")
        self.report(done, total, name)

    def steps(self, pool: ThreadPoolExecutor, job: Callable[[], T]) -> Iterator[Step]:
        """Run the job and yield its progress every `POLL_INTERVAL_S`.

        It ends when the job is done. Closing the generator cancels the task.
        """
        self._future = pool.submit(job)
        try:
            yield self._step
            while not wait([self._future], POLL_INTERVAL_S).done:
                yield self._step
        except GeneratorExit:  # thrown in by the event loop, which must not wait
            self.abandoned = True
            self.cancel()
            raise

    def result(self) -> T:
        """Return the job's result, or raise its exception."""
        if self._future is None:
            raise RuntimeError("ask for the steps first")
        return self._future.result()
