"""Searches of the command line in the album that is being served.

A request is {"version", "data_dir", "text", "pictures", "like", "after", "before", "sort", "rest",
"limit"}. The answer is made by `page_json`. Without an answer the command searches itself, and
reports what is wrong with the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, get_args

from album.domain.photo import SearchFilters
from album.errors import AlbumError
from album.runtime.local_socket import ask
from album.search.request import SearchRequest, Sort
from album.search.search import SearchPage
from album.search.serialization import counts_json, hit_json, understood_json
from album.service import Album
from models.errors import ModelError

VERSION = 1
"""Of requests and answers, so that other versions of the album do not answer."""
MOST_HITS = 100_000


def page_json(album: Album, page: SearchPage) -> dict[str, Any]:
    """Convert a page to JSON with the query and paths of hits."""
    hits = [
        {
            "photo_id": hit.photo.photo_id,
            "path": str(album.originals.path_of(hit.photo)),
            "taken_at": hit.photo.taken_at.isoformat(timespec="seconds"),
            **hit_json(hit),
        }
        for hit in page.hits
    ]
    return {**counts_json(page), **understood_json(page), "hits": hits}


def search_served(data_dir: Path, request: SearchRequest, limit: int) -> dict[str, Any] | None:
    """Search in the album served from a folder, or return None."""
    filters = request.filters
    answer = ask(
        data_dir,
        {
            "version": VERSION,
            "data_dir": str(data_dir),
            "text": request.text,
            "pictures": [str(path.absolute()) for path in request.pictures],
            "like": list(request.like),
            "after": filters.after and filters.after.isoformat(),
            "before": filters.before and filters.before.isoformat(),
            "sort": request.sort,
            "rest": request.rest,
            "limit": limit,
        },
    )
    if answer is None or answer.pop("version", None) != VERSION:
        return None
    return answer


def answer_request(album: Album, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Answer a request of `search_served`, or return None.

    A folder of an equal path in another container is refused.
    """
    if request.get("version") != VERSION or request.get("data_dir") != str(album.data_dir):
        return None
    try:
        page = album.search.find(_parse_request(request), limit=_parse_limit(request))
    except (AlbumError, ModelError, ValueError, TypeError, KeyError, OverflowError):
        return None  # the command reports the error
    return {"version": VERSION, **page_json(album, page)}


def _parse_request(request: Mapping[str, Any]) -> SearchRequest:
    """Parse a search request.

    Raises:
        ValueError, TypeError, KeyError: it is invalid.
    """
    text, sort, rest = request["text"], request["sort"], request["rest"]
    if not isinstance(text, str) or not isinstance(rest, bool) or sort not in get_args(Sort):
        raise ValueError("text, sort or rest")
    like = tuple(request["like"])
    if not all(type(value) is int for value in like):
        raise ValueError("like")
    after, before = (
        None if request[name] is None else date.fromisoformat(request[name])
        for name in ("after", "before")
    )
    return SearchRequest(
        text,
        pictures=tuple(Path(value) for value in request["pictures"]),
        like=like,
        filters=SearchFilters(after=after, before=before),
        sort=sort,
        rest=rest,
    )


def _parse_limit(request: Mapping[str, Any]) -> int:
    limit = request["limit"]
    if type(limit) is not int or not 0 < limit <= MOST_HITS:
        raise ValueError("limit")
    return limit
