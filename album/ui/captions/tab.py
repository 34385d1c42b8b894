"""The Captions tab: which photos get captions and at what cost, how that goes, and the way of
captions, labels and stars out of the album."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from album.service import Album
from album.ui.captions.job_form import CaptionChoice
from album.ui.captions.job_list import CaptionJobsView
from album.ui.export.view import ExportView


class CaptionsTab:
    """The tab with its listeners; `enter` is wired by the page."""

    def __init__(self, album: Album, shown: gr.State, temp_dir: Path) -> None:
        """Build the tab.

        Args:
            album: the service.
            shown: what this browser found in Search last.
            temp_dir: Gradio's own, from which it serves downloads.
        """
        with gr.Row(elem_id="caption-steps"):
            with gr.Column(min_width=0):
                self.choice = CaptionChoice(album, shown)
            with gr.Column(min_width=0):
                self.jobs = CaptionJobsView(album)
        self.export = ExportView(album, shown, temp_dir)
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
        """Count anew which photos lack a caption and what may be taken out at each `event`."""
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        event(
            self.choice.enter, self.choice.inputs, self.choice.outputs,
            concurrency_limit=2, concurrency_id="estimate", **quiet,
        )  # fmt: skip
        event(self.export.look, self.export.inputs, self.export.look_outputs, **quiet)
