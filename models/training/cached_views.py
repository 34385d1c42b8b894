"""Cache of frozen features for views of the training images.

Frozen layers give equal results each time, so each view goes through them once and is kept on disk.
Training then costs only the learning part: the head, or the last blocks and the head. The logits of
the backbone, which is the teacher, are kept with each view ("Knowledge distillation: a good teacher
is patient and consistent", Beyer et al. 2022).

Shape letters: n images, v views of each, s side of a view in pixels, c classes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from models.training.augment import plain_views, random_views
from models.training.config import TrainConfig
from models.training.sampling import seed_everything
from models.training.training_set import SourceImages, TrainingSet

BATCH = 32


def split_tower(tower: Any, learning_blocks: int) -> tuple[nn.Module, nn.Module]:
    """Cut an open_clip image tower into a frozen and a learning part.

    The tower has a timm network with `blocks`. The modules are shared with the tower, not copied.

    Args:
        tower: open_clip's image tower.
        learning_blocks: How many blocks learn, counted from the end. 0: only the head.
    """
    frozen, learning = split_trunk(tower.trunk, learning_blocks)
    return frozen, nn.Sequential(learning, tower.head)


def split_trunk(trunk: Any, learning_blocks: int) -> tuple[nn.Module, nn.Module]:
    """Cut a timm network before its last blocks, or after its pooling."""
    cut = len(trunk.blocks) - learning_blocks
    first = nn.Sequential(trunk.conv_stem, trunk.bn1, *trunk.blocks[:cut])
    last = nn.Sequential(*trunk.blocks[cut:], trunk.conv_head, trunk.bn2, trunk.global_pool)
    return (first, last) if learning_blocks else (nn.Sequential(first, last), nn.Identity())


@torch.inference_mode()
def cache_views(
    config: TrainConfig,
    data: TrainingSet,
    frozen: nn.Module,
    teach: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    normalize: Callable[[torch.Tensor], torch.Tensor],
) -> TrainingSet:
    """Cache the frozen features of every view on disk.

    The first view of an image is the whole image, the others are random crops.

    Args:
        config: The run. Views have its first size, and its `data_root` holds the cache.
        data: The training images.
        frozen: The frozen part of the tower, in eval mode.
        teach: From normalized views (b, 3, s, s) and their frozen features to the teacher's logits
            (b, c).
        normalize: From views (b, 3, s, s) in [0, 1] to the tower's input.

    Returns:
        The training set with the frozen features of its views as `pixels` of each source, float16,
        and the teacher's logits as `opinions`, (n * v, c) float16.
    """
    weights = digest_of(frozen)
    sources = []
    for source in data.sources:
        folder = cache_folder(config, source, weights)
        count = source.views
        for number in range(count):
            if not (folder / f"{number}-opinions.npy").is_file():
                _write_view(folder, number, source, config, frozen, teach, normalize)
        features = [np.load(folder / f"{i}.npy", mmap_mode="c") for i in range(count)]
        opinions = [np.load(folder / f"{i}-opinions.npy", mmap_mode="c") for i in range(count)]
        sources.append(
            replace(
                source,
                pixels=torch.from_numpy(np.concatenate(features)),
                rows=torch.arange(len(source.rows) * count),
                groups=source.groups.repeat(count),
                opinions=torch.from_numpy(np.concatenate(opinions)),
            )
        )
    return replace(data, sources=sources)


def digest_of(frozen: nn.Module) -> str:
    """Hash all weights and statistics of a network."""
    digest = hashlib.sha256()
    for tensor in frozen.state_dict().values():
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def cache_folder(config: TrainConfig, source: SourceImages, weights: str) -> Path:
    """Name the cache folder by all that its views depend on.

    Args:
        config: The run.
        source: The images.
        weights: The digest of the frozen part.
    """
    view = config.views[0]
    key = hashlib.sha256(
        json.dumps([weights, config.seed, view.pixels, view.smallest_area]).encode()
    )
    key.update(source.rows.numpy().tobytes())
    key.update(source.fingerprint.encode())
    return config.data_root / ".views" / f"{source.name}-{key.hexdigest()[:12]}"


def _write_view(
    folder: Path,
    number: int,
    source: SourceImages,
    config: TrainConfig,
    frozen: nn.Module,
    teach: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    normalize: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    """Write view `number` of every image of a source, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    view = config.views[0]
    features, opinions = [], []
    starts = range(0, len(source.rows), BATCH)
    for start in tqdm(starts, desc=f"{source.name} view {number}", leave=False, disable=None):
        seed_everything(config.seed, number, start)
        pixels = source.pixels[source.rows[start : start + BATCH]]
        if number == 0:
            views = plain_views(pixels, view.pixels)
        else:
            views = random_views(pixels, view.pixels, view.smallest_area)
        views = normalize(views)
        outputs = frozen(views)
        features.append(outputs.half().cpu().contiguous().numpy())
        opinions.append(teach(views, outputs).half().cpu().numpy())
    for name, arrays in ((f"{number}.npy", features), (f"{number}-opinions.npy", opinions)):
        part = folder / f"{name}.part"
        with part.open("wb") as file:
            np.save(file, np.concatenate(arrays))
        part.replace(folder / name)
