"""Training pipeline, from split photos to a measured classifier."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.classifiers.image_network import Network, geometry, new_network
from models.classifiers.trained_head import softmax
from models.clip.encoder import choose_device
from models.errors import ModelError
from models.fine_tuning.features import ImageFeatures, extract_features
from models.fine_tuning.linear import LinearHead, fit_linear
from models.fine_tuning.loop import MARGIN, Material, Tuned, fine_tune, predict_all
from models.fine_tuning.metrics import classification_metrics
from models.fine_tuning.photos import Labelled
from models.fine_tuning.pixels import decode_squares
from models.fine_tuning.settings import FineTuneSettings
from models.progress import Progress, no_progress

LARGEST_HALF = 6e4  # float16 ends a little above


@dataclass(frozen=True)
class Watch:
    """Callbacks that follow or stop a run."""

    progress: Progress = no_progress
    say: Callable[[str], None] = lambda _: None
    """Told a sentence after each epoch of a fine-tuning."""
    listen: Callable[[], Callable[[], bool]] = lambda: lambda: False
    """Called before the first step of a fine-tuning. Its result is called after each step and says
    whether to stop."""


@dataclass(frozen=True)
class Trained:
    """A trained classifier with its metrics."""

    classes: tuple[str, ...]
    settings: FineTuneSettings
    photos: tuple[int, ...]
    """(c,) how many photos each class was trained with."""
    probabilities: npt.NDArray[np.float32]
    """(n, c) of the test photos in their order, with a row of nan for unreadable ones."""
    figures: dict[str, Any]
    """Of the test photos: see `metrics.classification_metrics`."""
    validation: dict[str, Any]
    """Of the validation photos, by which the classifier was chosen."""
    curve: list[dict[str, float]]
    chosen: dict[str, float]
    """Choices made on the validation photos. `step` is that of the curve."""
    model_id: str | None
    """Whose embeddings it reads, None if it reads images."""
    weights_of: str
    """Name of the pretrained backbone."""
    weight: npt.NDArray[np.float32]
    """(c, d)"""
    bias: npt.NDArray[np.float32]
    """(c,)"""
    network: Network | None
    """None if only a head was trained."""
    unreadable: list[Path]

    @property
    def predictions(self) -> npt.NDArray[np.intp]:
        """(n,) predicted class of each test photo, -1 for unreadable ones."""
        readable = ~np.isnan(self.probabilities[:, 0])
        return np.where(readable, np.nan_to_num(self.probabilities).argmax(axis=1), -1)


def train_classifier(
    train: Labelled,
    validation: Labelled,
    test: Labelled,
    classes: Sequence[str],
    settings: FineTuneSettings,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    watch: Watch | None = None,
) -> Trained | None:
    """Train on `train`, choose on `validation`, measure on `test`.

    Args:
        train: Photos with the number of their class, at least one.
        validation: Other photos, at least one.
        test: Other photos, which no choice depends on.
        classes: c names.
        settings: The hyperparameters.
        checkpoint: The file to resume a fine-tuning from, None for none.
        resume: Continue from it.
        watch: Callbacks, None for none.

    Returns:
        None if it was stopped.

    Raises:
        ModelError: weights are missing, no photo can be read, or the checkpoint cannot be used.
    """
    watch = watch or Watch()
    parts = (train, validation, test)
    files = [path for part in parts for path, _ in part]
    labels = np.array([label for part in parts for _, label in part], np.int64)
    part_numbers = np.repeat(np.arange(3), [len(part) for part in parts])
    torch.set_flush_denormal(True)  # late in a run tiny numbers make CPUs crawl
    with tempfile.TemporaryDirectory(
        prefix="pixels-", dir=None if checkpoint is None else checkpoint.parent
    ) as folder:
        image_features = extract_features(files, settings, Path(folder), watch.progress)
        labels, part_numbers = labels[image_features.rows], part_numbers[image_features.rows]
        train_rows, validation_rows, test_rows = (
            np.flatnonzero(part_numbers == part) for part in range(3)
        )
        if not len(train_rows) or not len(validation_rows):
            raise ModelError("Not one photo is left to learn from, or to choose by.")
        y = torch.from_numpy(labels)
        with watch.progress("head") as advance:
            linear = fit_linear(
                *(
                    image_features.features[train_rows],
                    y[train_rows],
                    image_features.features[validation_rows],
                    y[validation_rows],
                ),
                *(len(classes), settings.balance, advance),
            )
        curve = linear.curve
        chosen = {"weight_decay": linear.weight_decay, "step": linear.best_step}
        if image_features.bare is None or image_features.squares is None:
            network = None
            weight, bias = linear.weight.numpy(), linear.bias.numpy()
            shares = softmax(image_features.features.numpy() @ weight.T + bias)
        else:
            network = _with_head(image_features.bare, linear, settings)
            if settings.mode == "finetune":
                # Larger squares to crop from. Photos that are unreadable by now are skipped.
                px = round(MARGIN * network.spec.image_size)
                with watch.progress("decoding for training") as advance:
                    larger = decode_squares(
                        [files[row] for row in image_features.rows[train_rows]],
                        *(geometry(network.spec, px), px, Path(folder) / "train.npy", advance),
                    )
                material = Material(
                    *(
                        larger.pixels,
                        y[train_rows[larger.rows]],
                        image_features.squares[validation_rows],
                        y[validation_rows],
                    ),
                    fingerprint=_fingerprint(image_features, files, labels),
                )
                result = _tune(network, material, settings, checkpoint, resume, watch)
                if result is None:
                    return None
                curve, chosen = result.curve, result.chosen
            round_weights(network)
            weight = network.head.weight.detach().cpu().numpy()
            bias = network.head.bias.detach().cpu().numpy()
            shares = predict_all(network, image_features.squares)
    class_names = tuple(classes)
    probabilities = np.full((len(test), len(classes)), np.nan, np.float32)
    probabilities[image_features.rows[test_rows] - len(train) - len(validation)] = shares[test_rows]
    predicted = shares.argmax(axis=1)
    readable = set(image_features.rows.tolist())
    return Trained(
        classes=class_names,
        settings=settings,
        photos=tuple(np.bincount(labels[train_rows], minlength=len(classes)).tolist()),
        probabilities=probabilities,
        figures=classification_metrics(labels[test_rows], predicted[test_rows], class_names),
        validation=classification_metrics(
            labels[validation_rows], predicted[validation_rows], class_names
        ),
        curve=curve,
        chosen=chosen,
        model_id=image_features.weights_of if network is None else None,
        weights_of=image_features.weights_of,
        weight=weight,
        bias=bias,
        network=network,
        unreadable=[path for row, path in enumerate(files) if row not in readable],
    )


def _with_head(bare: Network, linear: LinearHead, settings: FineTuneSettings) -> Network:
    """Combine the tower with the fitted head."""
    network = new_network(bare.spec, bare.tower, len(linear.bias))
    network.head.weight.data = linear.weight.clone()
    network.head.bias.data = linear.bias.clone()
    return network.to(choose_device(settings.device)).eval()


def _tune(
    network: Network,
    material: Material,
    settings: FineTuneSettings,
    checkpoint: Path | None,
    resume: bool,
    watch: Watch,
) -> Tuned | None:
    with watch.progress("fine-tuning") as advance:
        return fine_tune(
            network,
            material,
            settings,
            *(checkpoint, resume, watch.say, advance, watch.listen()),
        )


def _fingerprint(
    image_features: ImageFeatures, files: list[Path], labels: npt.NDArray[np.int64]
) -> str:
    """Hash the photos, their parts and the weights of the backbone."""
    digest = hashlib.sha256(image_features.weights_of.encode())
    for row, label in zip(image_features.rows, labels, strict=True):
        path = files[row]
        digest.update(f"{path.parent.name}/{path.name}\0{row}\0{label}\n".encode())
    return digest.hexdigest()


@torch.no_grad()
def round_weights(network: Network) -> None:
    """Round the tower to float16, as saved, before it is measured."""
    for tensor in network.tower.state_dict().values():
        if fits_half(tensor):
            tensor.copy_(tensor.half())


def fits_half(tensor: torch.Tensor) -> bool:
    """Check that float16 can hold the values."""
    return tensor.is_floating_point() and bool((tensor.abs() < LARGEST_HALF).all())
