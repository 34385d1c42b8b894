"""A browser that hangs up ends its stream, but not one that the server has closed already."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from album.ui.server.event_streams import PATH, EventStreams
from tests.support.event_loop import run


@pytest.mark.parametrize(
    ("path", "message", "is_told"),
    [
        (PATH, '{"msg":"close_stream","event_id":null}', False),
        (f"/family{PATH}", '{"msg":"close_stream","event_id":null}', False),
        (PATH, '{"msg":"process_completed"}', True),
        ("/gradio_api/heartbeat/x", '{"msg":"close_stream"}', True),
    ],
)
def test_closed_stream_ends_without_a_hang_up(path: str, message: str, is_told: bool) -> None:
    told: list[str] = []

    async def stream() -> Any:
        try:
            yield f"data: {message}\n\n"
            await asyncio.sleep(0.05)
            told.append("its end")
        except asyncio.CancelledError:
            told.append("a hang-up")
            raise

    hung_up = asyncio.Event()

    async def receive() -> Any:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(sent: Any) -> None:
        if b"data" in sent.get("body", b""):
            hung_up.set()

    closed: list[str] = []
    scope = {"type": "http", "path": path, "query_string": b"session_hash=ab&x=1"}
    run(EventStreams(StreamingResponse(stream()), closed.append)(scope, receive, send))

    assert told == (["a hang-up"] if is_told else ["its end"])
    assert closed == ([] if is_told else ["ab"])
