"""Log-odds that photos show the classes of a list, on the scale of score_calibration.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from album.encoding.chance import Chance
from album.encoding.query_bank import LANGUAGES, QueryBank
from album.encoding.score_scale import (
    ODDS,
    ODDS_AT_CHANCE,
    ODDS_SLOPE,
    best_of,
    cuts_of,
    largest_of,
)
from album.storage.vector_index import VectorIndex
from models.interfaces import Embeddings

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

LISTED = 0.5  # log-odds that somebody who lists a class has photos of it
BLOCK_ROWS, BLOCK_NUMBERS = 16_384, 1 << 22  # photos, and photos times classes: 16 MB in float32


class ClassCalibrator:
    """A calibration of c classes by all n photos of an album."""

    def __init__(
        self,
        query_bank: QueryBank,
        index: VectorIndex,
        directions: Embeddings,
        shares: Floats,
        general: Floats,
        chances: Sequence[Chance],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Compare every photo with every class.

        Args:
            query_bank: statistics of the photos.
            index: the photos.
            directions: (c, d), rows of L2 norm 1.
            shares: (2, c) of each of `LANGUAGES` in the names of each class.
            general: (c,) what the generality of each class adds to z.
            chances: what irrelevant queries get, by language.
            on_progress: called with (done, total) photos.
        """
        self._query_bank = query_bank
        self._directions = directions
        self._shares = shares
        self._general = general
        self._chance = np.array([one.high for one in chances], np.float32) @ shares  # (c,)
        self._chance_of_few = np.array([one.high_of_few for one in chances], np.float32) @ shares
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

    def row_log_odds(self, rows: Rows, vectors: Embeddings, classes: Rows) -> Floats:
        """Return (b,) log-odds that photos of the album show one class each.

        Args:
            rows: (b,) their places in `ids`.
            vectors: (b, d)
            classes: (b,) in [0, c): which one.
        """
        if self._largest is None:
            return np.empty(0, np.float32)
        z_scores = self._z_scores(vectors, self._levels[rows], self._spreads, classes)
        cuts = cuts_of(self._largest.max(axis=1), self._largest.mean(axis=1), self._chance)  # (c,)
        return _class_log_odds(z_scores, cuts[classes], self._chance_of_few[classes])

    def image_log_odds(self, vectors: Embeddings, classes: Rows) -> Floats:
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
        cuts = cuts_of(largest.max(axis=1), largest.mean(axis=1), self._chance[classes])  # (b,)
        return _class_log_odds(z_scores, cuts, self._chance_of_few[classes])

    def _largest_z_scores(self, on_progress: Callable[[int, int], None] | None) -> Floats:
        """Return the (c, k) largest z-scores of each class among all photos.

        The level of a photo is two more columns of the product, and the spread divides the
        classes, so that one product in blocks gives z without the generality.
        """
        n, k = len(self.ids), best_of(len(self.ids))
        spread = self._spreads @ self._shares  # (c,)
        texts = np.concatenate([self._directions, -self._shares.T], axis=1)  # (c, d + 2)
        texts /= spread[:, None]
        largest = np.empty((len(texts), 0), np.float32)
        step = max(k, min(BLOCK_ROWS, BLOCK_NUMBERS // len(texts)))
        for start in range(0, n, step):
            part = slice(start, start + step)
            photos = np.concatenate([self.matrix[part], self._levels[part]], axis=1)  # (b, d + 2)
            z_scores = texts @ np.nan_to_num(photos, copy=False).T  # (c, b)
            largest = largest_of(np.concatenate([largest, largest_of(z_scores, k)], axis=1), k)
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


def _class_log_odds(z_scores: Floats, cuts: Floats, chance: Floats) -> Floats:
    """Return the log-odds of classes, midway between what a cut and what chance says.

    The best photos of a class place its cut, and a class that no photo shows has no such photos.
    """
    log_odds: Floats = ODDS * (z_scores - cuts) + ODDS_SLOPE * (z_scores - chance)
    return np.asarray((log_odds + ODDS_AT_CHANCE) / 2 + LISTED, np.float32)
