"""Files of a training run.

    <out>/<name>/head.safetensors   the weights
    <out>/<name>/card.json          what the album needs, and all metrics
    <out>/<name>/curve.png          the training curve
    <out>/<name>/run.json           how to reproduce it: settings, and the split of the photos
    <out>/.<name>.part/             an unfinished run, resumable with checkpoint.pt

The album finds a classifier when its folder is renamed, which is atomic.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from safetensors.torch import save

from models.classifiers.trained_head import CARD, FORMAT, WEIGHTS
from models.errors import ModelError
from models.evaluation.plots import draw_training
from models.fine_tuning.photos import Split
from models.fine_tuning.pipeline import Trained, fits_half

LONGEST_NAME = 100
CHECKPOINT = "checkpoint.pt"


def check_name(name: str) -> str:
    """Return a name that can be that of a folder.

    Raises:
        ModelError: it cannot.
    """
    if not name.strip() or len(name) > LONGEST_NAME or name[0] == "." or set(name) & set("/\\:\0"):
        raise ModelError(
            f'"{name}" cannot be the name of a classifier: choose a short one without slashes with '
            "--name."
        )
    return name


def begin(out: Path, name: str, *, resume: bool, overwrite: bool) -> Path:
    """Create the working folder, and clear it unless `resume` is set.

    Raises:
        ModelError: the name exists already, or the folder cannot be made.
    """
    before = _before(out / name)
    if before.exists() and not (out / name).exists():
        before.rename(out / name)  # a crash came between the two steps of replacing it
    if (out / name).exists() and not overwrite:
        raise ModelError(
            f'There is a classifier "{name}" in {out} already: choose another --name, or '
            "--overwrite it."
        )
    working = out / f".{name}.part"
    try:
        if not resume:
            shutil.rmtree(working, ignore_errors=True)
        working.mkdir(parents=True, exist_ok=True)
        for left in working.glob("pixels-*"):  # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
    except OSError as error:
        raise ModelError(f"{out} cannot be written to: {error.strerror}.") from error
    return working


def finish(
    trained: Trained,
    split: Split,
    skipped: Mapping[str, list[str]],
    folder: Path,
    working: Path,
    final: Path,
) -> dict[str, Any]:
    """Write all files, rename the folder, and return the card.

    Args:
        trained: The classifier.
        split: The split of the photos.
        skipped: Names of unusable files by reason.
        folder: The folder of the photos.
        working: The folder of `begin`.
        final: The folder of the classifier, which is replaced if it exists.

    Raises:
        ModelError: the disk is full or not writable.
    """
    try:
        weights = save(_tensors(trained))
        (working / WEIGHTS).write_bytes(weights)
        digest = hashlib.sha256(weights).hexdigest()
        card = _card(trained, split, skipped, final.name) | {"sha256": digest}
        _write_json(working / CARD, card)
        _write_json(
            working / "run.json",
            {
                "folder": str(folder),
                "settings": trained.settings.model_dump(mode="json"),
                "versions": {"torch": torch.__version__, "open_clip": open_clip.__version__},
                "curve": trained.curve,
                "photos": {
                    "train": _names(split.train, folder),
                    "validation": _names(split.validation, folder),
                    "test": _names(split.test, folder),
                },
                "left_out": dict(skipped),
            },
        )
        step = trained.chosen.get("step", trained.curve[-1]["step"])
        title = f"{final.name}: {trained.settings.mode} of {trained.weights_of}"
        draw_training(working / "curve.png", title, trained.curve, int(step))
        (working / CHECKPOINT).unlink(missing_ok=True)
        _swap(working, final)
    except OSError as error:
        raise ModelError(
            f"The classifier cannot be written to {final.parent}: {error.strerror}."
        ) from error
    return card


def _swap(working: Path, final: Path) -> None:
    """Replace an existing classifier with the new one."""
    before = _before(final)
    shutil.rmtree(before, ignore_errors=True)
    if final.exists():
        final.rename(before)
    working.rename(final)
    shutil.rmtree(before, ignore_errors=True)


def _before(final: Path) -> Path:
    """Return where a replaced classifier waits for its successor."""
    return final.with_name(f".{final.name}.before")


def _tensors(trained: Trained) -> dict[str, torch.Tensor]:
    """Collect the float32 head, and the tower in float16 where possible."""
    tensors = {
        "head.weight": torch.from_numpy(np.ascontiguousarray(trained.weight)),
        "head.bias": torch.from_numpy(np.ascontiguousarray(trained.bias)),
    }
    if trained.network is not None:
        for name, tensor in trained.network.tower.state_dict().items():
            kept = tensor.half() if fits_half(tensor) else tensor
            tensors[f"tower.{name}"] = kept.cpu().clone(memory_format=torch.contiguous_format)
    return tensors


def _card(
    trained: Trained, split: Split, skipped: Mapping[str, list[str]], name: str
) -> dict[str, Any]:
    c = len(trained.classes)
    counts = {
        "train": list(trained.photos),
        "validation": _counts(split.validation, c),
        "test": _counts(split.test, c),
    }
    network = trained.network
    return {
        "format": FORMAT,
        "name": name,
        "classes": list(trained.classes),
        "mode": trained.settings.mode,
        "backbone": trained.settings.backbone,
        "model_id": trained.model_id,
        "weights_of": trained.weights_of,
        "d": trained.weight.shape[1],
        "photos": list(trained.photos),
        **{key: value for key, value in trained.figures.items() if key != "photos"},
        "validation": {
            key: trained.validation[key] for key in ("photos", "accuracy", "balanced_accuracy")
        },
        "chosen": trained.chosen,
        "seed": trained.settings.seed,
        "split": counts,
        "left_out": {reason: len(names) for reason, names in skipped.items()},
        "settings": trained.settings.model_dump(mode="json", exclude={"weights_dir", "device"}),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tower": None if network is None else network.spec.model_dump(mode="json"),
    }


def _counts(part: list[tuple[Path, int]], c: int) -> list[int]:
    return [int(count) for count in np.bincount([label for _, label in part], minlength=c)]


def _names(part: list[tuple[Path, int]], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path, _ in part]


def _write_json(path: Path, facts: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
