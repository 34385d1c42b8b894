"""Routes of the server for images of photos and for downloads of originals.

An address names a photo by its id and never a file. Only browsers that may see the page get an
answer. Files are sent from where they are stored, and never copied to a folder that Gradio serves.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from album.domain.photo import Photo
from album.errors import AlbumError, PhotoNotFoundError
from album.service import Album
from album.ui.shared.photo_html import VERSION_LENGTH

FOREVER = "private, max-age=31536000, immutable"
"""For an address that contains the version of its bytes."""
NEVER = "private, no-cache"


def photo_routes(album: Album) -> list[Route]:
    """Build the routes for the addresses of `photo_html.address`."""

    def thumbnail(request: Request, photo: Photo) -> Response:
        return _image(request, photo, album.originals.thumbnail(photo.sha256))

    def large(request: Request, photo: Photo) -> Response:
        return _image(request, photo, album.large_view(photo.photo_id))

    def original(request: Request, photo: Photo) -> Response:
        return FileResponse(
            album.originals.find(photo),
            media_type="application/octet-stream",  # browsers save it and never display it
            filename=photo.filename.encode(errors="replace").decode(),  # or lone surrogates
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": NEVER},
        )

    sizes = {"thumbnail": thumbnail, "large": large, "original": original}

    def send(request: Request) -> Response:
        if not may_enter(request):
            return PlainTextResponse("Log in first.", 401)
        answer = sizes.get(request.path_params["size"])
        try:
            photo = album.photo(request.path_params["photo_id"])
            if answer is not None:
                return answer(request, photo)
        except PhotoNotFoundError as error:
            return PlainTextResponse(str(error), 404)
        except FileNotFoundError:  # a thumbnail that is yet to be made again
            return Response(status_code=404)
        except AlbumError as error:
            return PlainTextResponse(str(error), 422)
        return Response(status_code=404)

    return [Route("/photos/{photo_id:int}/{size}", send, methods=["GET"])]


def _image(request: Request, photo: Photo, file: Path) -> Response:
    """Return a JPEG of the album's own making."""
    file.stat()  # Starlette would fail after the answer has begun
    is_current = request.query_params.get("v") == photo.sha256[:VERSION_LENGTH]
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
