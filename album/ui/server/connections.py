"""Limits for connections, which Gradio's web server keeps open without limit."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, ClassVar

import h11
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_SHARE = 1 / 3  # of the time that a body may pause
MOST_CONNECTIONS = 1000
DESCRIPTORS = 8192  # asyncio accepts 2,048 connections before it can close one


class TimedH11Protocol(H11Protocol):
    """An HTTP connection that is closed when its request does not arrive.

    Headers must arrive within `headers_within_s`. With too many connections, the one that has been
    idle longest within a request is closed, so a running upload stays.
    """

    most_connections: ClassVar[int] = MOST_CONNECTIONS
    headers_within_s: ClassVar[float]
    _unfinished: ClassVar[dict[TimedH11Protocol, None]] = {}  # the longest idle first

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > self.most_connections:
            next(iter(self._unfinished), self)._end()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._upgraded = True
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget()

    def _watch(self) -> None:
        """Start or stop the timer, and move this connection behind idle ones."""
        if self._upgraded or self.transport.is_closing():
            self._forget()
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_clock()
        elif self._deadline is None:  # also for the remainder of a body that was answered early
            self._deadline = self.loop.call_later(self.headers_within_s, self._end)
        self._unfinished.pop(self, None)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._unfinished[self] = None

    def _end(self) -> None:
        self._forget()
        self.connections.discard(self)  # now, as many may be accepted before this one is lost
        self.transport.abort()

    def _forget(self) -> None:
        self._stop_clock()
        self._unfinished.pop(self, None)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def limit_connections(request_timeout_s: float) -> None:
    """Apply the limits to servers that uvicorn starts from now on.

    Gradio starts one with uvicorn's defaults and offers no option for the protocol.

    Args:
        request_timeout_s: how long a body may pause. Headers get a third of it.
    """
    TimedH11Protocol.headers_within_s = HEADERS_SHARE * request_timeout_s
    TimedH11Protocol.most_connections = min(MOST_CONNECTIONS, _descriptors() // 2)
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{TimedH11Protocol.__name__}"
    # A log line for each invalid request would let any sender fill the disk.
    logging.getLogger("uvicorn.error").addFilter(lambda line: line.levelno >= logging.ERROR)


def _descriptors() -> int:
    """Raise the limit of open files, and return it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < DESCRIPTORS:
        limit = DESCRIPTORS if hard == unlimited else min(DESCRIPTORS, hard)
        with suppress(OSError, ValueError):  # a container may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            soft = limit
    return DESCRIPTORS if soft == unlimited else soft
