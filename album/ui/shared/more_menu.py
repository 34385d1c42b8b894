"""Menu at the head of the page with ways to the sections below the tabs."""

from __future__ import annotations

import gradio as gr

from album.ui.shared.scripts import worded_script

WORDS = ("more", "export_title", "about")


def build_more_menu() -> None:
    """Build the menu."""
    gr.HTML(
        elem_id="more",
        html_template="",
        js_on_load=worded_script(__file__, "more_menu.js", WORDS),
    )
