"""Clean shutdown after a signal, within five seconds.

SIGTERM stops a service or a container, and SIGHUP comes when a terminal is closed. Both do what
Ctrl-C does. A process that does not end in time is ended by force.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

END_WITHIN_S = 4.5
RELEASE_S = 0.7
"""Part of `END_WITHIN_S` for recording unfinished work."""
CLOSING_S = 3.0
"""Part of `END_WITHIN_S` for the photos in hand."""
UNHURRIED_CLOSING_S = 30.0
"""For the photos in hand if no signal came."""
SIGNALS = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)

_signal_times: list[float] = []  # when the first of these signals came


def closing_s() -> float:
    """Return how many seconds closing may take from now on."""
    if not _signal_times:
        return UNHURRIED_CLOSING_S
    return max(_signal_times[0] + CLOSING_S - time.monotonic(), 0.0)


def active_handlers(numbers: Iterable[int]) -> dict[int, Any]:
    """Return the handlers of signals that are not ignored (`nohup`)."""
    return {
        number: handler
        for number in numbers
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }


@contextmanager
def interrupt_on_signals(release: Callable[[], None]) -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM and SIGHUP, and end the process in time.

    This works in the main thread only. Signals that are ignored, as under `nohup`, stay ignored.

    Args:
        release: called in another thread right before the process is ended by force.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = active_handlers(SIGNALS)
    # A Python handler waits while the main thread computes. This thread does not.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    fd_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_end_in_time, args=(reader, release), name="end", daemon=True).start()
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(fd_before)
        writer.close()


def wait_for_end() -> None:
    """Block until a signal or Ctrl-C ends this process."""
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the main thread. Further signals change nothing."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _note_signal()
    raise KeyboardInterrupt


def _note_signal() -> None:
    if not _signal_times:
        _signal_times.append(time.monotonic())


def _end_in_time(reader: socket.socket, release: Callable[[], None]) -> None:
    """Wait for a signal, and end the process after the deadline."""
    with reader:
        while numbers := reader.recv(64):
            number = next((value for value in numbers if value in SIGNALS), None)
            if number is None:
                continue
            _note_signal()
            time.sleep(END_WITHIN_S - RELEASE_S)
            releasing = threading.Thread(target=_quietly, args=(release,), daemon=True)
            releasing.start()
            releasing.join(RELEASE_S)
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(128 + number)


def _quietly(release: Callable[[], None]) -> None:
    with suppress(Exception):  # the database may be closed already
        release()
