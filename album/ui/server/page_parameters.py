"""Removal of Gradio's own parameters from addresses of the page.

Gradio reads `page` as one of its pages, and fails with status 500 if there is no such page. A
`deep_link` would replace the page by a stored state, and the album stores none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

FORBIDDEN: Final = (b"page", b"deep_link")
PATHS: Final = ("", "/config")


class PageParameters:
    """ASGI middleware that hides the parameters of `FORBIDDEN` from Gradio."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Forward a request, without the parameters if it asks for the page."""
        if scope["type"] == "http" and self._is_page(scope):
            scope = {**scope, "query_string": _without(scope.get("query_string", b""))}
        await self._app(scope, receive, send)

    @staticmethod
    def _is_page(scope: Scope) -> bool:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return path.rstrip("/") in PATHS


def _without(query: bytes) -> bytes:
    parts = query.split(b"&")
    return b"&".join(part for part in parts if _name(part) not in FORBIDDEN)


def _name(part: bytes) -> bytes:
    """Return the decoded name of `name=value`."""
    return unquote_to_bytes(part.partition(b"=")[0].replace(b"+", b" "))
