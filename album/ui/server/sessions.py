"""What the server keeps of each browser and program: little, and not for ever.

Gradio copies the page's whole configuration for each session, 0.6 MB, and keeps 10,000 of them.
Only deep links need the copy, and the album has none. This follows Gradio 6.31, which is pinned.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from gradio.components import State
from gradio.state_holder import SessionState, StateHolder

MOST = 200
"""Sessions that are kept; those that hold nothing go first, then closed ones, the oldest first."""
CLOSED_KEPT = timedelta(hours=1)  # a laptop that slept goes on where it was
UNUSED_KEPT = timedelta(days=1)  # an open page asks for the status every few seconds


class Session(SessionState):
    """The states of one session and the components that it changed."""

    def __init__(self, blocks: gr.Blocks) -> None:
        """Begin with the page as it was built."""
        self.blocks_config = copy(blocks.default_config)
        self.config_values = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, tuple[float, datetime]] = {}
        self.is_closed = False

    def __setitem__(self, key: int, value: Any) -> None:
        """Keep a state, or a component that was changed."""
        if isinstance(self.blocks_config.blocks.get(key), State):
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Keep no copy of a changed component's configuration."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Keep no copy of what the browser shows."""


class Sessions(StateHolder):
    """All sessions; only the event loop touches them."""

    def __getitem__(self, session_id: str) -> SessionState:
        """The session, which is made where there is none."""
        known = self.session_data.get(session_id)
        if known is None:
            self.session_data[session_id] = Session(self.blocks)
        else:
            known.is_closed = False  # it came back, or does its last work
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """Note that a session is in use; others make room for it."""
        self.session_data.move_to_end(session_id)
        while len(self.session_data) > MOST:
            others = list(self.session_data)[:-1]
            self._drop(min(others, key=self._worth))

    def delete_all_expired_state(self) -> None:
        """Drop the sessions that nobody comes back to; Gradio calls it once a second."""
        now = datetime.now()
        for session_id, session in list(self.session_data.items()):
            unused = now - self.time_last_used.get(session_id, now)
            empty = session.is_closed and not session.state_data
            if empty or unused > (CLOSED_KEPT if session.is_closed else UNUSED_KEPT):
                self._drop(session_id)

    def _worth(self, session_id: str) -> tuple[bool, bool]:
        session = self.session_data[session_id]
        return bool(session.state_data), not session.is_closed

    def _drop(self, session_id: str) -> None:
        """Forget a session, and the messages of the queue that nobody has fetched."""
        self.session_data.pop(session_id, None)
        self.time_last_used.pop(session_id, None)
        queue = self.blocks._queue
        if not queue.pending_event_ids_session.get(session_id):
            queue.pending_event_ids_session.pop(session_id, None)
            queue.pending_messages_per_session.pop(session_id, None)


@asynccontextmanager
async def limit_sessions(app: Any) -> AsyncIterator[None]:
    """Have a page keep its sessions this way; a lifespan of the server that is launched."""
    sessions = Sessions()  # type: ignore[no-untyped-call]  # Gradio's own
    sessions.set_blocks(app.get_blocks())
    app.state_holder = sessions
    yield
