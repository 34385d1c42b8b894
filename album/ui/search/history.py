"""Search history of one browser: the last 50 and the pinned.

It lives in the browser's storage alone. A search that is opened again reaches the server by its
address, as every other query does. Only queries with words are recorded, with their filters but
without page and photo.

    AddressBar()
    History()      # one line below the search bar, independent of all else
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gradio as gr

from album.ui.shared.scripts import worded_script

MAX_RECENT: Final = 50
"""Searches that are kept without being pinned."""
MESSAGES: Final = (
    "recent",
    "recent_pin",
    "recent_drop",
    "recent_clear",
    "recent_private",
    "like_photo",
    "after",
    "before",
    "place",
    "caption_filter",
    "with",
    "without",
    "landscape",
    "portrait",
    "square",
)
_STYLE = Path(__file__).with_name("history.css")


class History:
    """A button that opens the list, hidden while it is empty."""

    def __init__(self) -> None:
        gr.HTML(
            elem_id="recent",
            html_template="",
            css_template=_STYLE.read_text("utf-8"),
            js_on_load=(
                f"const KEPT = {MAX_RECENT};\n{worded_script(__file__, 'history.js', MESSAGES)}"
            ),
        )
