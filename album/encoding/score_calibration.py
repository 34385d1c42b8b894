"""Scores calibrated as log-odds that a photo shows a query.

One scale serves all queries and models.

A cosine says little by itself: some photos fit every word, some words fit every photo, models have
scales of their own, and the best of a million photos scores high by chance. So

    z = (cosine - level of the photo) / spread + 0.2 g      in standard deviations

where level and spread say what everyday words get from the photo (query_bank.py), and g says how
general the words of the query are: the mean cosine of its text with the everyday words, as a
z-score among theirs, since general words fit more photos.

What z-score chance gives is measured with decoys, in this album and with this model (chance.py). C
is what nine of ten irrelevant queries stay below. The probability that a photo shows the query is

    p = 1 / (1 + exp(-(1.77 (z - C) - 0.85)))

and a photo is sure from p = 0.9 on: z = C + 1.72. Which photos are shown depends on the best ones.
With T the largest z, S the mean of the k = n / 1000 largest (1 to 8), and T0 = C + 0.15,

    cut = max(T - 3 (T - T0), 0.6 S)

Up to T0 the best photo is what chance finds, and the cut lies above it: nothing clearly matches.
Beyond it the cut falls to 0.6 S, which in a large album no single outlier lifts far. Where T is
below what three of four irrelevant queries get, there is no such photo: of things that are there, 1
in 100 gets so little. The log-odds are piecewise linear in z: 0 at the cut, `SURE` where a photo is
sure, and 1.5 (z - cut) below the cut. Those of a class in a list are 0.5 and the mean of 1.5 (z -
cut) and the log-odds of p, which is nearest to the probability on all sets and models tried.

The constants were fitted on albums drawn from tiny-imagenet's validation photos and Caltech-101, in
both languages, with `pocket` and its predecessor. `python -m album evaluate search` measures them
with any model, `python -m tests.benchmarks.relevance_constants` fits them again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from album.domain.languages import HANGUL
from album.encoding.chance import TYPICAL, Chance, decoys_of, spread_rows
from album.encoding.class_calibration import ClassCalibrator
from album.encoding.query_bank import LANGUAGES, Language, shared_query_bank
from album.encoding.score_scale import ODDS, ODDS_AT_CHANCE, ODDS_SLOPE, Floats, cut
from album.storage.vector_index import VectorIndex
from models.interfaces import Embeddings, Encoder

Kind = Literal["text", "picture"]
Ids = npt.NDArray[np.int64]
LogOdds = npt.NDArray[np.float32]
"""(n,) in the order of the index: that the photo shows the query."""

MAYBE = 0.0
"""A photo is shown from these log-odds on."""
SURE = 2.25
"""A photo is surely right from these on: nine of ten are."""
VETO = 0.1
"""A photo shows too much of what is unwanted from these on."""

GENERALITY = 0.2  # what a standard deviation of generality adds to z
MOST_GENERAL = 3.0  # standard deviations beyond which words count as no more general
SURE_P = 0.9
SURE_Z = (float(np.log(SURE_P / (1 - SURE_P))) - ODDS_AT_CHANCE) / ODDS_SLOPE  # z - C
SURE_ABOVE_CUT = 0.5  # z - cut at least, where a photo is sure
DOUBT = 0.4  # share of the log-odds of what is unwanted that counts against a photo,
DOUBT_FROM = -4.5  # as far as that is higher than this

UNRELATED = 0.25  # quantile of a picture's cosines: what photos of something else get
QUANTILE_OF = 10_000  # photos, spread over the album, that it is taken of
PRIOR_PHOTOS = 5  # how many photos it takes to believe in that quantile half
ALIKE = 0.6  # share of the way from unrelated to equal at which photos are worth showing


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What the (n,) cosines of one query say."""

    log_odds: LogOdds
    """(n,) on the scale of the bands: 0 where a photo is shown, `SURE` where it is sure."""
    logits: Floats
    """(n,) log-odds of the probability that each photo shows the query."""
    is_absent: bool
    """Whether the album surely has no such photo."""


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
        self._chance: dict[Language, tuple[Ids, Chance]] = {}

    def get_ready(self) -> None:
        """Compare new photos with the everyday words and the decoys ahead of a search."""
        for language in LANGUAGES:
            self.chance(language)

    def calibrate(
        self,
        query: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        kind: Kind = "text",
        text: str = "",
    ) -> Calibrated:
        """Judge how well each photo shows the query.

        No number is NaN. Two photos of equal cosine and equal query bank statistics are judged
        equal. Those of a picture query are in the order of the cosines.

        Args:
            query: (d,) of L2 norm 1.
            scores: (n,) its cosines with all photos, in the order of the index, also with those
                that a filter leaves out: they say what an irrelevant photo gets.
            kind: what the query was made of. Of both: "text".
            text: what was typed, which tells its language.
        """
        if not len(scores):
            return Calibrated(np.empty(0, np.float32), np.empty(0, np.float32), is_absent=True)
        scores = np.nan_to_num(np.asarray(scores, np.float32))
        if kind == "picture":
            log_odds = _picture_log_odds(scores)
            return Calibrated(log_odds, log_odds, is_absent=bool(log_odds.max() < -SURE))
        language: Language = "ko" if HANGUL.search(text) else "en"
        stats = self.query_bank.stats(language, len(scores))
        z_score = scores - stats.level  # a new array, changed in place from here on
        z_score /= np.float32(stats.spread)
        z_score += self._general(query[None], language)[0]
        chance = self.chance(language)
        logits = np.float32(ODDS_SLOPE) * z_score
        logits += np.float32(ODDS_AT_CHANCE - ODDS_SLOPE * chance.high)
        is_absent = bool(z_score.max() < chance.low)
        from_here = cut(z_score, chance)
        z_score -= np.float32(from_here)
        shown = np.flatnonzero(z_score > 0)
        z_score *= np.float32(ODDS)
        sure_above_cut = max(chance.high + SURE_Z - from_here, SURE_ABOVE_CUT)
        z_score[shown] *= np.float32(SURE / sure_above_cut / ODDS)
        return Calibrated(z_score, logits, is_absent)

    def chance(self, language: Language) -> Chance:
        """Return what irrelevant queries of one language get in this album."""
        ids, matrix = self._index.snapshot()
        known = self._chance.get(language)
        if known is not None and known[0] is ids:
            return known[1]
        chance = TYPICAL
        stats = self.query_bank.stats(language, len(ids))
        if len(ids):
            rows = spread_rows(len(ids))
            decoys = decoys_of(self.query_bank.words[language])
            z_scores = decoys @ np.nan_to_num(matrix[rows]).T  # (DECOYS, rows)
            z_scores -= stats.level[rows]
            z_scores /= np.float32(stats.spread)
            best = z_scores.max(axis=1) + self._general(decoys, language)
            chance = Chance.of_decoys(best, len(rows), len(ids))
        self._chance[language] = ids, chance
        return chance

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
        chances = [self.chance(language) for language in LANGUAGES]
        return ClassCalibrator(
            self.query_bank, self._index, directions, shares, general, chances, on_progress
        )

    def _general(self, directions: Embeddings, language: Language) -> Floats:
        """Return (c,) 0.2 g of (c, d) texts."""
        mean, deviation = self._generality[language]
        cosines = directions @ self.query_bank.words[language].mean(axis=0)  # (c,)
        g = np.clip((cosines - mean) / deviation, -MOST_GENERAL, MOST_GENERAL)
        general: Floats = (GENERALITY * g).astype(np.float32)
        return general


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
