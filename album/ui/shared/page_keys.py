"""Keys of the whole page, and the first stop of the Tab key, which skips its head."""

from __future__ import annotations

import gradio as gr

from album.ui.shared.scripts import worded_script


def build_page_keys() -> None:
    """Build the component, which has to be the first of the page."""
    gr.HTML(
        elem_id="skip",
        html_template="",
        js_on_load=worded_script(__file__, "page_keys.js", ("skip",)),
    )
