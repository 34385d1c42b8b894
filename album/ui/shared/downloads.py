"""Downloads of originals, sent from where they are stored.

They are never copied to a folder that Gradio serves. An address names a photo by its id, never a
file. Only browsers that may see the page get them.
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
"""JavaScript that downloads an address without leaving the page."""


def address_of(photo: Photo) -> str:
    """Return the address of a photo's original, relative to the page."""
    return f"original/{photo.photo_id}"


def route_of_originals(album: Album) -> Route:
    """Build the server's route for `address_of`."""

    def send(request: Request) -> Response:
        if not _may_enter(request):
            return PlainTextResponse("Log in first.", 401)
        photo_id: int = request.path_params["photo_id"]
        try:
            photo = album.photo(photo_id)
            return _attachment(album.originals.find(photo), photo.filename)
        except PhotoNotFoundError as error:
            return PlainTextResponse(str(error), 404)

    return Route("/original/{photo_id:int}", send, methods=["GET"])


def _attachment(file: Path, name: str) -> FileResponse:
    """Return a response that browsers save and never display."""
    return FileResponse(
        file,
        media_type="application/octet-stream",
        filename=name.encode(errors="replace").decode(),  # an old disk may have lone surrogates
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"},
    )


def _may_enter(request: Request) -> bool:
    """Check that no login is needed, or that there was one."""

    app = request.app
    if app.auth is None:
        return True
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(request.cookies.get(name) in app.tokens for name in names)
