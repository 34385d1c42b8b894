"""Decoding in processes of its own, so that a hostile or broken file costs only itself.

Each is `python -m album.decode_worker`, asked over pipes; not a pool of multiprocessing or of a
library on top of it, because each of their workers imports `app.py` anew, and with it the models.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from album.decode_worker import Decode, Decoded, decode_photo
from album.errors import AlbumError, UnreadableImageError

WORKERS = max(1, min(16, os.cpu_count() or 2))
IDLE_S = 60.0
"""Workers end after so long without work: their memory comes back."""

_CHECKOUT = Path(__file__).resolve().parents[1]

_CRASHED = (
    "This file brings its decoder down: "
    "copy it again from where it came from, or save it as JPEG with another program."
)
_NO_WORKER = "The album cannot start its decoder: close other programs and start it again."


class DecodePool:
    """A few worker processes; started by the first file, ended when there is nothing to do."""

    def __init__(
        self,
        workers: int | None = None,
        timeout_s: float = 20.0,
        memory_bytes: int = 3 * 2**30,
        decode: Decode = decode_photo,
    ) -> None:
        """Start nothing yet.

        Args:
            workers: how many files are decoded at once; None: one for each processor.
            timeout_s: how long one file may take, not counting the start of a worker.
            memory_bytes: how much one file may take; not enforced on Windows and macOS.
            decode: what a worker does with a file.
        """
        self._decode = decode
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._turns = threading.Semaphore(workers or WORKERS)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []  # the last used is used next, so that the others can end
        self._last_use = 0.0
        self._tidying: threading.Timer | None = None
        self._closed = False

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path] = ()) -> Decoded:
        """Decode one file in a worker; blocks; for calling from several threads at once.

        Args:
            path: a file with anything in it.
            encoder_px: pixels of the square that the encoder sees.
            sidecars: files beside it that describe it.

        Raises:
            UnreadableImageError: the decoder refuses the file, dies of it, takes too long over it,
                or needs too much memory. The next file gets a new worker where this one is gone.
            AlbumError: no worker can be started.
        """
        with self._turns:
            try:
                return self._decode_in(self._worker(), path, encoder_px, sidecars)
            except _DiedError:  # perhaps before the file reached it: a new worker tells
                return self._decode_in(self._new_worker(), path, encoder_px, sidecars)

    def close(self) -> None:
        """End the workers: those at work after their file, the others now."""
        with self._lock:
            self._closed = True
            self._end_idle()

    def _decode_in(
        self, worker: _Worker, path: Path, encoder_px: int, sidecars: Sequence[Path]
    ) -> Decoded:
        try:
            return worker.decode(path, encoder_px, sidecars)
        finally:
            self._give_back(worker)

    def _worker(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.end()
        return self._new_worker()

    def _new_worker(self) -> _Worker:
        return _Worker(self._decode, self._timeout_s, self._memory_bytes)

    def _give_back(self, worker: _Worker) -> None:
        if not worker.alive:
            worker.end()
            return
        with self._lock:
            self._idle.append(worker)
            self._last_use = time.monotonic()
            if self._closed:
                self._end_idle()
            elif self._tidying is None:
                self._tidy_in(IDLE_S)

    def _tidy_in(self, seconds: float) -> None:
        self._tidying = threading.Timer(seconds, self._tidy)
        self._tidying.daemon = True
        self._tidying.start()

    def _tidy(self) -> None:
        with self._lock:
            if self._tidying is None:
                return
            left_s = self._last_use + IDLE_S - time.monotonic()
            if left_s > 0:
                self._tidy_in(left_s)
            else:
                self._end_idle()

    def _end_idle(self) -> None:
        while self._idle:
            self._idle.pop().end()
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None


class _DiedError(UnreadableImageError):
    """A worker that had served before is gone: of this file, or of something else meanwhile."""


class _Worker:
    """This side of one worker process."""

    def __init__(self, decode: Decode, timeout_s: float, memory_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._has_served = False
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "album.decode_worker"],
                cwd=_CHECKOUT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # out of reach of the terminal's Ctrl-C
            )
        except OSError as error:
            raise AlbumError(_NO_WORKER) from error
        assert self._process.stdin is not None  # both are pipes
        assert self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        try:
            self._ask((decode, timeout_s, memory_bytes))  # so its start is nobody's delay
        except _CUT as error:
            self.end()
            raise AlbumError(_NO_WORKER) from error

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path]) -> Decoded:
        """As `DecodePool.decode`; afterwards this worker may be gone.

        Raises:
            _DiedError: it is gone, and nobody can say whether that was of this file.
        """
        started = time.monotonic()
        clock = threading.Timer(self._timeout_s, self._process.kill)
        clock.daemon = True
        clock.start()
        try:
            request = (path.absolute(), encoder_px, [sidecar.absolute() for sidecar in sidecars])
            answer = self._ask(request)
        except _CUT as error:
            late = time.monotonic() - started >= self._timeout_s
            self.end()
            if late:
                raise UnreadableImageError(
                    f"This file takes longer than {self._timeout_s:g} seconds to decode: "
                    "save it as JPEG, or a smaller copy of it."
                ) from error
            unreadable = _DiedError if self._has_served else UnreadableImageError
            raise unreadable(_CRASHED) from error
        finally:
            clock.cancel()
            if time.monotonic() - started >= self._timeout_s:
                self.end()  # it answered just in time, and the clock may have struck all the same
        self._has_served = True
        if isinstance(answer, Decoded):
            return answer
        if isinstance(answer, str):
            raise UnreadableImageError(answer)
        self.end()
        raise UnreadableImageError(
            f"This file takes more than {self._memory_bytes / 2**30:g} GB of memory to decode: "
            "save a smaller copy of it."
        )

    def end(self) -> None:
        """Gone at once: a worker holds nothing that would be lost."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        with suppress(OSError):  # a request that was never read
            self._requests.close()

    def _ask(self, request: object) -> object:
        pickle.dump(request, self._requests)
        self._requests.flush()
        return pickle.load(self._answers)


_CUT = (EOFError, OSError, pickle.UnpicklingError)
"""What a pipe says whose other end died: before, during or after a message."""
