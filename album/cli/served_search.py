"""Searches of the command line, answered by the album that is being served where there is one.

A request is {"version", "data_dir", "text", "pictures", "like", "after", "before", "sort", "rest",
"limit"}; the answer is what `page_json` makes of the page. No answer means: do it yourself, which
also tells what is wrong with the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, get_args

from album.domain.photo import SearchFilters
from album.errors import AlbumError
from album.runtime.local_socket import ask
from album.search.search import SearchPage, SearchRequest, Sort
from album.search.serialization import counts_json, hit_json, understood_json
from album.service import Album
from models.errors import ModelError

VERSION = 1
"""Of requests and answers: other versions of the album do not answer each other."""
MOST_HITS = 100_000


def page_json(album: Album, page: SearchPage) -> dict[str, Any]:
    """A page with what was understood and where each hit lies."""
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


def search_served(data_dir: Path, question: SearchRequest, limit: int) -> dict[str, Any] | None:
    """The answer of the album that is served from a folder; None where it must be found here."""
    filters = question.filters
    answer = ask(
        data_dir,
        {
            "version": VERSION,
            "data_dir": str(data_dir),
            "text": question.text,
            "pictures": [str(path.absolute()) for path in question.pictures],
            "like": list(question.like),
            "after": filters.after and filters.after.isoformat(),
            "before": filters.before and filters.before.isoformat(),
            "sort": question.sort,
            "rest": question.rest,
            "limit": limit,
        },
    )
    if answer is None or answer.pop("version", None) != VERSION:
        return None
    return answer


def answer_request(album: Album, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Answer what `search_served` sends; None for what is not answered here.

    Nothing is answered for another folder of this name, such as that of a container.
    """
    if request.get("version") != VERSION or request.get("data_dir") != str(album.data_dir):
        return None
    try:
        page = album.search.find(_parse_request(request), limit=_parse_limit(request))
    except (AlbumError, ModelError, ValueError, TypeError, KeyError, OverflowError):
        return None  # the command says what is wrong
    return {"version": VERSION, **page_json(album, page)}


def _parse_request(request: Mapping[str, Any]) -> SearchRequest:
    """The question of a request.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    text, sort, rest = request["text"], request["sort"], request["rest"]
    if not isinstance(text, str) or not isinstance(rest, bool) or sort not in get_args(Sort):
        raise ValueError("text, sort or rest")
    like = tuple(request["like"])
    if not all(type(it) is int for it in like):
        raise ValueError("like")
    after, before = (
        None if request[name] is None else date.fromisoformat(request[name])
        for name in ("after", "before")
    )
    return SearchRequest(
        text,
        pictures=tuple(Path(it) for it in request["pictures"]),
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
