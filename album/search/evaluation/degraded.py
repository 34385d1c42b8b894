"""Encoders that see worse, to measure a search with a model that nobody fitted it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.interfaces import Embeddings, Encoder

if TYPE_CHECKING:
    from PIL import Image

NOISE = 0.8  # length of the noise beside an embedding of length 1
SMALLEST_PX = 8


class DegradedEncoder:
    """An encoder of another id, with the texts of the one that it wraps."""

    def __init__(self, encoder: Encoder, damage: str) -> None:
        """Wrap an encoder. `damage` becomes a part of the id."""
        self.encoder = encoder
        self.model_id = f"{encoder.model_id}, {damage}"
        self.dim = encoder.dim
        self.image_size = encoder.image_size
        self.logit_scale = encoder.logit_scale
        self.logit_bias = encoder.logit_bias
        self.languages = encoder.languages

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Embed upright RGB images: (n, d)."""
        return self.encoder.encode_images(images)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts: (n, d)."""
        return self.encoder.encode_texts(texts)


class NoisyEncoder(DegradedEncoder):
    """An encoder that adds noise to the embeddings of images, the same for the same image."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder, "noise")

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Embed upright RGB images, less exactly: (n, d)."""
        embeddings = self.encoder.encode_images(images)
        noise = np.empty_like(embeddings)
        for row, embedding in zip(noise, embeddings, strict=True):
            random = np.random.default_rng(embedding.view(np.uint32))
            row[:] = random.standard_normal(self.dim)
        noisy = embeddings + np.float32(NOISE) * _unit(noise)
        return _unit(noisy)


class HalfResolutionEncoder(DegradedEncoder):
    """An encoder whose images have half the pixels on each side that its network takes."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder, "half resolution")

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Embed upright RGB images after they were made small: (n, d)."""
        longest = max(self.image_size // 2, SMALLEST_PX)
        small = [image.copy() for image in images]
        for image in small:
            image.thumbnail((longest, longest))
        return self.encoder.encode_images(small)


def _unit(rows: Embeddings) -> Embeddings:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Embeddings = (rows / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
