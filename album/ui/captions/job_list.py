"""The caption jobs on the page: how each stands, what keeps it, what failed and why.

All of it is read from the database, so that every browser, the command line and a restart show the
same. The browser sends along which state it shows; only what differs is sent.
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
from album.ui.photo.caption_html import FAILURES_SHOWN, render_job
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.change_digest import MOST_ROWS, digest
from album.ui.shared.photo_html import img
from album.ui.shared.updates import Updates

AT_WORK_S = 1.0  # how often a browser asks while captions are written
IDLE_S = 5.0
JOBS_SHOWN = 8
ON_LOAD = Path(__file__).with_name("job_list.js").read_text("utf-8")


class CaptionJobList:
    """Components and listeners; a photo that failed is opened by whoever places it."""

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
        """Changes when a job comes to its end."""
        quiet: dict[str, Any] = {
            "api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None,
        }  # fmt: skip
        self.list.select(self.press, self.shown, self.outputs, **quiet)
        self._timer.tick(self.look, self.shown, self.outputs, queue=False, **quiet)

    @property
    def outputs(self) -> list[Any]:
        """What `look` returns updates for."""
        return [self.shown, self._column, self._today, self.list, self._timer, self.ended]

    def look(self, shown: str | None, request: gr.Request) -> Updates:
        """What has changed since this browser looked last, which sends along what it shows."""
        language = language_of(request)
        progress = self._album.captions.progress(JOBS_SHOWN)
        resting = progress.resting_until and progress.resting_until.replace(second=0, microsecond=0)
        now = digest((progress.jobs, resting, progress.why_resting, progress.today, language))
        if now == shown:
            return {self.shown: gr.skip()}
        at_work = any(it.state == "running" for it in progress.jobs)
        today = ""
        if progress.sends and progress.per_day:
            words = say(language, "job_today", n=progress.today, daily=progress.per_day)
            today = f'<p class="note">{words}</p>'
        return {
            self.shown: now,
            self._column: gr.update(visible=bool(progress.jobs)),
            self._today: today,
            self.list: self._told(progress, language),
            self._timer: gr.update(value=AT_WORK_S if at_work else IDLE_S),
            self.ended: max((it.job_id for it in progress.jobs if it.ended), default=0)
            + sum(it.written + it.failed for it in progress.jobs if it.ended),
        }

    @alerts_on_failure
    def press(self, shown: str | None, event: gr.SelectData, request: gr.Request) -> Updates:
        """A button of a job."""
        captions = self._album.captions
        steers = {
            "pause": captions.pause,
            "go_on": captions.resume,
            "cancel": captions.cancel,
            "try_again": captions.retry,
        }
        number = event.index if isinstance(event.index, int) else -1
        if event.value in steers and 0 <= number < MOST_ROWS:
            try:
                steers[event.value](number)
            except QueryError:  # of another browser's making: what there is now is shown
                return self.look(None, request)
        return self.look(shown, request)

    def _told(self, progress: CaptionProgress, language: str) -> str:
        running = [it.job_id for it in progress.jobs if it.state == "running"]
        return "".join(
            render_job(
                it,
                progress,
                self._failures(it),
                first=it.job_id == min(running, default=0),
                language=language,
            )
            for it in progress.jobs
        )

    def _failures(self, it: CaptionJob) -> list[tuple[CaptionFailure, str, Markup]]:
        if not it.failed:
            return []
        failures = self._album.captions.failures(it.job_id, FAILURES_SHOWN)
        photos = self._album.store.get_many([failure.photo_id for failure in failures])
        thumbnail = self._album.originals.thumbnail
        return [
            (failure, photo.filename, img(thumbnail(photo.sha256), ""))
            for failure in failures
            if (photo := photos.get(failure.photo_id)) is not None
        ]
