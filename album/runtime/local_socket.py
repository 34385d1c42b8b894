"""JSON requests between processes of one user over a Unix socket.

The socket lies in a folder that both know. Only its owner can use it: by its mode, and by the user
of the other process if the system reports that. Without a socket or an answer, the client does the
work itself.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import stat
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

NAME = "album.sock"
LONGEST_REQUEST_BYTES = 64 * 1024
LONGEST_ANSWER_BYTES = 16 * 1024 * 1024
LONGEST_ADDRESS_BYTES = 100  # the systems allow 104 to 108
AT_ONCE = 4  # further clients do the work themselves
CONNECT_S = 1.0
ANSWER_S = 10.0
POLL_S = 0.5

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


class LocalSocket:
    """Answers requests of other processes of this user."""

    def __init__(self, folder: Path, answer: Answer) -> None:
        """Create a socket that does not listen yet.

        Args:
            folder: the folder of the socket file.
            answer: called in many threads at once. If it returns None or raises, the client gets
                no answer.
        """
        self._path = folder / NAME
        self._answer = answer
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen on a thread if the system and disk have Unix sockets."""
        if not hasattr(socket, "AF_UNIX"):
            return
        listening = socket.socket(socket.AF_UNIX)
        try:
            inode = self._listen(listening)
        except OSError as error:
            listening.close()
            log.info("other programs cannot ask this one at %s: %s", self._path, error)
            return
        self._thread = threading.Thread(
            target=self._accept, args=(listening, inode), name="local-socket", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Remove the socket. An answer on its way may be lost."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=10 * POLL_S)

    def _listen(self, listening: socket.socket) -> int:
        """Bind, replacing only the socket of a killed process. Returns the inode."""
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(self._path.lstat().st_mode):
                raise FileExistsError(f"{self._path} is no socket")
            try:
                _connect(self._path).close()
            except ConnectionError:
                self._path.unlink()
            else:
                raise FileExistsError("another process answers there")
        with _address(self._path) as address:
            listening.bind(address)
        self._path.chmod(stat.S_IRUSR | stat.S_IWUSR)  # nobody can connect before `listen`
        listening.listen()
        listening.settimeout(POLL_S)
        return self._path.stat().st_ino

    def _accept(self, listening: socket.socket, inode: int) -> None:
        with listening:
            while not self._closing.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                except OSError as error:  # no file descriptor is left for the moment
                    log.warning("a program that asks was not heard: %s", error)
                    self._closing.wait(POLL_S)
                    continue
                if self._free.acquire(timeout=POLL_S):
                    threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
                else:
                    connection.close()
            with suppress(OSError):
                if self._path.lstat().st_ino == inode:  # not that of a later process
                    self._path.unlink()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(ANSWER_S)
                if not _is_same_user(connection):
                    log.warning("a program of another user asked, and got no answer")
                    return
                request = _receive(connection, LONGEST_REQUEST_BYTES)
                answer = None if request is None else self._answer(request)
                if answer is not None:
                    connection.sendall(_line(answer))
        except OSError as error:
            log.info("a program did not wait for its answer: %s", error)
        except Exception:
            log.exception("a program that asked got no answer")
        finally:
            self._free.release()


def ask(folder: Path, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Ask the process listening in a folder. Returns None without answer.

    Blocks for `ANSWER_S` seconds at most.
    """
    if not hasattr(socket, "AF_UNIX"):
        return None
    try:
        with _connect(folder / NAME) as connection:
            if not _is_same_user(connection):
                return None
            connection.settimeout(ANSWER_S)
            connection.sendall(_line(request))
            return _receive(connection, LONGEST_ANSWER_BYTES)
    except OSError:
        return None


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(CONNECT_S)
        with _address(path) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Yield a path as an address of at most 100 bytes.

    Raises:
        OSError: it is longer, and this system has no other way.
    """
    if len(os.fsencode(path)) <= LONGEST_ADDRESS_BYTES or sys.platform != "linux":
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _is_same_user(connection: socket.socket) -> bool:
    """Whether the other process has this user. Elsewhere file modes ensure it."""
    if sys.platform != "linux":
        return True
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    uid: int = struct.unpack("3i", credentials)[1]
    return uid == os.getuid()


def _line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _receive(connection: socket.socket, longest_bytes: int) -> dict[str, Any] | None:
    """Read one JSON object line, or None if it is invalid."""
    with connection.makefile("rb") as stream:
        line = stream.readline(longest_bytes + 1)
    if not line.endswith(b"\n"):
        return None
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
