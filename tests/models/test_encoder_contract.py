"""What every encoder promises, checked on the real one and on the fake that other tests use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from models.interfaces import Encoder
from tests.support.fakes import FakeEncoder


@pytest.fixture(params=["pocket", "fake"])
def encoder(request, pocket) -> Encoder:
    return pocket if request.param == "pocket" else FakeEncoder()


TEXTS = ["a red flower", "빨간 꽃", "", "🌸" * 300, "word " * 500]


def is_embeddings(rows: np.ndarray, n: int, encoder: Encoder) -> bool:
    return (
        rows.shape == (n, encoder.dim)
        and rows.dtype == np.float32
        and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    )


@pytest.mark.parametrize("n", [0, 1, 2, 70])
def test_images_become_unit_rows_of_float32(encoder, photos, n):
    images = [photos[i % len(photos)] for i in range(n)]

    assert is_embeddings(encoder.encode_images(images), n, encoder)


@pytest.mark.parametrize("n", [0, 1, 2, 70])
def test_texts_become_unit_rows_of_float32(encoder, n):
    assert is_embeddings(
        encoder.encode_texts([TEXTS[i % len(TEXTS)] for i in range(n)]), n, encoder
    )


def test_it_says_what_it_is(encoder):
    assert encoder.model_id
    assert type(encoder.dim) is int
    assert type(encoder.image_size) is int
    assert encoder.image_size >= 16
    assert 1 <= encoder.logit_scale <= 200
    assert isinstance(encoder.languages, tuple)
    assert {"en", "ko"} <= set(encoder.languages)


def test_image_rows_keep_their_order_in_any_batch(encoder, photos):
    together = encoder.encode_images(photos * 5)
    alone = np.concatenate([encoder.encode_images([photo]) for photo in photos])

    assert np.einsum("nd,nd->n", together, np.tile(alone, (5, 1))).min() > 0.999


def test_text_rows_keep_their_order_in_any_batch(encoder):
    together = encoder.encode_texts(TEXTS * 9)
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])

    assert np.einsum("nd,nd->n", together, np.tile(alone, (9, 1))).min() > 0.999


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (4000, 2)])
def test_an_image_of_any_shape_is_taken(encoder, size):
    assert is_embeddings(encoder.encode_images([Image.new("RGB", size, "red")]), 1, encoder)


def test_result_may_be_changed_without_affecting_the_next(encoder):
    first = encoder.encode_texts(["a red flower"])
    kept = first.copy()
    first[:] = 0

    assert np.array_equal(encoder.encode_texts(["a red flower"]), kept)


def test_many_threads_get_the_answers_that_one_gets(encoder, photos):
    texts = [f"{text} {i}" for i, text in enumerate(TEXTS * 4)]
    alone = np.concatenate([encoder.encode_texts([text]) for text in texts])
    of_photos = np.concatenate([encoder.encode_images([photo]) for photo in photos])

    with ThreadPoolExecutor(8) as pool:
        # Other pairs of texts than before, so that no cache can answer.
        pairs = list(pool.map(lambda i: encoder.encode_texts([texts[i], texts[-1]]), range(20)))
        again = list(pool.map(lambda photo: encoder.encode_images([photo]), photos))

    assert (np.stack([pair[0] for pair in pairs]) * alone).sum(axis=1).min() > 0.999
    assert (np.concatenate(again) * of_photos).sum(axis=1).min() > 0.999
