"""The web app that Gradio serves, behind the request guard."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from gradio.routes import App, ORJSONResponse

from album.ui.server.event_streams import EventStreams
from album.ui.server.page_parameters import PageParameters
from album.ui.server.request_guard import RequestGuard
from album.ui.server.temp_names import TempNames
from album.ui.shared.queue_lanes import LaneQueue


class GuardedApp(App):
    """Gradio's app, with every route behind a `RequestGuard`.

    Args:
        hosts: see `RequestGuard`.
        framed_by: see `RequestGuard`.
        timeout_s: see `RequestGuard`.
        temp_dir: the folder whose path `TempNames` hides.
        settings: of FastAPI, such as `routes`. Gradio ignores `app_kwargs` when it gets an app.
    """

    def __init__(
        self,
        hosts: Collection[str],
        framed_by: Collection[str],
        timeout_s: float,
        temp_dir: Path,
        **settings: Any,
    ) -> None:
        super().__init__(default_response_class=ORJSONResponse, **settings)  # as Gradio's own
        self._hosts, self._framed_by, self._timeout_s = hosts, framed_by, timeout_s
        self._temp_dir = temp_dir

    def build_middleware_stack(self) -> Any:
        """Put the guard outside of Gradio's middleware, such as its preflight answers."""
        parameters = PageParameters(super().build_middleware_stack())
        streams = EventStreams(parameters, self._note_closed_stream)
        names = TempNames(streams, self._temp_dir)
        return RequestGuard(names, self._hosts, self._framed_by, self._timeout_s)

    def _note_closed_stream(self, session_hash: str) -> None:
        queue = self.get_blocks()._queue
        if isinstance(queue, LaneQueue):
            queue.note_closed_stream(session_hash)
