"""What a served album holds does not grow with those who have been there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from gradio_client import handle_file

from tests.benchmarks.visitors import held
from tests.served_album import SAMPLES, ServedAlbum, served_album
from tests.visitor import Visitor, load_page

SETTLED, MORE = 60, 120  # sessions
MOST_MB = 36.0  # 0.3 a session; with a copy of the page's configuration each holds twice as much


def test_memory_does_not_grow_by_a_page_for_each_session(tmp_path: Path) -> None:
    with served_album(tmp_path) as served:
        files = [handle_file(SAMPLES / name) for name in ("bus.png", "lion.jpg")]
        served.client().predict(files=files, api_name="/upload_photos")

        grown = asyncio.run(_grown(served))

    assert grown < MOST_MB


async def _grown(served: ServedAlbum) -> float:
    """By how many MB, with so many sessions more."""
    async with httpx.AsyncClient(base_url=served.url, timeout=120) as http:
        page = await load_page(http)
        for _ in range(SETTLED):
            await _visit(Visitor(http, page))
        before, _ = held(served.pid)
        for _ in range(MORE):
            await _visit(Visitor(http, page))
        return held(served.pid)[0] - before


async def _visit(visitor: Visitor) -> None:
    await visitor.arrive()
    await visitor.search("lion")
    await visitor.leave()
