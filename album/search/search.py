"""Journey 2: PhotoSearch finds photos by words, by pictures, or by both; or says there is none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np

from album.domain.languages import unread_language
from album.domain.photo import Photo, Reason, SearchFilters, SearchHit
from album.encoding.active_encoder import Active, ActiveEncoder
from album.errors import EmptyQueryError, QueryError
from album.images.decoder import Decoder
from album.search.query import Query, parse
from album.search.ranking import Ids, Ranker, Ranking, RankingRequest
from album.storage.captions import CaptionStore
from album.storage.photos import PhotoStore
from album.storage.text_index import TextIndex
from models.interfaces import Embeddings

PAGE = 60
MOST_CHARACTERS = 1_000
ANSWERS_KEPT = 8  # each with 24 bytes for a photo that is shown

Sort = Literal["best", "date"]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is asked of the album."""

    text: str = ""
    """A sentence in the query language, see `query.parse`."""
    pictures: tuple[Path, ...] = ()
    """Image files that the photos are to look like."""
    like: tuple[int, ...] = ()
    """Photos of the album that they are to look like, which are left out themselves."""
    picture_weight: float = 0.5
    """In [0, 1]: how much the pictures count beside the words."""
    filters: SearchFilters = field(default_factory=SearchFilters)
    sort: Sort = "best"
    """By date: the latest first, inside each band."""
    rest: bool = False
    """Show what does not match, too, behind all that does."""
    burst: int | None = None
    """Only photos of the same moment as this one, in the order of their time."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits."""

    hits: list[SearchHit]
    """Sure ones, then those that may be right, then, where asked for, the rest. For a question of
    facts alone, such as a year, all are sure, the newest first, without a score."""
    total: int
    """How many there are on all pages; a burst is one."""
    query: Query
    """What was understood."""
    model_id: str | None = None
    """Who looked at the photos; None where that was not needed."""
    sure: int = 0
    """How many photos surely match, on all pages, those of bursts counted one by one."""
    maybe: int = 0
    """How many may match."""
    rest: int = 0
    """How many do not match, whether they are shown or not."""
    vetoed: int = 0
    """How many would match, but show what was excluded."""
    nearest: bool = False
    """Nothing matches; the hits are the few that come nearest."""
    unread: str = ""
    """The language ("ko") of the words where it is one that the model does not read."""


class PhotoSearch:
    """Answers questions about the album; methods may be called from any thread."""

    def __init__(
        self,
        store: PhotoStore,
        captions: CaptionStore,
        texts: TextIndex,
        active: ActiveEncoder,
        cache_dir: Path,
        decoder: Decoder,
    ) -> None:
        """Prepare to search.

        Args:
            store: the photos.
            captions: their captions, which hits are told with.
            texts: what is written of them.
            active: who sees them.
            cache_dir: where what is worked out once for each photo is kept.
            decoder: for the pictures of questions.
        """
        self._store = store
        self._captions = captions
        self._texts = texts
        self._active = active
        self._cache_dir = cache_dir
        self._decoder = decoder
        self._ranker: Ranker | None = None
        self._answers: OrderedDict[SearchRequest, Ranking] = OrderedDict()
        self._lock = Lock()

    def find(
        self,
        question: SearchRequest | str = "",
        *,
        offset: int = 0,
        limit: int = PAGE,
        language: str = "ko",
    ) -> SearchPage:
        """Photos that answer a question; all, newest first, where nothing is asked.

        Args:
            question: or just its words.
            offset: how many hits to leave out, for the next page.
            limit: how many at the most.
            language: of the reader, "ko" or "en", for whom hits are told with captions.

        Raises:
            QueryError: the text is too long.
            UnreadableImageError: a picture is no image.
            PhotoNotFoundError: a photo that the question names is not there.
            EmptyQueryError: it has not been encoded yet.
            ModelLoadingError: no model came in time.
        """
        asked = SearchRequest(question) if isinstance(question, str) else question
        if len(asked.text) > MOST_CHARACTERS:
            raise QueryError(f"A search can have {MOST_CHARACTERS:,} characters at most; say less.")
        query = parse(asked.text, self._store.known_names(), date.today())
        if asked.burst is not None:
            return self._of_a_moment(asked.burst, query, offset, limit, language)
        if not (query.groups or query.unwanted or asked.pictures or asked.like):
            return self._of_facts(asked, query, offset, limit, language)
        answer = self._answer(asked, query, again=offset > 0)
        words = " ".join([query.visual, *query.unwanted])
        return SearchPage(
            self._hits(answer, query, offset, limit, language),
            total=len(answer.photo_ids),
            query=query,
            model_id=answer.model_id,
            sure=answer.sure,
            maybe=answer.maybe,
            rest=answer.rest,
            vetoed=answer.vetoed,
            nearest=answer.nearest,
            unread=unread_language(words, self._active.current().encoder.languages),
        )

    def all_ids(self, question: SearchRequest) -> list[int]:
        """The photos of all pages of an answer, best first; of a burst that is one hit, all photos,
        last. None where nothing matches, though the nearest may be shown.

        Raises:
            as `find`.
        """
        asked = replace(question, rest=False)
        page = self.find(asked, limit=1)
        if asked.burst is not None:
            return [it.photo.photo_id for it in self.find(asked, limit=page.total).hits]
        if page.nearest:
            return []
        query = page.query
        allowed = self._allowed(asked, query)
        if page.model_id is None:
            ids = self._store.matching_ids(SearchFilters()) if allowed is None else allowed
            return [int(it) for it in ids]
        answer = self._answer(asked, query, again=True)
        theirs = self._ranker_now().moments_of(answer.photo_ids[answer.bursts > 1])
        if allowed is not None:
            theirs = np.intersect1d(theirs, allowed)
        theirs = np.setdiff1d(theirs, np.array([*asked.like, *answer.photo_ids], dtype=np.int64))
        return [int(it) for it in np.concatenate([answer.photo_ids, theirs])]

    def get_ready(self) -> None:
        """Do what the next search would have to do first; nothing while there is no model."""
        if self._active.model_id is not None:
            self._ranker_now().get_ready()

    def similar(self, photo_id: int, *, offset: int = 0, limit: int = PAGE) -> SearchPage:
        """All photos by how much they look like this one, which is left out itself.

        Raises:
            PhotoNotFoundError: there is no such photo.
            EmptyQueryError: it has not been encoded yet.
        """
        return self.find(SearchRequest(like=(photo_id,), rest=True), offset=offset, limit=limit)

    def _of_facts(
        self, asked: SearchRequest, query: Query, offset: int, limit: int, language: str
    ) -> SearchPage:
        """Nothing has to be looked at, so no model is waited for."""
        filters, conditions = asked.filters, query.conditions
        written = self._texts.written(conditions)
        photos = self._store.newest(filters, offset, limit, conditions, written)
        total = self._store.count(filters, conditions, written)
        return SearchPage(self._unranked(photos, language), total, query, sure=total)

    def _of_a_moment(
        self, photo_id: int, query: Query, offset: int, limit: int, language: str
    ) -> SearchPage:
        self._store.get(photo_id)
        ranker = self._ranker_now()
        photo_ids = ranker.moment_of(photo_id).tolist()
        page, total = photo_ids[offset : offset + limit], len(photo_ids)
        photos = self._store.get_many(page)
        there = [photos[photo_id] for photo_id in page if photo_id in photos]
        hits = self._unranked(there, language)
        return SearchPage(hits, total, query, ranker.active.encoder.model_id, sure=total)

    def _unranked(self, photos: Sequence[Photo], language: str) -> list[SearchHit]:
        captions = self._captions.get_many([photo.photo_id for photo in photos], language)
        return [SearchHit(photo, None, captions.get(photo.photo_id)) for photo in photos]

    def _answer(self, asked: SearchRequest, query: Query, *, again: bool) -> Ranking:
        """The whole ranking; for a later page the one that the first page began, if it is kept."""
        with self._lock:
            known = self._answers.pop(asked, None) if again else None
        if known is None:
            active = self._active.current()
            shown = self._pictures(asked, active)  # a picture may take its time
            known = self._ranker_of(active).answer(
                RankingRequest(
                    query,
                    self._allowed(asked, query),
                    shown,
                    asked.picture_weight,
                    excluded=asked.like,
                    by_date=asked.sort == "date",
                    rest=asked.rest,
                )
            )
        with self._lock:
            self._answers[asked] = known
            while len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
        return known

    def _ranker_now(self) -> Ranker:
        return self._ranker_of(self._active.current())

    def _ranker_of(self, active: Active) -> Ranker:
        with self._lock:
            if self._ranker is None or self._ranker.active is not active:
                self._ranker = Ranker(active, self._store, self._texts, self._cache_dir)
            return self._ranker

    def _allowed(self, asked: SearchRequest, query: Query) -> Ids | None:
        """The photos that have the facts that were asked for; None: all."""
        if asked.filters == SearchFilters() and not query.conditions:
            return None
        written = self._texts.written(query.conditions)
        return self._store.matching_ids(asked.filters, query.conditions, written)

    def _pictures(self, asked: SearchRequest, active: Active) -> Embeddings | None:
        rows = []
        for path in asked.pictures:
            image = self._decoder.image(path, active.encoder.image_size)
            rows.append(active.encoder.encode_images([image]))
        for photo_id in asked.like:
            photo = self._store.get(photo_id)
            own = active.index.vectors_of(np.array([photo_id], dtype=np.int64))  # (0 or 1, d)
            if not len(own):
                raise EmptyQueryError(f"{photo.filename} is still being looked at; try again soon.")
            rows.append(own)
        return np.concatenate(rows) if rows else None

    def _hits(
        self, answer: Ranking, query: Query, offset: int, limit: int, language: str
    ) -> list[SearchHit]:
        places = range(offset, min(offset + limit, len(answer.photo_ids)))
        photo_ids = answer.photo_ids[offset : offset + limit].tolist()
        words = self._texts.why(photo_ids, query.visual) if query.visual else {}
        photos = self._store.get_many(photo_ids)
        captions = self._captions.get_many(photo_ids, language)
        hits = []
        for place, photo_id in zip(places, photo_ids, strict=True):
            if photo_id not in photos:  # deleted since the first page
                continue
            score = float(answer.scores[place])
            seen = not np.isnan(score)
            reasons = [Reason("looks", likeness=float(answer.likeness[place]))] if seen else []
            if photo_id in words:
                reasons.append(Reason(words[photo_id].field, words[photo_id].excerpt))
            hits.append(
                SearchHit(
                    photos[photo_id],
                    score if seen else None,
                    captions.get(photo_id),
                    answer.band_at(place),
                    tuple(reasons),
                    int(answer.bursts[place]),
                )
            )
        return hits
