"""What the Search tab is made of: the components, and what an answer may change of them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from album.service import Album
from album.ui.i18n.messages import i18n
from album.ui.photo.panel import PhotoPanel
from album.ui.search.filters import FilterRow
from album.ui.search.history import History
from album.ui.search.query_images import QueryImages
from album.ui.search.results import Results
from album.ui.search.url_state import AddressBar, to_address
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates
from album.ui.shared.uploads import UploadFolder

EXAMPLES = ("example_1", "example_2", "example_3", "example_4", "example_5")


class SearchLayout:
    """Built once, where the tab is; nothing is heard here."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self.shown = gr.State(SearchState())
        self.bar = AddressBar()
        with gr.Row(elem_id="search-bar"):
            self.query = gr.Textbox(
                label=i18n("query"),
                placeholder=i18n("query_hint"),
                elem_id="query",
                autofocus=True,
                max_lines=1,
                max_length=1000,
                scale=8,
                html_attributes=gr.InputHTMLAttributes(autocomplete="off", enterkeyhint="search"),
            )
            self.pictures = QueryImages(album, uploads)
            self.find = gr.Button(i18n("find"), variant="primary", elem_id="find", size="md")
        History()
        with gr.Row(elem_id="examples") as self.examples_row:
            gr.Markdown(i18n("try_these"))
            self.examples = [gr.Button(i18n(key), size="sm") for key in EXAMPLES]
        self.results = Results(album, self.pictures)
        self.results.build_above()
        self.filters = FilterRow(album)
        self.results.build_head()
        with gr.Row(elem_id="browse") as self.browse:
            with gr.Column(min_width=0):
                self.results.build_photos()
            self.panel = PhotoPanel(album)
        with gr.Column(elem_id="welcome", visible=False) as self.welcome:
            gr.Markdown(i18n("welcome"), elem_id="welcome-title")
            gr.Markdown(i18n("welcome_more"))
            with gr.Row(elem_id="welcome-buttons"):
                self.add_photos = gr.Button(i18n("upload"), elem_id="add-photos")
                self.samples = gr.Button(i18n("samples"), variant="primary", elem_id="samples")

    @property
    def outputs(self) -> list[Any]:
        """All that a search may change on the page, but for the box and the filters."""
        return [
            self.shown, self.bar.here, self.welcome, self.filters.accordion, self.browse,
            self.examples_row, *self.results.outputs, *self.panel.outputs,
        ]  # fmt: skip

    @property
    def all_outputs(self) -> list[Any]:
        """The same with the box and the filters."""
        return [self.query, *self.filters.inputs, *self.outputs]

    @property
    def open_outputs(self) -> list[Any]:
        """What `open_by_id` changes."""
        return [self.shown, self.bar.here, *self.panel.outputs]

    def now(self, shown: SearchState) -> Updates:
        """What is looked at from now on, for the session and for the browser's address."""
        return {self.shown: shown, self.bar.here: to_address(shown)}
