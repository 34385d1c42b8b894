"""Another name for the temporary folder in everything that browsers and programs see.

Gradio tells them the path of each upload and download, and takes it back in later requests. That
path would show where on the server the library is. So answers contain a name that stands for the
folder, and requests with that name get the path again before Gradio sees them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

API: Final = "/gradio_api/"
FILE: Final = "/gradio_api/file="
WHOLE: Final = "application/json"
"""Answers of this kind are changed as a whole, others message by message."""
PIECEMEAL: Final = ("text/event-stream", "text/plain")


class TempNames:
    """ASGI middleware that keeps the path of a folder on the server.

    Args:
        app: the app behind it.
        folder: Gradio's folder of uploads and downloads.
    """

    def __init__(self, app: App, folder: Path) -> None:
        self._app = app
        self._path = str(folder)
        # Random, so that no text of a person contains it.
        self._name = f"temp-{uuid.uuid4().hex[:16]}"
        in_json = json.dumps(self._path)[1:-1]
        also_in_json = json.dumps(self._path, ensure_ascii=False)[1:-1]
        spellings = {self._path, in_json, also_in_json, quote(self._path)}
        self._spellings = [spelling.encode() for spelling in sorted(spellings, key=len)]
        self._in_request = in_json.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request with the path, and its answer with the name."""
        if scope["type"] != "http" or API not in scope["path"]:
            await self._app(scope, receive, send)
        elif FILE in scope["path"]:
            await self._app(self._with_path(scope), receive, send)
        else:
            answer = _Answer(send, self._hide)
            await self._app(_uncompressed(scope), self._receiver(scope, receive), answer.send)

    def _with_path(self, scope: Scope) -> Scope:
        path = scope["path"].replace(self._name, self._path, 1)
        return {**scope, "path": path, "raw_path": quote(path, safe="/=:%").encode()}

    def _receiver(self, scope: Scope, receive: Receive) -> Receive:
        """Return a `receive` of bodies with the path. Uploads have none."""
        kind = Headers(raw=scope["headers"]).get("content-type", "")
        if not kind.startswith(WHOLE):
            return receive

        async def receive_with_path() -> Message:
            message = await receive()
            if message["type"] == "http.request" and self._name.encode() in message["body"]:
                body = message["body"].replace(self._name.encode(), self._in_request)
                message = {**message, "body": body}
            return message

        return receive_with_path

    def _hide(self, body: bytes) -> bytes:
        for spelling in reversed(self._spellings):
            body = body.replace(spelling, self._name.encode())
        return body


class _Answer:
    """An answer on its way, in which `hide` replaces the path."""

    def __init__(self, send: Send, hide: Callable[[bytes], bytes]) -> None:
        self._send, self._hide = send, hide
        self._start: Message | None = None
        self._body = b""
        self._is_piecemeal = False

    async def send(self, message: Message) -> None:
        """Send a message, or keep it until the answer is whole."""
        if message["type"] == "http.response.start":
            kind = Headers(raw=message.get("headers", [])).get("content-type", "")
            self._is_piecemeal = kind.startswith(PIECEMEAL)
            if kind.startswith(WHOLE):
                self._start = message
                return
        elif message["type"] == "http.response.body":
            if self._start is not None:
                await self._collect(message)
                return
            if self._is_piecemeal:  # Gradio sends an event as one message
                message = {**message, "body": self._hide(message.get("body", b""))}
        await self._send(message)

    async def _collect(self, message: Message) -> None:
        self._body += message.get("body", b"")
        if message.get("more_body", False) or self._start is None:
            return
        body = self._hide(self._body)
        headers = MutableHeaders(raw=self._start.setdefault("headers", []))
        if body != self._body and "content-length" in headers:
            headers["content-length"] = str(len(body))
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body})


def _uncompressed(scope: Scope) -> Scope:
    """Return a scope whose answer is not compressed."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}
