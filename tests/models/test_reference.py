"""The NumPy reference against open_clip, and `ClipEncoder` against the reference."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from models.clip.encoder import ClipEncoder
from models.clip.reference import (
    Weights,
    image_features,
    logits,
    main,
    preprocess,
    read_tower,
    read_weights,
    softmax,
    text_features,
    unit_rows,
)
from models.clip.spec import POCKET_DIR, WEIGHTS_FILE, parse_spec
from models.errors import ModelError

ROOT = Path(__file__).parents[2]
WEIGHTS = POCKET_DIR / WEIGHTS_FILE
CLOSE = 1e-5  # float32 adding up in another order differs by 1e-7 to 1e-6
TEXTS = [
    "a big cat",
    "고양이과 동물",
    "",
    "two children and a dog on the beach at sunset, seen from the balcony of a small white hotel "
    "in a village by the sea where nobody has ever heard of a photo album that reads Korean, and "
    "where the post comes by boat twice a week, unless the wind blows from the north",
]


class Vit(NamedTuple):
    """The same random weights in a file, in open_clip and in the reference."""

    checkpoint: Path
    model: torch.nn.Module
    weights: Weights


class Answers(NamedTuple):
    """Features of the same pixels and tokens: (b, d) each."""

    images: np.ndarray
    texts: np.ndarray


@pytest.fixture(scope="module")
def vit(tmp_path_factory) -> Iterator[Vit]:
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32").eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # As they start, biases are 0, gains 1 and attention nearly even: a mistake in them
            # would change next to nothing.
            if parameter.ndim == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
            elif "resblocks" in name:
                parameter.mul_(2)
        model.logit_scale.fill_(math.log(40))
    checkpoint = tmp_path_factory.mktemp("vit") / "random.safetensors"
    halves = {name: array.half() for name, array in model.state_dict().items()}
    save_file(halves, checkpoint)
    model.load_state_dict(halves)  # in float32 again, of the values that are in the file
    yield Vit(checkpoint, model, read_weights(checkpoint))
    checkpoint.unlink()  # 300 MB, which pytest would keep for three runs


@pytest.fixture(scope="module")
def some_photos(photos) -> list[Image.Image]:
    """A tiny one, a landscape and a portrait."""
    chosen = [photos[0], photos[2], photos[-1]]
    assert max(chosen[0].size) < 224
    assert chosen[1].width > chosen[1].height
    assert chosen[2].width < chosen[2].height
    return chosen


@pytest.fixture(scope="module")
def pixels(some_photos) -> np.ndarray:
    """Photos, and noise of which no two patches are alike: (4, 3, 224, 224) float32."""
    noise = np.random.default_rng(0).standard_normal((3, 224, 224), np.float32)
    return np.stack([*(preprocess(photo, 224) for photo in some_photos), noise])


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return open_clip.get_tokenizer("ViT-B-32")(TEXTS).numpy()


@pytest.fixture(scope="module")
def by_reference(vit, pixels, tokens) -> Answers:
    return answers("ViT-B-32", vit.weights, pixels, tokens)


def answers(name: str, weights: Weights, pixels: np.ndarray, tokens: np.ndarray) -> Answers:
    config = open_clip.get_model_config(name)
    return Answers(
        image_features(read_tower(weights, config, "visual"), pixels),
        text_features(read_tower(weights, config, "text"), tokens),
    )


@torch.inference_mode()
def answers_of(model: torch.nn.Module, pixels: np.ndarray, tokens: np.ndarray) -> Answers:
    return Answers(
        model.encode_image(torch.from_numpy(pixels)).numpy(),
        model.encode_text(torch.from_numpy(tokens)).numpy(),
    )


def assert_same_features(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Before the norm relative to their length, and after it."""
    assert ours.dtype == theirs.dtype == np.float32
    assert ours.shape == theirs.shape
    lengths = np.linalg.norm(theirs, axis=1, keepdims=True)
    assert np.abs((ours - theirs) / lengths).max() <= CLOSE
    assert np.abs(unit_rows(ours) - theirs / lengths).max() <= CLOSE
    cosines = unit_rows(ours) @ unit_rows(ours).T
    assert cosines[~np.eye(len(cosines), dtype=bool)].max() < 0.9  # it looked at its input


def test_the_text_tower_of_pocket_equals_open_clip():
    config = parse_spec("pocket").config()
    model = open_clip.create_model(f"local-dir:{POCKET_DIR}").eval()
    tokens = open_clip.get_tokenizer(f"local-dir:{POCKET_DIR}")(
        ["a big cat", "큰 고양이과 동물", "버스", ""]
    )
    weights = read_weights(WEIGHTS)  # float16 in the file
    ours = text_features(read_tower(weights, config, "text"), tokens.numpy())

    with torch.inference_mode():
        assert_same_features(ours, model.encode_text(tokens).numpy())


def test_both_towers_of_a_vit_equal_open_clip(vit, pixels, tokens, by_reference):
    theirs = answers_of(vit.model, pixels, tokens)

    assert_same_features(by_reference.images, theirs.images)
    assert_same_features(by_reference.texts, theirs.texts)


def test_towers_with_quick_gelu_equal_open_clip(vit, pixels, tokens, by_reference):
    name = "ViT-B-32-quickgelu"
    model = open_clip.create_model(name, pretrained=str(vit.checkpoint)).eval()
    ours = answers(name, vit.weights, pixels[:2], tokens[:2])
    theirs = answers_of(model, pixels[:2], tokens[:2])

    for quick, same, exact in zip(ours, theirs, by_reference, strict=True):
        assert_same_features(quick, same)
        assert np.abs(unit_rows(quick) - unit_rows(exact[:2])).max() > 100 * CLOSE


def test_logits_and_probabilities_equal_open_clip(vit, pixels, tokens, by_reference):
    ours = logits(vit.weights, *map(unit_rows, by_reference))
    with torch.inference_mode():
        theirs, _ = vit.model.get_logits(torch.from_numpy(pixels), torch.from_numpy(tokens))

    assert ours.shape == (len(pixels), len(tokens))
    assert ours.dtype == softmax(ours).dtype == np.float32
    assert np.abs(ours - theirs.numpy()).max() <= 40 * CLOSE
    assert np.abs(softmax(ours) - theirs.softmax(dim=-1).numpy()).max() <= 10 * CLOSE
    assert np.ptp(softmax(ours), axis=1).min() > 0.1


def test_the_encoder_in_float32_equals_the_reference(vit, weights_dir, some_photos, by_reference):
    encoder = ClipEncoder(f"ViT-B-32/{vit.checkpoint}", weights_dir, "cpu", precision="float32")
    images, texts = unit_rows(by_reference.images[:3]), unit_rows(by_reference.texts)

    assert np.abs(encoder.encode_images(some_photos) - images).max() <= CLOSE
    assert np.abs(encoder.encode_texts(TEXTS) - texts).max() <= CLOSE
    assert encoder.logit_scale == pytest.approx(np.exp(vit.weights["logit_scale"]), rel=1e-6)


def test_reduced_precision_encoder_stays_close_to_reference(
    vit, weights_dir, some_photos, by_reference
):
    encoder = ClipEncoder(f"ViT-B-32/{vit.checkpoint}", weights_dir, "cpu")
    images, texts = unit_rows(by_reference.images[:3]), unit_rows(by_reference.texts)

    assert (encoder.encode_images(some_photos) * images).sum(axis=1).min() >= 0.995
    assert (encoder.encode_texts(TEXTS) * texts).sum(axis=1).min() >= 0.995


@pytest.mark.parametrize("size", [96, 224])
@pytest.mark.parametrize(
    "shape",
    [(640, 427), (427, 640), (301, 224), (225, 224), (97, 96), (96, 96), (7, 5), (1, 3)],
)
def test_pixels_equal_those_of_open_clip(shape, size):
    noise = np.random.default_rng(0).integers(0, 256, (*shape[::-1], 3), np.uint8)
    image = Image.fromarray(noise)
    theirs = open_clip.image_transform(size, is_train=False)(image).numpy()
    ours = preprocess(image, size)

    assert ours.dtype == np.float32
    assert ours.shape == (3, size, size)
    assert np.abs(ours - theirs).max() <= CLOSE  # 1/255 of a channel is 0.015


def test_pixels_of_photos_equal_those_of_open_clip(some_photos):
    transform = open_clip.image_transform(224, is_train=False)

    for photo in some_photos:
        assert np.abs(preprocess(photo, 224) - transform(photo).numpy()).max() <= CLOSE


@pytest.mark.parametrize(
    ("name", "side", "what"),
    [
        ("pocket", "visual", "timm_model_name"),
        ("ViT-B-32-SigLIP2-256", "text", "pool_type"),
        ("coca_ViT-B-32", "visual", "attentional_pool"),
        ("RN50", "visual", "layers"),
    ],
)
def test_towers_of_another_kind_are_refused(name, side, what):
    parse_spec("pocket")  # open_clip learns of it

    with pytest.raises(ModelError, match=what):
        read_tower({}, open_clip.get_model_config(name), side)


def test_the_command_prints_every_cosine(capsys, pocket):
    texts = ["a big cat", "고양이과 동물", "a red bus"]
    main(texts)
    lines = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()]

    assert [line[3] for line in lines] == texts
    rows = pocket.encode_texts(texts)
    assert np.abs(np.array([line[:3] for line in lines], float) - rows @ rows.T).max() < 0.01


def test_the_lesson_itself_loads_no_network_library():
    program = "import sys, models.clip.reference; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )

    assert "models.clip.reference" in done.stdout.split()
    assert not {"torch", "torchvision", "open_clip"} & set(done.stdout.split())
