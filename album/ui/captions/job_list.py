"""The caption jobs on the page: progress, delays and failures.

All of it is read from the database, so every browser sees jobs of the command line and of earlier
runs. The browser sends along which state it shows, and only differences are sent back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from album.domain.captions import CaptionFailure, CaptionJob, CaptionProgress
from album.errors import QueryError
from album.service import Album
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.photo import caption_html
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.change_digest import MOST_ROWS, digest
from album.ui.shared.photo_html import photo_tile
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates

AT_WORK_S = 1.0  # polling interval while captions are written
IDLE_S = 5.0
JOBS_SHOWN = 8
ON_LOAD = Path(__file__).with_name("job_list.js").read_text("utf-8")


class CaptionJobList:
    """Components and listeners."""

    def __init__(self, album: Album) -> None:
        self._album = album
        with gr.Column(elem_id="caption-jobs", visible=False) as self._column:
            gr.Markdown(i18n("caption_jobs"), elem_classes="step")
            self._today = gr.HTML(elem_id="caption-today")
            self.list = gr.HTML(elem_id="caption-list", js_on_load=ON_LOAD)
        self._timer = gr.Timer(IDLE_S)
        # A component, not a state: it holds what this browser really shows.
        self.shown = gr.Textbox(visible="hidden", elem_classes="plumbing")
        self.ended = gr.Number(0, visible="hidden", elem_classes="plumbing")
        """Changes when a job ends."""
        quiet: dict[str, Any] = {
            "api_visibility": "private",
            "show_progress": "hidden",
            "concurrency_limit": None,
        }
        self.list.select(self.on_button, self.shown, self.outputs, **quiet)
        self._timer.tick(self.look, self.shown, self.outputs, queue=False, **quiet)

    @property
    def outputs(self) -> list[Any]:
        """List the components that `look` updates."""
        return [self.shown, self._column, self._today, self.list, self._timer, self.ended]

    def look(self, state: str | None, request: gr.Request) -> Updates:
        """Update what differs from `state`, the state that this browser shows."""
        language = language_of(request)
        progress = self._album.captions.progress(JOBS_SHOWN)
        resting = progress.resting_until
        if resting is not None:  # a new time a second later is no news
            resting = resting.replace(second=0, microsecond=0)
        now = digest((progress.jobs, resting, progress.why_resting, progress.today, language))
        if now == state:
            return {self.shown: gr.skip()}
        at_work = any(job.state == "running" for job in progress.jobs)
        today = ""
        if progress.sends and progress.per_day:
            message = say(language, "job_today", n=progress.today, daily=progress.per_day)
            today = render("captions/message.html", language, kind="note", message=message)
        ended = [job for job in progress.jobs if job.ended]
        return {
            self.shown: now,
            self._column: gr.update(visible=bool(progress.jobs)),
            self._today: today,
            self.list: self._job_html(progress, language),
            self._timer: gr.update(value=AT_WORK_S if at_work else IDLE_S),
            self.ended: max((job.job_id for job in ended), default=0)
            + sum(job.written + job.failed for job in ended),
        }

    @alerts_on_failure
    def on_button(self, state: str | None, event: gr.SelectData, request: gr.Request) -> Updates:
        """Handle a button of a job."""
        captions = self._album.captions
        actions = {
            "pause": captions.pause,
            "go_on": captions.resume,
            "cancel": captions.cancel,
            "try_again": captions.retry,
        }
        number = event.index if isinstance(event.index, int) else -1
        if event.value in actions and 0 <= number < MOST_ROWS:
            try:
                actions[event.value](number)
            except QueryError:  # another browser was faster, so show the current state
                return self.look(None, request)
        return self.look(state, request)

    def _job_html(self, progress: CaptionProgress, language: str) -> str:
        running = [job.job_id for job in progress.jobs if job.state == "running"]
        return "".join(
            caption_html.render_job(
                job,
                progress,
                self._failures(job),
                first=job.job_id == min(running, default=0),
                language=language,
            )
            for job in progress.jobs
        )

    def _failures(self, job: CaptionJob) -> list[tuple[CaptionFailure, str, Markup]]:
        if not job.failed:
            return []
        failures = self._album.captions.failures(job.job_id, caption_html.FAILURES_SHOWN)
        photos = self._album.store.get_many([failure.photo_id for failure in failures])
        return [
            (failure, photo.filename, photo_tile(photo, photo.filename, "open"))
            for failure in failures
            if (photo := photos.get(failure.photo_id)) is not None
        ]
