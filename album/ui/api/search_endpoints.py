"""Endpoints that find photos."""

from __future__ import annotations

from typing import Any, cast, get_args

from album.domain.photo import SearchFilters
from album.errors import QueryError
from album.search.request import SearchRequest, Sort
from album.search.search import SearchPage
from album.search.serialization import counts_json, hit_json, understood_json
from album.service import Album
from album.ui.api.arguments import (
    parse_date,
    parse_limit,
    parse_offset,
    parse_photo_id,
    parse_text,
)
from album.ui.shared.uploads import UploadFolder


class SearchEndpoints:
    """Search by text and image, and by a photo of the album."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads

    def search_photos(
        self,
        query: str = "",
        image: str | None = None,
        after: str = "",
        before: str = "",
        limit: int = 20,
        offset: int = 0,
        sort: str = "best",
        rest: bool = False,
        time_zone: str = "",
    ) -> dict[str, Any]:
        """Find the photos that match a sentence in Korean or English.

        Days, seasons, places, cameras, labels and file types in the sentence become filters.
        "without" or "말고" excludes, "a + b" asks for both, and words in quotation marks are
        looked for in captions, names and keywords. All else is what the photo shows. Without a
        query and an image: all photos, the newest first.

        Args:
            query: what the photos show, when and where they were taken, as one sentence.
            image: an uploaded picture that the photos are to look like, alone or with the words.
            after: only photos taken on this day or later, as 2019-08-03, 2019-08 or 2019.
            before: only photos taken on this day or earlier.
            limit: how many hits at the most, up to 500.
            offset: how many hits to leave out, for the next page.
            sort: "best", the surest first, or "date", the latest first inside each band.
            rest: with true, what does not match comes too, behind all that does.
            time_zone: the zone of "today" and "yesterday" in the sentence, as Asia/Seoul. Without
                one, or with one that is not known, the server's.

        Returns:
            query; model_id (null where nothing had to be looked at); total (hits on all pages) and
            hits; sure, maybe and rest (how many photos match, may match and do not, shown or not);
            ways_out (where conditions take all photos away: without which of them, and how many
            photos would be there then);
            vetoed (how many would match but show what was excluded); nearest (true: nothing
            clearly matches, and the few hits only come nearest); absent (true: surely none of the
            photos shows it, either); understood (parts of the query that are facts or conditions:
            kind, text, excluded, first and last for days, label and strict for labels: a word that
            is a label is not strict, and its photos come first), visual (what is
            left to be seen), notices (sentences on what looks like something it is not) and unread
            ("ko" where the model does not read the language of the query).
            A hit has photo_id, file_name, date, caption, score (cosine in [-1, 1], high is near, or
            null), band ("sure", "maybe" or "rest"; trust "sure"), why (its reasons: kind "looks"
            with a likeness in [0, 1], or the text that matches, such as "caption", with an excerpt)
            and burst (how many photos of the same moment it stands for).
        """
        query = parse_text(query)
        if (sort := sort or "best") not in get_args(Sort):
            raise QueryError("sort is best or date.")
        if not isinstance(rest := rest or False, bool):
            raise QueryError("rest is true or false.")
        page = self._album.search.find(
            SearchRequest(
                query,
                pictures=tuple(self._uploads.check(image)),
                filters=SearchFilters(
                    after=parse_date(after), before=parse_date(before, last=True)
                ),
                sort=cast("Sort", sort),
                rest=rest,
                time_zone=parse_text(time_zone),
            ),
            offset=parse_offset(offset),
            limit=parse_limit(limit),
        )
        return {"query": query, **_hits(page), **understood_json(page)}

    def similar_photos(self, photo_id: int, limit: int = 20, offset: int = 0) -> dict[str, Any]:
        """Rank all other photos of the album by similarity to one photo.

        Every photo is a hit, also one that looks different. Its band says whether it is alike.


        Args:
            photo_id: the photo to compare with.
            limit: how many hits at the most, up to 500.
            offset: how many hits to leave out, for the next page.

        Returns:
            photo_id; model_id, total, sure, maybe, rest and hits as of search_photos.
        """
        page = self._album.search.similar(
            parse_photo_id(photo_id), offset=parse_offset(offset), limit=parse_limit(limit)
        )
        return {"photo_id": int(photo_id), **_hits(page)}


def _hits(page: SearchPage) -> dict[str, Any]:
    return {
        **counts_json(page),
        "hits": [
            {
                "photo_id": hit.photo.photo_id,
                "file_name": hit.photo.filename,
                "date": hit.photo.taken_at.isoformat(timespec="seconds"),
                **hit_json(hit),
            }
            for hit in page.hits
        ],
    }
