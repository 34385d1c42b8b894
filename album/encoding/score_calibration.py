"""Relevance: how surely a photo shows what was asked for, on one scale for all queries and models.

A cosine says little by itself: some photos fit every word, some words fit every photo, models have
scales of their own, and the best of a million photos scores high by chance. So

    x = (cosine - level of the photo) / spread + 0.2 g      in standard deviations

where level and spread say what everyday words get from the photo (background.py), and g says how
general the words of the query are: the mean cosine of its text with the everyday words, as a
z-score among theirs, since general words fit more photos. The best photo then says whether there
is such a photo at all. With T the largest x, and S the mean of the k = n / 1000 largest (1 to 8),

    cut = max(T - 3 (T - T0), 0.65 S)     T0 = 1.5 + 0.5 log10(n)
    evidence = 1.5 (x - cut)

Up to T0 the best photo is what chance finds among n photos, and the cut lies above it: there is no
such photo. Beyond it the cut falls to 0.65 S, which in a large album no single outlier lifts far.
The factor 1.5 makes evidence a log-odds, as far as one scale can fit many albums.

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
from album.encoding.query_background import LANGUAGES, Language, QueryBank, background_of
from album.storage.vector_index import VectorIndex
from models.interfaces import Embeddings, Encoder

Kind = Literal["text", "picture"]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Evidence = npt.NDArray[np.float32]
"""(n,) in the order of the index; log-odds that the photo shows it."""

MAYBE = 0.0
"""From this evidence on a photo is shown."""
SURE = 2.25
"""From this evidence on it is most likely right: with `pocket`, 2 or 3 photos of 4."""
VETO = -1.05
"""From this evidence on a photo shows too much of what is unwanted."""

GENERALITY = 0.2  # what a standard deviation of generality adds to x
MOST_GENERAL = 3.0  # standard deviations beyond which words count as no more general
CHANCE, CHANCE_PER_DECADE = 1.5, 0.5  # T0
LOWEST = 0.65  # share of S
RISE = 3.0
ODDS = 1.5
BLOCK_ROWS, BLOCK_NUMBERS = 16_384, 1 << 22  # photos, and photos times classes: 16 MB in float32
BEST_EACH, BEST_MOST = 1_000, 8  # k
DOUBT = 0.8  # share of the evidence for what is unwanted that counts against a photo,
DOUBT_FROM = -4.5  # as far as that is higher than this

UNRELATED = 0.25  # quantile of a picture's cosines: what photos of something else get
QUANTILE_OF = 10_000  # photos, spread over the album, that it is taken of
PRIOR_PHOTOS = 5  # how many photos it takes to believe in that quantile half
ALIKE = 0.6  # share of the way from unrelated to equal at which photos are worth showing


class ScoreCalibrator:
    """Judges the photos of one index with the encoder that made its vectors."""

    def __init__(self, encoder: Encoder, index: VectorIndex, folder: Path) -> None:
        """Encode the everyday words; `folder` is where the matrix of the index is cached."""
        self._index = index
        self.background = background_of(encoder, index, folder)
        self._generality: dict[Language, tuple[float, float]] = {}
        for language, words in self.background.words.items():
            means = words @ words.mean(axis=0)  # (w,)
            self._generality[language] = float(means.mean()), max(float(means.std()), 1e-6)

    def evidence(
        self,
        query: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        kind: Kind = "text",
        text: str = "",
    ) -> Evidence:
        """How surely each photo shows what the query asks for: (n,) float32, never NaN.

        The same for two photos of equal cosine and equal background; within a picture query in
        the order of the cosines.

        Args:
            query: (d,) of L2 norm 1.
            scores: (n,) its cosines with all photos, in the order of the index, also with those
                that a filter leaves out: they say what an irrelevant photo gets.
            kind: What the query was made of; of both: "text".
            text: What was typed, which tells its language.
        """
        if not len(scores):
            return np.empty(0, np.float32)
        scores = np.nan_to_num(np.asarray(scores, np.float32))
        if kind == "picture":
            return _likeness(scores)
        language: Language = "ko" if HANGUL.search(text) else "en"
        levels = self.background.levels(language, len(scores))
        x = scores - levels.level  # a new array, changed in place from here on
        x /= np.float32(levels.spread)
        x += self._general(query[None], language)[0]
        x -= np.float32(cut(x))
        x *= np.float32(ODDS)
        return x

    def of_classes(
        self,
        directions: Embeddings,
        korean: Floats,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> ClassRelevance:
        """Ask the whole album about each of c classes.

        Args:
            directions: (c, d), rows of L2 norm 1.
            korean: (c,) in [0, 1]: which share of the names of each class is Korean. What is
                expected of a photo lies as far between the two languages.
            on_progress: told (done, total) of the photos.
        """
        shares = np.stack([1 - korean, korean]).astype(np.float32)  # (2, c)
        general = np.zeros(len(directions), np.float32)
        for share, language in zip(shares, LANGUAGES, strict=True):
            general += share * self._general(directions, language)
        return ClassRelevance(
            self.background, self._index, directions, shares, general, on_progress
        )

    def shows(
        self,
        query: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        kind: Kind = "text",
        text: str = "",
    ) -> npt.NDArray[np.bool_]:
        """(n,) which photos show what is unwanted, in doubt those too; arguments as above."""
        return self.evidence(query, scores, kind, text) >= VETO

    def _general(self, directions: Embeddings, language: Language) -> Floats:
        """(c,) 0.2 g of (c, d) texts."""
        mean, deviation = self._generality[language]
        cosines = directions @ self.background.words[language].mean(axis=0)  # (c,)
        g = np.clip((cosines - mean) / deviation, -MOST_GENERAL, MOST_GENERAL)
        general: Floats = (GENERALITY * g).astype(np.float32)
        return general


class ClassRelevance:
    """How surely photos show each of c classes, by what all n photos of an album get from each."""

    def __init__(
        self,
        background: QueryBank,
        index: VectorIndex,
        directions: Embeddings,
        shares: Floats,
        general: Floats,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Ask every photo about every class.

        Args:
            background: what the photos answer to everyday words.
            index: the photos.
            directions: (c, d), rows of L2 norm 1.
            shares: (2, c) of each of `LANGUAGES` in the names of each class.
            general: (c,) what the generality of each class adds to x.
            on_progress: told (done, total) of the photos.
        """
        self._background = background
        self._directions = directions
        self._shares = shares
        self._general = general
        self.ids, self.matrix = index.snapshot()
        """(n,) and (n, d): the photos that were asked, not to be changed."""
        found = [background.levels(language, len(self.ids)) for language in LANGUAGES]
        self._levels = np.stack([it.level for it in found], axis=1)  # (n, 2)
        self._spreads = np.array([it.spread for it in found], np.float32)  # (2,)
        self._tops = self._largest_of(on_progress) if len(self.ids) else None  # (c, k)

    def of_rows(self, rows: Rows, vectors: Embeddings, classes: Rows) -> Evidence:
        """Evidence that photos of the album show one class each.

        Args:
            rows: (b,) their places in `ids`.
            vectors: (b, d)
            classes: (b,) in [0, c): which one.
        """
        if self._tops is None:
            return np.empty(0, np.float32)
        x = self._x(vectors, self._levels[rows], self._spreads, classes)
        cuts = _cut(self._tops.max(axis=1), self._tops.mean(axis=1), len(self.ids))  # (c,)
        return np.float32(ODDS) * (x - cuts[classes])

    def of_others(self, vectors: Embeddings, classes: Rows) -> Evidence:
        """The same for (b, d) pictures, each as if it were one more photo of the album."""
        answers = self._background.answers_of(vectors)  # (b, 4)
        if self._tops is None:
            x = self._x(vectors, answers[:, ::2], answers[:, 1::2], classes)
            tops = x[:, None]
        else:
            x = self._x(vectors, answers[:, ::2], self._spreads, classes)
            tops = np.sort(self._tops[classes], axis=1)  # (b, k), a new array
            tops[:, 0] = np.maximum(tops[:, 0], x)
        cuts = _cut(tops.max(axis=1), tops.mean(axis=1), len(self.ids) + 1)  # (b,)
        return np.float32(ODDS) * (x - cuts)

    def _largest_of(self, on_progress: Callable[[int, int], None] | None) -> Floats:
        """(c, k) the largest x of each class among all photos.

        The level of a photo takes part in the product as two numbers more, and the spread divides
        the classes, so that one product in blocks gives x but for the generality.
        """
        n, k = len(self.ids), _best_of(len(self.ids))
        spread = self._spreads @ self._shares  # (c,)
        texts = np.concatenate([self._directions, -self._shares.T], axis=1)  # (c, d + 2)
        texts /= spread[:, None]
        tops = np.empty((len(texts), 0), np.float32)
        step = max(k, min(BLOCK_ROWS, BLOCK_NUMBERS // len(texts)))
        for start in range(0, n, step):
            part = slice(start, start + step)
            photos = np.concatenate([self.matrix[part], self._levels[part]], axis=1)  # (b, d + 2)
            x = texts @ np.nan_to_num(photos, copy=False).T  # (c, b)
            tops = _largest(np.concatenate([tops, _largest(x, k)], axis=1), k)
            if on_progress is not None:
                on_progress(min(start + step, n), n)
        tops += self._general[:, None]
        return tops

    def _x(self, vectors: Embeddings, levels: Floats, spreads: Floats, classes: Rows) -> Floats:
        """(b,) of each picture for its class; levels (b, 2), spreads (2,) or (b, 2)."""
        cosines = np.einsum("bd,bd->b", vectors, self._directions[classes])
        shares = self._shares.T[classes]  # (b, 2)
        x = (cosines - (shares * levels).sum(axis=1)) / (shares * spreads).sum(axis=1)
        x += self._general[classes]
        return np.asarray(np.nan_to_num(x), np.float32)


def cut(x: npt.NDArray[np.float32]) -> float:
    """From which x on a photo counts as relevant, given the (n,) of all photos; n >= 1."""
    tops = _largest(x[None].copy(), _best_of(len(x)))
    return float(_cut(tops.max(axis=1), tops.mean(axis=1), len(x))[0])


def _best_of(n: int) -> int:
    """k"""
    return min(max(n // BEST_EACH, 1), BEST_MOST)


def _largest(x: Floats, k: int) -> Floats:
    """(c, k) the largest numbers of each row of (c, b), or all where b < k; reorders `x`."""
    if k == 1:
        return np.asarray(x.max(axis=1, keepdims=True), np.float32)
    if x.shape[1] > k:
        x.partition(x.shape[1] - k, axis=1)
    return np.asarray(x[:, -k:], np.float32)


def _cut(best: Floats, several: Floats, n: int) -> Floats:
    """(c,) the cuts of c queries: T, S and the number of photos."""
    chance = CHANCE + CHANCE_PER_DECADE * float(np.log10(n))
    cuts: Floats = np.maximum(best - RISE * (best - chance), LOWEST * several)
    return cuts


def without(wanted: Evidence, unwanted: Evidence) -> tuple[Evidence, npt.NDArray[np.bool_]]:
    """Evidence for "this, but not that": (n,) the evidence that is left, and (n,) who is vetoed.

    A vetoed photo keeps its evidence: it is for the caller to leave it out and to say so. Of the
    others those that nearly show what is unwanted lose some, so that the doubtful stand last.
    """
    doubt = np.maximum(unwanted - np.float32(DOUBT_FROM), 0)
    return wanted - np.float32(DOUBT) * doubt, unwanted >= VETO


def _likeness(scores: npt.NDArray[np.float32]) -> Evidence:
    """(n,) how surely photos are like a picture, from their cosines with it.

    The log-odds of r = (cosine - u) / (1 - u), less those of `ALIKE`: 0 is what unrelated photos
    of this album get, 1 is the same picture. u is a quantile of the cosines, which in a tiny album
    is drawn towards 0.
    """
    n = len(scores)
    some = scores[:: max(1, n // QUANTILE_OF)]
    unrelated = float(np.quantile(some, UNRELATED)) * n / (n + PRIOR_PHOTOS)
    r = np.clip((scores - unrelated) / max(1 - unrelated, 1e-6), 1e-3, 1 - 1e-3)
    odds: Evidence = (np.log(r / (1 - r)) - np.log(ALIKE / (1 - ALIKE))).astype(np.float32)
    return odds
