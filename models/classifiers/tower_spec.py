"""Description of an image tower, as in a classifier's card."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Share = Annotated[float, Field(ge=0, le=1)]


Channels = tuple[float, float, float]


class CardSection(BaseModel):
    """Base of card sections, which ignore unknown keys and refuse NaN."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class TowerSpec(CardSection):
    """How an image tower is built and fed.

    Its weights are in the safetensors file.
    """

    kind: Literal["clip", "resnet50"]
    embed_dim: Annotated[int, Field(gt=0, le=1 << 16)]
    """d, the width of a feature."""
    vision_cfg: dict[str, Any] = {}
    """open_clip's description of the tower, empty for a ResNet-50."""
    quick_gelu: bool = False
    image_size: Annotated[int, Field(ge=8, le=2048)]
    """Side of its input in pixels."""
    resize_px: Annotated[int, Field(ge=8, le=4096)]
    """Length of the shorter side before the middle is cropped."""
    mean: Channels
    std: Channels
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    resize_mode: Literal["shortest", "longest", "squash"] = "shortest"

    @field_validator("vision_cfg")
    @classmethod
    def _stays_here(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Forbid downloads: a timm name may point to the model hub."""
        name = config.get("timm_model_name")
        if name is not None and not (isinstance(name, str) and re.fullmatch(r"[\w.]+", name)):
            raise ValueError("timm_model_name is no name")
        return config | {"timm_model_pretrained": False}

    @field_validator("std")
    @classmethod
    def _divides(cls, std: Channels) -> Channels:
        if min(std) <= 0:
            raise ValueError("std is above 0")
        return std
