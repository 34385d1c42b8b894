"""Limits for connections, which Gradio's web server leaves open for as long as the sender likes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, ClassVar

import h11
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN_S = 20.0
MOST_CONNECTIONS = 1000
DESCRIPTORS = 8192  # asyncio takes 2,048 connections at once before any of them can be closed


class TimedH11Protocol(H11Protocol):
    """One HTTP connection that is closed when its request does not come.

    A request has `HEADERS_WITHIN_S` to say what it wants. When there are too many connections, the
    one ends that has been silent longest in the middle of a request, so an upload under way stays.
    """

    most_connections: ClassVar[int] = MOST_CONNECTIONS
    _unfinished: ClassVar[dict[TimedH11Protocol, None]] = {}  # who was silent longest comes first

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
        """Count the time of a request that has not come, and note who spoke last."""
        if self._upgraded or self.transport.is_closing():
            self._forget()
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_clock()
        elif self._deadline is None:  # also for what is left of a body that was answered early
            self._deadline = self.loop.call_later(HEADERS_WITHIN_S, self._end)
        self._unfinished.pop(self, None)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._unfinished[self] = None

    def _end(self) -> None:
        self._forget()
        self.connections.discard(self)  # now, for many may be taken before this one is lost
        self.transport.abort()

    def _forget(self) -> None:
        self._stop_clock()
        self._unfinished.pop(self, None)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def limit_connections() -> None:
    """Have servers that uvicorn starts from now on keep to the limits of this module.

    Gradio starts one with uvicorn's defaults and takes no others.
    """
    TimedH11Protocol.most_connections = min(MOST_CONNECTIONS, _descriptors() // 2)
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{TimedH11Protocol.__name__}"
    # A line for each request that is no HTTP would let anybody fill the disk.
    logging.getLogger("uvicorn.error").addFilter(lambda line: line.levelno >= logging.ERROR)


def _descriptors() -> int:
    """Raise the number of files this process may hold open, as far as it may; return it."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < DESCRIPTORS:
        wanted = DESCRIPTORS if hard == unlimited else min(DESCRIPTORS, hard)
        with suppress(OSError, ValueError):  # a container may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return DESCRIPTORS if soft == unlimited else soft
