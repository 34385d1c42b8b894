"""Stages of a recipe: words first, then a head on frozen features, then the last blocks."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
import yaml
from safetensors.torch import load_file
from tokenizers import Tokenizer

from models.clip.encoder import ClipEncoder
from models.errors import ModelError
from models.train import train
from models.training.config import read_recipe
from models.training.tokenizer import write_tokenizer
from tests.support.images.shapes import CLASSES, make_captioned, make_folders

BACKBONE = "test_efficientnet"  # timm's smallest network with the blocks of an EfficientNet


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Path:
    """A model folder with a tokenizer, a backbone, targets, and pictures of coloured shapes."""
    root = tmp_path_factory.mktemp("stages")
    make_captioned(root / "captioned", 60, seed=0)
    make_folders(root / "folders", 12, seed=1)
    texts = [*CLASSES, *CLASSES.values()]
    # A tokenizer of its own would have other pieces in each run, and so another curve.
    tokenizer = Tokenizer.from_file("models/pocket/tokenizer.json")
    write_tokenizer(tokenizer, root / "tiny-stages")
    config = {
        "embed_dim": 16,
        "custom_text": True,
        "vision_cfg": {"image_size": 64, "timm_model_name": BACKBONE, "timm_pool": "avg",
                       "timm_model_pretrained": False, "timm_proj": "linear",
                       "timm_proj_bias": True},
        "text_cfg": {"context_length": 16, "vocab_size": tokenizer.get_vocab_size(), "width": 32,
                     "heads": 2, "layers": 1, "hf_tokenizer_name": "tiny-stages"},
    }  # fmt: skip
    (root / "tiny-stages" / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    torch.manual_seed(0)
    network = timm.create_model(BACKBONE, num_classes=4)
    torch.save(network.state_dict(), root / "backbone.pth")
    (root / "classes.csv").write_text(
        "index,en,ko\n0,red circle|red disc,빨간 원\n"
        "1,blue square,파란 네모\n2,cat,고양이\n3,sea,바다\n"
    )
    rng = np.random.default_rng(0)
    english = rng.normal(size=(len(CLASSES), 16)).astype(np.float32)
    np.savez(root / "targets.npz", texts=np.array(texts), embeddings=np.tile(english, (2, 1)))
    stages = [
        {"name": "words", "text": "distilled", "teacher": f"{root}/targets.npz", "steps": 60},
        {"name": "head", "learning_blocks": 0, "begins_from_backbone": True},
        {"name": "blocks", "learning_blocks": 2},
    ]
    sources = [
        {"name": "shapes", "path": "captioned/pairs.csv", "pixels": 72, "views": 2, "share": 2},
        {"name": "shapes", "path": "folders", "pixels": 64, "per_class": 10},
    ]
    for stage in stages[1:]:
        stage |= {
            "text": "locked", "sources": sources, "data_root": str(root), "opinion_weight": 0.5,
            "init_image": f"{root}/backbone.pth", "class_names": f"{root}/classes.csv",
            "views": [{"after": 0.0, "pixels": 64, "smallest_area": 0.6}], "cosine_weight": 1.0,
        }  # fmt: skip
    recipe = {
        "out": str(root / "out"), "architecture": str(root / "tiny-stages"), "steps": 16,
        "batch_size": 20, "lr": 0.01, "warmup_steps": 2, "ema": 0.5, "log_every": 1,
        "stages": stages,
    }  # fmt: skip
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True))
    return root


def command(root: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "models.train", f"--config={root / 'recipe.yaml'}", *more]
    return subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def trained(workshop) -> Path:
    run = command(workshop)
    assert run.returncode == 0, run.stderr[-2000:]
    return workshop / "out"


def curve(out: Path, column: str) -> list[float]:
    with (out / "curve.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "open_clip_model.safetensors")


def test_stage_trains_its_part_and_keeps_others(trained):
    words, head, blocks = (weights(trained / name) for name in ("words", "head", "blocks"))
    text = [name for name in words if name.startswith("text.")]
    assert all(torch.equal(words[name], head[name]) for name in text)
    assert all(torch.equal(words[name], blocks[name]) for name in text)
    trunk = [name for name in head if name.startswith("visual.trunk.")]
    changed = [name for name in trunk if not torch.equal(head[name], blocks[name])]
    assert changed
    count = len(timm.create_model(BACKBONE).blocks)
    last = [f"visual.trunk.blocks.{number}." for number in (count - 2, count - 1)]
    may_change = (*last, "visual.trunk.conv_head.", "visual.trunk.bn2.")
    assert all(name.startswith(may_change) for name in changed)
    assert not any("running" in name for name in changed)
    assert not torch.equal(head["visual.head.proj.weight"], blocks["visual.head.proj.weight"])


def test_every_term_of_the_loss_falls(trained):
    assert (
        np.mean(curve(trained / "words", "distil")[-5:])
        < 0.5 * curve(trained / "words", "distil")[0]
    )
    for stage in ("head", "blocks"):
        assert np.isfinite(curve(trained / stage, "opinion")).all()
        assert curve(trained / stage, "opinion")[0] > 0
    assert np.mean(curve(trained / "head", "cosine")[-4:]) < curve(trained / "head", "cosine")[0]


def test_finished_stage_is_a_loadable_model_folder(trained):
    folder = trained / "blocks"
    model, *_ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenize = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.inference_mode():
        plain = model.eval().encode_text(tokenize(["빨간 원", "a cat"]), normalize=True)
    encoder = ClipEncoder(str(folder), folder, "cpu", precision="float32")
    assert np.allclose(encoder.encode_texts(["빨간 원", "a cat"]), plain.numpy(), atol=1e-4)
    assert encoder.model_id.startswith("blocks@")


def test_finished_stages_are_not_run_again(trained, workshop):
    before = (trained / "head" / "open_clip_model.safetensors").stat().st_mtime_ns
    (trained / "blocks" / "open_clip_model.safetensors").unlink()
    (trained / "blocks" / "checkpoint.pt").unlink()
    kept = weights(trained / "head")
    run = command(workshop, "--resume")
    assert run.returncode == 0, run.stderr[-2000:]
    assert "words is finished." in run.stdout
    assert (trained / "head" / "open_clip_model.safetensors").stat().st_mtime_ns == before
    assert kept.keys() == weights(trained / "blocks").keys()


def test_cached_views_are_renewed_when_something_changed(trained, workshop, tmp_path):
    cache = workshop / ".views"
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")}
    assert len(before) == 2 * (2 * 2 + 2)  # stages x (views x files of one source, of the other)
    *_, last = read_recipe(workshop / "recipe.yaml", [])
    train(last.model_copy(update={"out": tmp_path / "again"}))
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")} == before
    assert all(
        torch.equal(weights(tmp_path / "again")[name], tensor)
        for name, tensor in weights(trained / "blocks").items()
    )
    train(last.model_copy(update={"out": tmp_path / "other", "seed": 7}))
    assert len(list(cache.rglob("*.npy"))) > len(before)


def test_incomplete_model_folder_is_one_sentence(tmp_path):
    (tmp_path / "open_clip_config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        ClipEncoder(str(tmp_path), tmp_path, "cpu")
