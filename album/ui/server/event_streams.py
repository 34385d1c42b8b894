"""Ends of event streams, at which Gradio may lose an event that a browser sends in that moment.

Gradio ends a stream with the message "close_stream" once no event of the browser is left. An event
that arrives just then can be lost in two ways:

- The browser hangs up at once. Where the server learns of that before its own coroutine has
  returned, it takes the browser for gone and drops all its events.
- The answer to the event may overtake "close_stream". The browser then believes that its stream is
  open, and opens no other one. `LaneQueue.push` waits for that, see `on_close`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH: Final = "/gradio_api/queue/data"
CLOSES: Final = b'"close_stream"'


class EventStreams:
    """ASGI middleware that hides a browser's hang-up from a stream that the server has closed.

    Args:
        app: the app behind it.
        on_close: called with the session's hash when its stream is being closed.
    """

    def __init__(self, app: ASGIApp, on_close: Callable[[str], None]) -> None:
        self._app = app
        self._on_close = on_close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, and for an event stream what is received until its end."""
        if scope["type"] != "http" or not scope["path"].endswith(PATH):
            await self._app(scope, receive, send)
            return
        sessions = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])
        is_closed = asyncio.Event()

        async def send_on(message: Message) -> None:
            if CLOSES in message.get("body", b""):
                is_closed.set()
                self._on_close(sessions[0])
            await send(message)

        async def receive_until_closed() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and is_closed.is_set():
                await asyncio.Event().wait()  # cancelled when the app has sent everything
            return message

        await self._app(scope, receive_until_closed, send_on)
