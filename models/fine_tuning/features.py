"""Features of a frozen backbone, from which a head learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.classifiers.image_network import Network, geometry, new_network
from models.clip.encoder import ClipEncoder, choose_device
from models.datasets import ImageFile
from models.evaluation.image_batches import encode_files
from models.fine_tuning.loop import EVALUATION_BATCH
from models.fine_tuning.pixels import decode_squares
from models.fine_tuning.settings import FineTuneSettings
from models.fine_tuning.towers import pretrained_tower
from models.progress import Progress


@dataclass(frozen=True)
class ImageFeatures:
    """Features of a list of files."""

    features: torch.Tensor
    """(k, d) float32: of the readable ones, in their order."""
    rows: npt.NDArray[np.intp]
    """(k,) the place of each in the list."""
    weights_of: str
    """What was looked with."""
    squares: torch.Tensor | None = None
    """(k, s, s, 3) uint8, None if the features are the album's embeddings."""
    bare: Network | None = None
    """What looked at the squares, its head without any use yet."""


def extract_features(
    files: Sequence[Path], settings: FineTuneSettings, folder: Path, progress: Progress
) -> ImageFeatures:
    """Extract features of every readable file.

    Frozen features of CLIP are the embeddings of the album's own encoder. Those need no tower of
    their own later on. In all other cases the photos are kept as squares in `folder`.

    Raises:
        ModelError: the weights are missing or damaged.
    """
    if settings.mode == "features" and settings.backbone == "clip":
        encoder = ClipEncoder(settings.model, settings.weights_dir, settings.device)
        with progress("embeddings") as advance:
            images = [ImageFile(path) for path in files]
            encoded = encode_files(encoder, images, on_progress=advance)
        return ImageFeatures(torch.from_numpy(encoded.embeddings), encoded.rows, encoder.model_id)
    spec, tower, weights_of = pretrained_tower(settings)
    network = new_network(spec, tower, 1).eval().to(choose_device(settings.device))
    with progress("decoding") as advance:
        squares = decode_squares(
            files, geometry(spec), spec.image_size, folder / "all.npy", advance
        )
    features = [torch.empty(0, spec.embed_dim)]
    with progress("features") as advance:
        for start in range(0, len(squares.pixels), EVALUATION_BATCH):
            features.append(network.features_of(squares.pixels[start : start + EVALUATION_BATCH]))
            advance(min(start + EVALUATION_BATCH, len(squares.pixels)), len(squares.pixels))
    return ImageFeatures(torch.cat(features), squares.rows, weights_of, squares.pixels, network)
