"""Answers of a search as plain JSON: what programs read, over the network and on the command line.

Which file a hit is, each of the two says in its own way.
"""

from __future__ import annotations

from typing import Any

from album.domain.photo import SearchHit
from album.search.query import Query
from album.search.search import SearchPage


def counts_json(page: SearchPage) -> dict[str, Any]:
    """model_id, total, and how many photos are in each band: sure, maybe and rest."""
    return {
        "model_id": page.model_id,
        "total": page.total,
        "sure": page.sure,
        "maybe": page.maybe,
        "rest": page.rest,
    }


def understood_json(page: SearchPage) -> dict[str, Any]:
    """What was made of the words: understood, visual, notices, unread; vetoed and nearest."""
    return {
        "understood": _chips(page.query),
        "visual": page.query.visual,
        "notices": list(page.query.notices),
        "unread": page.unread,
        "vetoed": page.vetoed,
        "nearest": page.nearest,
    }


def hit_json(hit: SearchHit) -> dict[str, Any]:
    """score, caption, band, why and burst of a hit."""
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
            "first": chip.first and chip.first.isoformat(),
            "last": chip.last and chip.last.isoformat(),
        }
        for chip in query.chips
    ]
