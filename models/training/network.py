"""Create and describe the network that a run trains."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import torch

from models.clip.encoder import load_tokenizer
from models.clip.spec import ModelSpec, register_folder
from models.clip.weights import tokenizer_on_disk
from models.errors import ModelError
from models.training.config import TrainConfig


def register_architecture(name_or_path: str) -> str:
    """Register a model folder or JSON with open_clip, and return its name.

    Raises:
        ModelError: there is no such architecture or file.
    """
    path = Path(name_or_path)
    if path.is_dir():
        register_folder(path, path.name)
        return path.name
    if name_or_path.endswith(".json"):
        if not path.is_file():
            raise ModelError(f"There is no architecture file {path}.")
        open_clip.add_model_config(path)
        return path.stem
    if name_or_path not in open_clip.list_models():
        raise ModelError(f'open_clip knows no architecture "{name_or_path}".')
    return name_or_path


def load_local_tokenizer(architecture: str, weights_dir: Path) -> Any:
    """Load the tokenizer from local files: texts to tokens (n, context).

    Raises:
        ModelError: open_clip ships none for this architecture, and none is on disk.
    """
    spec = ModelSpec(architecture, architecture, None, None)
    folder = tokenizer_on_disk(spec, weights_dir)
    if spec.tokenizer_repo() and folder is None:
        raise ModelError(
            f"The tokenizer of {architecture} is not in {weights_dir} yet: start the album with "
            "that model once, where it can reach the network."
        )
    return load_tokenizer(spec, folder)


def create_model(architecture: str, config: TrainConfig) -> Any:
    """Create the model on the CPU in float32, random or from `init`.

    Raises:
        ModelError: `init` is missing, broken, or of another architecture.
    """
    siglip = {"init_logit_scale": math.log(10), "init_logit_bias": -10.0}
    extra = siglip if config.loss == "siglip" else {}
    if config.init is None:
        return open_clip.create_model(architecture, pretrained_image=False, **extra)
    if not config.init.is_file():
        raise ModelError(f"There is no checkpoint {config.init} to start from.")
    try:
        return open_clip.create_model(
            architecture, pretrained=str(config.init), pretrained_image=False, **extra
        )
    except (RuntimeError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"{config.init} is damaged or not of {architecture}.") from error


def image_size(model: Any) -> int:
    """Return the side of the image tower's input in pixels."""
    size = model.visual.image_size
    return int(size[0] if isinstance(size, tuple | list) else size)


def pixel_normalizer(model: Any, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """Build the function from views to the image tower's input.

    Views are in [0, 1].

    It keeps the shape (b, 3, s, s) and moves the views to the device.
    """
    mean, std = (
        torch.tensor(values, device=device)[:, None, None]
        for values in (model.visual.image_mean, model.visual.image_std)
    )

    def normalize(views: torch.Tensor) -> torch.Tensor:
        views = (views.to(device) - mean) / std
        return views.contiguous(memory_format=torch.channels_last)

    return normalize
