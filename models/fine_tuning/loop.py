"""Fine-tuning loop of a head and the last blocks of a tower.

Every step draws its photos and crops from its own seed, so a resumed run continues to the same
curve. Batch norms keep their pretrained statistics: those of a few hundred photos would be worse.

Shape letters: b batch, c classes, s pixels of the square that the tower reads.
"""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name

from models.classifiers.image_network import Network, blocks_of
from models.clip.encoder import choose_dtype
from models.errors import ModelError
from models.fine_tuning.linear import class_weights
from models.fine_tuning.settings import FineTuneSettings
from models.training.augment import random_views
from models.training.optimization import learning_rate_share
from models.training.progress import format_duration
from models.training.sampling import seed_everything

MARGIN = 1.15  # photos are kept this much larger than the tower sees them, for crops to be sharp
EVALUATION_BATCH = 64  # photos at once where nothing is learned

State = dict[str, torch.Tensor]
Row = dict[str, float]


@dataclass(frozen=True)
class Tuned:
    """Result of a run. The network itself holds its best weights."""

    curve: list[Row]
    """A row per epoch, the first of the head alone: `step`, `epoch`, `train_loss` (none in the
    first), `validation_loss` in nats, `validation_accuracy` in [0, 1]."""
    chosen: Row
    """`epoch` and `step` of the weights that were kept, and how many `epochs` were gone through:
    fewer than allowed where it ended early."""


@dataclass(frozen=True)
class Material:
    """Training and validation photos of a run."""

    train: torch.Tensor
    """(n, p, p, 3) uint8, p a little above s"""
    train_labels: torch.Tensor
    """(n,) int64"""
    validation: torch.Tensor
    """(m, s, s, 3) uint8"""
    validation_labels: torch.Tensor
    """(m,) int64"""
    fingerprint: str
    """Of the photos: a checkpoint goes on with the same ones only."""


def fine_tune(
    network: Network,
    material: Material,
    settings: FineTuneSettings,
    checkpoint: Path | None,
    resume: bool,
    log: Callable[[str], None],
    on_progress: Callable[[int, int], None],
    stop_requested: Callable[[], bool],
) -> Tuned | None:
    """Train in place, ending with the weights that were best on validation.

    Args:
        network: The network, with a trained head.
        material: Photos as squares.
        settings: The hyperparameters.
        checkpoint: The file to resume from, None for none.
        resume: Continue from it.
        log: Called with a sentence after each epoch.
        on_progress: Called with the steps done and their number.
        stop_requested: Whether to stop after this step, with a checkpoint.

    Returns:
        None if it was stopped.

    Raises:
        ModelError: there is nothing to resume, it is damaged, or it was of other photos or
            settings, or the loss is not finite.
    """
    learning = choose_weights(network, settings)
    device = network.head.weight.device
    classes = network.head.out_features
    dtype = choose_dtype(device)
    weights = class_weights(material.train_labels, classes, settings.balance).to(device)
    n, batch = len(material.train), settings.batch_size
    per_epoch = math.ceil(n / batch)
    steps = settings.epochs * per_epoch
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for _, p in selected], "weight_decay": decay, "peak": peak}
            for peak, of_head in ((settings.tower_lr, False), (settings.lr, True))
            for decay, small in ((settings.weight_decay, False), (0.0, True))
            if (
                selected := [
                    (name, p)
                    for name, p in learning.items()
                    if name.startswith("head.") == of_head and (p.ndim <= 1) == small
                ]
            )
        ]
    )

    def state_now() -> State:
        return {name: p.detach().to("cpu", copy=True) for name, p in learning.items()}

    def measure_validation() -> tuple[float, float]:
        network.eval()
        return validate(network, material)

    first, curve, summed = 0, list[Row](), 0.0
    if resume:
        saved = _load(checkpoint, settings, material)
        first, curve, summed = saved["step"], saved["curve"], saved["summed"]
        best, best_epoch, lowest = saved["best"], saved["best_epoch"], saved["lowest"]
        _put(learning, saved["learning"])
        optimizer.load_state_dict(saved["optimizer"])
    else:
        loss, right = measure_validation()
        curve.append({"step": 0, "epoch": 0, "validation_loss": loss, "validation_accuracy": right})
        best, best_epoch, lowest = state_now(), 0, loss
    started = written = time.monotonic()

    for step in range(first, steps):
        epoch, place = divmod(step, per_epoch)
        if epoch - best_epoch >= settings.patience:  # also when resumed after its last epoch
            break
        share = learning_rate_share(step, steps, round(settings.warmup * steps), 0.0)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
        order = np.random.default_rng((settings.seed, epoch)).permutation(n)
        rows = torch.from_numpy(np.sort(order[place * batch : (place + 1) * batch]))
        seed_everything(settings.seed, step)
        network.train()
        _keep_statistics(network)
        pixels = material.train[rows].to(device)  # (b, p, p, 3)
        views = random_views(pixels, network.spec.image_size, settings.smallest_area)
        with torch.autocast(device.type, dtype, enabled=dtype == torch.bfloat16):
            logits = network(views.contiguous(memory_format=torch.channels_last))  # (b, c)
        error = F.cross_entropy(logits, material.train_labels[rows].to(device), weights)
        error.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(list(learning.values()), settings.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        summed += error.item() * len(rows)

        done = step + 1
        on_progress(done, steps)
        if place == per_epoch - 1:
            if not math.isfinite(summed):
                raise ModelError(
                    "The loss is no number any more: begin again with a lower --tower-lr."
                )
            validation_loss, right = measure_validation()
            curve.append(
                {
                    "step": done,
                    "epoch": epoch + 1,
                    "train_loss": summed / n,
                    "validation_loss": validation_loss,
                    "validation_accuracy": right,
                }
            )
            if validation_loss < lowest:
                best, best_epoch, lowest = state_now(), epoch + 1, validation_loss
            left = (time.monotonic() - started) / (done - first) * (steps - done)
            log(
                f"epoch {epoch + 1}/{settings.epochs}  loss {summed / n:.3f}  validation "
                f"{validation_loss:.3f}, {right:.1%} right  at most {format_duration(left)} left"
            )
            summed = 0.0
        stopping = stop_requested() and done < steps
        late = time.monotonic() - written > settings.checkpoint_minutes * 60
        if checkpoint is not None and (stopping or late):
            state = {"step": done, "curve": curve, "summed": summed, "learning": state_now()}
            state |= {"best": best, "best_epoch": best_epoch, "lowest": lowest}
            _save(checkpoint, settings, material, state | {"optimizer": optimizer.state_dict()})
            written = time.monotonic()
        if stopping:
            return None
    _put(learning, best)
    network.eval()
    step_of = next(row["step"] for row in curve if row["epoch"] == best_epoch)
    return Tuned(curve, {"epoch": best_epoch, "step": step_of, "epochs": curve[-1]["epoch"]})


def choose_weights(network: Network, settings: FineTuneSettings) -> dict[str, torch.nn.Parameter]:
    """Unfreeze the head and the last blocks, and return their weights."""
    groups = blocks_of(network.tower)
    everything = settings.blocks == "all"
    count = len(groups) if settings.blocks == "all" else settings.blocks
    chosen = {name for names in groups[-1 - count :] for name in names}
    learning = {}
    for name, parameter in network.named_parameters():
        of_tower = name.removeprefix("tower.")
        parameter.requires_grad = name == of_tower or everything or of_tower in chosen
        if parameter.requires_grad:
            learning[name] = parameter
    return learning


def validate(network: Network, material: Material) -> tuple[float, float]:
    """Measure the mean loss in nats and the accuracy on validation photos."""
    shares = predict_all(network, material.validation)  # (m, c)
    labels = material.validation_labels.numpy()
    correct = shares[np.arange(len(labels)), labels]
    tiny = np.finfo(np.float32).tiny
    loss = -np.log(np.maximum(correct, tiny), dtype=np.float64).mean()
    return float(loss), float((shares.argmax(1) == labels).mean())


def predict_all(network: Network, pixels: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Compute probabilities (n, c) of squares (n, s, s, 3) uint8."""
    batches = [np.empty((0, network.head.out_features), np.float32)]
    batches += [
        network.look_at(pixels[i : i + EVALUATION_BATCH])
        for i in range(0, len(pixels), EVALUATION_BATCH)
    ]
    return np.concatenate(batches)


def _keep_statistics(network: Network) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()


def _put(learning: dict[str, torch.nn.Parameter], state: State) -> None:
    with torch.no_grad():
        for name, parameter in learning.items():
            parameter.copy_(state[name])


UNCHANGING = (
    *("mode", "backbone", "model", "seed", "balance", "blocks", "epochs", "batch_size", "lr"),
    *("tower_lr", "weight_decay", "warmup", "clip_norm", "smallest_area", "patience"),
)
"""What must be the same in all parts of a run."""


def _save(
    path: Path, settings: FineTuneSettings, material: Material, state: dict[str, Any]
) -> None:
    """Write a checkpoint atomically, so that a kill keeps the previous one."""
    part = path.with_suffix(".part")
    known = {"settings": settings.model_dump(mode="json"), "photos": material.fingerprint}
    torch.save(state | known, part)
    part.replace(path)


def _load(path: Path | None, settings: FineTuneSettings, material: Material) -> dict[str, Any]:
    if path is None or not path.is_file():
        raise ModelError("There is nothing to resume: begin without --resume.")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        before, photos, _ = state["settings"], state["photos"], state["optimizer"]
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        raise ModelError(f"{path} is damaged: begin without --resume.") from error
    if photos != material.fingerprint:
        raise ModelError(
            "The photos are not those that this run began with: begin without --resume."
        )
    now = settings.model_dump(mode="json")
    changed = next((key for key in UNCHANGING if now[key] != before[key]), None)
    if changed is not None:
        raise ModelError(
            f"The run began with {changed} {before[changed]}, not {now[changed]}: restore it, or "
            "begin without --resume."
        )
    return state
