"""Hyperparameters of a classifier's training, with units or reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["features", "finetune"]
Backbone = Literal["clip", "resnet50"]
Count = Annotated[int, Field(gt=0)]
Positive = Annotated[float, Field(gt=0)]


class FineTuneSettings(BaseModel):
    """How to train a classifier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "features"
    """features: what the network sees stays, and a linear head learns. finetune: the head first,
    then the network, too, from that head on (Kumar et al. 2022: a random head would spoil it)."""
    backbone: Backbone = "clip"
    model: str = "pocket"
    """Whose image tower, as ALBUM_MODEL takes it, where the backbone is clip."""
    weights_dir: Path = Path("data/weights")
    """Where published weights are on this machine."""
    device: str = "auto"
    seed: int = 0
    balance: bool = True
    """Photos of rare classes count more, so that all classes count the same."""

    # ---- fine-tuning
    blocks: Count | Literal["all"] = 2
    """How many of the last blocks of the tower learn."""
    epochs: Count = 20
    batch_size: Count = 32
    lr: Positive = 3e-4
    """Peak learning rate of the head."""
    tower_lr: Positive = 1e-4
    """Of the tower: lower, for it has much to forget."""
    weight_decay: float = 0.05
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps in which the rates rise."""
    clip_norm: Positive = 1.0
    smallest_area: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The least share of a picture that a random crop shows."""
    patience: Count = 4
    """Epochs without a lower loss on the validation photos after which a run ends."""
    checkpoint_minutes: Positive = 2.0
