"""Reading of request bodies with limits, before Gradio reads them."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

MOST_MB = 32  # names of about 45,000 uploaded files, whose content has another limit
MOST_VALUES = 1_000_000  # a parsed value takes 50 times the memory of its text
MOST_AT_ONCE_BYTES = 256_000_000  # of all requests together
SLOWEST_BYTES_PER_S = 2_000
IN_A_THREAD_BYTES = 100_000
NAMES = ("path", "url", "orig_name")  # keys of a file in Gradio's JSON
ADDRESS = re.compile(r"\s*([a-z][a-z0-9+.-]+:|//|\\\\)", re.IGNORECASE)  # not C:\


class RequestRefusedError(Exception):
    """Raised to answer a request with a sentence.

    Attributes:
        status: of HTTP.
        text: the key of the sentence.
        values: of its placeholders.
    """

    def __init__(self, status: int, text: str, **values: object) -> None:
        super().__init__(text)
        self.status, self.text, self.values = status, text, values


class SenderGoneError(Exception):
    """Raised when the sender closed the connection within a body."""


class TimedBody:
    """An ASGI `receive` with a time limit for the body.

    Args:
        receive: of the app that is behind it.
        timeout_s: how long the sender may be idle, and may be slower than `SLOWEST_BYTES_PER_S`.
    """

    def __init__(self, receive: Receive, timeout_s: float) -> None:
        self._receive = receive
        self._timeout_s = timeout_s
        self._began = time.monotonic()
        self._read = 0
        self._whole = False

    async def __call__(self) -> Message:
        """Receive the next message.

        Raises:
            RequestRefusedError: the sender was idle or slow for longer than `timeout_s`.
        """
        if self._whole:  # only the end of the connection can follow
            return await self._receive()
        elapsed_s = time.monotonic() - self._began
        slow_s = self._timeout_s + self._read / SLOWEST_BYTES_PER_S - elapsed_s
        try:
            if slow_s <= 0:
                raise TimeoutError
            async with asyncio.timeout(min(self._timeout_s, slow_s)):
                message = await self._receive()
        except TimeoutError:
            raise RequestRefusedError(408, "request_too_slow") from None
        self._read += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message


class BodyReader:
    """Reader of whole bodies, with a memory limit for all requests."""

    def __init__(self) -> None:
        self._held_bytes = 0

    async def read(self, receive: Receive) -> bytes:
        """Read a body.

        A body that is too large is read on for a while, as its sender reads no answer before.

        Raises:
            RequestRefusedError: the body is too large, or memory for all bodies is used up.
            SenderGoneError: the connection was closed within the body.
        """
        body = bytearray()
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise SenderGoneError
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > 4 * MOST_MB * 1_000_000:
                    break
                if size <= MOST_MB * 1_000_000:
                    self._held_bytes += len(part)
                    body += part
                if self._held_bytes > MOST_AT_ONCE_BYTES:
                    raise RequestRefusedError(503, "too_many_requests")
                if not message.get("more_body", False):
                    break
            if size > MOST_MB * 1_000_000:
                raise RequestRefusedError(413, "request_too_large", n=MOST_MB)
            return bytes(body)
        finally:
            self._held_bytes -= len(body)


async def check_json(body: bytes, is_own: Callable[[str], bool]) -> None:
    """Refuse JSON that makes the server fetch a file from an address.

    Args:
        body: as it was sent. An empty one passes.
        is_own: tells whether an address is one of this album.

    Raises:
        RequestRefusedError: the body is no JSON or too large, or a file in it has an address or a
            name with a lone surrogate.
    """
    if len(body) > IN_A_THREAD_BYTES:
        await asyncio.to_thread(_check_json, body, is_own)
    elif body:
        _check_json(body, is_own)


def _check_json(body: bytes, is_own: Callable[[str], bool]) -> None:
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise RequestRefusedError(413, "request_too_large", n=MOST_MB)

    def check(pairs: list[tuple[str, Any]]) -> None:
        for key, value in pairs:  # duplicate keys are all checked
            if not isinstance(value, str):
                continue
            if key == "path" and ADDRESS.match(value):
                raise RequestRefusedError(403, "no_addresses")
            if key in NAMES and not _is_text(value):
                raise RequestRefusedError(400, "half_character")
            if key == "url" and ADDRESS.match(value) and not is_own(value):
                raise RequestRefusedError(403, "no_addresses")

    try:
        json.loads(body, object_pairs_hook=check)  # the parser that Gradio uses
    except (ValueError, RecursionError):
        raise RequestRefusedError(400, "no_json") from None


def _is_text(value: str) -> bool:
    """Tell whether a text has no lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
