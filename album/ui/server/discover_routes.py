"""Routes of the server for the map: where the photos are, and what they are called."""

from __future__ import annotations

import hashlib
import re

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from album.errors import AlbumError
from album.organizing.discovery import AlbumMap
from album.service import Album
from album.ui.i18n.messages import reader_language
from album.ui.server.photo_routes import NEVER, may_enter
from album.ui.shared.photo_html import VERSION_LENGTH

MOST_ROWS = 200
_IDS = re.compile(r"[0-9]{1,18}(?:,[0-9]{1,18})*", re.ASCII)


def discover_routes(album: Album) -> list[Route]:
    """Build the routes that `album_map.js` asks."""

    def send_map(request: Request) -> Response:
        if not may_enter(request):
            return PlainTextResponse("Log in first.", 401)
        try:
            album_map = album.discovery.map()
        except AlbumError as error:
            return PlainTextResponse(str(error), 503)
        if album_map is None:
            return Response(status_code=404)
        body = packed(album_map)
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"Cache-Control": NEVER, "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/octet-stream", headers=headers)

    def send_photos(request: Request) -> Response:
        if not may_enter(request):
            return PlainTextResponse("Log in first.", 401)
        ids = request.query_params.get("ids", "")
        if not _IDS.fullmatch(ids) or ids.count(",") >= MOST_ROWS:
            return Response(status_code=422)
        photo_ids = [int(number) for number in ids.split(",")]
        language = reader_language(request.headers)
        photos = album.store.get_many(photo_ids)
        captions = album.caption_store.get_many(photo_ids, language)
        rows = [
            {
                "id": photo.photo_id,
                "version": photo.sha256[:VERSION_LENGTH],
                "width": photo.width,
                "height": photo.height,
                "alt": captions[photo.photo_id].text
                if photo.photo_id in captions
                else photo.filename.encode(errors="replace").decode(),
            }
            for photo in photos.values()
        ]
        return JSONResponse(rows, headers={"Cache-Control": NEVER})

    return [
        Route("/discover/map", send_map, methods=["GET"]),
        Route("/discover/photos", send_photos, methods=["GET"]),
    ]


def packed(album_map: AlbumMap) -> bytes:
    """Pack a map for the browser, little-endian.

    Its parts: the number n of photos (uint32), n ids (uint32), n places from left to right
    (uint16), n from top to bottom (uint16), and n themes (uint16) by their places in the list.
    """
    return b"".join(
        (
            np.array([len(album_map.ids)], "<u4").tobytes(),
            album_map.ids.astype("<u4").tobytes(),
            np.ascontiguousarray(album_map.positions[:, 0], "<u2").tobytes(),
            np.ascontiguousarray(album_map.positions[:, 1], "<u2").tobytes(),
            album_map.themes.astype("<u2").tobytes(),
        )
    )
