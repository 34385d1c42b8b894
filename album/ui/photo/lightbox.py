"""Lightbox: the open photo as large as the window, and its panel as a drawer.

The browser opens, turns and closes photos by itself (`lightbox.js`), and then tells the server,
which fills the drawer. The server can open and close photos as well, such as for an address.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import gradio as gr

from album.domain.photo import SearchHit
from album.errors import PhotoNotFoundError
from album.service import Album
from album.ui.i18n.messages import LANGUAGES, TEXTS
from album.ui.photo.panel import PhotoPanel
from album.ui.shared.photo_html import as_listed
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates

SCRIPTS: Final = ("photo_lists.js", "zoom.js", "lightbox.js")
MESSAGES: Final = tuple(key for key in TEXTS if key.startswith("lightbox_"))
SLIDE_S: Final = 4
LARGE_PX: Final = 2560
"""Longer side of a large view, as `album.images.decoding` makes it."""
REQUEST_IS_LOST: Final = "() => window.album.requestIsLost()"
"""Lets the lightbox follow the server again after a failed request."""


class Lightbox:
    """Stage and drawer, hidden until a photo is open.

    Attributes:
        request: the browser's request to fill the drawer, an event `submit`.
        panel: the drawer.
    """

    def __init__(self, album: Album) -> None:
        self._album = album
        with gr.Column(elem_id="lightbox"):
            gr.HTML(
                elem_id="stage",
                html_template=render("photo/stage.html", "en"),
                js_on_load=_script(),
            )
            self.panel = PhotoPanel(album)
        self.request = gr.HTML(
            elem_id="open-photo",
            elem_classes="plumbing",
            visible="hidden",
            html_template="",
            js_on_load=(
                "window.album = window.album || {};\n"
                "window.album.tellPhoto = (request) => {\n"
                "  props.value = JSON.stringify(request);\n"
                "  trigger('submit');\n"
                "};"
            ),
        )
        # Two components: one would drop the first of two values that come at the same time.
        self._answer = _message("photo-told", "photoIsTold")
        self._command = _message("photo-command", "photoIsCommanded")
        self.panel.listen(self.request.submit)

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `fill`, `open` and `close` update."""
        return [self._answer, self._command, *self.panel.outputs]

    def fill(self, asked: int, photo_id: int, hit: SearchHit | None, language: str) -> Updates:
        """Fill the drawer for a photo that the browser has opened.

        Args:
            asked: number of the browser's request.
            photo_id: the photo.
            hit: its search hit, or None.
            language: of the reader.

        Raises:
            PhotoNotFoundError: the photo is gone.
        """
        told = self._told(photo_id, language)
        return {
            self._answer: _json(asked=asked, photo=told),
            **self.panel.show(photo_id, hit, language),
        }

    def open(self, photo_id: int, hit: SearchHit | None, language: str) -> Updates:
        """Open a photo that the browser has not opened by itself.

        Raises:
            PhotoNotFoundError: the photo is gone.
        """
        return {
            self._command: _json(photo=self._told(photo_id, language)),
            **self.panel.show(photo_id, hit, language),
        }

    def forget(self, asked: int) -> Updates:
        """Confirm that the browser has closed the photo."""
        return {self._answer: _json(asked=asked, photo=None), **self.panel.hide()}

    def close(self) -> Updates:
        """Close the photo, if any is open."""
        return {self._command: _json(photo=None), **self.panel.hide()}

    def _told(self, photo_id: int, language: str) -> dict[str, Any]:
        photo = self._album.photo(photo_id)
        caption = self._album.captions.get(photo_id, language)
        told = as_listed(photo, caption.text if caption else photo.filename)
        try:
            self._album.originals.find(photo)
        except PhotoNotFoundError:
            told["gone"] = True
        return told


def read_request(text: Any) -> tuple[int, int | None]:
    """Parse a browser's request, which may be forged.

    Returns:
        Its number, and the photo that is open now. (0, None) for anything invalid.
    """
    try:
        value = json.loads(str(text)[:200])
        asked, photo = value["asked"], value["photo"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0, None
    if type(asked) is not int or not (photo is None or type(photo) is int):
        return 0, None
    return asked, photo


def _json(**values: Any) -> str:
    """Format a message, later than all before it."""
    return json.dumps({"at": time.monotonic_ns(), **values})


def _message(elem_id: str, listener: str) -> gr.HTML:
    """Build a hidden component whose values a function of the script gets."""
    return gr.HTML(
        elem_id=elem_id,
        elem_classes="plumbing",
        visible="hidden",
        html_template="",
        js_on_load=(
            f"watch('value', () => {{ if (props.value) window.album.{listener}"
            "(JSON.parse(props.value)); });"
        ),
    )


def _script() -> str:
    texts = {
        language: {key.removeprefix("lightbox_"): TEXTS[key][column] for key in MESSAGES}
        for column, language in enumerate(LANGUAGES)
    }
    settings = {"words": texts, "slide_s": SLIDE_S, "large_px": LARGE_PX}
    parts = [Path(__file__).with_name(name).read_text("utf-8") for name in SCRIPTS]
    return "\n".join([f"const SETTINGS = {json.dumps(settings)};", *parts])
