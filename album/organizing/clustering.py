"""Themes of an album: clusters of its vectors, and a flat map of them.

Near-duplicates count as one photo, so that a burst becomes no theme. Of a large album an evenly
spread sample is clustered, and every photo then belongs to the nearest centre.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.interfaces import Embeddings

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
OnShare = Callable[[float], None]
"""Called with the share of the work that is done, in [0, 1]."""

FEWEST, MOST = 12, 30  # themes
PHOTOS_OF_FEWEST, PHOTOS_OF_MOST = 400, 20_000
PHOTOS_OF_A_THEME = 10  # at least, in the mean, of an album that is too small for `FEWEST`
SAMPLED = 10_000
ALIKE = 0.95
"""Cosine from which two photos count as one."""
SURPLUS = 1.5  # clusters at first, for each that is left after merging
SMALLEST = 0.2  # of the mean size: smaller clusters join another
ROUNDS = 100
LANDMARKS = 2_500
PERPLEXITY = 30.0
EVENNESS = 0.5  # share of ranks in positions, which spread dense parts of the map out
TOGETHER = 0.5  # how much photos of one theme are drawn together on the map
BLOCK_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class Clusters:
    """Centres of k themes, and the sample that they were found in."""

    centres: Floats
    """(k, d) means of unit vectors, the largest theme first."""
    landmarks: Rows
    """(m,) rows of the matrix, no two of them alike."""


def theme_count(photos: float) -> int:
    """Return how many themes an album of so many different photos gets."""
    if photos < PHOTOS_OF_FEWEST:
        return max(1, min(FEWEST, int(photos / PHOTOS_OF_A_THEME)))
    share = math.log(photos / PHOTOS_OF_FEWEST) / math.log(PHOTOS_OF_MOST / PHOTOS_OF_FEWEST)
    return round(FEWEST + (MOST - FEWEST) * min(share, 1.0))


def cluster(matrix: Embeddings, on_share: OnShare = lambda share: None) -> Clusters:
    """Find the themes of (n, d) unit vectors, n >= 1, the same ones each time.

    Args:
        matrix: may be a memory map, of which a sample is read.
        on_share: called now and then.
    """
    from sklearn.cluster import KMeans

    n = len(matrix)
    rows = np.linspace(0, n - 1, min(n, SAMPLED)).astype(np.intp)
    vectors = np.nan_to_num(np.asarray(matrix[rows], np.float32))
    alike, is_first = _count_alike(vectors)
    on_share(0.3)
    weights = np.asarray(1 / alike, np.float32)
    k = theme_count(float(weights.mean()) * n)
    start = min(math.ceil(SURPLUS * k), int(is_first.sum()))
    first = KMeans(start, n_init=2, max_iter=ROUNDS, random_state=0)
    labels = first.fit(vectors, sample_weight=weights).labels_
    on_share(0.7)
    centres = _merged(vectors, weights, labels, k)
    if len(centres) > 1:
        again = KMeans(len(centres), init=centres, n_init=1, max_iter=ROUNDS)
        again.fit(vectors, sample_weight=weights)
        centres, labels = again.cluster_centers_, again.labels_
        sizes = np.bincount(labels, weights, minlength=len(centres))
        centres = centres[np.argsort(-sizes, kind="stable")]
    on_share(1.0)
    distinct = rows[is_first]
    chosen = np.linspace(0, len(distinct) - 1, min(len(distinct), LANDMARKS)).astype(np.intp)
    return Clusters(np.ascontiguousarray(centres, np.float32), distinct[chosen])


def nearest_centre(matrix: Embeddings, centres: Floats) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Assign (n, d) vectors to k centres.

    Returns:
        (n,) indices of centres, and (n,) squared distances to them.
    """
    labels = np.empty(len(matrix), np.uint8)
    distances = np.empty(len(matrix), np.float32)
    squares = np.einsum("kd,kd->k", centres, centres)
    for start in range(0, len(matrix), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        block = np.nan_to_num(matrix[part])
        far = squares - 2 * (block @ centres.T)  # (b, k), less the square of each vector
        nearest = far.argmin(axis=1)
        labels[part] = nearest
        distances[part] = far[np.arange(len(far)), nearest] + np.einsum("bd,bd->b", block, block)
    return labels, distances


def flat_positions(landmarks: Floats, centres: Floats) -> Floats:
    """Lay (m, d) vectors out in the plane by t-SNE.

    Photos of one theme are drawn together, so that its name can stand in one place.

    Returns:
        (m, 2) positions in [0, 1], which fill the square fairly evenly.
    """
    from sklearn.manifold import TSNE

    m = len(landmarks)
    if m < 5:  # too few for a perplexity
        angles = np.arange(m) * 2 * np.pi / max(m, 1)
        return (0.5 + 0.3 * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)
    labels, _ = nearest_centre(landmarks, centres)
    drawn = landmarks + np.float32(TOGETHER) * centres[labels]
    tsne = TSNE(
        perplexity=min(PERPLEXITY, (m - 1) / 4),
        init="pca",
        max_iter=600,
        random_state=0,
    )
    plane = np.asarray(tsne.fit_transform(drawn), np.float64)
    low, high = plane.min(axis=0), plane.max(axis=0)
    inside = (plane - low) / np.maximum(high - low, 1e-9)
    ranks = plane.argsort(axis=0).argsort(axis=0) / (m - 1)
    return np.asarray((1 - EVENNESS) * inside + EVENNESS * ranks, np.float32)


def _count_alike(vectors: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Count the near-duplicates of each of (n, d) vectors, itself included.

    Returns:
        (n,) counts, and (n,) whether no earlier vector is one.
    """
    n = len(vectors)
    counts = np.empty(n, np.float32)
    is_first = np.empty(n, bool)
    for start in range(0, n, 1_024):
        alike = vectors[start : start + 1_024] @ vectors.T >= ALIKE  # (b, n)
        places = np.arange(start, start + len(alike))
        alike[places - start, places] = True  # a broken vector has no length
        counts[places] = np.count_nonzero(alike, axis=1)
        is_first[places] = alike.argmax(axis=1) == places
    return counts, is_first


def _merged(vectors: Floats, weights: Floats, labels: Rows, k: int) -> Floats:
    """Merge clusters by Ward's criterion until `k` are left and none is tiny.

    Returns:
        (k or fewer, d) centres.
    """
    sizes: Doubles = np.bincount(labels, weights).astype(np.float64)
    sums = np.zeros((len(sizes), vectors.shape[1]))
    np.add.at(sums, labels, vectors * weights[:, None])
    keep = sizes > 0
    sizes, centres = sizes[keep], sums[keep] / sizes[keep, None]
    tiny = SMALLEST * sizes.sum() / k
    while len(sizes) > 1:
        costs = _costs(centres, sizes)
        a = int(sizes.argmin())
        if sizes[a] >= tiny:
            if len(sizes) <= k:
                break
            a = int(costs.min(axis=1).argmin())
        b = int(costs[a].argmin())
        both = sizes[a] + sizes[b]
        centres[a] = (sizes[a] * centres[a] + sizes[b] * centres[b]) / both
        sizes[a] = both
        centres, sizes = np.delete(centres, b, axis=0), np.delete(sizes, b)
    return centres.astype(np.float32)


def _costs(centres: Doubles, sizes: Doubles) -> Doubles:
    """Return (k, k) by how much merging two clusters widens them."""
    squares = ((centres[:, None] - centres[None]) ** 2).sum(axis=2)
    costs: Doubles = squares * sizes[:, None] * sizes / (sizes[:, None] + sizes)
    np.fill_diagonal(costs, np.inf)
    return costs
