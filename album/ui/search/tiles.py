"""The photos of a page as tiles, band after band; `tiles.js` brings them to life."""

from __future__ import annotations

import html
from itertools import groupby

from album.domain.photo import Band, SearchHit
from album.search.search import SearchPage
from album.service import Album
from album.ui.i18n.messages import say
from album.ui.shared.match_reasons import in_short
from album.ui.shared.photo_html import img
from album.ui.shared.session_state import SearchState


def tiles(album: Album, shown: SearchState, found: SearchPage, language: str) -> str:
    """The hits of a page as escaped HTML: each band under its name, the sure ones under none.

    Args:
        album: the service.
        shown: what was asked, and which photo is open.
        found: the page.
        language: of the reader.
    """
    parts = []
    chosen = shown.photo
    for band, members in groupby(enumerate(found.hits), key=lambda it: it[1].band):
        name = _name(band, found, all_of_it=shown.query.rest)
        heading = f'<h2 class="band">{say(language, name)}</h2>' if name else ""
        grid = "".join(_tile(album, place, hit, language, chosen) for place, hit in members)
        parts.append(f'{heading}<div class="grid-container" data-band="{band}">{grid}</div>')
    return "".join(parts)


def _name(band: Band, found: SearchPage, *, all_of_it: bool) -> str:
    if found.nearest:
        return "band_all" if all_of_it else "band_nearest"
    if band == "maybe" and found.sure:
        return "band_maybe"
    return "band_rest" if band == "rest" and (found.sure or found.maybe) else ""


def _tile(album: Album, place: int, hit: SearchHit, language: str, chosen: int | None) -> str:
    photo = hit.photo
    reasons = in_short(hit.reasons, language)
    title = f' title="{html.escape(reasons)}"' if reasons else ""
    current = ' aria-current="true"' if photo.photo_id == chosen else ""
    picture = img(
        album.originals.thumbnail(photo.sha256), hit.caption.text if hit.caption else photo.filename
    )
    badge = ""
    if hit.burst > 1:
        label = say(language, "burst_open_count", n=hit.burst)
        badge = (
            f'<button type="button" class="burst" data-burst="{place}" aria-label="{label}"'
            f' title="{label}">{say(language, "burst_badge", n=hit.burst)}</button>'
        )
    return (
        f'<div class="tile"><button type="button" data-place="{place}"'
        f' class="thumbnail-item{" selected" if current else ""}"'
        f' data-photo="{photo.photo_id}"{title}{current}>{picture}'
        f'<span class="caption-label">{photo.taken_at:%Y-%m-%d}</span></button>{badge}</div>'
    )
