"""The filters under the search box: what a photo's facts must be, chosen rather than written."""

from __future__ import annotations

from datetime import date
from typing import Any

import gradio as gr

from album.domain.labels import FAVOURITE
from album.domain.photo import SearchFilters
from album.search.query import parse_day
from album.service import Album
from album.ui.i18n.messages import i18n, say
from album.ui.shared.updates import Updates

ANY = ""


class FilterRow:
    """Components of the row; the search tab listens to them."""

    def __init__(self, album: Album) -> None:
        self._store = album.store
        either = [(i18n("any"), ANY), (i18n("with"), "yes"), (i18n("without"), "no")]
        shapes = [(i18n(key), key) for key in ("landscape", "portrait", "square")]
        anything = [(i18n("any"), ANY)]
        with (
            gr.Accordion(i18n("filters"), open=False, elem_id="filters") as self.accordion,
            gr.Row(elem_id="filter-row"),
        ):
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
            self.clear = gr.Button(i18n("clear_filters"), size="sm", elem_id="clear-filters")

    @property
    def inputs(self) -> list[Any]:
        """What `chosen` wants to be given."""
        return [
            self._after, self._before, self._place, self._camera, self._shape, self._type,
            self._captioned, self._label,
        ]  # fmt: skip

    @property
    def choice_outputs(self) -> list[Any]:
        """The filters whose choices come from the album."""
        return [self._camera, self._type, self._label]

    def chosen(self, given: Updates) -> SearchFilters:
        """The row as filters.

        Raises:
            QueryError: a day cannot be understood.
        """
        return SearchFilters(
            after=parse_day(given[self._after] or ""),
            before=parse_day(given[self._before] or "", last=True),
            has_place=_either(given[self._place]),
            camera=given[self._camera] or None,
            orientation=given[self._shape] or None,
            file_type=given[self._type] or None,
            has_caption=_either(given[self._captioned]),
            label=given[self._label] or None,
        )

    def choices(self, filters: SearchFilters, language: str) -> Updates:
        """The cameras, file types and labels that the album knows now.

        What it does not know but is chosen is offered all the same, to be seen and dropped.
        """
        return {
            box: gr.update(choices=self._choices(kind, language, value))
            for box, kind, value in self._of_the_album(filters)
        }

    def cleared(self) -> Updates:
        """No filter."""
        return dict.fromkeys(self.inputs, ANY)

    def shows(self, filters: SearchFilters, language: str) -> Updates:
        """The row with these filters chosen, and its choices as of `choices`."""
        return {
            self._after: _written(filters.after),
            self._before: _written(filters.before),
            self._place: _as_either(filters.has_place),
            self._shape: filters.orientation or ANY,
            self._captioned: _as_either(filters.has_caption),
            **{
                box: gr.update(choices=self._choices(kind, language, value), value=value or ANY)
                for box, kind, value in self._of_the_album(filters)
            },
        }

    def _of_the_album(self, filters: SearchFilters) -> list[tuple[Any, str, str | None]]:
        return [
            (self._camera, "camera", filters.camera),
            (self._type, "file_type", filters.file_type),
            (self._label, "label", filters.label),
        ]

    def _choices(self, kind: str, language: str, also: str | None) -> list[tuple[str, str]]:
        values = dict.fromkeys([*self._store.values_of(kind), *([also] if also else [])])
        return [
            (say(language, "any"), ANY),
            *((say(language, "favourite") if it == FAVOURITE else it, it) for it in values),
        ]


def _either(value: str | None) -> bool | None:
    return {"yes": True, "no": False}.get(value or ANY)


def _as_either(wanted: bool | None) -> str:
    return ANY if wanted is None else "yes" if wanted else "no"


def _written(day: date | None) -> str:
    return "" if day is None else day.isoformat()
