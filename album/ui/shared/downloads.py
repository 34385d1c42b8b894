"""Originals to download: sent from where they lie, never copied to where Gradio serves files.

An address names a photo by its id, never a file. Whoever may see the page may have them, no one
else.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from album.domain.photo import Photo
from album.errors import PhotoNotFoundError
from album.service import Album

PRESS = (
    "(address) => { const link = document.createElement('a'); link.href = address;"
    " link.download = ''; document.body.append(link); link.click(); link.remove(); }"
)
"""Begins the download of an address; the page stays where it is."""


def address_of(photo: Photo) -> str:
    """Where the browser finds the original of a photo, from the page."""
    return f"original/{photo.photo_id}"


def route_of_originals(album: Album) -> Route:
    """The route that answers `address_of`, for the server that shows the page."""

    def send(request: Request) -> Response:
        if not _may_enter(request):
            return PlainTextResponse("Log in first.", 401)
        photo_id: int = request.path_params["photo_id"]
        try:
            photo = album.photo(photo_id)
            return _attached(album.originals.find(photo), photo.filename)
        except PhotoNotFoundError as error:
            return PlainTextResponse(str(error), 404)

    return Route("/original/{photo_id:int}", send, methods=["GET"])


def _attached(file: Path, name: str) -> FileResponse:
    """A file that no browser opens by itself, whatever it is."""
    return FileResponse(
        file,
        media_type="application/octet-stream",
        filename=name.encode(errors="replace").decode(),  # an old disk may have half letters
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"},
    )


def _may_enter(request: Request) -> bool:
    """Whether Gradio would show the page: it asks for no login, or this browser has logged in."""
    app = request.app
    if app.auth is None:
        return True
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(request.cookies.get(name) in app.tokens for name in names)
