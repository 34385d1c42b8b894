"""Ranking: which photos answer a question, in what order, and how surely.

Arrays over the n rows of one model's index; m rows are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from album.domain.bursts import bursts_of, first_of_each
from album.domain.photo import Band
from album.encoding.active_encoder import Active
from album.encoding.score_calibration import MAYBE, SURE, ScoreCalibrator, without
from album.search.fusion import WHOLE, certain, fuse
from album.search.query import Look, Query
from album.storage.photo_table import Facts
from album.storage.photos import PhotoStore
from album.storage.text_index import TextIndex
from album.storage.vector_index import is_in
from models.interfaces import Embeddings

NEAREST = 5

Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ranking:
    """All hits of one question: band after band, and a burst as one."""

    model_id: str
    photo_ids: Ids
    """(m,)"""
    scores: Floats
    """(m,) cosine with what was to be seen, its mean over several things; NaN for none."""
    likeness: Floats
    """(m,) in [0, 1]: how probable it is that they show it; NaN as above."""
    bursts: Ids
    """(m,) how many photos each stands for."""
    sure_end: int
    """The sure hits stand before this place."""
    maybe_end: int
    """Those that may be right stand between the two."""
    sure: int
    """Photos in this band, those of a burst counted one by one."""
    maybe: int
    rest: int
    vetoed: int
    nearest: bool
    """Nothing matches, and these only come nearest."""

    def band_at(self, place: int) -> Band:
        """The band of the hit at this place."""
        if place < self.sure_end:
            return "sure"
        return "maybe" if place < self.maybe_end else "rest"


@dataclass(frozen=True, slots=True)
class RankingRequest:
    """What is asked of a ranking."""

    query: Query
    """What must be seen and what must not; its conditions are in `allowed`."""
    allowed: Ids | None = None
    """(k,) photos that may be hits; None: all."""
    pictures: Embeddings | None = None
    """(p, d) of pictures that the hits are to look like."""
    picture_weight: float = 0.5
    """In [0, 1]: how much those count beside the words."""
    excluded: tuple[int, ...] = ()
    """Photos that are no hits."""
    by_date: bool = False
    """Order each band by time, the latest first."""
    rest: bool = False
    """With what does not match, behind all else."""


@dataclass(frozen=True, slots=True)
class QueryScores:
    """How a question, or a part of it, looks to the model."""

    evidence: Floats
    """(n,) as of `Relevance.evidence`: comparable across questions."""
    scores: Floats
    """(n,) cosines."""


class Ranker:
    """Ranks the photos that one model has seen; methods may be called from any thread."""

    def __init__(
        self, active: Active, store: PhotoStore, texts: TextIndex, cache_dir: Path
    ) -> None:
        """Prepare for a model.

        Args:
            active: the model and its index.
            store: the photos.
            texts: what is written of them.
            cache_dir: where what is worked out once for each photo is kept.
        """
        self.active = active
        self._store = store
        self._texts = texts
        self._relevance = ScoreCalibrator(active.encoder, active.index, cache_dir)
        self._bursts: tuple[Ids, Facts, Ids] | None = None
        self._lock = Lock()

    def answer(self, wanted: RankingRequest) -> Ranking:
        """Rank every photo."""
        ids, matrix = self.active.index.snapshot()
        free = np.ones(len(ids), dtype=bool)
        if wanted.allowed is not None:
            free = is_in(ids, wanted.allowed)
        if wanted.excluded:
            free &= ~is_in(ids, np.array(wanted.excluded, dtype=np.int64))
        seen = self._seen(wanted, matrix)
        evidence = np.full(len(ids), SURE, np.float32) if seen is None else seen.evidence
        points, written = evidence, np.zeros(len(ids), dtype=bool)
        if seen is not None:
            words = self._texts.find(wanted.query.visual)
            if wanted.pictures is not None:  # words count less where the pictures count for more
                share = np.float32(min(1, 2 * (1 - wanted.picture_weight)))
                words = replace(words, coverage=share * words.coverage)
            evidence, points = fuse(evidence, ids, words.photo_ids, words.coverage)
            written = is_in(ids, words.photo_ids[words.coverage >= WHOLE])
        would_match = free & (evidence >= MAYBE)
        shows = np.zeros(len(ids), dtype=bool)
        for text in wanted.query.unwanted:
            looks, words = self._look(matrix, [Look(text)]).evidence, self._texts.find(text)
            doubted, vetoed = without(evidence, looks)
            evidence = evidence if seen is None else doubted
            shows |= vetoed | is_in(ids, words.photo_ids[words.coverage >= WHOLE])
        matches = free & (evidence >= MAYBE)
        surely = certain(evidence if seen is None else seen.evidence, evidence, written)
        found = matches & ~shows
        sure = np.flatnonzero(found & surely)
        maybe = np.flatnonzero(found & ~surely)
        rest = int(np.count_nonzero(free & ~shows)) - len(sure) - len(maybe)
        nearest = not len(sure) and not len(maybe) and rest > 0
        others = np.empty(0, np.intp)
        if wanted.rest or nearest:
            others = np.flatnonzero(free & ~shows & ~matches)
        if nearest and not wanted.rest:
            few = min(4 * NEAREST, len(others))  # some of them may be one burst
            others = others[np.argpartition(-evidence[others], few - 1)[:few]]
        if wanted.by_date or seen is None:
            bands = [self._latest_first(ids, rows) for rows in (sure, maybe, others)]
        else:
            bands = [rows[np.lexsort((-points[rows], -evidence[rows]))] for rows in (sure, maybe)]
            bands.append(others[np.argsort(-evidence[others])])  # it may be the whole album
        shown, ends, sizes = self._collapsed(ids, matrix, bands)
        if nearest and not wanted.rest:
            shown, sizes = shown[:NEAREST], sizes[:NEAREST]
        nothing = np.full(len(shown), np.nan, np.float32)
        return Ranking(
            model_id=self.active.encoder.model_id,
            photo_ids=ids[shown],
            scores=nothing if seen is None else seen.scores[shown],
            likeness=nothing if seen is None else likeness(seen.evidence[shown]),
            bursts=sizes,
            sure_end=ends[0],
            maybe_end=ends[1],
            sure=len(sure),
            maybe=len(maybe),
            rest=rest,
            vetoed=int(np.count_nonzero(shows & would_match)),
            nearest=nearest,
        )

    def get_ready(self) -> None:
        """Look at the photos that are new; from any thread."""
        self._relevance.background.sync()

    def moment_of(self, photo_id: int) -> Ids:
        """The photos of the burst that a photo belongs to, by time; itself at least."""
        ids, matrix = self.active.index.snapshot()
        row = np.flatnonzero(ids == photo_id)
        if not len(row):
            return np.array([photo_id], dtype=np.int64)
        bursts = self._bursts_now(ids, matrix)
        rows = np.flatnonzero(bursts == bursts[row[0]])
        return ids[self._latest_first(ids, rows)[::-1]]

    def moments_of(self, photo_ids: Ids) -> Ids:
        """The photos of all bursts that some photos belong to, by rising id; those are among them.

        Args:
            photo_ids: (k,)
        """
        ids, matrix = self.active.index.snapshot()
        bursts = self._bursts_now(ids, matrix)
        theirs = ids[np.isin(bursts, bursts[np.isin(ids, photo_ids)])]
        return np.union1d(theirs, photo_ids)

    def _seen(self, wanted: RankingRequest, matrix: Embeddings) -> QueryScores | None:
        """What all parts of a question look like together; None where nothing is to be seen."""
        parts = [self._look(matrix, group) for group in wanted.query.groups]
        seen = None
        if parts:  # all of them must be there, so the least sure one tells
            seen = QueryScores(
                np.minimum.reduce([part.evidence for part in parts]),
                np.mean([part.scores for part in parts], axis=0),
            )
        if wanted.pictures is None:
            return seen
        picture = _unit(wanted.pictures.sum(axis=0))
        scores = matrix @ picture
        alike = QueryScores(self._relevance.evidence(picture, scores, "picture"), scores)
        return alike if seen is None else _between(seen, alike, wanted.picture_weight)

    def _look(self, matrix: Embeddings, looks: Sequence[Look]) -> QueryScores:
        """What one text, or several with their weights, looks like."""
        rows = self.active.encoder.encode_texts([look.text for look in looks])
        query = _unit(np.array([look.weight for look in looks], np.float32) @ rows)
        scores = matrix @ query
        text = " ".join(look.text for look in looks)
        return QueryScores(self._relevance.evidence(query, scores, "text", text), scores)

    def _latest_first(self, ids: Ids, rows: Rows) -> Rows:
        """The rows by falling capture time, then by falling id."""
        known, taken = self._store.times_of()
        places = np.minimum(np.searchsorted(known, ids[rows]), max(len(known) - 1, 0))
        return rows[np.lexsort((-ids[rows], -taken[places]))] if len(known) else rows

    def _collapsed(
        self, ids: Ids, matrix: Embeddings, bands: Sequence[Rows]
    ) -> tuple[Rows, tuple[int, int], Ids]:
        """The rows of all bands with one for each burst, where two bands end, and its size."""
        rows = np.concatenate(bands)
        kept, sizes = first_of_each(rows, self._bursts_now(ids, matrix))
        ends = np.searchsorted(kept, np.cumsum([len(band) for band in bands])).tolist()
        return rows[kept], (ends[0], ends[1]), sizes

    def _bursts_now(self, ids: Ids, matrix: Embeddings) -> Ids:
        """(n,) as of `bursts_of`; worked out anew when photos or their times have changed."""
        facts = self._store.photo_table()
        with self._lock:
            if self._bursts is None or self._bursts[0] is not ids or self._bursts[1] is not facts:
                places = np.minimum(np.searchsorted(facts.photo_ids, ids), len(facts.photo_ids) - 1)
                rows = facts.rows[places]
                there = facts.photo_ids[places] == ids  # not so for a photo that has just gone
                found = bursts_of(rows["taken_ms"], rows["timed"] & there, matrix)
                self._bursts = ids, facts, found
            return self._bursts[2]


def likeness(evidence: Floats) -> Floats:
    """The probabilities of log-odds, in [0, 1]."""
    return (1 / (1 + np.exp(-evidence))).astype(np.float32)


def _between(text: QueryScores, picture: QueryScores, weight: float) -> QueryScores:
    """The weighted means of both."""
    part = np.float32(weight)
    return QueryScores(
        (1 - part) * text.evidence + part * picture.evidence,
        (1 - part) * text.scores + part * picture.scores,
    )


def _unit(vector: Floats) -> Floats:
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))
