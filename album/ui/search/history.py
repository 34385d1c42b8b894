"""The searches of one browser: the last fifty, and those that were pinned.

They are kept in the browser's own storage and nowhere else. The server learns of one when it is
chosen, by its address, as of any other question. Only questions with words are kept, with their
filters; not which page or photo was looked at.

    AddressBar()
    History()      # one line, below the search bar; it needs nothing, and nothing needs it
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import gradio as gr

from album.ui.i18n.messages import LANGUAGES, TEXTS

KEPT: Final = 50
"""How many searches are kept that are not pinned."""
WORDS: Final = (
    *("recent", "recent_pin", "recent_drop", "recent_clear", "recent_private", "like_photo"),
    *("after", "before", "place", "caption_filter", "with", "without"),
    *("landscape", "portrait", "square"),
)
_SCRIPT = Path(__file__).with_name("history.js")
_STYLE = Path(__file__).with_name("history.css")


class History:
    """A small button that opens the list; it is not there while the list is empty."""

    def __init__(self) -> None:
        words = {
            language: {key: TEXTS[key][place] for key in WORDS}
            for place, language in enumerate(LANGUAGES)
        }
        gr.HTML(
            elem_id="recent",
            html_template="",
            css_template=_STYLE.read_text("utf-8"),
            js_on_load=(
                f"const WORDS = {json.dumps(words)};\nconst KEPT = {KEPT};\n"
                f"{_SCRIPT.read_text('utf-8')}"
            ),
        )
