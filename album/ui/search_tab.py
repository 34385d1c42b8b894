"""The Search tab, the home: a box, the photos, the photo."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from album.photo import SearchFilters
from album.query import parse_day
from album.search import PAGE, SearchPage
from album.service import Album
from album.ui.alerts import alerts_on_failure
from album.ui.gallery import img, inline_img, items
from album.ui.photo_panel import PhotoPanel, Updates
from album.ui.texts import i18n, language_of, say
from album.ui.uploads import UploadFolder

EXAMPLES = ("example_1", "example_2", "example_3", "example_4", "example_5")
ANY = ""
# One after the other: the answer to the last key or question must be the last to arrive.
IN_ORDER: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "search"}


@dataclass(frozen=True)
class Shown:
    """What one browser is looking at; lives in its session, on the server."""

    text: str = ""
    picture: Path | None = None
    like: int | None = None
    """The photo that the hits are to look like."""
    filters: SearchFilters = field(default_factory=SearchFilters)
    page: int = 0
    ids: tuple[int, ...] = ()
    """The photos on this page; what the browser chooses is looked up here, never believed."""
    scores: tuple[float | None, ...] = ()
    total: int = 0
    open_at: int | None = None
    """Which of `ids` is open in the panel."""


class SearchTab:
    """Components and listeners of the tab."""

    def __init__(self, album: Album, uploads: UploadFolder, temp_dir: Path) -> None:
        self._album = album
        self._uploads = uploads
        self.shown = gr.State(Shown())
        self._build(temp_dir)
        self._listen()

    def _build(self, temp_dir: Path) -> None:
        with gr.Row(elem_id="search-bar"):
            self._query = gr.Textbox(
                label=i18n("query"),
                placeholder=i18n("query_hint"),
                elem_id="query",
                autofocus=True,
                max_lines=1,
                max_length=1000,
                scale=8,
                html_attributes=gr.InputHTMLAttributes(autocomplete="off", enterkeyhint="search"),
            )
            self._picture = gr.UploadButton(
                i18n("picture"),  # type: ignore[arg-type]  # translated all the same
                file_types=["image"],
                elem_id="picture",
                size="md",
            )
            self._find = gr.Button(i18n("find"), variant="primary", elem_id="find", size="md")
        with gr.Row(elem_id="examples") as self._examples_row:
            gr.Markdown(i18n("try_these"))
            self._examples = [gr.Button(i18n(key), size="sm") for key in EXAMPLES]
        with gr.Row(elem_id="chip", visible=False) as self._chip_row:
            self._chip = gr.HTML()
            self._drop_chip = gr.Button(i18n("drop_picture"), size="sm", elem_id="drop-picture")
        with gr.Accordion(i18n("filters"), open=False, elem_id="filters") as self._filters:
            self._build_filters()
        self._heading = gr.HTML(elem_id="heading")
        with gr.Row(elem_id="browse") as self._browse:
            with gr.Column(min_width=0):
                self._gallery = gr.Gallery(
                    label=i18n("results"),
                    show_label=False,
                    elem_id="results",
                    columns=6,
                    height="auto",
                    object_fit="cover",
                    allow_preview=False,
                    interactive=False,
                    buttons=[],
                )
                with gr.Row(elem_id="pager", visible=False) as self._pager:
                    self._previous = gr.Button(i18n("previous"), size="sm", elem_id="previous-page")
                    self._number = gr.HTML(elem_id="page-number")
                    self._next = gr.Button(i18n("next"), size="sm", elem_id="next-page")
            self.panel = PhotoPanel(self._album, temp_dir)
        with gr.Column(elem_id="welcome", visible=False) as self._welcome:
            gr.Markdown(i18n("welcome"), elem_id="welcome-title")
            gr.Markdown(i18n("welcome_more"))
            with gr.Row(elem_id="welcome-buttons"):
                self.add_photos = gr.Button(i18n("upload"), elem_id="add-photos")
                self.samples = gr.Button(i18n("samples"), variant="primary", elem_id="samples")

    def _build_filters(self) -> None:
        either = [(i18n("any"), ANY), (i18n("with"), "yes"), (i18n("without"), "no")]
        shapes = [(i18n(key), key) for key in ("landscape", "portrait", "square")]
        anything = [(i18n("any"), ANY)]
        with gr.Row(elem_id="filter-row"):
            day: dict[str, Any] = {"placeholder": i18n("day_hint"), "max_lines": 1}
            self._after = gr.Textbox(label=i18n("after"), elem_id="after", **day)
            self._before = gr.Textbox(label=i18n("before"), elem_id="before", **day)
            self._place = gr.Dropdown(either, value=ANY, label=i18n("place"), elem_id="place")
            self._camera = gr.Dropdown(anything, value=ANY, label=i18n("camera"), elem_id="camera")
            self._shape = gr.Dropdown(
                anything + shapes, value=ANY, label=i18n("orientation"), elem_id="orientation"
            )
            self._type = gr.Dropdown(
                anything, value=ANY, label=i18n("file_type"), elem_id="file-type"
            )
            self._captioned = gr.Dropdown(
                either, value=ANY, label=i18n("caption_filter"), elem_id="has-caption"
            )
            self._label = gr.Dropdown(
                anything, value=ANY, label=i18n("label_filter"), elem_id="label"
            )
            self._clear = gr.Button(i18n("clear_filters"), size="sm", elem_id="clear-filters")

    def _listen(self) -> None:
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        in_order: dict[str, Any] = {**private, **IN_ORDER}
        asked = {self.shown, self._query, *self._filter_inputs}
        for event in (self._query.submit, self._find.click):
            event(self.search, asked, self.outputs, **{**in_order, "show_progress": "minimal"})
        for component in self._filter_inputs:
            # Not `input`: it is also said of a dropdown that is opened and left as it was.
            changed = component.submit if isinstance(component, gr.Textbox) else component.change
            changed(self.narrow, asked, self.outputs, **in_order)
        for key, example in zip(EXAMPLES, self._examples, strict=True):
            example.click(
                self._asker_of(key), asked, [self._query, *self.outputs], **in_order
            )  # fmt: skip
        self._clear.click(
            self.clear_filters, [self.shown, self._query], [*self._filter_inputs, *self.outputs],
            **in_order,
        )  # fmt: skip
        self._picture.upload(self.search_picture, {self._picture, *asked}, self.outputs, **in_order)
        self._drop_chip.click(self.drop_chip, asked, self.outputs, **in_order)
        self._next.click(self._turner(+1), self.shown, self.outputs, **in_order).then(
            None, js="() => window.scrollTo({top: 0})", api_visibility="private"
        )
        self._previous.click(self._turner(-1), self.shown, self.outputs, **in_order)
        to_panel = [self.shown, *self.panel.outputs]
        self._gallery.select(self.open_photo, self.shown, to_panel, **in_order)
        self.panel.next.click(self._stepper(+1), self.shown, to_panel, **in_order)
        self.panel.previous.click(self._stepper(-1), self.shown, to_panel, **in_order)
        self.panel.close.click(self.close_photo, self.shown, to_panel, **in_order)
        self.panel.more_like_this.click(
            self.more_like_this, [self.shown, self.panel.photo_id], [self._query, *self.outputs],
            **in_order,
        )  # fmt: skip

        # `input` says nothing of a label that is typed; `change` also tells of photos being opened.
        self.panel.labels.change(
            self.save_labels, [self.panel.shown_id, self.panel.labels], self.choice_outputs,
            **private,
        )  # fmt: skip

    @property
    def _filter_inputs(self) -> list[Any]:
        return [
            self._after, self._before, self._place, self._camera, self._shape, self._type,
            self._captioned, self._label,
        ]  # fmt: skip

    @property
    def outputs(self) -> list[Any]:
        """All that a search may change on the page."""
        return [
            self.shown, self._gallery, self._heading, self._pager, self._number, self._previous,
            self._next, self._chip_row, self._chip, self._welcome, self._filters, self._browse,
            self._examples_row, *self.panel.outputs,
        ]  # fmt: skip

    @property
    def choice_outputs(self) -> list[Any]:
        """The filters whose choices come from the album."""
        return [self._camera, self._type, self._label]

    # What the listeners do

    @alerts_on_failure
    def search(self, given: Updates, request: gr.Request) -> Updates:
        """A new question, from the first page."""
        asked = self._asked(given)
        # Words replace "more like this": the two answer different questions.
        return self.show(replace(asked, like=None) if asked.text.strip() else asked, request)

    @alerts_on_failure
    def narrow(self, given: Updates, request: gr.Request) -> Updates:
        """The same question under other filters; nothing to do where they are the same."""
        asked = self._asked(given)
        if asked.filters == given[self.shown].filters:
            return {self.shown: gr.skip()}
        return self.show(asked, request)

    @alerts_on_failure
    def search_picture(self, given: Updates, request: gr.Request) -> Updates:
        """The same with a picture that was uploaded, beside the words or alone."""
        (picture,) = map(self._uploads.own_copy, self._uploads.checked(given[self._picture]))
        return self.show(replace(self._asked(given), picture=picture, like=None), request)

    @alerts_on_failure
    def drop_chip(self, given: Updates, request: gr.Request) -> Updates:
        """The same question without its picture."""
        return self.show(replace(self._asked(given), picture=None, like=None), request)

    @alerts_on_failure
    def more_like_this(self, shown: Shown, photo_id: int, request: gr.Request) -> Updates:
        """Photos that look like the open one."""
        new = Shown(like=photo_id, filters=shown.filters)
        return {self._query: "", **self.show(new, request)}

    @alerts_on_failure
    def clear_filters(self, shown: Shown, text: str, request: gr.Request) -> Updates:
        """The same question of the whole album."""
        new = replace(shown, text=text, filters=SearchFilters(), page=0)
        return {**dict.fromkeys(self._filter_inputs, ANY), **self.show(new, request)}

    @alerts_on_failure
    def open_photo(self, shown: Shown, event: gr.SelectData, request: gr.Request) -> Updates:
        """The chosen tile in the panel."""
        return self._open(shown, int(event.index), language_of(request))

    @alerts_on_failure
    def close_photo(self, shown: Shown) -> Updates:
        """Back to the tiles."""
        return {self.shown: replace(shown, open_at=None), **self.panel.hidden()}

    @alerts_on_failure
    def save_labels(self, photo_id: int, labels: list[str], request: gr.Request) -> Updates:
        """Keep the labels of the photo in the panel, and offer new ones as filters."""
        if self.panel.save_labels(photo_id, labels):
            return self.choices(request)
        return {self._label: gr.skip()}

    def open_by_id(self, shown: Shown, photo_id: int, language: str) -> Updates:
        """A photo in the panel that need not be on the page."""
        if photo_id in shown.ids:
            return self._open(shown, shown.ids.index(photo_id), language)
        opened = replace(shown, open_at=None)
        return {self.shown: opened, **self.panel.show(photo_id, None, language)}

    @alerts_on_failure
    def refresh(self, shown: Shown, request: gr.Request) -> Updates:
        """The same page once more, with what has been added since; an open photo stays open."""
        if shown.open_at is not None:
            return {self.shown: shown}
        return self.show(shown, request)

    def choices(self, request: gr.Request) -> Updates:
        """The cameras, file types and labels that the album knows now."""
        store = self._album.store
        anything = (say(language_of(request), "any"), ANY)
        return {
            box: gr.update(choices=[anything, *((value, value) for value in values)])
            for box, values in (
                (self._camera, store.values_of("camera")),
                (self._type, store.values_of("file_type")),
                (self._label, store.values_of("label")),
            )
        }

    def show(self, shown: Shown, request: gr.Request) -> Updates:
        """The page of photos that `shown` asks for."""
        language = language_of(request)
        found = self._found(shown)
        pages = max(1, -(-found.total // PAGE))
        shown = replace(
            shown,
            ids=tuple(hit.photo.photo_id for hit in found.hits),
            scores=tuple(hit.score for hit in found.hits),
            total=found.total,
            open_at=None,
        )
        empty = found.total == 0 and self._album.store.count() == 0
        asked = bool(shown.text.strip()) or shown.picture is not None or shown.like is not None
        return {
            self.shown: shown,
            self._gallery: gr.update(
                value=items(self._album.originals, found.hits), selected_index=None
            ),
            self._heading: "" if empty else self._heading_text(shown, language),
            self._pager: gr.update(visible=pages > 1),
            self._number: say(language, "page_of", page=shown.page + 1, pages=pages),
            self._previous: gr.update(interactive=shown.page > 0),
            self._next: gr.update(interactive=shown.page + 1 < pages),
            self._chip_row: gr.update(visible=shown.picture is not None or shown.like is not None),
            self._chip: self._chip_text(shown, language),
            self._welcome: gr.update(visible=empty),
            self._filters: gr.update(visible=not empty),
            self._browse: gr.update(visible=not empty),
            self._examples_row: gr.update(visible=not asked),
            **self.panel.hidden(),
        }

    def _found(self, shown: Shown) -> SearchPage:
        offset = shown.page * PAGE
        if shown.like is not None:
            return self._album.search.similar(shown.like, filters=shown.filters, offset=offset)
        return self._album.search.find(
            shown.text, picture=shown.picture, filters=shown.filters, offset=offset
        )

    def _heading_text(self, shown: Shown, language: str) -> str:
        if not shown.total:
            return say(language, "no_match")
        if shown.like is not None:
            key = "similar_first"
        elif shown.text.strip() or shown.picture is not None:
            key = "best_first"
        else:
            key = "newest_first"
        count = say(language, "one_photo" if shown.total == 1 else "photo_count", n=shown.total)
        return say(language, key, count=count)

    def _chip_text(self, shown: Shown, language: str) -> str:
        if shown.like is not None:
            photo = self._album.photo(shown.like)
            words = say(language, "like_photo")
            picture = img(self._album.originals.thumbnail(photo.sha256), photo.filename)
        elif shown.picture is not None:
            words = say(language, "query_picture")
            picture = inline_img(shown.picture, words)
        else:
            return ""
        return f'<span class="chip">{picture}{words}</span>'

    def _open(self, shown: Shown, index: int, language: str) -> Updates:
        if not 0 <= index < len(shown.ids):
            return {self.shown: shown}
        panel = self.panel.show(shown.ids[index], shown.scores[index], language)
        return {
            self.shown: replace(shown, open_at=index),
            **panel,
        }

    def _stepper(self, step: int) -> Any:
        @alerts_on_failure
        def open_neighbour(shown: Shown, request: gr.Request) -> Updates:
            if shown.open_at is None:
                return {self.shown: shown}
            return self._open(shown, shown.open_at + step, language_of(request))

        return open_neighbour

    def _turner(self, step: int) -> Any:
        @alerts_on_failure
        def turn_page(shown: Shown, request: gr.Request) -> Updates:
            return self.show(replace(shown, page=max(0, shown.page + step)), request)

        return turn_page

    def _asker_of(self, key: str) -> Any:
        @alerts_on_failure
        def ask_example(given: Updates, request: gr.Request) -> Updates:
            text = say(language_of(request), key)
            new = replace(self._asked({**given, self._query: text}), picture=None, like=None)
            return {self._query: text, **self.show(new, request)}

        return ask_example

    def _asked(self, given: Updates) -> Shown:
        """What the box and the filters ask for now, from the first page."""
        filters = _filters(*(given[component] for component in self._filter_inputs))
        shown: Shown = given[self.shown]
        return replace(shown, text=given[self._query], filters=filters, page=0)


def _filters(*values: Any) -> SearchFilters:
    """The filter row as a `SearchFilters`.

    Raises:
        QueryError: a day cannot be understood.
    """
    after, before, place, camera, shape, file_type, captioned, label = values
    return SearchFilters(
        after=parse_day(after or ""),
        before=parse_day(before or "", last=True),
        has_place=_either(place),
        camera=camera or None,
        orientation=shape or None,
        file_type=file_type or None,
        has_caption=_either(captioned),
        label=label or None,
    )


def _either(value: str | None) -> bool | None:
    return {"yes": True, "no": False}.get(value or ANY)
