"""The Captions tab with its form and its list of jobs."""

from __future__ import annotations

from typing import Any

import gradio as gr

from album.service import Album
from album.ui.captions.job_form import CaptionJobForm
from album.ui.captions.job_list import CaptionJobList

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
ESTIMATE: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "estimate", **QUIET}


class CaptionsTab:
    """The tab with its listeners, of which the page calls `listen`."""

    def __init__(self, album: Album, shown: gr.State) -> None:
        """Build the tab.

        Args:
            album: the service.
            shown: the state of the Search tab, with the last search.
        """
        with gr.Row(elem_id="caption-steps"):
            with gr.Column(min_width=0):
                self.choice = CaptionJobForm(album, shown)
            with gr.Column(min_width=0):
                self.jobs = CaptionJobList(album)
        choice, jobs = self.choice, self.jobs
        choice.start_button.click(choice.start, choice.inputs, choice.outputs, **ESTIMATE).success(
            jobs.look, jobs.shown, jobs.outputs, **QUIET
        )
        jobs.ended.change(choice.enter, choice.inputs, choice.outputs, **ESTIMATE)

    def listen(self, entered: Any) -> None:
        """Update form and jobs at each event `entered`."""
        choice, jobs = self.choice, self.jobs
        entered(choice.enter, choice.inputs, choice.outputs, **ESTIMATE)
        entered(jobs.look, jobs.shown, jobs.outputs, concurrency_limit=None, **QUIET)
