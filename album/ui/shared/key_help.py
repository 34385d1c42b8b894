"""Help where a control needs a key of Gemini that is not set.

The key comes from the environment, so it is known when the page is built.
"""

from __future__ import annotations

import gradio as gr

from album.service import Album
from album.ui.i18n.messages import i18n
from models.errors import CaptionerUnavailableError


def needs_key(album: Album) -> bool:
    """Tell whether what the captioner does needs a key first."""
    if not album.captions.writer.sends:
        return False
    try:
        album.captions.check()
    except CaptionerUnavailableError as error:
        return error.needs_setting
    return False


def build_key_help() -> None:
    """Build a line that says so and unfolds how to get and set a key."""
    with gr.Accordion(i18n("needs_key"), open=False, elem_classes="needs-key"):
        gr.Markdown(i18n("key_how"))
