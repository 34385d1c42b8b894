"""Decoder process, started by `album.images.decoder_pool` and connected by two pipes.

It imports neither models nor the page, has no state, and exits with its parent. A hostile file may
take it over, so its answers are data that the parent validates, never pickles.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import pickle
import select
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from album.domain.photo import ImageFacts
from album.errors import UnreadableImageError
from album.images.confinement import confine
from album.images.decoder import Decoded

if sys.platform != "win32":
    import fcntl
    import resource

if TYPE_CHECKING:
    from PIL import Image

_EXTRA_TIMEOUT_S = 5.0

HEAD_LENGTH = struct.Struct(">I")
"""Precedes the head of each answer, which is JSON."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first request, answered by an empty head."""

    module: str
    """Module with the decoding functions, such as `decode_photo`."""
    timeout_s: float
    niceness: int


@dataclass(frozen=True, slots=True)
class Request:
    """Every later request."""

    function: str
    arguments: tuple[Any, ...]
    memory_bytes: int
    """Memory limit, in addition to that of a new worker."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer, followed by RGB pixels and a JPEG."""

    size: tuple[int, int] = (0, 0)
    """(width, height) of the pixels, (0, 0) without any."""
    jpeg_bytes: int = 0
    facts: ImageFacts | None = None
    problem: str = ""
    """Why the file cannot be decoded."""
    lacks_memory: bool = False


Answer: TypeAlias = tuple[Head, bytes, bytes]


def work(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer a `Start`, then each `Request` until the pipe closes."""
    messages = _messages(requests)
    start: Start = next(messages)
    decoders = importlib.import_module(start.module)
    if sys.platform != "win32":
        os.nice(start.niceness)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # exit if the parent no longer reads
    base_bytes = _address_space_bytes()
    with Path(os.devnull).open("wb") as devnull:
        confine()
        _send((Head(), b"", b""), answers)
        for request in messages:
            # A second timeout, if the parent died on a system without SIGIO (see below).
            timeout_s = start.timeout_s + _EXTRA_TIMEOUT_S
            faulthandler.dump_traceback_later(timeout_s, exit=True, file=devnull)
            if base_bytes:
                _limit_memory(base_bytes + request.memory_bytes)
            with _end_with_parent(requests):
                answer = _answer(decoders, request)
            faulthandler.cancel_dump_traceback_later()
            _send(answer, answers)


def _messages(pipe: IO[bytes]) -> Iterator[Any]:
    """Yield messages until the parent exits or closes the pipe."""
    with suppress(EOFError):
        while True:
            yield pickle.load(pipe)


def _send(answer: Answer, pipe: IO[bytes]) -> None:
    head, *parts = answer
    text = json.dumps(asdict(head), default=datetime.isoformat).encode()
    for part in (HEAD_LENGTH.pack(len(text)), text, *parts):
        pipe.write(part)
    pipe.flush()


def _answer(decoders: ModuleType, request: Request) -> Answer:
    try:
        return _answer_with(getattr(decoders, request.function)(*request.arguments))
    except MemoryError:
        return Head(lacks_memory=True), b"", b""
    except UnreadableImageError as error:
        if isinstance(error.__cause__, MemoryError):
            return Head(lacks_memory=True), b"", b""
        return Head(problem=str(error)), b"", b""


def _answer_with(result: Decoded | Image.Image | bytes) -> Answer:
    if isinstance(result, bytes):
        return Head(jpeg_bytes=len(result)), b"", result
    if isinstance(result, Decoded):
        head = Head(result.image.size, len(result.thumbnail), result.facts)
        return head, result.image.tobytes(), result.thumbnail
    return Head(result.size), result.tobytes(), b""


@contextmanager
def _end_with_parent(requests: IO[bytes]) -> Iterator[None]:
    """Exit when the parent exits, even while C code hangs in this block.

    No request arrives while one is processed. So the next event on the pipe is its end, for which
    the kernel sends SIGIO. Its default action ends the process without running Python code. This
    works on Linux only: macOS sends no SIGIO for pipes, and Windows has none.
    """
    if sys.platform == "win32":
        yield
        return
    flags = fcntl.fcntl(requests, fcntl.F_GETFL)
    fcntl.fcntl(requests, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(requests, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([requests], [], [], 0)[0]:  # the parent exited before O_ASYNC was set
        sys.exit()
    try:
        yield
    finally:
        fcntl.fcntl(requests, fcntl.F_SETFL, flags)


def _address_space_bytes() -> int:
    """Return the address space of this process in bytes, 0 if unknown."""
    size = Path("/proc/self/statm")  # in pages; see proc(5)
    if sys.platform == "win32" or not size.exists():
        return 0
    return int(size.read_text().split()[0]) * resource.getpagesize()


def _limit_memory(limit: int) -> None:
    """Limit the address space of this process by RLIMIT_AS of setrlimit(2) (Linux)."""
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    _answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # output of C libraries is no answer
    work(sys.stdin.buffer, _answers)
