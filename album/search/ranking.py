"""Ranking: which photos match a query, in what order, and how surely.

Arrays over the n rows of one model's index. m rows are hits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from album.domain.bursts import bursts_of, first_of_each
from album.domain.photo import Band
from album.encoding.active_encoder import Active
from album.encoding.score_calibration import MAYBE, SURE, Calibrated, ScoreCalibrator, without
from album.search.fusion import WHOLE, certain, fuse
from album.search.label_evidence import LabelEvidence, undoubted
from album.search.query import Look, Query
from album.search.query.colours import colour_phrases
from album.search.query.phrases import plain
from album.search.request import SearchRequest
from album.storage.photo_table import Facts
from album.storage.photos import PhotoStore
from album.storage.text_index import NO_IDS, TextHits, TextIndex
from album.storage.vector_index import is_in
from models.interfaces import Embeddings

NEAREST = 5

Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ranking:
    """All hits of one search, band after band, a burst as one."""

    model_id: str
    photo_ids: Ids
    """(m,)"""
    scores: Floats
    """(m,) cosines, the mean of them over several groups. NaN where nothing visual was searched."""
    likeness: Floats
    """(m,) probability in [0, 1] that the photo shows the query. NaN where `scores` is, and where
    pictures were searched: how alike two pictures are is no probability."""
    bursts: Ids
    """(m,) number of photos that each hit stands for."""
    sure_end: int
    """Sure hits are those before this place."""
    maybe_end: int
    """Hits that may be right are those from `sure_end` to this place."""
    sure: int
    """Photos in this band, those of a burst counted one by one."""
    maybe: int
    rest: int
    vetoed: int
    nearest: bool
    """Nothing clearly matches, and these only come nearest."""
    is_absent: bool
    """No photo of the album looks like the query, with or without its filters."""
    left_out: tuple[int, ...]
    """Photos that would match, but for each of `Query.unwanted`. One may count for several."""

    def band_at(self, place: int) -> Band:
        """Return the band of the hit at this place."""
        if place < self.sure_end:
            return "sure"
        return "maybe" if place < self.maybe_end else "rest"


@dataclass(frozen=True, slots=True)
class QueryScores:
    """Cosine scores and calibrated log-odds of one sub-query."""

    log_odds: Floats
    """(n,) as of `Calibrated.log_odds`: comparable across queries."""
    logits: Floats
    """(n,) as of `Calibrated.logits`."""
    scores: Floats
    """(n,) cosines."""
    believed: Floats
    """(n,) log-odds with what labels say."""
    is_absent: bool


class Ranker:
    """A ranker of the photos that one model has encoded.

    Safe to call from any thread.
    """

    def __init__(
        self, active: Active, store: PhotoStore, texts: TextIndex | None, cache_dir: Path
    ) -> None:
        """Prepare to rank with one model.

        Args:
            active: the model and its index.
            store: the photos.
            texts: their captions, labels and names. None ranks by looks alone.
            cache_dir: where statistics of each photo are cached.
        """
        self.active = active
        self._store = store
        self._texts = texts
        self._calibrator = ScoreCalibrator(active.encoder, active.index, cache_dir)
        self._bursts: tuple[Ids, Facts, Ids] | None = None
        self._lock = Lock()

    def rank(
        self,
        request: SearchRequest,
        query: Query,
        allowed: Ids | None = None,
        pictures: Embeddings | None = None,
        *,
        group_bursts: bool = True,
    ) -> Ranking:
        """Rank every photo for a query.

        Args:
            request: the photos to be like, which are no hits, the weight of pictures, the order
                inside a band, and whether photos that do not match are hits.
            query: what must be visible and what must not. Its conditions are in `allowed`.
            allowed: (k,) photos that may be hits. None: all.
            pictures: (p, d) embeddings of the pictures that hits should look like.
            group_bursts: make one hit of a burst.
        """
        ids, matrix = self.active.index.snapshot()
        allowed_rows = np.ones(len(ids), bool) if allowed is None else is_in(ids, allowed)
        if request.like:
            allowed_rows &= ~is_in(ids, np.array(request.like, np.int64))
        labels = LabelEvidence(self._store.database, query.labels if self._texts else (), ids)
        vectors = self._encode(query)
        looks = self._looks(request, query, pictures, matrix, vectors, labels)
        log_odds = np.full(len(ids), SURE, np.float32) if looks is None else looks.believed
        tie_break, in_text = log_odds, np.zeros(len(ids), bool)
        if looks is not None:
            texts = self._text_hits(query.visual)
            if pictures is not None:  # text counts less where the pictures count for more
                share = np.float32(min(1, 2 * (1 - request.picture_weight)))
                texts = replace(texts, coverage=share * texts.coverage)
            log_odds, tie_break = fuse(log_odds, ids, texts.photo_ids, texts.coverage)
            refused = labels.refused((look.text for (look, *_) in query.groups), len(ids))
            if refused.any():
                log_odds = np.where(refused, looks.believed, log_odds)
            in_text = _full_matches(ids, texts) & ~refused
        would_match = allowed_rows & (log_odds >= MAYBE)
        vetoes = []
        for text in query.unwanted:
            refused = labels.refused([text], len(ids))
            doubted, vetoed = self._exclude(text, query, (ids, matrix), log_odds, refused, vectors)
            log_odds = log_odds if looks is None else doubted
            vetoes.append(vetoed)
        unwanted_rows = np.logical_or.reduce([np.zeros(len(ids), bool), *vetoes])
        candidates = allowed_rows & ~unwanted_rows
        matches = candidates & (log_odds >= MAYBE)
        surely = certain(log_odds if looks is None else looks.log_odds, log_odds, in_text)
        sure = np.flatnonzero(matches & surely)
        maybe = np.flatnonzero(matches & ~surely)
        rest = int(np.count_nonzero(candidates)) - len(sure) - len(maybe)
        nearest = not len(sure) and not len(maybe) and rest > 0
        below = np.empty(0, np.intp)
        if request.rest or nearest:
            below = np.flatnonzero(candidates & ~matches)
        if nearest and not request.rest:
            few = min(4 * NEAREST, len(below))  # several of them may be one burst
            below = below[np.argpartition(-log_odds[below], few - 1)[:few]]
        evidence = (
            None if pictures is not None else labels.of(look.text for (look, *_) in query.groups)
        )
        if request.sort == "date" or looks is None:
            bands = [self._latest_first(ids, rows) for rows in (sure, maybe, below)]
        else:
            keys = [-tie_break, -log_odds] + ([] if evidence is None else [-evidence])
            bands = [rows[np.lexsort([key[rows] for key in keys])] for rows in (sure, maybe)]
            bands.append(below[np.argsort(-log_odds[below])])  # it may be the whole album
        rows, ends = np.concatenate(bands), np.cumsum([len(band) for band in bands])
        sizes = np.ones(len(rows), np.int64)
        if group_bursts:
            kept, sizes = first_of_each(rows, self._current_bursts(ids, matrix))
            rows, ends = rows[kept], np.searchsorted(kept, ends)
        if nearest and not request.rest:
            rows, sizes = rows[:NEAREST], sizes[:NEAREST]
        nothing = np.full(len(rows), np.nan, np.float32)
        return Ranking(
            model_id=self.active.encoder.model_id,
            photo_ids=ids[rows],
            scores=nothing if looks is None else looks.scores[rows],
            likeness=nothing
            if looks is None or pictures is not None
            else _probability(looks.logits[rows]),
            bursts=sizes,
            sure_end=int(ends[0]),
            maybe_end=int(ends[1]),
            sure=len(sure),
            maybe=len(maybe),
            rest=rest,
            vetoed=int(np.count_nonzero(unwanted_rows & would_match)),
            nearest=nearest,
            is_absent=looks is not None and looks.is_absent,
            left_out=tuple(int(np.count_nonzero(it & would_match)) for it in vetoes),
        )

    def _exclude(
        self,
        text: str,
        query: Query,
        snapshot: tuple[Ids, Embeddings],
        log_odds: Floats,
        refused: Flags,
        vectors: Mapping[str, Floats],
    ) -> tuple[Floats, Flags]:
        """Return (n,) log-odds with doubts, and (n,) flags of photos that show the text.

        Args:
            text: one of `Query.unwanted`.
            query: the whole query.
            snapshot: (n,) ids and (n, d) embeddings of the photos.
            log_odds: (n,) that each photo shows what is wanted.
            refused: (n,) flags of photos that a person said do not show the text.
            vectors: embeddings by phrase.
        """
        ids, matrix = snapshot
        unwanted = self._score_text(matrix, [Look(text)], vectors).log_odds
        doubted, vetoed = without(log_odds, undoubted(unwanted, refused))
        vetoed |= self._in_colour(matrix, colour_phrases(text, query.visual), vectors)
        vetoed |= _full_matches(ids, self._text_hits(text))
        return doubted, vetoed & ~refused

    def get_ready(self) -> None:
        """Compare new photos with the everyday words and the decoys ahead of a search."""
        self._calibrator.get_ready()

    def burst_of(self, photo_id: int) -> Ids:
        """Return the photos of a photo's burst by time.

        A single photo is a burst of its own.
        """
        ids, matrix = self.active.index.snapshot()
        row = np.flatnonzero(ids == photo_id)
        if not len(row):
            return np.array([photo_id], dtype=np.int64)
        bursts = self._current_bursts(ids, matrix)
        rows = np.flatnonzero(bursts == bursts[row[0]])
        return ids[self._latest_first(ids, rows)[::-1]]

    def with_bursts(self, photo_ids: Ids) -> Ids:
        """Return (k,) photos and the rest of their bursts, by rising id."""
        ids, matrix = self.active.index.snapshot()
        bursts = self._current_bursts(ids, matrix)
        members = ids[np.isin(bursts, bursts[np.isin(ids, photo_ids)])]
        return np.union1d(members, photo_ids)

    def _text_hits(self, text: str) -> TextHits:
        if self._texts is None:
            return TextHits(NO_IDS, np.empty(0, np.float32))
        return self._texts.find(plain(text))

    def _looks(
        self,
        request: SearchRequest,
        query: Query,
        pictures: Embeddings | None,
        matrix: Embeddings,
        vectors: Mapping[str, Floats],
        labels: LabelEvidence,
    ) -> QueryScores | None:
        """Score all visual parts of a query together, if any."""
        parts = [self._score_text(matrix, group, vectors, labels) for group in query.groups]
        looks = None
        if parts:  # all of them must be visible, so the least sure one decides
            looks = QueryScores(
                np.minimum.reduce([part.log_odds for part in parts]),
                np.minimum.reduce([part.logits for part in parts]),
                np.mean([part.scores for part in parts], axis=0),
                np.minimum.reduce([part.believed for part in parts]),
                is_absent=any(part.is_absent for part in parts),
            )
        if pictures is None:
            return looks
        direction = _unit(pictures.sum(axis=0))
        scores = matrix @ direction
        picture = _scores_of(self._calibrator.calibrate(direction, scores, "picture"), scores)
        return picture if looks is None else _between(looks, picture, request.picture_weight)

    def _score_text(
        self,
        matrix: Embeddings,
        looks: Sequence[Look],
        vectors: Mapping[str, Floats],
        labels: LabelEvidence | None = None,
    ) -> QueryScores:
        """Score one text, or the weighted sum of several."""
        texts = [plain(look.text) for look in looks]
        rows = np.stack([vectors[text] for text in texts])
        direction = _unit(np.array([look.weight for look in looks], np.float32) @ rows)
        scores = matrix @ direction
        calibrated = self._calibrator.calibrate(direction, scores, "text", " ".join(texts))
        if labels is None:
            return _scores_of(calibrated, scores)
        text = " ".join(look.text for look in looks)
        calibrated = labels.calibrated(text, calibrated)
        return _scores_of(calibrated, scores, labels.believed(text, calibrated.log_odds))

    def _encode(self, query: Query) -> dict[str, Floats]:
        """Encode all phrases of a query at once: (d,) by phrase."""
        phrases = [plain(look.text) for group in query.groups for look in group]
        for text in query.unwanted:
            phrases += [plain(text), *colour_phrases(text, query.visual)]
        phrases = list(dict.fromkeys(phrases))
        if not phrases:
            return {}
        return dict(zip(phrases, self.active.encoder.encode_texts(phrases), strict=True))

    def _in_colour(
        self, matrix: Embeddings, phrases: Sequence[str], vectors: Mapping[str, Floats]
    ) -> Flags:
        """Flag (n,) photos that show the first phrase rather than the others."""
        if not phrases:
            return np.zeros(len(matrix), bool)
        directions = np.stack([vectors[phrase] for phrase in phrases])
        in_colour: Flags = np.argmax(matrix @ directions.T, axis=1) == 0
        return in_colour

    def _latest_first(self, ids: Ids, rows: Rows) -> Rows:
        """Sort rows as `Facts.newest_first` does."""
        return rows[self._store.photo_table().latest_first(ids[rows])]

    def _current_bursts(self, ids: Ids, matrix: Embeddings) -> Ids:
        """Return (n,) bursts as of `bursts_of`.

        They are cached until photos or their times change.
        """
        facts = self._store.photo_table()
        with self._lock:
            if self._bursts is None or self._bursts[0] is not ids or self._bursts[1] is not facts:
                places = np.minimum(np.searchsorted(facts.photo_ids, ids), len(facts.photo_ids) - 1)
                rows = facts.rows[places]
                there = facts.photo_ids[places] == ids  # a photo may just have been deleted
                bursts = bursts_of(rows["taken_ms"], rows["timed"] & there, matrix)
                self._bursts = ids, facts, bursts
            return self._bursts[2]


def _scores_of(
    calibrated: Calibrated, scores: Floats, believed: Floats | None = None
) -> QueryScores:
    log_odds = calibrated.log_odds
    believed = log_odds if believed is None else believed
    return QueryScores(log_odds, calibrated.logits, scores, believed, calibrated.is_absent)


def _full_matches(ids: Ids, texts: TextHits) -> Flags:
    """Flag (n,) photos whose texts hold every word."""
    return is_in(ids, texts.photo_ids[texts.coverage >= WHOLE])


def _probability(log_odds: Floats) -> Floats:
    return (1 / (1 + np.exp(-log_odds))).astype(np.float32)


def _between(text: QueryScores, picture: QueryScores, weight: float) -> QueryScores:
    """Return the weighted mean of two scores.

    `weight` in [0, 1] is that of the picture.
    """
    part = np.float32(weight)
    return QueryScores(
        (1 - part) * text.log_odds + part * picture.log_odds,
        (1 - part) * text.logits + part * picture.logits,
        (1 - part) * text.scores + part * picture.scores,
        (1 - part) * text.believed + part * picture.believed,
        is_absent=text.is_absent and picture.is_absent,
    )


def _unit(vector: Floats) -> Floats:
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))
