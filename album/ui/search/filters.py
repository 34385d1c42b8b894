"""Filters under the search box, on the facts of a photo."""

from __future__ import annotations

from datetime import date
from typing import Any

import gradio as gr

from album.domain.photo import PlaceCount, SearchFilters
from album.search.query import parse_day
from album.service import Album
from album.ui.i18n.messages import i18n, say
from album.ui.search.filter_names import label_name, place_name
from album.ui.shared.updates import Updates

ANY = ""
MOST_TOWNS = 500
"""Towns to choose from, those with the most photos. Words find the others."""
MOST_PLACES = 1_000  # where many towns have equally few photos
_BOOLEANS = {"yes": True, "no": False}


class FilterRow:
    """Components of the filter row. The Search tab connects their listeners."""

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
            self._place = gr.Dropdown(
                either, value=ANY, label=i18n("place"), elem_id="place", scale=2
            )
            self._camera = gr.Dropdown(anything, value=ANY, label=i18n("camera"), elem_id="camera")
            self._shape = gr.Dropdown(
                anything + shapes, value=ANY, label=i18n("orientation"), elem_id="orientation"
            )
            self._type = gr.Dropdown(
                anything, value=ANY, label=i18n("file_type"), elem_id="file-type"
            )
            self._has_caption = gr.Dropdown(
                either, value=ANY, label=i18n("caption_filter"), elem_id="has-caption"
            )
            self._label = gr.Dropdown(
                anything, value=ANY, label=i18n("label_filter"), elem_id="label"
            )
            self.clear = gr.Button(i18n("clear_filters"), size="sm", elem_id="clear-filters")

    @property
    def inputs(self) -> list[Any]:
        """Return the components whose values `read` takes."""
        return [
            self._after,
            self._before,
            self._place,
            self._camera,
            self._shape,
            self._type,
            self._has_caption,
            self._label,
        ]

    @property
    def choice_outputs(self) -> list[Any]:
        """Return the filters whose choices come from the album."""
        return [self._camera, self._type, self._label, self._place]

    def read(self, values: Updates) -> SearchFilters:
        """Convert the values of the row to filters.

        Raises:
            QueryError: a day cannot be parsed.
        """
        place = values[self._place] or ANY
        country, _, town = ("" if place in _BOOLEANS else place).partition("/")
        return SearchFilters(
            after=parse_day(values[self._after] or ""),
            before=parse_day(values[self._before] or "", last=True),
            has_place=_BOOLEANS.get(place),
            country=country or None,
            town=town or None,
            camera=values[self._camera] or None,
            orientation=values[self._shape] or None,
            file_type=values[self._type] or None,
            has_caption=_BOOLEANS.get(values[self._has_caption] or ANY),
            label=values[self._label] or None,
        )

    def choices(self, filters: SearchFilters, language: str) -> Updates:
        """Offer the cameras, file types, labels and places of the album.

        A selected value that the album no longer has stays a choice, so that it can be removed.
        """
        return {
            box: gr.update(choices=self._choices(kind, language, value))
            for box, kind, value in self._album_filters(filters)
        }

    def clear_all(self) -> Updates:
        """Empty every filter."""
        return dict.fromkeys(self.inputs, ANY)

    def show(self, filters: SearchFilters, language: str) -> Updates:
        """Select these filters in the row, and refresh its choices."""
        return {
            self._after: _format_day(filters.after),
            self._before: _format_day(filters.before),
            self._shape: filters.orientation or ANY,
            self._has_caption: _from_bool(filters.has_caption),
            **{
                box: gr.update(choices=self._choices(kind, language, value), value=value or ANY)
                for box, kind, value in self._album_filters(filters)
            },
        }

    def _album_filters(self, filters: SearchFilters) -> list[tuple[Any, str, str | None]]:
        return [
            (self._camera, "camera", filters.camera),
            (self._type, "file_type", filters.file_type),
            (self._label, "label", filters.label),
            (self._place, "place", _place_value(filters)),
        ]

    def _choices(self, kind: str, language: str, selected: str | None) -> list[tuple[str, str]]:
        if kind == "place":
            choices = self._places(language)
        else:
            choices = {value: label_name(value, language) for value in self._store.values_of(kind)}
        if selected:
            choices.setdefault(selected, selected)
        return [(say(language, "any"), ANY), *((name, value) for value, name in choices.items())]

    def _places(self, language: str) -> dict[str, str]:
        """Return a name with a count by value: each country and, behind it, its towns."""
        counts = self._store.places()
        towns = sorted((count.photos for count in counts if count.place.town), reverse=True)
        fewest = towns[MOST_TOWNS - 1] if len(towns) >= MOST_TOWNS else 0
        choices = {"yes": say(language, "with"), "no": say(language, "without")}
        for count in counts:
            place = count.place
            if not place.town:
                choices[place.country_code] = _counted(count, language)
            elif count.photos >= fewest and len(choices) < MOST_PLACES:
                choices[f"{place.country_code}/{place.town}"] = _counted(count, language)
        return choices


def _counted(count: PlaceCount, language: str) -> str:
    return f"{place_name(count.place, language)} ({count.photos:,})"


def _place_value(filters: SearchFilters) -> str | None:
    if filters.country is None:
        return _from_bool(filters.has_place) or None
    return f"{filters.country}/{filters.town}" if filters.town else filters.country


def _from_bool(value: bool | None) -> str:
    return ANY if value is None else "yes" if value else "no"


def _format_day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
