"""Decoding in worker processes, so that a hostile or broken file affects only itself.

A worker is `python -m album.images.decoder_worker`, connected by pipes. Pools based on
multiprocessing would import `app.py` and the models in every worker.
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
"""Idle workers exit after this time and free their memory."""
DEFAULT_MEMORY_BYTES = 2**30
"""Enough for about 100 megapixels. Files that need more are decoded again, one at a time."""

_MAX_HEAD_BYTES = 2**24
_MAX_PIXELS = 2**26  # a panorama for the largest encoders has a third of it
_MAX_JPEG_BYTES = 2**26  # of noise in full resolution
_CHECKOUT = Path(__file__).resolve().parents[2]

_CRASHED = (
    "This file brings its decoder down: "
    "copy it again from where it came from, or save it as JPEG with another program."
)
_NO_WORKER = "The album cannot start its decoder: close other programs and start it again."


class DecodePool:
    """A pool of worker processes, started on demand and ended when idle."""

    def __init__(
        self,
        workers: int | None = None,
        timeout_s: float = 20.0,
        memory_bytes: int = 3 * 2**30,
        niceness: int = 10,
        module: str = "album.images.decoding",
    ) -> None:
        """Configure the pool without starting a worker.

        Args:
            workers: number of files decoded at once, None for one per processor.
            timeout_s: limit for one file, without the start of a worker.
            memory_bytes: limit for one file, not enforced on Windows and macOS.
            niceness: of the workers, in [0, 19].
            module: has the decoding functions. Only workers import it.
        """
        self._start = Start(module, timeout_s, niceness)
        self._memory_bytes = memory_bytes
        self._slots = threading.Semaphore(workers or WORKERS)
        self._large_file_lock = threading.Lock()
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._last_use = 0.0
        self._idle_timer: threading.Timer | None = None
        self._closed = False

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path] = ()) -> Decoded:
        """Decode one file in a worker, blocking and thread-safe.

        Args:
            path: any file.
            encoder_px: side of the encoder's square input in pixels.
            sidecars: of the photo, most trusted first.

        Raises:
            UnreadableImageError: the decoder rejects the file, crashes, or exceeds its limits of
                time or memory. A lost worker is replaced.
            AlbumError: no worker can be started.
        """
        absolute = [sidecar.absolute() for sidecar in sidecars]
        head, pixels, jpeg = self._ask("decode_photo", path.absolute(), encoder_px, absolute)
        if head.facts is None or not jpeg:
            raise UnreadableImageError(_CRASHED)
        return Decoded(_image(head, pixels), head.facts, jpeg)

    def image(self, path: Path, encoder_px: int) -> Image.Image:
        """Decode only the image. See `decode`."""
        head, pixels, _ = self._ask("encoder_image", path.absolute(), encoder_px)
        return _image(head, pixels)

    def thumbnail(self, path: Path) -> bytes:
        """Make a thumbnail. See `decode` for what it raises."""
        return self._jpeg("thumbnail_of", path)

    def large_view(self, path: Path) -> bytes:
        """Make a JPEG for viewing. See `decode` for what it raises."""
        return self._jpeg("large_view", path)

    def full_view(self, path: Path) -> bytes:
        """Make a JPEG in full resolution. See `decode` for what it raises."""
        return self._jpeg("full_view", path)

    def small_jpeg(self, path: Path) -> bytes:
        """Make a JPEG without metadata. See `decode` for what it raises."""
        return self._jpeg("small_jpeg", path)

    def close(self) -> None:
        """End idle workers now, and busy ones after their file."""
        with self._lock:
            self._closed = True
            self._end_idle()

    def _jpeg(self, function: str, path: Path) -> bytes:
        jpeg = self._ask(function, path.absolute())[2]
        if not jpeg:  # a wrong answer of a worker that was taken over
            raise UnreadableImageError(_CRASHED)
        return jpeg

    def _ask(self, function: str, *arguments: Any) -> Answer:
        request = Request(function, arguments, min(DEFAULT_MEMORY_BYTES, self._memory_bytes))
        with self._slots:
            answer = self._send(request)
        if answer[0].lacks_memory and request.memory_bytes < self._memory_bytes:
            with self._large_file_lock:
                answer = self._send(Request(function, arguments, self._memory_bytes))
        if answer[0].lacks_memory:
            raise UnreadableImageError(
                "This file takes more than {memory_bytes:g} GB of memory to decode: save a "
                "smaller copy of it.",
                memory_bytes=self._memory_bytes / 2**30,
            )
        if answer[0].problem:
            raise UnreadableImageError(answer[0].problem)
        return answer

    def _send(self, request: Request) -> Answer:
        try:
            return self._send_to(self._take_worker(), request)
        except _WorkerDiedError:  # possibly before it got the file, so a new worker decides
            return self._send_to(_Worker(self._start), request)

    def _send_to(self, worker: _Worker, request: Request) -> Answer:
        try:
            return worker.answer(request)
        finally:
            self._release(worker)

    def _take_worker(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.end()
        return _Worker(self._start)

    def _release(self, worker: _Worker) -> None:
        if not worker.alive:
            worker.end()
            return
        with self._lock:
            self._idle.append(worker)
            self._last_use = time.monotonic()
            if self._closed:
                self._end_idle()
            elif self._idle_timer is None:
                self._start_idle_timer(IDLE_S)

    def _start_idle_timer(self, seconds: float) -> None:
        self._idle_timer = threading.Timer(seconds, self._check_idle)
        self._idle_timer.daemon = True
        self._idle_timer.start()

    def _check_idle(self) -> None:
        with self._lock:
            if self._idle_timer is None:
                return
            remaining_s = self._last_use + IDLE_S - time.monotonic()
            if remaining_s > 0:
                self._start_idle_timer(remaining_s)
            else:
                self._end_idle()

    def _end_idle(self) -> None:
        while self._idle:
            self._idle.pop().end()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None


class _WorkerDiedError(UnreadableImageError):
    """A worker died that had served before, perhaps before it got this file."""


class _Worker:
    """The parent's side of one worker process."""

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
                start_new_session=True,  # not affected by Ctrl-C in the terminal
            )
        except OSError as error:
            raise AlbumError(_NO_WORKER) from error
        assert self._process.stdin is not None  # both are pipes
        assert self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        try:
            self._ask(start)  # so that startup does not count towards a file's timeout
        except _WORKER_LOST as error:
            self.end()
            raise AlbumError(_NO_WORKER) from error

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def answer(self, request: Request) -> Answer:
        """Send a request and wait for its answer.

        The worker may be dead afterwards.

        Raises:
            UnreadableImageError: the worker died or took too long.
            _WorkerDiedError: the worker died, perhaps not because of this file.
        """
        start_time = time.monotonic()
        timer = threading.Timer(self._timeout_s, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            answer = self._ask(request)
        except _WORKER_LOST as error:
            timed_out = time.monotonic() - start_time >= self._timeout_s
            self.end()
            if timed_out:
                raise UnreadableImageError(
                    "This file takes longer than {timeout_s:g} seconds to decode: save it as "
                    "JPEG, or a smaller copy of it.",
                    timeout_s=self._timeout_s,
                ) from error
            unreadable = _WorkerDiedError if self._has_served else UnreadableImageError
            raise unreadable(_CRASHED) from error
        finally:
            timer.cancel()
            if time.monotonic() - start_time >= self._timeout_s:
                self.end()  # the timer may have fired just after the answer
        self._has_served = True
        if answer[0].lacks_memory:  # it may still hold much memory
            self.end()
        return answer

    def end(self) -> None:
        """Kill the process, which has no state to lose."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        with suppress(OSError):  # from flushing a request that was never read
            self._requests.close()

    def _ask(self, request: Start | Request) -> Answer:
        pickle.dump(request, self._requests)
        self._requests.flush()
        (length,) = HEAD_LENGTH.unpack(self._read(HEAD_LENGTH.size, HEAD_LENGTH.size))
        head = _head_adapter().validate_json(self._read(length, _MAX_HEAD_BYTES))
        if min(head.size) < 0:
            raise ValueError("less than no pixels")
        pixels = self._read(3 * prod(head.size), 3 * _MAX_PIXELS)
        return head, pixels, self._read(head.jpeg_bytes, _MAX_JPEG_BYTES)

    def _read(self, size: int, limit: int) -> bytes:
        """Read `size` bytes, which a worker that was taken over can choose."""
        if not 0 <= size <= limit:
            raise ValueError(f"{size} bytes are too many")
        data = self._answers.read(size)
        if len(data) < size:
            raise EOFError
        return data


_WORKER_LOST = (EOFError, OSError, ValueError)
"""Raised when a worker died before, during or after an answer, or sends an invalid one."""


def _image(head: Head, pixels: bytes) -> Image.Image:
    if not pixels:
        raise UnreadableImageError(_CRASHED)
    return from_rgb_bytes(head.size, pixels)


@cache
def _head_adapter() -> TypeAdapter[Head]:
    """Return the validator of heads, for which pydantic is imported lazily."""
    from pydantic import TypeAdapter

    return TypeAdapter(Head)
