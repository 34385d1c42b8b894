"""Routes of the server for the timeline: its outline, and the photos of a part of it.

    GET timeline?<address of the page>&at=<id>     all days and shapes, and where that photo is
    GET timeline/photos?<address>&revision=…&from=…&count=…    what shows those photos

Both parse the address as the page does, and trust nothing of it. Only browsers that may see the
page get an answer.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode

import gradio as gr
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from album.domain.photo import Photo
from album.errors import AlbumError
from album.organizing.timeline import Memory, Order, TimelineRow
from album.search.reader_day import today_in
from album.search.request import SearchRequest
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import language_of, say, say_count
from album.ui.server.photo_routes import NEVER, may_enter
from album.ui.shared.photo_html import VERSION_LENGTH
from album.ui.shared.session_state import SearchState
from album.ui.shared.time_zone import time_zone_of

MOST_PHOTOS: Final = 400
"""Photos in one answer. More are cut off."""
LONG_BYTES: Final = 2_000
"""From this length on, answers are compressed."""
_NUMBER = re.compile("[0-9]{1,18}")
_REVISION = re.compile("[0-9a-f]{16}")

FromAddress = Callable[[Mapping[str, str]], SearchState]


def timeline_routes(album: Album, from_address: FromAddress) -> list[Route]:
    """Build the routes that `timeline.js` asks.

    Args:
        album: the service behind them.
        from_address: parses an address of the page.
    """

    def requested(request: Request) -> SearchRequest:
        return from_address(request.query_params).query.listed(time_zone_of(_page(request)))

    def outline(request: Request) -> Response:
        query, language = requested(request), language_of(_page(request))
        order = album.timeline.order(query)
        at = _number(request, "at")
        plain = query == SearchRequest(time_zone=query.time_zone)
        memories = album.timeline.memories(today_in(query.time_zone)) if plain else []
        return _json(
            request,
            _outline(order, language)
            | {
                "at": -1 if at is None else order.index_of(at),
                "memories": [_memory(memory, language) for memory in memories],
            },
        )

    def photos(request: Request) -> Response:
        revision = request.query_params.get("revision", "")
        first, count = _number(request, "from"), _number(request, "count")
        if first is None or not count or not _REVISION.fullmatch(revision):
            return Response(status_code=400)
        order = album.timeline.order_of(requested(request), revision)
        if order is None:
            return Response(status_code=409)  # the album has changed
        rows = album.timeline.rows(
            order, first, min(count, MOST_PHOTOS), language_of(_page(request))
        )
        return _json(request, [None if row is None else _row(row) for row in rows])

    def guarded(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def answer_guest(request: Request) -> Response:
            if not may_enter(request):
                return PlainTextResponse("Log in first.", 401)
            try:
                return answer(request)
            except AlbumError as error:  # an address of a search that has no timeline
                return PlainTextResponse(translate_failure(language_of(_page(request)), error), 400)

        return answer_guest

    return [
        Route("/timeline", guarded(outline), methods=["GET"]),
        Route("/timeline/photos", guarded(photos), methods=["GET"]),
    ]


def _page(request: Request) -> gr.Request:
    """Return a request as Gradio's, which has its headers and cookies as well."""
    return cast("gr.Request", request)


def _outline(order: Order, language: str) -> dict[str, Any]:
    return {
        "revision": order.revision,
        "language": language,
        "days": order.days,
        "ratios": base64.b64encode(order.ratios.tobytes()).decode(),
    }


def _row(row: TimelineRow) -> dict[str, Any]:
    photo = row.photo
    return {
        **_image(photo),
        "width": photo.width,
        "height": photo.height,
        "alt": row.caption.text if row.caption else photo.filename,
        "favourite": row.is_favourite,
    }


def _image(photo: Photo) -> dict[str, Any]:
    return {"id": photo.photo_id, "version": photo.sha256[:VERSION_LENGTH]}


def _memory(memory: Memory, language: str) -> dict[str, Any]:
    years = say_count(language, "years_ago_today", memory.years)
    days = {"q": memory.first.isoformat()}
    if memory.last != memory.first:  # 28 and 29 February
        days = {"after": memory.first.isoformat(), "before": memory.last.isoformat()}
    return {
        "text": say(
            language, "memory", years=years, photos=say_count(language, "photo", memory.count)
        ),
        "address": f"?{urlencode(days)}",
        "covers": [_image(photo) for photo in memory.covers],
    }


def _number(request: Request, key: str) -> int | None:
    text = request.query_params.get(key, "")
    return int(text) if _NUMBER.fullmatch(text) else None


def _json(request: Request, content: Any) -> Response:
    """Answer with JSON, compressed if it is long."""
    # File names may hold lone surrogates, which only escapes can carry.
    body = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    headers = {"Cache-Control": NEVER, "X-Content-Type-Options": "nosniff"}
    if len(body) > LONG_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 4)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(body, media_type="application/json", headers=headers)
