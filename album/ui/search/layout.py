"""Components of the Search tab, and the outputs of its listeners."""

from __future__ import annotations

from typing import Any

import gradio as gr

from album.service import Album
from album.ui.i18n.messages import i18n, say
from album.ui.photo.lightbox import Lightbox
from album.ui.search.discover_view import DiscoverView
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
    """The components, built inside the tab. `SearchTab` connects the listeners."""

    def __init__(self, album: Album, uploads: UploadFolder, lightbox: Lightbox) -> None:
        self.lightbox, self.panel = lightbox, lightbox.panel
        self.state = gr.State(SearchState())
        self.bar = AddressBar()
        with gr.Row(elem_id="search-bar"):
            with gr.Row(elem_id="query-row", scale=8):
                self.query = gr.Textbox(
                    label=i18n("query"),
                    placeholder=i18n("query_hint"),
                    elem_id="query",
                    autofocus=True,
                    max_lines=1,
                    max_length=1000,
                    html_attributes=gr.InputHTMLAttributes(
                        autocomplete="off", enterkeyhint="search"
                    ),
                )
                self.empty = gr.Button(i18n("empty_query"), elem_id="empty-query", size="sm")
            self.images = QueryImages(album, uploads)
            self.find = gr.Button(i18n("find"), variant="primary", elem_id="find", size="md")
        History()
        with gr.Row(elem_id="examples") as self.examples_row:
            gr.Markdown(i18n("try_these"))
            self.examples = [gr.Button(i18n(key), size="sm") for key in EXAMPLES]
        self.results = Results(album, self.images)
        self.results.build_above()
        self.filters = FilterRow(album)
        self.discover = DiscoverView(album)
        self.discover.build_views()
        self.results.build_head()
        self.discover.build_actions()
        with gr.Row(elem_id="browse") as self.browse, gr.Column(min_width=0):
            self.discover.build_view()
            self.results.build_photos()
        with gr.Column(elem_id="welcome", visible=False) as self.welcome:
            self.welcome_title = gr.Markdown(i18n("welcome"), elem_id="welcome-title")
            self.welcome_more = gr.Markdown(i18n("welcome_more"))
            with gr.Row(elem_id="welcome-buttons") as self.welcome_buttons:
                self.add_photos = gr.Button(i18n("upload"), elem_id="add-photos")
                self.samples = gr.Button(i18n("samples"), variant="primary", elem_id="samples")
            self.samples_progress = gr.HTML(elem_id="samples-progress")

    @property
    def outputs(self) -> list[Any]:
        """Return what a search may change, except box and filters."""
        return [
            self.state,
            self.bar.address,
            self.welcome,
            self.welcome_title,
            self.welcome_more,
            self.welcome_buttons,
            self.filters.accordion,
            self.browse,
            self.examples_row,
            *self.results.outputs,
            *self.discover.outputs,
            *self.lightbox.outputs,
        ]

    @property
    def all_outputs(self) -> list[Any]:
        """Return what a search may change, with box and filters."""
        return [self.query, *self.filters.inputs, *self.outputs]

    @property
    def open_outputs(self) -> list[Any]:
        """Return what opening or closing a photo changes."""
        return [self.state, self.bar.address, *self.lightbox.outputs]

    def show_welcome(self, language: str, *, empty: bool, importing: bool) -> Updates:
        """Invite to add photos where there are none, or tell that the first ones are coming."""
        key = "welcome_importing" if importing else "welcome"
        return {
            self.welcome: gr.update(visible=empty),
            self.welcome_title: say(language, key),
            self.welcome_more: say(language, f"{key}_more"),
            self.welcome_buttons: gr.update(visible=not importing),
        }

    def set_state(self, state: SearchState) -> Updates:
        """Store the state in the session and in the browser's address.

        The empty address is "?" here, since the browser follows changes and starts with "".
        """
        return {self.state: state, self.bar.address: to_address(state) or "?"}
