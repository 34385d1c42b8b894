"""Recall@K between images and captions, in bounded memory.

Counted as Karpathy & Fei-Fei do (2015, "Deep Visual-Semantic Alignments for Generating Image
Descriptions", section 4.1): an image is a hit when the best-ranked of its own captions is among the
first K of all captions. A caption is a hit when its one image is.

Ties are counted fairly: candidates with equal scores are in random order, and the reported figure
is the exact mean over all such orders. A model that tells nothing apart, for which everything is a
tie, therefore scores like chance, which is also computed this way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.interfaces import Embeddings

Counts = npt.NDArray[np.int64]

SAME_SCORE = 1e-6
"""Cosines closer than this are a tie: float32 sums of up to 1,000 products differ by as much when
added in another order, as matrix products of another shape do."""

BLOCK = (250, 8192)
"""Images x texts whose scores are held at once: 8 MB in float32, which a CPU's cache can hold."""


@dataclass(frozen=True)
class Ranks:
    """Rank of the first own candidate of each of q queries."""

    above: Counts
    """(q,) how many candidates of others score higher than the best of the query's own."""
    level: Counts
    """(q,) how many candidates of others score the same as it."""
    own: Counts
    """(q,) how many of the query's own score the same as the best of them, itself included."""

    def __len__(self) -> int:
        return len(self.above)

    def within(self, k: int) -> npt.NDArray[np.float64]:
        """Compute the probability (q,) of an own candidate in the first `k`.

        Of own + level candidates in random order, the first j are all of others with probability
        C(level, j) / C(own + level, j), here in its other form: the product over i < own of
        (own + level - j - i) / (own + level - i).
        """
        tied = self.own + self.level
        places = np.clip(k - self.above, 0, tied)  # j: what the higher ones leave of the first k
        missed = np.ones(len(self))
        for i in range(int(self.own.max(initial=0))):
            counts = i < self.own
            factor = (tied - places - i)[counts] / (tied - i)[counts]
            missed[counts] *= np.maximum(factor, 0.0)
        return 1.0 - missed

    def recall(self, k: int) -> float:
        """Compute Recall@K in [0, 1], the mean share of hits."""
        return float(self.within(k).mean())

    def median(self) -> int:
        """Compute the median rank: the smallest K with Recall@K >= 0.5."""
        low, high = 1, int((self.above + self.level).max(initial=0)) + 1
        while low < high:
            middle = (low + high) // 2
            # Recall@high is 1, so the search ends. Halves may be off by rounding.
            low, high = (low, middle) if self.recall(middle) >= 0.5 - 1e-9 else (middle + 1, high)
        return low


@dataclass(frozen=True)
class Retrieval:
    """Ranks in both directions, over n images and m texts."""

    image_to_text: Ranks
    text_to_image: Ranks


def chance(image_of_text: npt.NDArray[np.intp], n: int) -> Retrieval:
    """Compute the ranks of a random order: all candidates are tied.

    Recall@K is then, for an image with a of the m captions, 1 - C(m - a, K) / C(m, K), and K / n
    for a text.

    Args:
        image_of_text: (m,) the row of the image that each text belongs to.
        n: How many images there are.
    """
    own_counts = np.bincount(image_of_text, minlength=n)
    texts = len(image_of_text)
    ones = np.ones(texts, np.int64)
    return Retrieval(
        Ranks(np.zeros(n, np.int64), texts - own_counts, own_counts),
        Ranks(0 * ones, (n - 1) * ones, ones),
    )


def rank_pairs(
    images: Embeddings,
    texts: Embeddings,
    image_of_text: npt.NDArray[np.intp],
    block: tuple[int, int] = BLOCK,
    on_progress: Callable[[int, int], None] | None = None,
) -> Retrieval:
    """Rank texts for each image and images for each text, by cosine.

    Nothing is sorted: a rank is one more than the number of candidates that beat the own one, and
    those are counted block by block. Both directions share the scores.

    Args:
        images: (n, d), rows of L2 norm 1.
        texts: (m, d), rows of L2 norm 1.
        image_of_text: (m,) in [0, n), the row of each text's image.
        block: How many images and texts are compared at once.
        on_progress: Called with the images done and n after each row of blocks.

    Raises:
        ValueError: an image has no text, or the shapes do not fit.
    """
    if len(texts) != len(image_of_text) or images.shape[1:] != texts.shape[1:]:
        raise ValueError(f"{images.shape}, {texts.shape}, {image_of_text.shape} do not fit")
    if np.bincount(image_of_text, minlength=len(images)).min(initial=1) < 1:
        raise ValueError("each image needs a text of its own")
    own_scores = _own_scores(images, texts, image_of_text, block[1])  # (m,)
    best = np.full(len(images), -np.inf, np.float32)  # (n,)
    np.maximum.at(best, image_of_text, own_scores)
    above = np.zeros(len(images), np.int64), np.zeros(len(texts), np.int64)
    not_below = np.zeros(len(images), np.int64), np.zeros(len(texts), np.int64)
    for first in range(0, len(images), block[0]):
        rows = slice(first, min(first + block[0], len(images)))
        for start in range(0, len(texts), block[1]):
            columns = slice(start, min(start + block[1], len(texts)))
            scores = images[rows] @ texts[columns].T  # (b images, b texts)
            owners = image_of_text[columns]
            here = np.flatnonzero((owners >= rows.start) & (owners < rows.stop))
            scores[owners[here] - rows.start, here] = -np.inf  # own ones compete with nobody
            for (of_images, of_texts), margin in ((above, SAME_SCORE), (not_below, -SAME_SCORE)):
                beaten = scores > best[rows, None] + margin
                # A row at a time, and sums of bytes: several times the speed of beaten.sum().
                of_images[rows] += [np.count_nonzero(row) for row in beaten]
                beaten = scores > own_scores[columns] + margin
                of_texts[columns] += beaten.view(np.uint8).sum(axis=0, dtype=np.uint32)
        if on_progress is not None:
            on_progress(rows.stop, len(images))
    at_best = own_scores >= best[image_of_text] - SAME_SCORE
    return Retrieval(
        Ranks(
            above[0],
            not_below[0] - above[0],
            np.bincount(image_of_text[at_best], minlength=len(images)),
        ),
        Ranks(above[1], not_below[1] - above[1], np.ones(len(texts), np.int64)),
    )


def _own_scores(
    images: Embeddings, texts: Embeddings, image_of_text: npt.NDArray[np.intp], step: int
) -> npt.NDArray[np.float32]:
    """Compute the cosine of each text with its own image, (m,)."""
    scores = np.empty(len(texts), np.float32)
    for start in range(0, len(texts), step):
        columns = slice(start, start + step)
        scores[columns] = np.einsum("td,td->t", texts[columns], images[image_of_text[columns]])
    return scores
