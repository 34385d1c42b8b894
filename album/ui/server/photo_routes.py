"""Routes of the server for images of photos and for downloads of originals.

An address names a photo by its id and never a file. Only browsers that may see the page get an
answer. Files are sent from where they are stored, and never copied to a folder that Gradio serves.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from album.domain.photo import Photo, ViewKind
from album.errors import AlbumError, PhotoNotFoundError
from album.service import Album
from album.ui.shared.photo_html import VERSION_LENGTH

FOREVER = "private, max-age=31536000, immutable"
"""For an address that contains the version of its bytes."""
NEVER = "private, no-cache"
VIEWS_AT_ONCE = 2
"""How many views are made at once. Others wait, and end with their connection."""
HTTP_CLIENT_IS_GONE = 499


def photo_routes(album: Album) -> list[Route]:
    """Build the routes for the addresses of `photo_html.address`."""

    making = asyncio.Semaphore(VIEWS_AT_ONCE)

    def thumbnail(request: Request, photo: Photo) -> Response:
        return _image(request, photo, album.originals.thumbnail(photo.sha256))

    async def view(request: Request, photo: Photo, kind: ViewKind) -> Response:
        file = await run_in_threadpool(album.images.find_view, photo, kind)
        if file is None:
            await request.body()  # only after this a lost connection can be noticed
            async with making:
                if await request.is_disconnected():  # the photo was passed meanwhile
                    return Response(status_code=HTTP_CLIENT_IS_GONE)
                file = await run_in_threadpool(album.images.view, photo, kind)
        return _image(request, photo, file, may_keep=file == album.images.view_path(photo, kind))

    def original(request: Request, photo: Photo) -> Response:
        return FileResponse(
            album.originals.find(photo),
            media_type="application/octet-stream",  # browsers save it and never display it
            filename=photo.filename.encode(errors="replace").decode(),  # or lone surrogates
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": NEVER},
        )

    sizes = {"thumbnail": thumbnail, "original": original}

    async def send(request: Request) -> Response:
        if not may_enter(request):
            return PlainTextResponse("Log in first.", 401)
        size = request.path_params["size"]
        try:
            photo = await run_in_threadpool(album.photo, request.path_params["photo_id"])
            if size in sizes:
                return await run_in_threadpool(sizes[size], request, photo)
            if size in ("large", "full"):
                return await view(request, photo, size)
        except PhotoNotFoundError as error:
            return PlainTextResponse(str(error), 404)
        except FileNotFoundError:  # a thumbnail that is yet to be made again
            return Response(status_code=404)
        except AlbumError as error:
            return PlainTextResponse(str(error), 422)
        return Response(status_code=404)

    return [Route("/photos/{photo_id:int}/{size}", send, methods=["GET"])]


def _image(request: Request, photo: Photo, file: Path, *, may_keep: bool = True) -> Response:
    """Return a JPEG of the album's own making.

    Args:
        request: the request.
        photo: the photo.
        file: the JPEG.
        may_keep: whether it is what was asked for. A browser must not keep what stands for it.
    """
    file.stat()  # Starlette would fail after the answer has begun
    is_current = may_keep and request.query_params.get("v") == photo.sha256[:VERSION_LENGTH]
    return FileResponse(
        file,
        media_type="image/jpeg",
        headers={"Cache-Control": FOREVER if is_current else NEVER},
    )


def may_enter(request: Request) -> bool:
    """Check that no login is needed, or that there was one."""
    app = request.app
    if app.auth is None:
        return True
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(request.cookies.get(name) in app.tokens for name in names)
