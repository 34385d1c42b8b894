"""Tiles of the photos on a page, grouped by band.

`tiles.js` handles their events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from markupsafe import Markup

from album.domain.photo import Band, Photo, SearchHit
from album.search.search import PAGE, SearchPage
from album.ui.i18n.messages import say
from album.ui.search.chips import day_name, month_name
from album.ui.shared.match_reasons import in_short
from album.ui.shared.photo_html import address, tile_data
from album.ui.shared.session_state import SearchState
from album.ui.shared.templates import render


@dataclass(frozen=True, slots=True)
class DayHeading:
    """Words before the first tile of a day, as the timeline has them."""

    day: str
    """As in 2019-08-03, "" for photos of no known day."""
    day_name: str
    month_name: str
    """"" where the tile before is of the same month."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One photo as its template needs it."""

    index: int
    data: Markup
    is_open: bool
    reasons: str
    image: str
    alt: str
    day: str
    """Day under the image, "" where a heading tells it or nobody knows it."""
    burst: int
    heading: DayHeading | None = None
    """Before the first tile of a day."""


def tiles(state: SearchState, results: SearchPage, language: str) -> Markup:
    """Render the hits of a page, each band under its heading.

    Args:
        state: the query, and the photo that is open.
        results: the page.
        language: of the reader.
    """
    dated = state.query.sort == "date" and state.query.burst is None
    bands = [
        {
            "key": band,
            "name": _name(band, results, with_rest=state.query.rest),
            "tiles": _under_days(
                [_tile(index, hit, language, state.photo) for index, hit in members],
                results.hits,
                language,
            )
            if dated
            else [_tile(index, hit, language, state.photo) for index, hit in members],
        }
        for band, members in groupby(enumerate(results.hits), key=lambda member: member[1].band)
    ]
    more = state.page + 1 < state.page_count
    return render(
        "search/tiles.html",
        language,
        bands=bands,
        dated=dated,
        page=state.page,
        more=more,
        before=state.page * PAGE,
        total=state.total,
    )


def _name(band: Band, results: SearchPage, *, with_rest: bool) -> str:
    """Return the message id of a band's heading, or "" for none."""
    if results.nearest:
        return "band_all" if with_rest else "band_nearest"
    if band == "maybe" and results.sure:
        return "band_maybe"
    return "band_rest" if band == "rest" and (results.sure or results.maybe) else ""


def _tile(index: int, hit: SearchHit, language: str, open_id: int | None) -> Tile:
    photo = hit.photo
    return Tile(
        index=index,
        data=tile_data(photo),
        is_open=photo.photo_id == open_id,
        reasons=in_short(hit.reasons, language),
        image=address(photo),
        alt=hit.caption.text if hit.caption else photo.filename,
        day=_day_of(photo),
        burst=hit.burst,
    )


def _day_of(photo: Photo) -> str:
    """Return the day of a photo, "" where only its file has a time."""
    return "" if photo.taken_from == "file" else f"{photo.taken_at:%Y-%m-%d}"


def _under_days(members: Sequence[Tile], hits: Sequence[SearchHit], language: str) -> list[Tile]:
    """Move the days of tiles into headings."""
    moved, before = [], None
    for tile in members:
        heading = None
        if tile.day != before:
            taken = hits[tile.index].photo.taken_at.date()
            has_month = before is None or tile.day[:7] != before[:7]
            heading = DayHeading(
                day=tile.day,
                day_name=day_name(taken, language) if tile.day else "",
                month_name=_month_heading(taken, tile.day, language) if has_month else "",
            )
        before = tile.day
        moved.append(replace(tile, day="", heading=heading))
    return moved


def _month_heading(taken: date, day: str, language: str) -> str:
    return month_name(taken, language) if day else say(language, "date_unknown")
