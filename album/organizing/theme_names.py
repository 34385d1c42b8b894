"""Names of themes: everyday words that fit most photos of a theme, and others less.

A word names a theme where the calibrated evidence finds it in most of its photos, and where it sets
the theme apart from the rest of the album. No word names two themes. Where no word is sure, a few
guesses say what the theme might be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from album.encoding.class_calibration import LISTED
from album.encoding.query_bank import LANGUAGES
from album.encoding.score_calibration import ScoreCalibrator
from models.interfaces import Embeddings
from models.prompts import EVERYDAY_WORDS

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

SAMPLED = 120
"""Photos of a theme that words are compared with."""
SHORTLIST = 16  # words of a theme that are looked at closely
MOST_GUESSES = 3
SURE_SHARE, SECOND_SHARE = 0.35, 0.65
"""Shares of its photos that the first and the second word of a theme must be found in.

Each photo is judged as if it stood alone, which finds about half of those that show the word, so a
third that is found means most of them.
"""
WEIGHT_OF_SHARE = 6.0  # beside `apart`, so that "car" wins over "sports car" where both fit
APART = 0.6  # standard deviations by which it fits the theme better than the rest, at least
GUESS_SHARE = 0.15
SAME = 0.4  # likeness of two words, from which they say the same


@dataclass(frozen=True, slots=True)
class ThemeName:
    """Words of a theme, as places in `EVERYDAY_WORDS`."""

    words: tuple[int, ...] = ()
    """Up to two. Empty where none is sure."""
    guesses: tuple[int, ...] = ()
    """Up to three that it might be, where none is sure."""

    def in_language(self, language: str) -> tuple[str, ...]:
        """Return the words, or else the guesses, in "ko" or "en"."""
        column = 1 if language == "ko" else 0
        return tuple(EVERYDAY_WORDS[word][column] for word in self.words or self.guesses)


def name_themes(
    calibrator: ScoreCalibrator, labels: npt.NDArray[np.uint8], k: int, reads_korean: bool
) -> list[ThemeName]:
    """Name k themes.

    Args:
        calibrator: of the photos' index.
        labels: (n,) the theme of each photo, in the order of the index.
        k: how many themes there are.
        reads_korean: whether the model's Korean words are worth asking.
    """
    bank = calibrator.query_bank
    korean = 0.5 if reads_korean else 0.0
    words = (1 - korean) * bank.words["en"] + korean * bank.words["ko"]  # (w, d)
    words = _unit(words)
    shares = np.full(len(words), korean, np.float32)
    classes = calibrator.calibrate_classes(words, shares)
    labels = labels[: len(classes.ids)]  # some may have been deleted meanwhile
    samples = [_spread(np.flatnonzero(labels == theme)) for theme in range(k)]
    sizes = np.bincount(labels, minlength=k)
    fits = _mean_fits(calibrator, classes.matrix, samples, words, korean)  # (k, w)
    apart = _apart(fits, sizes)
    shortlist = np.argsort(-apart, axis=1)[:, :SHORTLIST]
    shown = np.zeros((k, len(words)), np.float32)  # share of photos that show the word
    for theme, rows in enumerate(samples):
        vectors = np.nan_to_num(classes.matrix[rows])
        for word in shortlist[theme] if len(rows) else ():
            log_odds = classes.row_log_odds(rows, vectors, np.full(len(rows), word)) - LISTED
            shown[theme, word] = np.count_nonzero(log_odds > 0) / len(rows)
    return _choose(apart, shown, _likeness(words))


def _mean_fits(
    calibrator: ScoreCalibrator,
    matrix: Embeddings,
    samples: list[Rows],
    words: Floats,
    korean: float,
) -> Floats:
    """Return (k, w) mean z-scores of everyday words in the photos of each theme."""
    stats = [calibrator.query_bank.stats(language, len(matrix)) for language in LANGUAGES]
    spread = (1 - korean) * stats[0].spread + korean * stats[1].spread
    fits = np.zeros((len(samples), len(words)), np.float32)
    for theme, rows in enumerate(samples):
        if len(rows):
            level = (1 - korean) * stats[0].level[rows] + korean * stats[1].level[rows]
            cosines = np.nan_to_num(matrix[rows]) @ words.T - level[:, None]
            fits[theme] = cosines.mean(axis=0) / spread
    return fits


def _apart(fits: Floats, sizes: npt.NDArray[np.intp]) -> Floats:
    """Return (k, w) by how much a word fits a theme better than all others together."""
    weights = sizes[:, None].astype(np.float32)
    total = (weights * fits).sum(axis=0)
    others = (total - weights * fits) / np.maximum(weights.sum() - weights, 1)
    apart: Floats = fits - others
    return apart


def _choose(apart: Floats, shown: Floats, same: Floats) -> list[ThemeName]:
    """Give words to themes, the most convincing pair first."""
    k = len(apart)
    named: list[list[int]] = [[] for _ in range(k)]
    used: set[int] = set()
    score = apart + WEIGHT_OF_SHARE * shown
    for most, share in enumerate((SURE_SHARE, SECOND_SHARE), start=1):
        sure = (shown >= share) & (apart >= APART)
        pairs = np.argwhere(sure)
        order = np.argsort(-score[sure], kind="stable")
        for theme, word in pairs[order].tolist():
            words = named[theme]
            if len(words) != most - 1 or word in used:
                continue
            if any(same[word, other] >= SAME for other in words):
                continue
            words.append(word)
            used.add(word)
    names = []
    for theme, words in enumerate(named):
        guesses: list[int] = []
        if not words:
            for word in np.argsort(-shown[theme], kind="stable").tolist():
                if len(guesses) == MOST_GUESSES or shown[theme, word] < GUESS_SHARE:
                    break
                if word not in used and not any(same[word, it] >= SAME for it in guesses):
                    guesses.append(word)
                    used.add(word)
        names.append(ThemeName(tuple(words), tuple(guesses)))
    return names


def _likeness(words: Floats) -> Floats:
    """Return (w, w) how alike words are, beyond what all words share."""
    unit = _unit(words - words.mean(axis=0))
    same: Floats = unit @ unit.T
    return same


def _spread(rows: Rows) -> Rows:
    """Return at most `SAMPLED` of some rows, evenly spread."""
    if len(rows) <= SAMPLED:
        return rows
    return rows[np.linspace(0, len(rows) - 1, SAMPLED).astype(np.intp)]


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)
