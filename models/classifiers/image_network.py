"""Image towers with a linear head.

A tower is that of a CLIP model of open_clip, or torchvision's ResNet-50 (He et al. 2016) without
its last layer. Nothing here fetches anything.

Shape letters: b batch, c classes, d width, s pixels of the square that a tower sees.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
import torchvision  # type: ignore[import-untyped]
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torchvision.transforms import (  # type: ignore[import-untyped]
    CenterCrop,
    Compose,
    InterpolationMode,
    Resize,
)

from models.classifiers.tower_spec import TowerSpec
from models.clip.encoder import choose_device, choose_dtype
from models.interfaces import Shares

BATCH = 32
NO_TEXTS = {"context_length": 1, "vocab_size": 1, "width": 8, "heads": 1, "layers": 1}
"""open_clip builds image towers only beside a text tower: the smallest, thrown away at once."""
OF_A_KIND = 0.8
"""Share of the weights of the largest repeated part that blocks must hold, too."""
CANNOT_BE_BUILT = (
    *(TypeError, ValueError, KeyError, AttributeError, AssertionError, IndexError),
    *(RuntimeError, ZeroDivisionError, OverflowError, MemoryError, ImportError),
)
"""What open_clip and timm raise for a description that is none."""

Pixels = npt.NDArray[np.uint8]


class Network(torch.nn.Module):
    """A tower with a linear head, from images to probabilities."""

    def __init__(self, spec: TowerSpec, tower: torch.nn.Module, head: torch.nn.Linear) -> None:
        super().__init__()
        self.spec = spec
        self.tower = tower
        self.head = head
        self._geometry = geometry(spec)
        self._lock = threading.Lock()
        self.register_buffer("mean", torch.tensor(spec.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(spec.std)[:, None, None], persistent=False)

    def features(self, views: torch.Tensor) -> torch.Tensor:
        """Extract features from views in [0, 1].

        (b, 3, s, s) -> (b, d) float32. CLIP features have norm 1, as in the album.
        """
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        outputs: torch.Tensor = self.tower((views - mean) / std)
        return F.normalize(outputs.float(), dim=-1) if self.spec.kind == "clip" else outputs.float()

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        """Compute float32 logits of views in [0, 1].

        (b, 3, s, s) -> (b, c).
        """
        features = self.features(views)
        with torch.autocast(features.device.type, enabled=False):
            return F.linear(features, self.head.weight, self.head.bias)

    @torch.inference_mode()
    def look(self, images: Sequence[Image.Image]) -> Shares:
        """Classify upright RGB images: (n, c) probabilities.

        Safe to call from many threads.
        """
        batches = [np.empty((0, self.head.out_features), np.float32)]
        for start in range(0, len(images), BATCH):
            squares = [self._geometry(image) for image in images[start : start + BATCH]]
            pixels = np.stack([np.asarray(square, np.uint8) for square in squares])
            with self._lock:
                batches.append(self.look_at(torch.from_numpy(pixels)))
        return np.concatenate(batches)

    @torch.inference_mode()
    def look_at(self, pixels: torch.Tensor) -> Shares:
        """Classify squares (b, s, s, 3) uint8: (b, c) probabilities."""
        logits = self._as_views(self.forward, pixels)
        shares: Shares = logits.softmax(-1).cpu().numpy()
        return shares

    @torch.inference_mode()
    def features_of(self, pixels: torch.Tensor) -> torch.Tensor:
        """Extract features of squares, float32 on the CPU.

        (b, s, s, 3) uint8 -> (b, d).
        """
        return self._as_views(self.features, pixels).cpu()

    def _as_views(self, forward: Any, pixels: torch.Tensor) -> torch.Tensor:
        device = self.head.weight.device
        views = pixels.to(device).permute(0, 3, 1, 2).float() / 255  # (b, 3, s, s)
        dtype = choose_dtype(device)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            outputs: torch.Tensor = forward(views.contiguous(memory_format=torch.channels_last))
        return outputs


def geometry(spec: TowerSpec, px: int | None = None) -> Any:
    """Build the transform from an upright RGB image to the tower's square.

    The result is still an 8-bit image.

    Args:
        spec: The tower.
        px: Another side of the square than the tower's. All lengths scale with it.
    """
    side = px or spec.image_size
    if spec.kind == "resnet50":
        shorter = round(spec.resize_px * side / spec.image_size)
        return Compose([Resize(shorter, InterpolationMode.BILINEAR), CenterCrop(side)])
    config = PreprocessCfg(
        size=side, interpolation=spec.interpolation, resize_mode=spec.resize_mode
    )
    steps = image_transform_v2(config, is_train=False).transforms
    return Compose(steps[:-2])  # without becoming a tensor, and its mean and deviation


def build_tower(spec: TowerSpec) -> torch.nn.Module:
    """Build a tower with random weights.

    Raises:
        One of `CANNOT_BE_BUILT`: the description is invalid.
    """
    if spec.kind == "resnet50":
        tower = torchvision.models.resnet50(weights=None)
        tower.fc = torch.nn.Identity()
        return tower  # type: ignore[no-any-return]
    model = open_clip.CLIP(spec.embed_dim, dict(spec.vision_cfg), NO_TEXTS, spec.quick_gelu)
    return model.visual  # type: ignore[no-any-return]


def new_network(spec: TowerSpec, tower: torch.nn.Module, classes: int) -> Network:
    """Add a head with zero weights, for which all classes are equal."""
    head = torch.nn.Linear(spec.embed_dim, classes)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    return Network(spec, tower, head)


def load_network(
    spec: TowerSpec,
    weights: Path,
    weight: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
) -> Network | None:
    """Load the network of a trained classifier in eval mode.

    Returns:
        The network, or None if the weights do not match the description.
    """
    try:
        # On no device first: a description alone must not be able to ask for all the memory.
        with torch.device("meta"):
            expected = {
                name: [*tensor.shape] for name, tensor in build_tower(spec).state_dict().items()
            }
        with safe_open(weights, "pt") as file:
            names = [name for name in file.keys() if name.startswith("tower.")]  # noqa: SIM118 - no dict
            stored = {name[6:]: [*file.get_slice(name).get_shape()] for name in names}
        if expected != stored:
            return None
        tower = build_tower(spec)
        tensors = load_file(weights)
        tower.load_state_dict({name: tensors[f"tower.{name}"] for name in expected})
    except (*CANNOT_BE_BUILT, OSError, SafetensorError):
        return None
    network = new_network(spec, tower, len(bias))
    network.head.weight.data = torch.from_numpy(weight)
    network.head.bias.data = torch.from_numpy(bias)
    return network.to(choose_device("auto")).eval().requires_grad_(False)


def blocks_of(tower: torch.nn.Module) -> list[list[str]]:
    """List the weight names of each block, from input to output.

    Blocks are the modules of one class that a tower repeats and that hold nearly all of its
    weights: the layers of a transformer, the residual blocks of a convolutional network. The last
    entry has the weights after all blocks.
    """
    by_class: dict[type, list[tuple[str, torch.nn.Module]]] = defaultdict(list)
    for name, module in tower.named_modules():
        if name and not type(module).__module__.startswith("torch.nn."):
            by_class[type(module)].append((name, module))
    sizes = {
        kind: sum(p.numel() for _, module in parts for p in module.parameters())
        for kind, parts in by_class.items()
        if len(parts) > 1
    }
    names = [name for name, _ in tower.named_parameters()]
    if not sizes:
        return [names]
    large = [kind for kind, size in sizes.items() if size >= OF_A_KIND * max(sizes.values())]
    chosen = max(large, key=lambda kind: len(by_class[kind]))
    blocks = [
        [name for name in names if name.startswith(f"{prefix}.")] for prefix, _ in by_class[chosen]
    ]
    last = names.index(blocks[-1][-1])
    # open_clip's transformers keep their last projection among the first of their weights.
    after = [*names[last + 1 :], *(name for name in names if name == "proj")]
    return [*blocks, after]
