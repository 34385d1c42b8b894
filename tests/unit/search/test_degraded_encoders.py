"""Encoders that see worse stand beside the one that they wrap."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from album.search.evaluation.degraded import NOISE, HalfResolutionEncoder, NoisyEncoder
from tests.support.fakes import FakeEncoder

IMAGES = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "yellow")]


@pytest.mark.parametrize("degraded", [NoisyEncoder, HalfResolutionEncoder])
def test_degraded_encoder_has_own_id_and_same_texts(degraded):
    encoder = FakeEncoder()

    wrapped = degraded(encoder)

    assert wrapped.model_id.startswith(f"{encoder.model_id}, ")
    assert np.array_equal(wrapped.encode_texts(["red"]), encoder.encode_texts(["red"]))
    assert (wrapped.dim, wrapped.languages) == (encoder.dim, encoder.languages)


def test_noise_is_the_same_for_the_same_image():
    encoder = FakeEncoder()
    noisy = NoisyEncoder(encoder)

    together, alone = noisy.encode_images(IMAGES), noisy.encode_images(IMAGES[1:2])

    assert np.array_equal(together[1:2], alone)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert noisy.encode_images([]).shape == (0, encoder.dim)


def test_noise_has_its_length_beside_the_embedding():
    encoder = FakeEncoder()
    images = [Image.new("RGB", (8, 8), (n, 255 - n, n // 2)) for n in range(256)]

    cosines = (NoisyEncoder(encoder).encode_images(images) * encoder.encode_images(images)).sum(1)

    assert np.median(cosines) == pytest.approx(1 / np.sqrt(1 + NOISE**2), abs=0.05)


def test_half_resolution_shrinks_a_copy_of_images():
    sizes = []

    class Recorder(FakeEncoder):
        def encode_images(self, images):
            sizes.extend(image.size for image in images)
            return super().encode_images(images)

    HalfResolutionEncoder(Recorder()).encode_images(IMAGES)

    assert sizes == [(16, 12)] * 3
    assert IMAGES[0].size == (64, 48)
