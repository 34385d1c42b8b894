"""The queue of the page: lanes that programs cannot fill, and the order of each browser kept.

Gradio has one bound for all that waits, so a program could shut out every browser, and an order
only where one event runs at a time. This follows Gradio 6.31, whose version is pinned.
"""

from __future__ import annotations

import random
from typing import Any

import fastapi
import gradio as gr
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, EventQueue, Queue

AT_ONCE = 4  # events of a lane that names no number of its own

SEARCHES: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "search"}
PICTURES: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "pictures"}
"""Of pictures to search with: a large one takes seconds, and searches of others pass it by."""
CAPTIONS: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "caption"}
ORDERS = {"search": "search", "pictures": "search", "caption": "caption"}
"""By lane, the order it belongs to: there a session's events run one by one, as they came."""

# Together fewer than the 40 events that Gradio runs at once: the page always gets on.
PROGRAM_SEARCHES: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "programs: search"}
PROGRAM_CLASSES: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "programs: classify"}
PROGRAM_UPLOADS: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "programs: upload"}
PROGRAM_CAPTIONS: dict[str, Any] = {"concurrency_limit": 8, "concurrency_id": "programs: caption"}
PROGRAM_FACTS: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "programs: facts"}

MOST_OF_PROGRAMS = 64
"""Calls that may wait in a lane of public endpoints."""
MOST_OF_PAGE = 500
"""Events of browsers that may wait in a lane."""
TELL_EVERY_S = 2.0  # where in the queue an event is; after every event costs the square of it
BUSY = "{n} calls of this kind wait already; try again in a moment."


class LaneQueue(Queue):
    """Bounds each lane by itself and picks what runs next."""

    def __init__(self, page: gr.Blocks) -> None:
        """Make the queue of a page; `use` puts it in its place."""
        super().__init__(
            live_updates=False,
            concurrency_count=page.max_threads,
            update_intervals=TELL_EVERY_S,
            max_size=None,
            blocks=page,
            default_concurrency_limit=AT_ONCE,
        )
        self.ANALYTICS_MAX_EVENTS = 1  # nobody sees them; 10,000 are kept by default

    def compute_analytics_summary(self, records: Any) -> Any:
        """Leave out what Gradio makes a data frame for after every event."""
        return self.cached_event_analytics_summary

    async def push(
        self, body: PredictBodyInternal, request: fastapi.Request, username: str | None
    ) -> Any:
        """Take an event in, or refuse it where its lane is full."""
        fn = self.blocks.fns.get(-1 if body.fn_index is None else body.fn_index)
        if fn is not None:
            lane = self.event_queue_per_concurrency_id.get(fn.concurrency_id)
            most = MOST_OF_PROGRAMS if fn.api_visibility == "public" else MOST_OF_PAGE
            if lane is not None and len(lane.queue) >= most:
                return False, BUSY.format(n=most), "queue_full"
        return await super().push(body, request, username)

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Take the event that runs next out of its lane; None where none may run now."""
        lanes = list(self.event_queue_per_concurrency_id.values())
        random.shuffle(lanes)
        for lane in lanes:
            limit = lane.concurrency_limit
            if lane.queue and (limit is None or lane.current_concurrency < limit):
                event = self._next_of(lane)
                if event is not None:
                    lane.queue.remove(event)
                    return [event], False, lane.concurrency_id
        return None

    def _next_of(self, lane: EventQueue) -> Event | None:
        """The one that waits longest, of those whose session has none running or waiting before.

        Only in lanes where order matters; elsewhere the one that waits longest.
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
        before: dict[str, float] = {}
        for name, other in self.event_queue_per_concurrency_id.items():
            if ORDERS.get(name) == order and other is not lane:
                for event in reversed(other.queue):
                    before[event.session_hash] = event.enqueue_time
        return next(
            (
                event
                for event in lane.queue
                if event.session_hash not in running
                and event.enqueue_time <= before.get(event.session_hash, event.enqueue_time)
            ),
            None,
        )


def use_lanes(page: gr.Blocks) -> None:
    """Give a page this queue; before it is launched."""
    page.queue(default_concurrency_limit=AT_ONCE)
    page._queue = LaneQueue(page)
