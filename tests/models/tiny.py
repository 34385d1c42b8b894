"""A CLIP small enough to be written by a test: an architecture, weights and a tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

REPO = "someone/tiny"
TAG = "web"
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {
        "context_length": 8,
        "vocab_size": 400,
        "width": 32,
        "heads": 2,
        "layers": 1,
        "hf_tokenizer_name": REPO,
    },
}


def add_architecture(folder: Path, name: str, **text_cfg: object) -> None:
    """Make open_clip know CONFIG as `name`, with `text_cfg` changed (None leaves a key out)."""
    text = {**CONFIG["text_cfg"], **text_cfg}
    text = {key: value for key, value in text.items() if value is not None}
    (folder / f"{name}.json").write_text(json.dumps({**CONFIG, "text_cfg": text}))
    open_clip.add_model_config(folder / f"{name}.json")


def publish(name: str) -> None:
    """Enter `<name>/web` into open_clip's list of published weights, with a mean of its own."""
    open_clip.pretrained._PRETRAINED[name] = {
        TAG: {
            "hf_hub": f"{REPO}/",
            "mean": (0.5, 0.5, 0.5),
            "std": (0.5, 0.5, 0.5),
            "interpolation": "bicubic",
            "resize_mode": "squash",
        }
    }


def write_weights(name: str, file: Path) -> None:
    torch.manual_seed(0)
    save_file(open_clip.create_model(name).state_dict(), file)


def write_tokenizer(folder: Path) -> None:
    words = ["<pad>", "<unk>", "a", "photo", "of", "cat", "dog"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>"
    ).save_pretrained(folder)
