"""Files of a training run: checkpoint, curve, finished weights."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from models.clip.spec import CONFIG_FILE
from models.clip.weights import TOKENIZER_FILES
from models.errors import ModelError
from models.evaluation.plots import new_figure, save_figure
from models.training.config import TrainConfig

CHANGEABLE = {"out", "device", "weights_dir", "steps", "blend"}
CHANGEABLE |= {"log_every", "checkpoint_minutes", "validate_every"}
"""Numbers that may differ between the parts of a run."""
COLUMNS = (
    *("step", "lr", "images_per_s", "loss", "contrastive", "cosine", "tags", "opinion", "distil"),
    *("grad_norm", "validation_top1"),
)


def save_checkpoint(path: Path, config: TrainConfig, state: dict[str, Any]) -> None:
    """Write a checkpoint atomically, so that a kill keeps the previous one."""
    part = path.with_suffix(".part")
    torch.save(state | {"config": config.model_dump_json()}, part)
    part.replace(path)


def load_checkpoint(path: Path, config: TrainConfig) -> dict[str, Any]:
    """Load a checkpoint on the CPU.

    Raises:
        ModelError: there is none, it is damaged, or it belongs to another recipe.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        before = json.loads(state["config"])
    except FileNotFoundError as error:
        raise ModelError(f"There is no {path} to resume: begin without --resume.") from error
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        raise ModelError(f"{path} is damaged: begin without --resume.") from error
    now = json.loads(config.model_dump_json())
    changed = [key for key in now if key not in CHANGEABLE and now[key] != before.get(key)]
    if changed:
        raise ModelError(
            f"{path} was made with another {changed[0]}: restore it, or begin without --resume."
        )
    return state


def _number(value: Any) -> float:
    return float(value.detach()) if isinstance(value, torch.Tensor) else float(value)


class Curve:
    """Metrics of a run as CSV and as a plot."""

    def __init__(self, out: Path, resume_after: int = 0) -> None:
        """Start a new curve, or continue one after step `resume_after`."""
        self._csv, self._png = out / "curve.csv", out / "curve.png"
        self._rows = [
            row for row in (self._read() if resume_after else []) if row["step"] <= resume_after
        ]
        with self._csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._rows)

    def add(self, step: int, **numbers: Any) -> None:
        """Append one row, with missing metrics left empty."""
        row = {"step": step, **{name: round(_number(x), 6) for name, x in numbers.items()}}
        self._rows.append(row)
        with self._csv.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)

    def _read(self) -> list[dict[str, Any]]:
        if not self._csv.is_file():
            return []
        with self._csv.open(newline="", encoding="utf-8") as file:
            return [
                {"step": int(row.pop("step")), **{k: float(v) for k, v in row.items() if v}}
                for row in csv.DictReader(file)
            ]

    def draw(self) -> None:
        """Plot the loss and the measured accuracy over the steps."""
        figure = new_figure(8.0, 7.0, self._png.parent.name)
        above, below = figure.subplots(2, 1, sharex=True)
        for name, axis in (("loss", above), ("contrastive", above), ("validation_top1", below)):
            points = [(row["step"], row[name]) for row in self._rows if name in row]
            if points:
                axis.plot(*zip(*points, strict=True), label=name, linewidth=1.2)
        above.set_ylabel("loss")
        below.set_ylabel("zero-shot top-1 on validation")
        below.set_xlabel("step")
        for axis in (above, below):
            axis.grid(alpha=0.3)
            if axis.get_legend_handles_labels()[0]:
                axis.legend(frameon=False)
        part = self._png.with_suffix(".part.png")
        save_figure(figure, part)
        part.replace(self._png)


def export(model: torch.nn.Module, config: TrainConfig, architecture: str) -> Path:
    """Write the weights in float16 for open_clip, beside their architecture.

    If the architecture is that of a model folder, a model folder is written.
    """
    state = {
        key: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for key, value in model.state_dict().items()
    }
    path = config.finished
    part = path.with_suffix(".part")
    save_file(state, part, metadata={"format": "pt"})
    part.replace(path)
    folder = Path(config.architecture)
    if folder.is_dir():
        for name in (CONFIG_FILE, *TOKENIZER_FILES):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, config.out / name)
    else:
        text = json.dumps(open_clip.get_model_config(architecture), indent=2)
        (config.out / f"{architecture}.json").write_text(text + "\n", encoding="utf-8")
    return path
