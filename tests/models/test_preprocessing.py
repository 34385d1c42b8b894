"""What the encoder sees is what open_clip's own preprocessing shows it, wherever it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image

from album.errors import UnreadableImageError
from album.images.decoding import read_for_encoder, read_photo
from models.clip.encoder import ClipEncoder
from models.clip.preprocessing import preprocess_on, works_on_tensors
from models.clip.spec import POCKET_DIR
from tests.support.images.make import scene

PHOTOS = Path(__file__).parents[3] / "shared" / "photos"
CPU = torch.device("cpu")
LARGER_THAN_ANY = 10**6
STD = 0.26  # about that of every published mean and std: what one step of 255 is divided by

Embed = Callable[[torch.Tensor], torch.Tensor]
"""(n, 3, h, w) to (n, d), rows of L2 norm 1."""


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Photos of all kinds of cameras, formats and sizes."""
    if not PHOTOS.is_dir():
        pytest.skip("no photos beside this checkout")
    return sorted(path for path in PHOTOS.rglob("*") if readable(path))


def readable(path: Path) -> bool:
    try:
        return path.is_file() and bool(read_photo(path, 1))
    except UnreadableImageError:
        return False


@pytest.fixture(scope="module")
def whole(files) -> list[Image.Image]:
    """Decoded in full."""
    return [read_photo(path, LARGER_THAN_ANY)[0] for path in files]


@pytest.fixture(scope="module")
def pocket_by_hand(pocket) -> tuple[Embed, Callable[[Image.Image], torch.Tensor]]:
    return by_hand(*open_clip.create_model_and_transforms(f"local-dir:{POCKET_DIR}"))


@pytest.fixture(scope="module")
def vit_by_hand() -> tuple[Embed, Callable[[Image.Image], torch.Tensor]]:
    """ViT-B/32 that has learnt nothing."""
    torch.manual_seed(0)
    return by_hand(*open_clip.create_model_and_transforms("ViT-B-32"))


def by_hand(model, _, preprocess) -> tuple[Embed, Callable[[Image.Image], torch.Tensor]]:
    model.eval()

    @torch.inference_mode()
    def embed(pixels: torch.Tensor) -> torch.Tensor:
        return model.encode_image(pixels, normalize=True)

    return embed, preprocess


def test_photos_match_their_readme(files):
    assert len(files) >= 50
    assert {".jpg", ".heic", ".avif", ".png", ".webp"} <= {path.suffix.lower() for path in files}


@pytest.mark.parametrize("size", [(640, 449), (449, 641), (1000, 750), (90, 70), (61, 900)])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("resize_mode", ["shortest", "squash"])
def test_device_pixels_are_within_two_steps_of_pillow(resize_mode, interpolation, size):
    preprocess = image_transform(
        96, is_train=False, resize_mode=resize_mode, interpolation=interpolation
    )
    image = scene(size, seed=1)

    there, here = preprocess_on(CPU, image, preprocess), preprocess(image)

    assert there.shape == here.shape == (3, 96, 96)
    assert there.dtype == torch.float32
    assert (there - here).abs().max() * 255 * STD < 2.2
    assert (there - here).abs().mean() * 255 * STD < 0.25


def test_longest_side_checkpoint_is_left_to_pillow():
    def works(resize_mode: str) -> bool:
        return works_on_tensors(image_transform(96, is_train=False, resize_mode=resize_mode))

    assert [works("shortest"), works("squash"), works("longest")] == [True, True, False]


@pytest.mark.parametrize(("model", "every"), [("pocket_by_hand", 1), ("vit_by_hand", 8)])
def test_device_preprocessing_keeps_embeddings(request, model, every, whole):
    embed, preprocess = request.getfixturevalue(model)
    images = whole[::every]
    here = embed(torch.stack([preprocess(image) for image in images]))
    there = embed(torch.stack([preprocess_on(CPU, image, preprocess) for image in images]))

    assert (here * there).sum(dim=1).min() >= 0.999
    assert (here - there).abs().max() > 0  # it is another way indeed


def test_encoder_resizing_on_device_keeps_embeddings(photos, weights_dir):
    encoder = ClipEncoder("pocket", weights_dir, "cpu", precision="float32")
    here = encoder.encode_images(photos)
    encoder._resizes_on_device = True
    there = encoder.encode_images(photos)

    assert np.einsum("nd,nd->n", here, there).min() >= 0.999
    assert np.abs(here - there).max() > 0


def test_album_and_open_clip_embed_a_photo_equally(files, whole, pocket_by_hand, weights_dir):
    embed, preprocess = pocket_by_hand
    encoder = ClipEncoder("pocket", weights_dir, "cpu", precision="float32")
    by_hand = embed(torch.stack([preprocess(image) for image in whole])).numpy()
    in_full = encoder.encode_images(whole)
    reduced = encoder.encode_images(
        [read_for_encoder(path, encoder.image_size)[0] for path in files]
    )

    assert np.einsum("nd,nd->n", in_full, by_hand).min() >= 0.999
    cosines = np.einsum("nd,nd->n", reduced, by_hand)
    assert not {
        path.name: cosine for path, cosine in zip(files, cosines, strict=True) if cosine < 0.99
    }
