"""Embeddings whose truth is known.

The words of `Words` are directions of their own, so that a photo can be made to show some of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.prompts import EVERYDAY_WORDS

ENGLISH = {korean: english for english, korean in EVERYDAY_WORDS}
SHOWN = [english for english, _ in EVERYDAY_WORDS[::7]]
D = 64


class Words:
    """Each text is a direction drawn by its characters; both languages of a pair are one."""

    model_id = "words"
    dim = D
    image_size = 32
    logit_scale = 50.0
    languages = ()

    def __init__(self) -> None:
        self.asked = 0

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += len(texts)
        return np.stack([direction(ENGLISH.get(text, text)) for text in texts])

    def encode_images(self, images):
        raise NotImplementedError


class Matrix:
    """An index of given vectors."""

    model_id = "words"

    def __init__(self, folder: Path, vectors: np.ndarray) -> None:
        self.path = folder / "words.npy"
        self.ids = np.arange(1, len(vectors) + 1)
        self.vectors = vectors

    def snapshot(self):
        return self.ids, self.vectors


def direction(text: str) -> np.ndarray:
    seed = int.from_bytes(text.encode()[-16:], "big")
    return unit(np.random.default_rng(seed).standard_normal(D))


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def photos_of(*texts: str, seed: int = 0) -> np.ndarray:
    """(n, D): one photo of each text, half of it noise."""
    noise = unit(np.random.default_rng(seed).standard_normal((len(texts), D)))
    return unit(np.stack([direction(text) for text in texts]) + 0.7 * noise)
