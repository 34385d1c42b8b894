"""Keys of the whole page, and the first stop of the Tab key, which skips its head."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from album.ui.shared.scripts import worded_script

_ROVING = Path(__file__).with_name("roving.js")
"""Used by scripts of later components."""


def build_page_keys() -> None:
    """Build the component, which has to be the first of the page."""
    gr.HTML(
        elem_id="skip",
        html_template="",
        js_on_load=(
            f"{_ROVING.read_text('utf-8')}\n{worded_script(__file__, 'page_keys.js', ('skip',))}"
        ),
    )
