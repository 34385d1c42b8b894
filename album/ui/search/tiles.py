"""Tiles of the photos on a page, grouped by band.

`tiles.js` handles their events.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from album.domain.photo import Band, SearchHit
from album.search.search import PAGE, SearchPage
from album.ui.shared.match_reasons import in_short
from album.ui.shared.photo_html import address, tile_data
from album.ui.shared.session_state import SearchState
from album.ui.shared.templates import render


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
    burst: int


def tiles(state: SearchState, results: SearchPage, language: str) -> Markup:
    """Render the hits of a page, each band under its heading.

    Args:
        state: the query, and the photo that is open.
        results: the page.
        language: of the reader.
    """
    bands = [
        {
            "key": band,
            "name": _name(band, results, with_rest=state.query.rest),
            "tiles": [_tile(index, hit, language, state.photo) for index, hit in members],
        }
        for band, members in groupby(enumerate(results.hits), key=lambda member: member[1].band)
    ]
    more = state.page + 1 < state.page_count
    return render(
        "search/tiles.html",
        language,
        bands=bands,
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
        day=f"{photo.taken_at:%Y-%m-%d}",
        burst=hit.burst,
    )
