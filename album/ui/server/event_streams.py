"""Ends of event streams, at which Gradio may lose an event of the same browser.

Gradio ends a stream with the message "close_stream", and the browser hangs up at once. Where the
server learns of that before its own coroutine has returned, it takes the browser for gone and drops
all its events, among them one that was sent in that very moment.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH: Final = "/gradio_api/queue/data"
CLOSES: Final = b'"close_stream"'


class EventStreams:
    """ASGI middleware that hides a browser's hang-up from a stream that the server has closed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, and for an event stream what is received until its end."""
        if scope["type"] != "http" or not scope["path"].endswith(PATH):
            await self._app(scope, receive, send)
            return
        is_closed = asyncio.Event()

        async def send_on(message: Message) -> None:
            if CLOSES in message.get("body", b""):
                is_closed.set()
            await send(message)

        async def receive_until_closed() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and is_closed.is_set():
                await asyncio.Event().wait()  # cancelled when the app has sent everything
            return message

        await self._app(scope, receive_until_closed, send_on)
