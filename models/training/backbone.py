"""Pretrained backbones: the start and the teacher of an image tower.

A backbone is a timm network with its classifier. Its weights come from the hub (`timm:NAME`), from
a checkpoint file, or from a quantized TensorFlow Lite file.

Shape letters: b batch, c classes, s side of a view in pixels.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from models.datasets import open_table
from models.errors import ModelError
from models.training.tflite import read_convolutions

HUB = "timm:"
TENSORFLOW_MEAN = TENSORFLOW_STD = (0.5, 0.5, 0.5)
TENSORFLOW_PREFIXES = ("tf_", "mobilenet", "efficientnet_lite")
"""Networks whose published weights expect (x - 0.5) / 0.5."""


def load_backbone(source: str, name: str) -> Any:
    """Load a timm network with its classifier, on the CPU.

    It is in eval mode.

    It takes images that are normalized as open_clip does by default. Weights that expect another
    mean and deviation are rescaled in the first convolution.

    Args:
        source: `timm:NAME` for weights from the hub, or the path of a checkpoint or a `.tflite`.
        name: The timm architecture.

    Raises:
        ModelError: the weights cannot be had or belong to another architecture.
    """
    if source.startswith(HUB):
        network = _from_hub(source.removeprefix(HUB))
    elif not Path(source).is_file():
        raise ModelError(f"There is no backbone file {source}: correct init_image.")
    elif source.endswith(".tflite"):
        network = _from_tflite(Path(source), name)
    else:
        network = _from_checkpoint(Path(source), name)
    if name.startswith(TENSORFLOW_PREFIXES):
        mean, std = TENSORFLOW_MEAN, TENSORFLOW_STD
    else:
        mean, std = network.default_cfg["mean"], network.default_cfg["std"]
    _expect_openai_pixels(network, mean, std)
    return network.eval()


def start_from(backbone: Any, tower: Any) -> None:
    """Copy a backbone into an open_clip image tower, without its classifier.

    Raises:
        ModelError: the tower is of another architecture.
    """
    classifier = backbone.default_cfg["classifier"]
    state = {
        key: value
        for key, value in backbone.state_dict().items()
        if not key.startswith(f"{classifier}.")
    }
    try:
        tower.trunk.load_state_dict(state)
    except (RuntimeError, AttributeError) as error:
        raise ModelError(
            "The backbone and the image tower have different architectures."
        ) from error


def read_class_names(path: Path) -> dict[int, tuple[str, str]]:
    """Read a CSV `index,en,ko` with the names of a backbone's classes.

    Returns:
        English and Korean names by class number, several of one class separated by `|`.

    Raises:
        ModelError: it cannot be read or lacks a column.
    """
    try:
        with open_table(path) as reader:
            return {int(row["index"]): (row["en"], row["ko"]) for row in reader}
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path} is no CSV of index, en and ko.") from error


# ------------------------------------------------------------------------------------ sources


def _from_hub(name: str) -> Any:
    try:
        return timm.create_model(name, pretrained=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"timm has no network {name}, or the hub cannot be reached: name a file in init_image."
        ) from error


def _from_checkpoint(path: Path, name: str) -> Any:
    try:
        if path.suffix == ".safetensors":
            state: Mapping[str, torch.Tensor] = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged or no checkpoint.") from error
    weights = [value for value in state.values() if isinstance(value, torch.Tensor)]
    return _filled(name, weights, f"{path}")


def _from_tflite(path: Path, name: str) -> Any:
    """Load folded convolutions, and turn batch norms into biases."""
    convolutions = read_convolutions(path)
    classes = len(convolutions[-1][1])
    network: Any = timm.create_model(name, num_classes=classes, pad_type="same")
    with torch.no_grad():
        modules = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
        norms: list[Any] = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        if len(modules) != len(convolutions) - 1 or len(norms) != len(modules):
            raise ModelError(f"{path} is of another architecture than {name}.")
        for module, norm, (weight, bias) in zip(modules, norms, convolutions, strict=False):
            if module.weight.shape != weight.shape:
                raise ModelError(f"{path} is of another architecture than {name}.")
            module.weight.copy_(weight)
            norm.weight.fill_(1.0)
            norm.bias.copy_(bias)
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
        weight, bias = convolutions[-1]
        network.get_classifier().weight.copy_(weight.flatten(1))
        network.get_classifier().bias.copy_(bias)
    return network


def _filled(name: str, weights: list[torch.Tensor], origin: str) -> Any:
    """Fill a network by the order of its weights.

    Names differ between libraries, but the order does not.

    Padding follows the architecture: timm's `tf_` networks pad as TensorFlow does.
    """
    classes = len(weights[-1]) if weights else 0
    network = timm.create_model(name, num_classes=classes)
    expected = network.state_dict()
    fits = len(weights) == len(expected) and all(
        parameter.shape == weight.shape
        for parameter, weight in zip(expected.values(), weights, strict=False)
    )
    if not fits:
        raise ModelError(f"{origin} is of another architecture than {name}.")
    network.load_state_dict(dict(zip(expected, weights, strict=True)))
    return network


@torch.no_grad()
def _expect_openai_pixels(
    network: Any, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> None:
    """Rescale the first convolution to open_clip's normalization of pixels.

    With x = pixel: (x - mean) / std = (u * openai_std + openai_mean - mean) / std for open_clip's
    u. The factor goes into the weights, the constant into the mean of the batch norm that follows.
    """
    first, norm = network.conv_stem, network.bn1
    old_mean, old_std = torch.tensor(mean), torch.tensor(std)
    new_mean, new_std = torch.tensor(OPENAI_DATASET_MEAN), torch.tensor(OPENAI_DATASET_STD)
    constant = (first.weight * ((new_mean - old_mean) / old_std)[:, None, None]).sum((1, 2, 3))
    norm.running_mean -= constant
    first.weight *= (new_std / old_std)[:, None, None]
