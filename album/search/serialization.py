"""Search results as plain JSON, for programs and the command line.

Each of the two adds its own name of a file.
"""

from __future__ import annotations

from typing import Any

from album.domain.photo import SearchHit
from album.search.query import Query
from album.search.search import SearchPage


def counts_json(page: SearchPage) -> dict[str, Any]:
    """Return model_id, total and the photos in each band."""
    return {
        "model_id": page.model_id,
        "total": page.total,
        "sure": page.sure,
        "maybe": page.maybe,
        "rest": page.rest,
    }


def understood_json(page: SearchPage) -> dict[str, Any]:
    """Return the parsed query and what became of it, from understood to ways_out."""
    return {
        "understood": _chips(page.query),
        "visual": page.query.visual,
        "notices": list(page.query.notices),
        "unread": page.unread,
        "vetoed": page.vetoed,
        "nearest": page.nearest,
        "absent": page.is_absent,
        "ways_out": [
            {
                "without": [page.query.text[chip.start : chip.end] for chip in way.chips]
                + list(way.parts),
                "photos": way.photos,
            }
            for way in page.ways_out
        ],
    }


def hit_json(hit: SearchHit) -> dict[str, Any]:
    """Return score, caption, band, why and burst of a hit."""
    return {
        "score": None if hit.score is None else round(hit.score, 6),
        "caption": None if hit.caption is None else hit.caption.text,
        "band": hit.band,
        "why": [
            {
                "kind": reason.kind,
                "excerpt": reason.excerpt,
                "likeness": None if reason.likeness is None else round(reason.likeness, 6),
            }
            for reason in hit.reasons
        ],
        "burst": hit.burst,
    }


def _chips(query: Query) -> list[dict[str, Any]]:
    return [
        {
            "kind": chip.kind,
            "text": query.text[chip.start : chip.end],
            "excluded": chip.excluded,
            "label": chip.label or None,
            "strict": chip.strict,
            "first": chip.first and chip.first.isoformat(),
            "last": chip.last and chip.last.isoformat(),
        }
        for chip in query.chips
    ]
