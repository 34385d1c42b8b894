"""A decoder process, started by `album.images.decoder_pool` and asked over two pipes.

It imports neither models nor page, holds nothing that would be lost, and ends with its parent. It
may be taken over by a file, so its answers are data that the parent checks, never pickles.
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

_PATIENCE_S = 5.0

HEAD_LENGTH = struct.Struct(">I")
"""Comes before the head of each answer, which is JSON."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first request, answered by an empty head."""

    module: str
    """Has the functions that decode: `decode_photo`, `read_for_encoder` and so on."""
    timeout_s: float
    niceness: int


@dataclass(frozen=True, slots=True)
class Request:
    """Every other one."""

    function: str
    arguments: tuple[Any, ...]
    memory_bytes: int
    """How much it may take beyond what a new worker has."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer; behind it come the pixels, RGB, and the JPEG."""

    size: tuple[int, int] = (0, 0)
    """(width, height) of the pixels; (0, 0): there are none."""
    jpeg_bytes: int = 0
    facts: ImageFacts | None = None
    problem: str = ""
    """Why the file cannot be decoded."""
    lacks_memory: bool = False


Answer: TypeAlias = tuple[Head, bytes, bytes]


def work(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more: a `Start`, then any number of `Request`."""
    messages = _messages(requests)
    start: Start = next(messages)
    decoders = importlib.import_module(start.module)
    if sys.platform != "win32":
        os.nice(start.niceness)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # an answer that nobody waits for any more
    own_bytes = _address_space_bytes()
    with Path(os.devnull).open("wb") as nowhere:
        confine()
        _send((Head(), b"", b""), answers)
        for request in messages:
            # A second clock, for a parent that died and a system that did not tell (see below).
            faulthandler.dump_traceback_later(
                start.timeout_s + _PATIENCE_S, exit=True, file=nowhere
            )
            if own_bytes:
                _limit_memory(own_bytes + request.memory_bytes)
            with _end_with_parent(requests):
                answer = _answer(decoders, request)
            faulthandler.cancel_dump_traceback_later()
            _send(answer, answers)


def _messages(pipe: IO[bytes]) -> Iterator[Any]:
    """What comes, until the parent ends or closes the pipe."""
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
        made = getattr(decoders, request.function)(*request.arguments)
        return _answer_with(made)
    except MemoryError:
        return Head(lacks_memory=True), b"", b""
    except UnreadableImageError as error:
        if isinstance(error.__cause__, MemoryError):
            return Head(lacks_memory=True), b"", b""
        return Head(problem=str(error)), b"", b""


def _answer_with(made: Decoded | Image.Image | bytes) -> Answer:
    if isinstance(made, bytes):
        return Head(jpeg_bytes=len(made)), b"", made
    if isinstance(made, Decoded):
        head = Head(made.image.size, len(made.thumbnail), made.facts)
        return head, made.image.tobytes(), made.thumbnail
    return Head(made.size), made.tobytes(), b""


@contextmanager
def _end_with_parent(requests: IO[bytes]) -> Iterator[None]:
    """In this block the process ends when its parent does, whatever it is doing.

    No request is due while one is worked on. So the next thing to happen on that pipe is its end,
    and the kernel is asked to send SIGIO when something happens there, which by default ends a
    process, also one that hangs in C and would never run a handler of Python's. (Linux; macOS sends
    none for pipes, and Windows has none.)
    """
    if sys.platform == "win32":
        yield
        return
    flags = fcntl.fcntl(requests, fcntl.F_GETFL)
    fcntl.fcntl(requests, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(requests, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([requests], [], [], 0)[0]:  # it ended a moment before
        sys.exit()
    try:
        yield
    finally:
        fcntl.fcntl(requests, fcntl.F_SETFL, flags)


def _address_space_bytes() -> int:
    """The address space of this process in bytes; 0 where the system does not say."""
    size = Path("/proc/self/statm")  # in pages; see proc(5)
    if sys.platform == "win32" or not size.exists():
        return 0
    return int(size.read_text().split()[0]) * resource.getpagesize()


def _limit_memory(limit: int) -> None:
    """Let this process have so many bytes of address space, by getrlimit(2) RLIMIT_AS (Linux)."""
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    _answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what C libraries print is no answer
    work(sys.stdin.buffer, _answers)
