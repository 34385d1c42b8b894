"""Scores calibrated as log-odds that a photo shows a query.

One scale serves all queries and models.

A cosine says little by itself: some photos fit every word, some words fit every photo, models have
scales of their own, and the best of a million photos scores high by chance. So

    z = (cosine - level of the photo) / spread + 0.2 g      in standard deviations

where level and spread say what everyday words get from the photo (query_bank.py), and g says how
general the words of the query are: the mean cosine of its text with the everyday words, as a
z-score among theirs, since general words fit more photos. The best photo then says whether there
is such a photo at all. With T the largest z, and S the mean of the k = n / 1000 largest (1 to 8),

    cut = max(T - 3 (T - T0), 0.65 S)     T0 = 1.5 + 0.5 log10(n)
    log_odds = 1.5 (z - cut)

Up to T0 the best photo is what chance finds among n photos, and the cut lies above it: there is no
such photo. Beyond it the cut falls to 0.65 S, which in a large album no single outlier lifts far.
The factor 1.5 makes it a log-odds, as far as one scale can fit many albums.

The constants were fitted on tiny-imagenet's validation photos, Intel scenes and Caltech-101 with
the first `pocket`, in both languages, over albums of 8 to 10,000 photos, with a look at a thousand
photos of ImageNet, one of each class. T0 was raised from 1.3 for the `pocket` of 2026-11-30: on
tiny-imagenet's validation photos that costs 0.02 of F1, and 36 in place of 43 of 100 things that
are not there are answered with a photo. A look at 400 labelled photos agreed.
`python -m tests.benchmarks.relevance_constants` does it again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from album.domain.languages import HANGUL
from album.encoding.query_bank import LANGUAGES, Language, QueryBank, shared_query_bank
from album.storage.vector_index import VectorIndex
from models.interfaces import Embeddings, Encoder

Kind = Literal["text", "picture"]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
LogOdds = npt.NDArray[np.float32]
"""(n,) in the order of the index: that the photo shows the query."""

MAYBE = 0.0
"""A photo is shown from these log-odds on."""
SURE = 2.25
"""A photo is most likely right from these on: with `pocket`, 2 or 3 photos of 4."""
VETO = -1.05
"""A photo shows too much of what is unwanted from these on."""

GENERALITY = 0.2  # what a standard deviation of generality adds to z
MOST_GENERAL = 3.0  # standard deviations beyond which words count as no more general
CHANCE, CHANCE_PER_DECADE = 1.5, 0.5  # T0
LOWEST = 0.65  # share of S
RISE = 3.0
ODDS = 1.5
BLOCK_ROWS, BLOCK_NUMBERS = 16_384, 1 << 22  # photos, and photos times classes: 16 MB in float32
BEST_EACH, BEST_MOST = 1_000, 8  # k
DOUBT = 0.8  # share of the log-odds of what is unwanted that counts against a photo,
DOUBT_FROM = -4.5  # as far as that is higher than this

UNRELATED = 0.25  # quantile of a picture's cosines: what photos of something else get
QUANTILE_OF = 10_000  # photos, spread over the album, that it is taken of
PRIOR_PHOTOS = 5  # how many photos it takes to believe in that quantile half
ALIKE = 0.6  # share of the way from unrelated to equal at which photos are worth showing


class ScoreCalibrator:
    """A calibration of cosines with the photos of one index."""

    def __init__(self, encoder: Encoder, index: VectorIndex, folder: Path) -> None:
        """Encode the everyday words. `folder` caches the matrix of the index."""
        self._index = index
        self.query_bank = shared_query_bank(encoder, index, folder)
        self._generality: dict[Language, tuple[float, float]] = {}
        for language, words in self.query_bank.words.items():
            means = words @ words.mean(axis=0)  # (w,)
            self._generality[language] = float(means.mean()), max(float(means.std()), 1e-6)

    def log_odds(
        self,
        query: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        kind: Kind = "text",
        text: str = "",
    ) -> LogOdds:
        """Return (n,) float32 log-odds that each photo shows the query, never NaN.

        Two photos of equal cosine and equal query bank statistics get equal log-odds. Those of a
        picture query are in the order of the cosines.

        Args:
            query: (d,) of L2 norm 1.
            scores: (n,) its cosines with all photos, in the order of the index, also with those
                that a filter leaves out: they say what an irrelevant photo gets.
            kind: what the query was made of. Of both: "text".
            text: what was typed, which tells its language.
        """
        if not len(scores):
            return np.empty(0, np.float32)
        scores = np.nan_to_num(np.asarray(scores, np.float32))
        if kind == "picture":
            return _picture_log_odds(scores)
        language: Language = "ko" if HANGUL.search(text) else "en"
        stats = self.query_bank.stats(language, len(scores))
        z_score = scores - stats.level  # a new array, changed in place from here on
        z_score /= np.float32(stats.spread)
        z_score += self._general(query[None], language)[0]
        z_score -= np.float32(cut(z_score))
        z_score *= np.float32(ODDS)
        return z_score

    def calibrate_classes(
        self,
        directions: Embeddings,
        korean: Floats,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> ClassCalibrator:
        """Calibrate c classes with all photos of the album.

        Args:
            directions: (c, d), rows of L2 norm 1.
            korean: (c,) in [0, 1]: share of Korean among the names of each class. Levels and
                spreads are mixed in this share.
            on_progress: called with (done, total) photos.
        """
        shares = np.stack([1 - korean, korean]).astype(np.float32)  # (2, c)
        general = np.zeros(len(directions), np.float32)
        for share, language in zip(shares, LANGUAGES, strict=True):
            general += share * self._general(directions, language)
        return ClassCalibrator(
            self.query_bank, self._index, directions, shares, general, on_progress
        )

    def _general(self, directions: Embeddings, language: Language) -> Floats:
        """Return (c,) 0.2 g of (c, d) texts."""
        mean, deviation = self._generality[language]
        cosines = directions @ self.query_bank.words[language].mean(axis=0)  # (c,)
        g = np.clip((cosines - mean) / deviation, -MOST_GENERAL, MOST_GENERAL)
        general: Floats = (GENERALITY * g).astype(np.float32)
        return general


class ClassCalibrator:
    """A calibration of c classes by all n photos of an album."""

    def __init__(
        self,
        query_bank: QueryBank,
        index: VectorIndex,
        directions: Embeddings,
        shares: Floats,
        general: Floats,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Compare every photo with every class.

        Args:
            query_bank: statistics of the photos.
            index: the photos.
            directions: (c, d), rows of L2 norm 1.
            shares: (2, c) of each of `LANGUAGES` in the names of each class.
            general: (c,) what the generality of each class adds to z.
            on_progress: called with (done, total) photos.
        """
        self._query_bank = query_bank
        self._directions = directions
        self._shares = shares
        self._general = general
        self.ids, self.matrix = index.snapshot()
        """(n,) and (n, d): the photos of the calibration, not to be changed."""
        stats = [query_bank.stats(language, len(self.ids)) for language in LANGUAGES]
        self._levels = np.stack([one.level for one in stats], axis=1)  # (n, 2)
        self._spreads = np.array([one.spread for one in stats], np.float32)  # (2,)
        self._largest = self._largest_z_scores(on_progress) if len(self.ids) else None  # (c, k)

    @property
    def spread(self) -> float | None:
        """Return the spread of a photo's cosines in the classes' languages, None for no photos."""
        return float((self._spreads @ self._shares).mean()) if len(self.ids) else None

    def row_log_odds(self, rows: Rows, vectors: Embeddings, classes: Rows) -> LogOdds:
        """Return (b,) log-odds that photos of the album show one class each.

        Args:
            rows: (b,) their places in `ids`.
            vectors: (b, d)
            classes: (b,) in [0, c): which one.
        """
        if self._largest is None:
            return np.empty(0, np.float32)
        z_scores = self._z_scores(vectors, self._levels[rows], self._spreads, classes)
        cuts = _cut(self._largest.max(axis=1), self._largest.mean(axis=1), len(self.ids))  # (c,)
        return np.float32(ODDS) * (z_scores - cuts[classes])

    def image_log_odds(self, vectors: Embeddings, classes: Rows) -> LogOdds:
        """Return (b,) log-odds of (b, d) images.

        Each counts as one more photo of the album.
        """
        stats = self._query_bank.image_stats(vectors)  # (b, 4)
        if self._largest is None:
            z_scores = self._z_scores(vectors, stats[:, ::2], stats[:, 1::2], classes)
            largest = z_scores[:, None]
        else:
            z_scores = self._z_scores(vectors, stats[:, ::2], self._spreads, classes)
            largest = np.sort(self._largest[classes], axis=1)  # (b, k), a new array
            largest[:, 0] = np.maximum(largest[:, 0], z_scores)
        cuts = _cut(largest.max(axis=1), largest.mean(axis=1), len(self.ids) + 1)  # (b,)
        return np.float32(ODDS) * (z_scores - cuts)

    def _largest_z_scores(self, on_progress: Callable[[int, int], None] | None) -> Floats:
        """Return the (c, k) largest z-scores of each class among all photos.

        The level of a photo is two more columns of the product, and the spread divides the
        classes, so that one product in blocks gives z without the generality.
        """
        n, k = len(self.ids), _best_of(len(self.ids))
        spread = self._spreads @ self._shares  # (c,)
        texts = np.concatenate([self._directions, -self._shares.T], axis=1)  # (c, d + 2)
        texts /= spread[:, None]
        largest = np.empty((len(texts), 0), np.float32)
        step = max(k, min(BLOCK_ROWS, BLOCK_NUMBERS // len(texts)))
        for start in range(0, n, step):
            part = slice(start, start + step)
            photos = np.concatenate([self.matrix[part], self._levels[part]], axis=1)  # (b, d + 2)
            z_scores = texts @ np.nan_to_num(photos, copy=False).T  # (c, b)
            largest = _largest(np.concatenate([largest, _largest(z_scores, k)], axis=1), k)
            if on_progress is not None:
                on_progress(min(start + step, n), n)
        largest += self._general[:, None]
        return largest

    def _z_scores(
        self, vectors: Embeddings, levels: Floats, spreads: Floats, classes: Rows
    ) -> Floats:
        """Return (b,) z-scores of images.

        Levels are (b, 2), spreads (2,) or (b, 2).
        """
        cosines = np.einsum("bd,bd->b", vectors, self._directions[classes])
        shares = self._shares.T[classes]  # (b, 2)
        z_scores = (cosines - (shares * levels).sum(axis=1)) / (shares * spreads).sum(axis=1)
        z_scores += self._general[classes]
        return np.asarray(np.nan_to_num(z_scores), np.float32)


def cut(z_scores: npt.NDArray[np.float32]) -> float:
    """Return the z-score from which photos are relevant.

    The (n,) z-scores are those of all photos, n >= 1.
    """
    n = len(z_scores)
    largest = _largest(z_scores[None].copy(), _best_of(n))
    return float(_cut(largest.max(axis=1), largest.mean(axis=1), n)[0])


def _best_of(n: int) -> int:
    """Return k of the formula."""
    return min(max(n // BEST_EACH, 1), BEST_MOST)


def _largest(values: Floats, k: int) -> Floats:
    """Return the (c, k) largest numbers of each row of (c, b).

    All of them where b < k.

    Reorders `values`.
    """
    if k == 1:
        return np.asarray(values.max(axis=1, keepdims=True), np.float32)
    if values.shape[1] > k:
        values.partition(values.shape[1] - k, axis=1)
    return np.asarray(values[:, -k:], np.float32)


def _cut(best: Floats, several: Floats, n: int) -> Floats:
    """Return (c,) cuts, from T, S and the number of photos."""
    chance = CHANCE + CHANCE_PER_DECADE * float(np.log10(n))
    cuts: Floats = np.maximum(best - RISE * (best - chance), LOWEST * several)
    return cuts


def without(wanted: LogOdds, unwanted: LogOdds) -> tuple[LogOdds, npt.NDArray[np.bool_]]:
    """Combine "this, but not that" into (n,) log-odds and (n,) vetoes.

    A vetoed photo keeps its log-odds, since the caller leaves it out and says so. Others lose some
    if they nearly show what is unwanted, so that the doubtful come last.
    """
    doubt = np.maximum(unwanted - np.float32(DOUBT_FROM), 0)
    return wanted - np.float32(DOUBT) * doubt, unwanted >= VETO


def _picture_log_odds(scores: npt.NDArray[np.float32]) -> LogOdds:
    """Return (n,) log-odds from the cosines with a picture.

    They are those of r = (cosine - u) / (1 - u), less those of `ALIKE`: r is 0 for unrelated photos
    of this album and 1 for the same picture. u is a quantile of the cosines, which in a tiny album
    is drawn towards 0.
    """
    n = len(scores)
    sample = scores[:: max(1, n // QUANTILE_OF)]
    unrelated = float(np.quantile(sample, UNRELATED)) * n / (n + PRIOR_PHOTOS)
    r = np.clip((scores - unrelated) / max(1 - unrelated, 1e-6), 1e-3, 1 - 1e-3)
    log_odds: LogOdds = (np.log(r / (1 - r)) - np.log(ALIKE / (1 - ALIKE))).astype(np.float32)
    return log_odds
