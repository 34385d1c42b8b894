"""Albums whose themes are known: photos of everyday words, with a model of `embeddings.Words`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.support.embeddings import direction, unit


def photos_of_words(words: Sequence[str], each: int, noise: float = 0.6, seed: int = 0):
    """(len(words) * each, D) photos, word after word, and (n,) the place of their word."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(words)), each)
    directions = np.stack([direction(word) for word in words])
    strays = unit(rng.standard_normal((len(truth), directions.shape[1])))
    return unit(directions[truth] + noise * strays), truth
