"""Relevance: how surely a photo shows what was asked for, on one scale for all queries and models.

A cosine says little by itself: some photos fit every word, some words fit every photo, models have
scales of their own, and the best of a million photos scores high by chance. So

    x = (cosine - level of the photo) / spread + 0.2 g      in standard deviations

where level and spread say what everyday words get from the photo (background.py), and g says how
general the words of the query are: the mean cosine of its text with the everyday words, as a
z-score among theirs, since general words fit more photos. The best photo then says whether there
is such a photo at all. With T the largest x, and S the mean of the k = n / 1000 largest (1 to 8),

    cut = max(T - 3 (T - T0), 0.65 S)     T0 = 1.3 + 0.5 log10(n)
    evidence = 1.5 (x - cut)

Up to T0 the best photo is what chance finds among n photos, and the cut lies above it: there is no
such photo. Beyond it the cut falls to 0.65 S, which in a large album no single outlier lifts far.
The factor 1.5 makes evidence a log-odds, as far as one scale can fit many albums.

The constants were fitted on tiny-imagenet's validation photos, Intel scenes and Caltech-101 with
the model `pocket`, in both languages, over albums of 8 to 10,000 photos, with a look at a thousand
photos of ImageNet, one of each class: `python -m tests.benchmarks.relevance_constants` does it
again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from album.background import Background, Language
from album.languages import HANGUL
from album.vector_index import VectorIndex
from models.interfaces import Encoder

Kind = Literal["text", "picture"]
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
CHANCE, CHANCE_PER_DECADE = 1.3, 0.5  # T0
LOWEST = 0.65  # share of S
RISE = 3.0
ODDS = 1.5
BEST_EACH, BEST_MOST = 1_000, 8  # k
DOUBT = 0.8  # share of the evidence for what is unwanted that counts against a photo,
DOUBT_FROM = -4.5  # as far as that is higher than this

UNRELATED = 0.25  # quantile of a picture's cosines: what photos of something else get
QUANTILE_OF = 10_000  # photos, spread over the album, that it is taken of
PRIOR_PHOTOS = 5  # how many photos it takes to believe in that quantile half
ALIKE = 0.6  # share of the way from unrelated to equal at which photos are worth showing


class Relevance:
    """Judges the photos of one index with the encoder that made its vectors."""

    def __init__(self, encoder: Encoder, index: VectorIndex, folder: Path) -> None:
        """Encode the everyday words; `folder` is where the matrix of the index is cached."""
        self.background = Background(encoder, index, folder)
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
        mean, deviation = self._generality[language]
        general = (float(query @ self.background.words[language].mean(axis=0)) - mean) / deviation
        x = scores - levels.level  # a new array, changed in place from here on
        x /= np.float32(levels.spread)
        x += np.float32(GENERALITY * np.clip(general, -MOST_GENERAL, MOST_GENERAL))
        x -= np.float32(cut(x))
        x *= np.float32(ODDS)
        return x

    def shows(
        self,
        query: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        kind: Kind = "text",
        text: str = "",
    ) -> npt.NDArray[np.bool_]:
        """(n,) which photos show what is unwanted, in doubt those too; arguments as above."""
        return self.evidence(query, scores, kind, text) >= VETO


def cut(x: npt.NDArray[np.float32]) -> float:
    """From which x on a photo counts as relevant, given the (n,) of all photos; n >= 1."""
    n = len(x)
    k = min(max(n // BEST_EACH, 1), BEST_MOST)
    best = float(x.max())
    several = best if k == 1 else float(np.partition(x, n - k)[n - k :].mean())
    chance = CHANCE + CHANCE_PER_DECADE * float(np.log10(n))
    return max(best - RISE * (best - chance), LOWEST * several)


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
