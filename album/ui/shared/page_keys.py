"""Keys of the whole page, and the first stop of the Tab key, which skips its head."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr

from album.ui.i18n.messages import LANGUAGES, TEXTS

_SCRIPT = Path(__file__).with_name("page_keys.js")


def build_page_keys() -> None:
    """Build the component, which has to be the first of the page."""
    words = {language: {"skip": TEXTS["skip"][n]} for n, language in enumerate(LANGUAGES)}
    gr.HTML(
        elem_id="skip",
        html_template="",
        js_on_load=f"const WORDS = {json.dumps(words)};\n{_SCRIPT.read_text('utf-8')}",
    )
