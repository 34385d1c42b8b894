"""Parameters that Gradio would read as its own do not reach it."""

from __future__ import annotations

from typing import Any

import pytest

from album.ui.server.page_parameters import PageParameters
from tests.support.event_loop import run


def forwarded(path: str, query: bytes, **more: Any) -> Any:
    """What the app behind the middleware is asked."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    scope = {"type": "http", "path": path, "query_string": query, **more}
    run(PageParameters(app)(scope, None, None))
    return scopes[0]["query_string"]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (b"page=2", b""),
        (b"q=snow&page=2&p=3", b"q=snow&p=3"),
        (b"deep_link=x&__theme=dark", b"__theme=dark"),
        (b"p%61ge=2&q=%EB%88%88", b"q=%EB%88%88"),
        (b"page&page=&q=page", b"q=page"),
        (b"pages=1&page2=1&q=a+b&view=map", b"pages=1&page2=1&q=a+b&view=map"),
        (b"%ff=1&=2&&", b"%ff=1&=2&&"),
    ],
)
def test_page_is_asked_without_gradio_parameters(query: bytes, left: bytes) -> None:
    assert forwarded("/", query) == left
    assert forwarded("/config", query) == left
    assert forwarded("/album/", query, root_path="/album") == left


def test_other_addresses_keep_their_parameters() -> None:
    assert forwarded("/gradio_api/queue/join", b"page=2") == b"page=2"
    assert forwarded("/photos/3/original", b"page=2") == b"page=2"


def test_lifespan_events_are_forwarded() -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    run(PageParameters(app)({"type": "lifespan"}, None, None))

    assert scopes == [{"type": "lifespan"}]
