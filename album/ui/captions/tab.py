"""The Captions tab: which photos get captions, at what cost, and how that goes."""

from __future__ import annotations

from typing import Any

import gradio as gr

from album.service import Album
from album.ui.captions.job_form import CaptionJobForm
from album.ui.captions.job_list import CaptionJobList


class CaptionsTab:
    """The tab with its listeners; `enter` is wired by the page."""

    def __init__(self, album: Album, shown: gr.State) -> None:
        """Build the tab.

        Args:
            album: the service.
            shown: what this browser found in Search last.
        """
        with gr.Row(elem_id="caption-steps"):
            with gr.Column(min_width=0):
                self.choice = CaptionJobForm(album, shown)
            with gr.Column(min_width=0):
                self.jobs = CaptionJobList(album)
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self.choice.start_button.click(
            self.choice.start, self.choice.inputs, self.choice.outputs,
            concurrency_limit=2, concurrency_id="estimate", **quiet,
        ).success(self.jobs.look, self.jobs.shown, self.jobs.outputs, **quiet)  # fmt: skip

        self._looked_again(self.jobs.ended.change)

    def listen(self, entered: Any) -> None:
        """Show what is new whenever `entered`, an event, happens."""
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self._looked_again(entered)
        entered(self.jobs.look, self.jobs.shown, self.jobs.outputs, concurrency_limit=None, **quiet)

    def _looked_again(self, event: Any) -> None:
        """Count the photos without a caption again at each `event`."""
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        event(
            self.choice.enter, self.choice.inputs, self.choice.outputs,
            concurrency_limit=2, concurrency_id="estimate", **quiet,
        )  # fmt: skip
