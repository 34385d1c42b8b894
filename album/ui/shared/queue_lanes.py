"""Event queue of the page with separate lanes for programs and browsers.

Gradio bounds all waiting events together, so a program could shut out every browser. It also keeps
order only where one event runs at a time. `LaneQueue` bounds each lane and keeps the order of each
browser. It follows Gradio 6.31, whose version is pinned.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import fastapi
import gradio as gr
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, EventQueue, Queue

DEFAULT_CONCURRENCY = 4

SEARCHES: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "search"}
PICTURES: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "pictures"}
"""Lane of query images: a large one takes seconds and must not delay other searches."""
CAPTIONS: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "caption"}
ORDERS = {"search": "search", "pictures": "search", "caption": "caption"}
"""Ordering group of a lane: a session's events in one group run one by one, first come first."""

# Together below the 40 events that Gradio runs at once, so the page is never blocked.
PROGRAM_SEARCHES: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "programs: search"}
PROGRAM_CLASSES: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "programs: classify"}
PROGRAM_UPLOADS: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "programs: upload"}
PROGRAM_CAPTIONS: dict[str, Any] = {"concurrency_limit": 8, "concurrency_id": "programs: caption"}
PROGRAM_FACTS: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "programs: facts"}

MOST_OF_PROGRAMS = 64
"""Most calls that may wait in a lane of public endpoints."""
MOST_OF_PAGE = 500
"""Most events of browsers that may wait in a lane."""
UPDATE_INTERVAL_S = 2.0
"""Period of queue positions: sending them after every event costs quadratic time."""
CLOSING_S = 0.15
"""The answer to an event takes so long after the end of a stream, for the browser to learn of that
before."""
BUSY = "{n} calls of this kind wait already; try again in a moment."


class LaneQueue(Queue):
    """Queue that bounds each lane separately and orders each session's events."""

    def __init__(self, page: gr.Blocks) -> None:
        """Create the queue of a page. `use_lanes` installs it."""
        super().__init__(
            live_updates=False,
            concurrency_count=page.max_threads,
            update_intervals=UPDATE_INTERVAL_S,
            max_size=None,
            blocks=page,
            default_concurrency_limit=DEFAULT_CONCURRENCY,
        )
        self.ANALYTICS_MAX_EVENTS = 1  # unused, and 10,000 are kept by default
        self._closed_at: dict[str, float] = {}

    def compute_analytics_summary(self, records: Any) -> Any:
        """Skip the data frame that Gradio builds after every event."""
        return self.cached_event_analytics_summary

    async def push(
        self, body: PredictBodyInternal, request: fastapi.Request, username: str | None
    ) -> Any:
        """Queue an event, or refuse it when its lane is full."""
        fn = self.blocks.fns.get(-1 if body.fn_index is None else body.fn_index)
        if fn is not None:
            lane = self.event_queue_per_concurrency_id.get(fn.concurrency_id)
            most = MOST_OF_PROGRAMS if fn.api_visibility == "public" else MOST_OF_PAGE
            if lane is not None and len(lane.queue) >= most:
                return False, BUSY.format(n=most), "queue_full"
        pushed = await super().push(body, request, username)
        if fn is None or fn.api_visibility != "public":  # programs follow their streams in order
            closed_at = self._closed_at.get(body.session_hash or "", -CLOSING_S)
            await asyncio.sleep(max(0.0, closed_at + CLOSING_S - time.monotonic()))
        return pushed

    def note_closed_stream(self, session_hash: str) -> None:
        """Let the answers to a session's events wait until its browser knows of the end."""
        now = time.monotonic()
        recent = {other: at for other, at in self._closed_at.items() if at > now - CLOSING_S}
        self._closed_at = {**recent, session_hash: now}

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Remove the next event, or return None if none may run."""
        lanes = list(self.event_queue_per_concurrency_id.values())
        random.shuffle(lanes)
        for lane in lanes:
            limit = lane.concurrency_limit
            if lane.queue and (limit is None or lane.current_concurrency < limit):
                event = self._next_event(lane)
                if event is not None:
                    lane.queue.remove(event)
                    return [event], False, lane.concurrency_id
        return None

    def _next_event(self, lane: EventQueue) -> Event | None:
        """Return the oldest event that may run.

        In an ordering group, an event may run once its session has none running or waiting before
        it there. Elsewhere the oldest event may run.
        """
        order = ORDERS.get(lane.concurrency_id)
        if order is None:
            return lane.queue[0]
        running = {
            event.session_hash
            for job in self.active_jobs
            for event in job or ()
            if ORDERS.get(event.concurrency_id) == order
        }
        oldest: dict[str, float] = {}
        for name, other in self.event_queue_per_concurrency_id.items():
            if ORDERS.get(name) == order and other is not lane:
                for event in reversed(other.queue):
                    oldest[event.session_hash] = event.enqueue_time
        return next(
            (
                event
                for event in lane.queue
                if event.session_hash not in running
                and event.enqueue_time <= oldest.get(event.session_hash, event.enqueue_time)
            ),
            None,
        )


def use_lanes(page: gr.Blocks) -> None:
    """Install a `LaneQueue` in a page that has not been launched."""
    page.queue(default_concurrency_limit=DEFAULT_CONCURRENCY)
    page._queue = LaneQueue(page)
