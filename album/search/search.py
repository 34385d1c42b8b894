"""PhotoSearch: find photos by words, by pictures, or by both."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np

from album.domain.filters import Filter, ImportedBy
from album.domain.languages import unread_language
from album.domain.photo import Photo, Reason, SearchFilters, SearchHit
from album.encoding.active_encoder import Active, ActiveEncoder
from album.errors import EmptyQueryError, QueryError
from album.images.decoder import Decoder
from album.search.dead_ends import DeadEnds, WayOut
from album.search.query import Chip, Query, parse
from album.search.query.phrases import plain
from album.search.ranking import Ids, Ranker, Ranking
from album.search.reader_day import today_in
from album.search.request import SearchRequest
from album.search.theme_photos import ThemePhotos
from album.storage.captions import CaptionStore
from album.storage.label_evidence import labels_among
from album.storage.photos import PhotoStore
from album.storage.text_index import TextIndex
from models.interfaces import Embeddings, Encoder

PAGE = 60
MOST_CHARACTERS = 1_000
RANKINGS_KEPT = 8  # each with 24 bytes for a hit


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits."""

    hits: list[SearchHit]
    """Band after band. Without a visual part all are sure, the newest first, without a score."""
    total: int
    """Hits on all pages. A burst is one."""
    query: Query
    """The parsed text."""
    model_id: str | None = None
    """The model that ranked them. None where none was needed."""
    sure: int = 0
    """Photos on all pages that surely match, those of bursts counted one by one."""
    maybe: int = 0
    """Photos that may match."""
    rest: int = 0
    """Photos that do not match, whether they are hits or not."""
    vetoed: int = 0
    """Photos that would match, but show what was excluded."""
    nearest: bool = False
    """Nothing clearly matches, and the hits are the few that come nearest."""
    is_absent: bool = False
    """No photo of the album looks like the query. Told only where `nearest` is true."""
    ways_out: tuple[WayOut, ...] = ()
    """Parts to drop where the filters and conditions leave no photo."""
    left_out: tuple[int, ...] = ()
    """Photos that would match, but for each of `Query.unwanted`. One may count for several."""
    unread: str = ""
    """The language ("ko") of the words where it is one that the model does not read."""
    is_listed: bool = False
    """Hits by date alone, which the timeline shows."""

    def is_idle(self, chip: Chip) -> bool:
        """Return whether a chip excludes a look that left no photo out."""
        if chip.kind != "look" or not chip.excluded or not self.left_out:
            return False
        counts = dict(zip(self.query.unwanted, self.left_out, strict=True))
        return not any(counts[text] for text in chip.unwanted)


class PhotoSearch:
    """Searches the album. Safe to call from any thread.

    A `SearchRequest` is what was asked, `Query` its parsed text, `Ranking` all hits of both, and
    `SearchPage` some of those hits with their photos.
    """

    def __init__(
        self,
        store: PhotoStore,
        captions: CaptionStore,
        texts: TextIndex,
        active: ActiveEncoder,
        cache_dir: Path,
        decoder: Decoder,
        themes: ThemePhotos | None = None,
    ) -> None:
        """Prepare to search.

        Args:
            store: the photos.
            captions: their captions, for the hits.
            texts: the index of their captions, labels and names.
            active: the model in use.
            cache_dir: where statistics of each photo are cached.
            decoder: for the pictures of requests.
            themes: the photos of the album by theme. None: no request has a theme.
        """
        self._store = store
        self._captions = captions
        self._texts = texts
        self._active = active
        self._cache_dir = cache_dir
        self._decoder = decoder
        self._themes = themes
        self._ranker: Ranker | None = None
        self._rankings: OrderedDict[SearchRequest, Ranking] = OrderedDict()
        self._lock = Lock()

    def find(
        self,
        request: SearchRequest | str = "",
        *,
        offset: int = 0,
        limit: int = PAGE,
        language: str = "ko",
    ) -> SearchPage:
        """Return a page of matching photos, or of all photos.

        An empty request matches all.

        Args:
            request: the whole request, or only its words.
            offset: hits to leave out, for a later page.
            limit: hits at most.
            language: "ko" or "en", of the captions beside the hits.

        Raises:
            QueryError: the text is too long.
            UnreadableImageError: a picture is no image.
            PhotoNotFoundError: a photo that the request names is not there.
            EmptyQueryError: that photo has not been encoded yet.
            ModelLoadingError: no model came in time.
        """
        request = SearchRequest(request) if isinstance(request, str) else request
        query = self._checked(request)
        if request.burst is not None:
            return self._burst_page(request.burst, query, offset, limit, language)
        if not _compares_looks(request, query):
            if request.theme is not None:
                return self._theme_page(request, query, offset, limit, language)
            return self._filter_page(request, query, offset, limit, language)
        ranking = self._rank(request, query, reuse=offset > 0)
        words = " ".join([query.visual, *query.unwanted])
        return SearchPage(
            self._hits(ranking, query, offset, limit, language),
            total=len(ranking.photo_ids),
            query=query,
            model_id=ranking.model_id,
            sure=ranking.sure,
            maybe=ranking.maybe,
            rest=ranking.rest,
            vetoed=ranking.vetoed,
            nearest=ranking.nearest,
            is_absent=ranking.nearest and ranking.is_absent,
            ways_out=() if len(ranking.photo_ids) else self._ways_out(request, query),
            unread=unread_language(words, self._active.current().encoder.languages),
            left_out=ranking.left_out,
        )

    def all_ids(self, request: SearchRequest) -> list[int]:
        """Return the matching photos of all pages, best first.

        The other photos of bursts come last. Empty where nothing matches, even if `find` returns
        the nearest photos.

        Raises:
            AlbumError: as `find`.
        """
        request = replace(request, rest=False)
        page = self.find(request, limit=1)
        if request.burst is not None:
            hits = self.find(request, limit=page.total).hits
            return [hit.photo.photo_id for hit in hits]
        if page.nearest:
            return []
        allowed = self._allowed(request, page.query)
        if request.theme is not None and page.model_id is None:
            return [int(photo_id) for photo_id in self._in_theme(request, allowed)]
        if page.model_id is None:
            ids = self._store.matching_ids(SearchFilters()) if allowed is None else allowed
            return [int(photo_id) for photo_id in ids]
        ranking = self._rank(request, page.query, reuse=True)
        members = self.ranker().with_bursts(ranking.photo_ids[ranking.bursts > 1])
        if allowed is not None:
            members = np.intersect1d(members, allowed)
        members = np.setdiff1d(members, np.array([*request.like, *ranking.photo_ids], np.int64))
        return [int(photo_id) for photo_id in np.concatenate([ranking.photo_ids, members])]

    def listed_ids(self, request: SearchRequest) -> Ids | None:
        """Return (n,) rising ids of the photos that a request without looks matches.

        None: it matches all.

        Raises:
            QueryError: it is too long, or it compares looks and so has another order than time.
        """
        query = self._checked(request)
        if {request.burst, request.theme} != {None} or _compares_looks(request, query):
            raise QueryError("This search is not a list by date.")
        return self._allowed(request, query)

    def get_ready(self) -> None:
        """Prepare the next search. Does nothing while there is no model."""
        if self._active.model_id is not None:
            self.ranker().get_ready()

    def similar(self, photo_id: int, *, offset: int = 0, limit: int = PAGE) -> SearchPage:
        """Return all other photos by their likeness to this one.

        Raises:
            PhotoNotFoundError: there is no such photo.
            EmptyQueryError: it has not been encoded yet.
        """
        return self.find(SearchRequest(like=(photo_id,), rest=True), offset=offset, limit=limit)

    def ranker(self) -> Ranker:
        """Return the ranker of the model in use.

        Raises:
            ModelLoadingError: no model came in time.
        """
        return self._ranker_of(self._active.current())

    def looks_ranker(self, encoder: Encoder | None = None) -> Ranker:
        """Return a ranker that ignores captions, labels and names, for an evaluation.

        Args:
            encoder: encodes all photos first. None: the one in use.
        """
        active = self._active.current() if encoder is None else self._active.encoded_with(encoder)
        return Ranker(active, self._store, None, self._cache_dir)

    def _filter_page(
        self, request: SearchRequest, query: Query, offset: int, limit: int, language: str
    ) -> SearchPage:
        """Return the photos that match the filters. Needs no model."""
        filters, conditions = request.filters, query.conditions
        written = self._texts.written(conditions)
        photos = self._store.newest(filters, offset, limit, conditions, written)
        total = self._store.count(filters, conditions, written)
        hits = self._unranked(photos, language)
        ways = () if total else self._ways_out(request, query)
        return SearchPage(hits, total, query, sure=total, ways_out=ways, is_listed=total > 0)

    def _checked(self, request: SearchRequest) -> Query:
        """Parse the text of a request.

        Raises:
            QueryError: it is too long.
        """
        if len(request.text) > MOST_CHARACTERS:
            raise QueryError(
                "A search can have {limit:,} characters at most; say less.", limit=MOST_CHARACTERS
            )
        return self._parse(request.text, request)

    def _theme_page(
        self, request: SearchRequest, query: Query, offset: int, limit: int, language: str
    ) -> SearchPage:
        """Return the photos of a theme, without a score."""
        photo_ids = self._in_theme(request, self._allowed(replace(request, theme=None), query))
        page, total = photo_ids[offset : offset + limit].tolist(), len(photo_ids)
        photos = self._store.get_many(page)
        present = [photos[photo_id] for photo_id in page if photo_id in photos]
        ways = () if total else self._ways_out(request, query)
        return SearchPage(
            self._unranked(present, language), total, query, sure=total, ways_out=ways
        )

    def _parse(self, text: str, request: SearchRequest) -> Query:
        query = parse(text, self._store.known_names(), today_in(request.time_zone))
        if request.import_id is None:
            return query
        imported = Filter(ImportedBy(request.import_id))
        return replace(query, conditions=(*query.conditions, imported))

    def _ways_out(self, request: SearchRequest, query: Query) -> tuple[WayOut, ...]:
        dead_ends = DeadEnds(self._store, self._texts, lambda text: self._parse(text, request))
        return dead_ends.ways_out(query, request.filters)

    def _burst_page(
        self, photo_id: int, query: Query, offset: int, limit: int, language: str
    ) -> SearchPage:
        self._store.get(photo_id)
        ranker = self.ranker()
        photo_ids = ranker.burst_of(photo_id).tolist()
        page, total = photo_ids[offset : offset + limit], len(photo_ids)
        photos = self._store.get_many(page)
        present = [photos[photo_id] for photo_id in page if photo_id in photos]
        hits = self._unranked(present, language)
        return SearchPage(hits, total, query, ranker.active.encoder.model_id, sure=total)

    def _unranked(self, photos: Sequence[Photo], language: str) -> list[SearchHit]:
        captions = self._captions.get_many([photo.photo_id for photo in photos], language)
        return [SearchHit(photo, None, captions.get(photo.photo_id)) for photo in photos]

    def _rank(self, request: SearchRequest, query: Query, *, reuse: bool) -> Ranking:
        """Rank all photos, or reuse the cached ranking of the first page."""
        with self._lock:
            ranking = self._rankings.pop(request, None) if reuse else None
        if ranking is None:
            active = self._active.current()
            pictures = self._embed_pictures(request, active)
            allowed = self._allowed(request, query)
            ranking = self._ranker_of(active).rank(request, query, allowed, pictures)
        with self._lock:
            self._rankings[request] = ranking
            while len(self._rankings) > RANKINGS_KEPT:
                self._rankings.popitem(last=False)
        return ranking

    def _ranker_of(self, active: Active) -> Ranker:
        with self._lock:
            if self._ranker is None or self._ranker.active is not active:
                self._ranker = Ranker(active, self._store, self._texts, self._cache_dir)
            return self._ranker

    def _allowed(self, request: SearchRequest, query: Query) -> Ids | None:
        """Return the photos that pass theme, filters and conditions. None: all."""
        passing = None
        if request.filters != SearchFilters() or query.conditions:
            written = self._texts.written(query.conditions)
            passing = self._store.matching_ids(request.filters, query.conditions, written)
        return passing if request.theme is None else self._in_theme(request, passing)

    def _in_theme(self, request: SearchRequest, passing: Ids | None) -> Ids:
        """Return the photos of the request's theme that pass, in their order.

        Raises:
            QueryError: there is no such theme.
        """
        assert request.theme is not None
        assert self._themes is not None
        photo_ids = self._themes.photo_ids(request.theme)
        if passing is not None:
            photo_ids = photo_ids[np.isin(photo_ids, passing)]
        if request.sort == "date":
            photo_ids = photo_ids[self._store.photo_table().latest_first(photo_ids)]
        return photo_ids

    def _embed_pictures(self, request: SearchRequest, active: Active) -> Embeddings | None:
        rows = []
        for path in request.pictures:
            image = self._decoder.image(path, active.encoder.image_size)
            rows.append(active.encoder.encode_images([image]))
        for photo_id in request.like:
            photo = self._store.get(photo_id)
            vector = active.index.vectors_of(np.array([photo_id], dtype=np.int64))  # (0 or 1, d)
            if not len(vector):
                raise EmptyQueryError(
                    "{filename} is still being looked at; try again soon.", filename=photo.filename
                )
            rows.append(vector)
        return np.concatenate(rows) if rows else None

    def _hits(
        self, ranking: Ranking, query: Query, offset: int, limit: int, language: str
    ) -> list[SearchHit]:
        places = range(offset, min(offset + limit, len(ranking.photo_ids)))
        photo_ids = ranking.photo_ids[offset : offset + limit].tolist()
        words = self._texts.why(photo_ids, plain(query.visual)) if query.visual else {}
        named = [label for _, labels in query.labels for label in labels]
        labels = labels_among(self._store.database, photo_ids, named)
        photos = self._store.get_many(photo_ids)
        captions = self._captions.get_many(photo_ids, language)
        hits = []
        for place, photo_id in zip(places, photo_ids, strict=True):
            if photo_id not in photos:  # deleted since the first page
                continue
            score = float(ranking.scores[place])
            visual = not np.isnan(score)
            likeness = float(ranking.likeness[place])
            reasons = [Reason("label", ", ".join(names))] if (names := labels.get(photo_id)) else []
            if visual:
                reasons.append(Reason("looks", likeness=None if np.isnan(likeness) else likeness))
            if photo_id in words and (not names or words[photo_id].field != "label"):
                reasons.append(Reason(words[photo_id].field, words[photo_id].excerpt))
            hits.append(
                SearchHit(
                    photos[photo_id],
                    score if visual else None,
                    captions.get(photo_id),
                    ranking.band_at(place),
                    tuple(reasons),
                    int(ranking.bursts[place]),
                )
            )
        return hits


def _compares_looks(request: SearchRequest, query: Query) -> bool:
    return bool(query.groups or query.unwanted or request.pictures or request.like)
