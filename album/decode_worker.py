"""A decoder in a process of its own, started and asked by `album.decode_pool` over two pipes.

It imports neither models nor page, holds nothing that would be lost, and ends with its parent.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from album.errors import UnreadableImageError
from album.image_files import read_for_encoder, thumbnail
from album.photo import ImageFacts

if sys.platform != "win32":
    import fcntl
    import resource

if TYPE_CHECKING:
    from PIL import Image

_NICENESS = 10  # a search on the page comes first
_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Decoded:
    """What the album needs of one photo's file."""

    image: Image.Image
    """Upright RGB, reduced as in `image_files.read_for_encoder`."""
    facts: ImageFacts
    thumbnail: bytes
    """A JPEG."""


Decode: TypeAlias = Callable[[Path, int, Sequence[Path]], Decoded]
"""(file, pixels that the encoder sees, sidecars of the file); a function of a module, since workers
import it by its name. Raises UnreadableImageError, or MemoryError."""


def decode_photo(path: Path, encoder_px: int, sidecars: Sequence[Path]) -> Decoded:
    """Decode one photo in this process; what a worker does.

    Raises:
        UnreadableImageError: as in `image_files.read_photo`.
    """
    image, facts = read_for_encoder(path, encoder_px, sidecars)
    return Decoded(image, facts, thumbnail(image))


def work(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more.

    The first is (decode, timeout_s, memory_bytes), answered by True; then come the arguments of
    `decode`, each answered by `Decoded`, by a sentence why not, or by None for a lack of memory.
    """
    messages = _messages(requests)
    decode, timeout_s, memory_bytes = next(messages)
    if sys.platform != "win32":
        os.nice(_NICENESS)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # an answer that nobody waits for any more
        _limit_memory(memory_bytes)
    _send(pickle.dumps(True), answers)
    with Path(os.devnull).open("wb") as nowhere:
        for arguments in messages:
            # A second clock, for a parent that died and a system that did not tell (see below).
            faulthandler.dump_traceback_later(timeout_s + _PATIENCE_S, exit=True, file=nowhere)
            with _ending_with_the_parent(requests):
                answer = _answer(decode, *arguments)
            faulthandler.cancel_dump_traceback_later()
            _send(answer, answers)


def _messages(pipe: IO[bytes]) -> Iterator[Any]:
    """What comes, until the parent ends or closes the pipe."""
    with suppress(EOFError):
        while True:
            yield pickle.load(pipe)


def _send(message: bytes, pipe: IO[bytes]) -> None:
    pipe.write(message)
    pipe.flush()


def _answer(decode: Decode, path: Path, encoder_px: int, sidecars: Sequence[Path]) -> bytes:
    try:
        return pickle.dumps(decode(path, encoder_px, sidecars))
    except MemoryError:
        return pickle.dumps(None)
    except UnreadableImageError as error:
        return pickle.dumps(None if isinstance(error.__cause__, MemoryError) else str(error))


@contextmanager
def _ending_with_the_parent(requests: IO[bytes]) -> Iterator[None]:
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


def _limit_memory(more_bytes: int) -> None:
    """Let this process take `more_bytes` over what it has, by getrlimit(2) RLIMIT_AS (Linux)."""
    size = Path("/proc/self/statm")  # in pages; see proc(5)
    if sys.platform == "win32" or not size.exists():
        return
    limit = int(size.read_text().split()[0]) * resource.getpagesize() + more_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    _answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what C libraries print is no answer
    work(sys.stdin.buffer, _answers)
