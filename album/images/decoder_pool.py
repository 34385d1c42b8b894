"""Decoding in processes of its own, so that a hostile or broken file costs only itself.

Each is `python -m album.images.decoder_worker`, asked over pipes. It is no pool of multiprocessing
or of a library on top of it, because their workers import `app.py` again, and with it the models.
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
from functools import cache
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from album.errors import AlbumError, UnreadableImageError
from album.images.decoder import Decoded
from album.images.decoder_worker import HEAD_LENGTH, Answer, Head, Request, Start
from album.images.pixels import from_rgb_bytes
from album.settings import decoder_environment

if TYPE_CHECKING:
    from PIL import Image
    from pydantic import TypeAdapter

WORKERS = max(1, min(16, os.cpu_count() or 2))
IDLE_S = 60.0
"""Workers end after so long without work: their memory comes back."""
DEFAULT_MEMORY_BYTES = 2**30
"""Enough for photos of some 100 megapixels. What needs more is decoded once more, one at a time."""

_MOST_HEAD_BYTES = 2**24
_MOST_PIXELS = 2**26  # a panorama for the largest encoders has a third of it
_MOST_JPEG_BYTES = 2**25
_CHECKOUT = Path(__file__).resolve().parents[2]

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
        niceness: int = 10,
        module: str = "album.images.decoding",
    ) -> None:
        """Start nothing yet.

        Args:
            workers: how many files are decoded at once; None: one for each processor.
            timeout_s: how long one file may take, not counting the start of a worker.
            memory_bytes: how much one file may take; not enforced on Windows and macOS.
            niceness: how far the workers stand back behind other processes, in [0, 19].
            module: has the functions that decode, which only the workers import.
        """
        self._start = Start(module, timeout_s, niceness)
        self._memory_bytes = memory_bytes
        self._turns = threading.Semaphore(workers or WORKERS)
        self._large_turn = threading.Lock()
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
        beside = [sidecar.absolute() for sidecar in sidecars]
        head, pixels, jpeg = self._ask("decode_photo", path.absolute(), encoder_px, beside)
        if head.facts is None or not jpeg:
            raise UnreadableImageError(_CRASHED)
        return Decoded(_image(head, pixels), head.facts, jpeg)

    def image(self, path: Path, encoder_px: int) -> Image.Image:
        """Decode just the pixels; else as `decode`."""
        head, pixels, _ = self._ask("encoder_image", path.absolute(), encoder_px)
        return _image(head, pixels)

    def thumbnail(self, path: Path) -> bytes:
        """Make a small JPEG; else as `decode`."""
        return self._jpeg("thumbnail_of", path)

    def large_view(self, path: Path) -> bytes:
        """Make a JPEG for looking at; else as `decode`."""
        return self._jpeg("large_view", path)

    def small_jpeg(self, path: Path) -> bytes:
        """Make a JPEG that may leave the machine; else as `decode`."""
        return self._jpeg("small_jpeg", path)

    def close(self) -> None:
        """End the workers: those at work after their file, the others now."""
        with self._lock:
            self._closed = True
            self._end_idle()

    def _jpeg(self, function: str, path: Path) -> bytes:
        jpeg = self._ask(function, path.absolute())[2]
        if not jpeg:  # it did not do as it was asked
            raise UnreadableImageError(_CRASHED)
        return jpeg

    def _ask(self, function: str, *arguments: Any) -> Answer:
        usual = Request(function, arguments, min(DEFAULT_MEMORY_BYTES, self._memory_bytes))
        with self._turns:
            answer = self._answer_to(usual)
        if answer[0].lacks_memory and usual.memory_bytes < self._memory_bytes:
            with self._large_turn:
                answer = self._answer_to(Request(function, arguments, self._memory_bytes))
        if answer[0].lacks_memory:
            raise UnreadableImageError(
                f"This file takes more than {self._memory_bytes / 2**30:g} GB of memory to decode: "
                "save a smaller copy of it."
            )
        if answer[0].problem:
            raise UnreadableImageError(answer[0].problem)
        return answer

    def _answer_to(self, request: Request) -> Answer:
        try:
            return self._answer_of(self._worker(), request)
        except _WorkerDiedError:  # perhaps before the file reached it: a new worker tells
            return self._answer_of(_Worker(self._start), request)

    def _answer_of(self, worker: _Worker, request: Request) -> Answer:
        try:
            return worker.answer_to(request)
        finally:
            self._give_back(worker)

    def _worker(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.end()
        return _Worker(self._start)

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


class _WorkerDiedError(UnreadableImageError):
    """A worker that had served before is gone: of this file, or of something else meanwhile."""


class _Worker:
    """This side of one worker process."""

    def __init__(self, start: Start) -> None:
        self._timeout_s = start.timeout_s
        self._has_served = False
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "album.images.decoder_worker"],
                cwd=_CHECKOUT,
                env=decoder_environment(),
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
            self._ask(start)  # so its start is nobody's delay
        except _WORKER_LOST as error:
            self.end()
            raise AlbumError(_NO_WORKER) from error

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def answer_to(self, request: Request) -> Answer:
        """Have a file decoded; afterwards this worker may be gone.

        Raises:
            UnreadableImageError: it is gone, or took too long.
            _WorkerDiedError: it is gone, and nobody can say whether that was of this file.
        """
        started = time.monotonic()
        clock = threading.Timer(self._timeout_s, self._process.kill)
        clock.daemon = True
        clock.start()
        try:
            answer = self._ask(request)
        except _WORKER_LOST as error:
            late = time.monotonic() - started >= self._timeout_s
            self.end()
            if late:
                raise UnreadableImageError(
                    f"This file takes longer than {self._timeout_s:g} seconds to decode: "
                    "save it as JPEG, or a smaller copy of it."
                ) from error
            unreadable = _WorkerDiedError if self._has_served else UnreadableImageError
            raise unreadable(_CRASHED) from error
        finally:
            clock.cancel()
            if time.monotonic() - started >= self._timeout_s:
                self.end()  # it answered just in time, and the clock may have struck all the same
        self._has_served = True
        if answer[0].lacks_memory:  # and may hold much of what it was given
            self.end()
        return answer

    def end(self) -> None:
        """Gone at once: a worker holds nothing that would be lost."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        with suppress(OSError):  # a request that was never read
            self._requests.close()

    def _ask(self, request: Start | Request) -> Answer:
        pickle.dump(request, self._requests)
        self._requests.flush()
        (length,) = HEAD_LENGTH.unpack(self._read(HEAD_LENGTH.size, HEAD_LENGTH.size))
        head = _head().validate_json(self._read(length, _MOST_HEAD_BYTES))
        if min(head.size) < 0:
            raise ValueError("less than no pixels")
        pixels = self._read(3 * prod(head.size), 3 * _MOST_PIXELS)
        return head, pixels, self._read(head.jpeg_bytes, _MOST_JPEG_BYTES)

    def _read(self, size: int, most: int) -> bytes:
        """Read just so much; a worker that was taken over may promise anything."""
        if not 0 <= size <= most:
            raise ValueError(f"{size} bytes are too many")
        data = self._answers.read(size)
        if len(data) < size:
            raise EOFError
        return data


_WORKER_LOST = (EOFError, OSError, ValueError)
"""What is raised where a worker died before, during or after an answer, or answers nonsense."""


def _image(head: Head, pixels: bytes) -> Image.Image:
    if not pixels:
        raise UnreadableImageError(_CRASHED)
    return from_rgb_bytes(head.size, pixels)


@cache
def _head() -> TypeAdapter[Head]:
    """Checks what a worker says; pydantic is loaded by the first file."""
    from pydantic import TypeAdapter

    return TypeAdapter(Head)
