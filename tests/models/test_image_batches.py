"""Files through an encoder in batches: each at its place, bad ones named, large ones reduced."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from models.datasets import ImageFile
from models.evaluation.image_batches import encode_files
from tests.support.fakes import FakeEncoder
from tests.support.images.make import make_photo, make_text

COLOURS = ("red", "green", "blue", "white", "black", "orange", "grey")


class Watched(FakeEncoder):
    """Remembers how many pictures it was given at once, and of which size."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[list[tuple[int, int]]] = []

    def encode_images(self, images):
        self.sizes.append([image.size for image in images])
        return super().encode_images(images)


@pytest.fixture
def files(tmp_path) -> list[ImageFile]:
    """Seven photos, of which the third is a text and the last does not exist."""
    paths = [make_photo(tmp_path / f"{colour}.png", colour) for colour in COLOURS]
    make_text(paths[2])
    paths[-1].unlink()
    return [ImageFile(path) for path in paths]


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 64])
def test_every_readable_file_is_embedded_at_its_place(files, batch):
    encoder = Watched()
    seen = []

    found = encode_files(encoder, files, batch, lambda done, total: seen.append((done, total)))

    assert found.rows.tolist() == [0, 1, 3, 4, 5]
    assert found.unreadable == [files[2].name, files[6].name]
    slowly = FakeEncoder().encode_images([files[i].open() for i in found.rows])
    assert found.embeddings == pytest.approx(slowly, abs=1e-6)
    assert found.embeddings.dtype == np.float32
    assert max(map(len, encoder.sizes)) <= batch
    assert seen[-1] == (7, 7)


def test_no_files_give_no_rows():
    found = encode_files(FakeEncoder(), [])

    assert found.embeddings.shape == (0, FakeEncoder.dim)
    assert found.rows.shape == (0,)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_large_image_is_reduced_before_its_batch(tmp_path, suffix):
    large, small = ImageFile(tmp_path / f"a{suffix}"), ImageFile(tmp_path / f"b{suffix}")
    make_photo(large.path, "red", (1600, 1200))
    make_photo(small.path, "red", (40, 30))
    encoder = Watched()

    encode_files(encoder, [large, small])

    (sizes,) = encoder.sizes
    assert 3 * encoder.image_size <= min(sizes[0]) < 6 * encoder.image_size
    assert sizes[1] == (40, 30)


def test_reducing_an_image_keeps_its_embedding(pocket, photos, tmp_path):
    files = [ImageFile(tmp_path / f"{i}.png") for i in range(len(photos))]
    for file, photo in zip(files, photos, strict=True):
        photo.resize((photo.width * 2, photo.height * 2), Image.Resampling.BICUBIC).save(file.path)

    reduced = encode_files(pocket, files).embeddings

    whole = pocket.encode_images([file.open() for file in files])
    assert (reduced * whole).sum(axis=1).min() > 0.98
