"""Trained classifiers read back from disk, whatever somebody may have done to them there."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from models.classifiers.factory import DefaultClassifiers
from models.classifiers.image_network import build_tower
from models.classifiers.tower_spec import TowerSpec
from models.classifiers.trained_head import list_heads, load_head
from models.errors import ModelError

VISION = {"image_size": 16, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8}
TOWER = {
    "kind": "clip",
    "embed_dim": 4,
    "vision_cfg": VISION,
    "image_size": 16,
    "resize_px": 16,
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
}


def card_of(**changes: Any) -> dict[str, Any]:
    card = {
        "format": 1,
        "classes": ["고양이", "dog 🐶"],
        "photos": [3, 4],
        "mode": "features",
        "backbone": "clip",
        "model_id": "fake",
        "d": 4,
        "accuracy": {"value": 0.9, "low": 0.5, "high": 1.0},
        "trained_at": "2026-01-02T03:04:05+00:00",
        "tower": None,
    }
    return card | changes


def write_head(
    folder: Path, name: str = "pets", arrays: dict[str, np.ndarray] | None = None, **changes: Any
) -> Path:
    where = folder / name
    where.mkdir(parents=True)
    arrays = arrays or {
        "head.weight": np.array([[9, 0, 0, 0], [0, 9, 0, 0]], np.float32),
        "head.bias": np.zeros(2, np.float32),
    }
    save_file(arrays, where / "head.safetensors")
    write_card(where, card_of(**changes))
    return where


def write_card(where: Path, card: dict[str, Any]) -> None:
    weights = (where / "head.safetensors").read_bytes()
    card = {"sha256": hashlib.sha256(weights).hexdigest()} | card
    (where / "card.json").write_text(json.dumps(card, ensure_ascii=False))


def write_image_head(folder: Path, name: str = "seen", **tower: Any) -> Path:
    """A network of one layer with random weights."""
    where = folder / name
    where.mkdir(parents=True)
    torch.manual_seed(0)
    state = build_tower(TowerSpec(**TOWER)).state_dict()
    tensors = {f"tower.{name}": tensor.clone() for name, tensor in state.items()}
    tensors["head.weight"], tensors["head.bias"] = torch.randn(2, 4), torch.zeros(2)
    save_tensors(tensors, where / "head.safetensors")
    write_card(where, card_of(model_id=None, tower=TOWER | tower))
    return where


def test_head_predicts_the_softmax_of_its_logits(tmp_path):
    write_head(tmp_path)
    head = load_head(tmp_path, "pets")

    shares = head.of_embeddings(np.array([[1, 0, 0, 0], [0.6, 0.8, 0, 0]], np.float32))

    assert head.card.classes == ("고양이", "dog 🐶")
    assert head.image_size == 0
    assert shares.dtype == np.float32
    assert shares[0].tolist() == pytest.approx(
        [1 / (1 + np.exp(-9)), 1 / (1 + np.exp(9))], rel=1e-4
    )
    assert shares[1, 1] == pytest.approx(1 / (1 + np.exp(-1.8)), rel=1e-4)
    assert head.of_embeddings(np.empty((0, 4), np.float32)).shape == (0, 2)


def test_logits_of_any_size_make_probabilities(tmp_path):
    arrays = {
        "head.weight": np.array([[3e5, 0, 0, 0], [0, 3e5, 0, 0]], np.float32),
        "head.bias": np.zeros(2, np.float32),
    }
    write_head(tmp_path, arrays=arrays)
    shares = load_head(tmp_path, "pets").of_embeddings(np.array([[1, 0, 0, 0]], np.float32))
    assert shares.tolist() == [[1.0, 0.0]]


def test_embeddings_of_another_width_are_one_sentence(tmp_path):
    write_head(tmp_path)
    with pytest.raises(ModelError, match="reads embeddings of 4 numbers, not of 16: train it"):
        load_head(tmp_path, "pets").of_embeddings(np.zeros((1, 16), np.float32))


def test_heads_are_listed_newest_first_by_folder(tmp_path):
    write_head(tmp_path, "old", trained_at="2024-01-01T00:00:00+00:00")
    # Later than it looks: nine hours behind.
    write_head(tmp_path, "new", trained_at="2026-01-02T00:00:00-09:00")
    write_head(tmp_path, "between", trained_at="2026-01-02T03:00:00+00:00")
    write_head(tmp_path, ".being-trained.part")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()

    assert [card.name for card in list_heads(tmp_path)] == ["new", "between", "old"]
    assert DefaultClassifiers().heads(tmp_path)[0].photos == (3, 4)
    assert list_heads(tmp_path / "nowhere") == []


def test_renamed_folder_is_loaded_by_its_new_name(tmp_path):
    write_head(tmp_path).rename(tmp_path / "animals")
    assert load_head(tmp_path, "animals").card.name == "animals"


@pytest.mark.parametrize("name", ["", ".", "..", "../pets", "pets/", "/etc", "pets\0", ".hidden"])
def test_a_name_never_leaves_the_folder(tmp_path, name):
    write_head(tmp_path / "heads")
    write_head(tmp_path, "pets")
    write_head(tmp_path / "heads", ".hidden")
    with pytest.raises(ModelError, match="There is no trained classifier"):
        load_head(tmp_path / "heads", name)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"classes": ["one"], "photos": [1]},
        {"classes": ["a", "a"]},
        {"classes": ["a", " "]},
        {"classes": ["a", 3]},
        {"classes": "ab"},
        {"photos": [1]},
        {"photos": [1, -1]},
        {"mode": "magic"},
        {"backbone": "rm -rf"},
        {"model_id": None},
        {"d": 0},
        {"d": 10**30},
        {"d": 5},
        {"accuracy": 0.9},
        {"accuracy": {"value": float("nan"), "low": 0, "high": 1}},
        {"accuracy": {"value": 7, "low": 0, "high": 1}},
        {"trained_at": "yesterday"},
        {"sha256": "0" * 64},
        {"classes": ["a", "b", "c"], "photos": [1, 2, 3]},
    ],
)
def test_invalid_card_is_a_damaged_classifier(tmp_path, changes):
    write_head(tmp_path, **changes)
    with pytest.raises(ModelError, match=r'classifier "pets" is damaged: train it again, or del'):
        load_head(tmp_path, "pets")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"format": 1}']
)
def test_folder_without_card_is_skipped_and_logged(tmp_path, text):
    write_head(tmp_path, "good")
    (write_head(tmp_path, "bad") / "card.json").write_bytes(text)
    assert [card.name for card in list_heads(tmp_path)] == ["good"]
    with pytest.raises(ModelError, match='"bad" is damaged'):
        load_head(tmp_path, "bad")


class Boom:
    """Would leave a trace, were it ever unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_truncated_missing_or_pickled_weights_are_damaged(tmp_path):
    cut = write_head(tmp_path, "cut")
    weights = cut / "head.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    trap = write_head(tmp_path, "trap")
    (trap / "head.safetensors").write_bytes(pickle.dumps(Boom(tmp_path / "trace")))
    write_card(trap, card_of())  # with a digest that fits
    short = write_head(tmp_path, "short")
    (short / "head.safetensors").write_bytes(b"\xff" * 12)
    write_card(short, card_of())
    gone = write_head(tmp_path, "gone")
    (gone / "head.safetensors").unlink()

    for name in ("cut", "trap", "short", "gone"):
        with pytest.raises(ModelError, match=f'"{name}" is damaged'):
            load_head(tmp_path, name)
    assert not (tmp_path / "trace").exists()
    assert "gone" not in [card.name for card in list_heads(tmp_path)]


@pytest.mark.parametrize(
    "arrays",
    [
        {"head.weight": np.zeros((2, 4), np.float32)},
        {"head.weight": np.zeros((2, 4), np.float32), "head.bias": np.zeros(3, np.float32)},
        {"head.weight": np.zeros((4, 2), np.float32), "head.bias": np.zeros(2, np.float32)},
        {"head.weight": np.zeros((2, 4), np.float32), "head.bias": np.array([0, np.nan], "f4")},
    ],
)
def test_weights_of_another_shape_are_damaged(tmp_path, arrays):
    write_head(tmp_path, arrays=arrays)
    with pytest.raises(ModelError, match='"pets" is damaged'):
        load_head(tmp_path, "pets")


def test_a_network_looks_at_pictures_of_any_size(tmp_path, photos):
    write_image_head(tmp_path)
    head = load_head(tmp_path, "seen")

    shares = head.of_images(photos[:3])

    assert head.image_size == 16
    assert shares.shape == (3, 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    # One by one, as all at once.
    alone = np.concatenate([head.of_images([photo]) for photo in photos[:3]])
    np.testing.assert_allclose(alone, shares, atol=5e-3)
    assert head.of_images([]).shape == (0, 2)


@pytest.mark.parametrize(
    "tower",
    [
        {"kind": "transformer"},
        {"std": [0.0, 1.0, 1.0]},
        {"mean": [0.5]},
        {"image_size": 1_000_000},
        {"embed_dim": 5},
        {"resize_mode": "melt"},
        {"vision_cfg": VISION | {"width": 1 << 20}},
        {"vision_cfg": VISION | {"layers": 2}},
        {"vision_cfg": VISION | {"layers": -1}},
        {"vision_cfg": VISION | {"head_width": 0}},
        {"vision_cfg": VISION | {"surprise": 1}},
        {"vision_cfg": {"timm_model_name": "hf-hub:someone/net"}},
        {"vision_cfg": {"timm_model_name": "no_such_network"}},
        {"vision_cfg": {"timm_model_name": ["resnet18"]}},
        {"vision_cfg": {"timm_model_name": "resnet18", "timm_model_pretrained": True}},
    ],
)
def test_network_unlike_its_description_is_damaged(tmp_path, tower):
    write_image_head(tmp_path, **tower)
    with pytest.raises(ModelError, match='"seen" is damaged'):
        load_head(tmp_path, "seen")


def test_a_head_on_embeddings_needs_no_torch(tmp_path):
    write_head(tmp_path)
    program = (
        "import sys, pathlib, numpy\n"
        "from models.classifiers.factory import DefaultClassifiers\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "assert DefaultClassifiers().heads(folder)\n"
        "head = DefaultClassifiers().load_head(folder, 'pets')\n"
        "head.of_embeddings(numpy.ones((1, 4), numpy.float32))\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
