"""The web app that Gradio serves, with the guard in front of it from the first request on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from gradio.routes import App, ORJSONResponse

from album.ui.server.request_guard import RequestGuard


class GuardedApp(App):
    """Gradio's app, of which no route is reached but through a `RequestGuard`.

    Args:
        hosts: see `RequestGuard`.
        framed_by: see `RequestGuard`.
        settings: what FastAPI takes, such as `routes`. Gradio reads no `app_kwargs` beside an app.
    """

    def __init__(self, hosts: Collection[str], framed_by: Collection[str], **settings: Any) -> None:
        super().__init__(default_response_class=ORJSONResponse, **settings)  # as Gradio's own
        self._hosts, self._framed_by = hosts, framed_by

    def build_middleware_stack(self) -> Any:
        """Put the guard outside of all that Gradio adds, such as its answers to preflights."""
        return RequestGuard(super().build_middleware_stack(), self._hosts, self._framed_by)
