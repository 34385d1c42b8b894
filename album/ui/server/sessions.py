"""Session state with limits on its size, number and age.

Gradio copies the page's configuration, 0.6 MB, for each of up to 10,000 sessions. Only deep links
need the copy, and the album has none. This follows Gradio 6.31, which is pinned.
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
"""Number of sessions kept. Empty ones are dropped first, then closed ones, the oldest first."""
CLOSED_KEPT = timedelta(hours=1)  # for a laptop that was asleep
UNUSED_KEPT = timedelta(days=1)  # an open page polls every few seconds


class Session(SessionState):
    """The states and changed components of one session."""

    def __init__(self, blocks: gr.Blocks) -> None:
        """Start with the page as it was built."""
        self.blocks_config = copy(blocks.default_config)
        self.config_values = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, tuple[float, datetime]] = {}
        self.is_closed = False

    def __setitem__(self, key: int, value: Any) -> None:
        """Store a state or a changed component."""
        if isinstance(self.blocks_config.blocks.get(key), State):
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Skip the copy of a component's configuration."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Skip the copy of what the browser shows."""


class Sessions(StateHolder):
    """All sessions, used in the event loop only."""

    def __getitem__(self, session_id: str) -> SessionState:
        """Return the session, created when missing."""
        session = self.session_data.get(session_id)
        if session is None:
            self.session_data[session_id] = Session(self.blocks)
        else:
            session.is_closed = False  # it came back, or ends its last task
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """Record the use of a session, and drop the least valuable ones."""
        self.session_data.move_to_end(session_id)
        while len(self.session_data) > MOST:
            candidates = list(self.session_data)[:-1]
            self._drop(min(candidates, key=self._priority))

    def delete_all_expired_state(self) -> None:
        """Drop expired sessions. Gradio calls this once a second."""
        now = datetime.now()
        for session_id, session in list(self.session_data.items()):
            unused = now - self.time_last_used.get(session_id, now)
            empty = session.is_closed and not session.state_data
            if empty or unused > (CLOSED_KEPT if session.is_closed else UNUSED_KEPT):
                self._drop(session_id)

    def _priority(self, session_id: str) -> tuple[bool, bool]:
        session = self.session_data[session_id]
        return bool(session.state_data), not session.is_closed

    def _drop(self, session_id: str) -> None:
        """Drop a session with its unread messages of the queue."""
        self.session_data.pop(session_id, None)
        self.time_last_used.pop(session_id, None)
        queue = self.blocks._queue
        if not queue.pending_event_ids_session.get(session_id):
            queue.pending_event_ids_session.pop(session_id, None)
            queue.pending_messages_per_session.pop(session_id, None)


@asynccontextmanager
async def limit_sessions(app: Any) -> AsyncIterator[None]:
    """Replace the session store of an app, as a server lifespan."""
    sessions = Sessions()  # type: ignore[no-untyped-call]  # Gradio's own
    sessions.set_blocks(app.get_blocks())
    app.state_holder = sessions
    yield
