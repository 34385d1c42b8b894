"""How a process ends that the system asks to: cleanly, and within five seconds.

SIGTERM comes from whoever stops a service or a container, SIGHUP when a terminal is closed. Both do
what Ctrl-C does, and what does not end by itself in time is ended by force.
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
LAST_WORDS_S = 0.7
"""Of that, for writing down what is left undone."""
CLOSING_S = 3.0
"""Of that, for the photos in hand."""
PATIENCE_S = 30.0
"""For the photos in hand where nobody is in a hurry."""
SIGNALS = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)

_asked_at: list[float] = []  # when the first of these signals came


def closing_s() -> float:
    """How long closing may take from now on."""
    if not _asked_at:
        return PATIENCE_S
    return max(_asked_at[0] + CLOSING_S - time.monotonic(), 0.0)


def heeded(numbers: Iterable[int]) -> dict[int, Any]:
    """The handlers of those signals that are not ignored, as `nohup` has it."""
    return {
        number: handler
        for number in numbers
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }


@contextmanager
def ended_by_signals(put_down: Callable[[], None]) -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise KeyboardInterrupt here, and the process end in time after that.

    Only in the main thread, and not for signals that are ignored, as `nohup` has it.

    Args:
        put_down: called in another thread right before the process is ended by force.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = heeded(SIGNALS)
    # The handler in Python has to wait while the main thread computes; this thread has not.
    heard, written = socket.socketpair()
    written.setblocking(False)
    fd_before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_end_in_time, args=(heard, put_down), name="end", daemon=True).start()
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(fd_before)
        written.close()


def wait_for_the_end() -> None:
    """Return when somebody asks this process to end, by a signal or with Ctrl-C."""
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the main thread; what is asked again changes nothing."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _note()
    raise KeyboardInterrupt


def _note() -> None:
    if not _asked_at:
        _asked_at.append(time.monotonic())


def _end_in_time(heard: socket.socket, put_down: Callable[[], None]) -> None:
    """Wait for one of the signals, and end the process if it is still there in a while."""
    with heard:
        while received := heard.recv(64):
            number = next((it for it in received if it in SIGNALS), None)
            if number is None:
                continue
            _note()
            time.sleep(END_WITHIN_S - LAST_WORDS_S)
            last = threading.Thread(target=_quietly, args=(put_down,), daemon=True)
            last.start()
            last.join(LAST_WORDS_S)
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(128 + number)


def _quietly(put_down: Callable[[], None]) -> None:
    with suppress(Exception):  # the database may be closed already
        put_down()
