"""Configuration of a training run, with units or reasons.

A YAML file overrides the defaults.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.clip.spec import WEIGHTS_FILE, read_folder_config
from models.errors import ModelError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class _ConfigSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_ConfigSection):
    """Images of one origin, in a form that `models.datasets` reads."""

    name: str
    """Also the column `source` of the label table."""
    path: Path
    images: Path | None = None
    """The folder or tar of the pictures, where that is not beside the CSV."""
    split: str | None = None
    """Only the rows of a CSV whose `split` says so."""
    per_class: Count | None = None
    """At most so many pictures of each folder or label, evenly spread."""
    views: Count = 1
    """How many views of each picture are kept, where the frozen part of a tower is cached."""
    pixels: Count = 96
    """Pictures are kept as squares of this side: no larger than the originals make sense."""
    share: Positive = 1.0
    """How much of each batch comes from here, beside the shares of the other sources."""


class Views(_ConfigSection):
    """Size of the views from some point of the run on."""

    after: Share
    """Share of the steps."""
    pixels: Count
    smallest_area: Share = 0.35
    """The least share of a picture that a random crop shows."""


class TrainConfig(_ConfigSection):
    """One run. Paths are relative to the working directory."""

    out: Path
    """Checkpoints, curves and the finished weights go here."""
    staged: bool = False
    """Set by a recipe of several stages."""
    seed: int = 0
    device: str = "auto"
    bf16: bool | None = None
    """Automatic mixed precision, where unset only on a device that has bfloat16. The weights
    themselves stay float32."""
    compile: bool = False
    """Of the image tower by torch.compile: about a tenth faster on a CPU, after a minute."""

    # ---- data
    data_root: Path = Path()
    """`path` and `images` of the sources are relative to it."""
    sources: tuple[Source, ...] = ()
    labels: Path | None = None
    """CSV `source,folder,en,ko,tags`: what the folders of a source are called."""
    tags: Path | None = None
    """CSV `en,ko` of everyday words. The optional column `words` has synonyms."""
    excluded: Path | None = None
    """CSV `source,path`: pictures never to train on, such as doubles of the test photos."""

    # ---- model
    architecture: str
    """An open_clip architecture by name, the path of its JSON, or a model folder."""
    init: Path | None = None
    """A checkpoint to start from, None for random weights."""
    begins_from_backbone: bool = False
    """The image tower starts from `init_image`, instead of from `init`."""
    init_image: str | None = None
    """The backbone that the image tower starts from and that teaches it: `timm:NAME` with weights
    from the hub, a checkpoint file, or a `.tflite`."""
    class_names: Path | None = None
    """CSV `index,en,ko` of what the classes of the backbone are called."""
    learning_blocks: int | None = Field(default=None, ge=0)
    """So many blocks of the image tower learn beside its head, counted from the end. The others are
    frozen, and what they make of the pictures is kept on disk. All of it learns where unset."""
    weights_dir: Path = Path("data/weights")
    """Where the album keeps what it has downloaded: tokenizers that open_clip does not ship."""
    text: Literal["trained", "locked", "distilled"] = "trained"
    """locked: the text tower of `init` stays as it is, and the image tower learns to meet it (LiT,
    Zhai et al. 2022). distilled: trained, and held to the embeddings of `teacher`. Without sources
    only the text tower learns."""
    teacher: Path | None = None
    """.npz of `texts` (n,) and `embeddings` (n, d): what a sentence encoder makes of many texts."""

    # ---- loss
    loss: Literal["clip", "siglip"] = "clip"
    """clip: symmetric cross-entropy (Radford et al. 2021). siglip: sigmoid (Zhai et al. 2023)."""
    cosine_weight: float = 0.0
    """Of 1 - cosine between a picture and its words."""
    tag_weight: float = 0.0
    """Of the sigmoid loss over the tags, for a locked text tower only."""
    distil_weight: float = 1.0
    opinion_weight: float = 0.0
    """Of the divergence between what the backbone says that a picture shows and what the tower says
    of the same class names."""
    alike: float = 0.5
    """Words of two sources nearer than this cosine are no negatives of each other: one set's
    `sofa` is the other's `couch`. A locked text tower only."""
    context_tags: tuple[str, ...] = ()
    """Tags that may be true of any picture: that a class does not have them says little."""

    # ---- optimisation
    steps: Count
    batch_size: Count
    accumulate: Count = 1
    """Batches per step. Negatives come from one batch, so this is not the same as a larger one."""
    lr: Positive = 1e-3
    """The peak."""
    warmup_steps: int = 200
    hold: Share = 0.0
    """Share of the steps at the peak before the cosine begins."""
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: Positive = 1.0
    ema: Share = 0.999
    """Decay per step of the average of the weights that is evaluated and kept. 0 keeps the last."""
    blend: Share = 1.0
    """Share of the trained weights in the finished ones, the rest is `init`. Weights in between
    forget less of what `init` knew (WiSE-FT, Wortsman et al. 2022)."""
    views: tuple[Views, ...] = (Views(after=0.0, pixels=64),)

    # ---- while it runs
    log_every: Count = 20
    """Steps."""
    checkpoint_minutes: Positive = 5.0
    validation: Source | None = None
    """Pictures with labels, never trained on: zero-shot accuracy goes into the curve."""
    validation_pictures: Count = 2000
    """So many of them, evenly spread."""
    validate_every: Count = 500
    """Steps."""

    @property
    def finished(self) -> Path:
        """File of the finished weights."""
        if Path(self.architecture).is_dir():
            return self.out / WEIGHTS_FILE
        return self.out / f"{Path(self.architecture).stem}.safetensors"

    @property
    def resize_mode(self) -> str:
        """The model's way to make a square of a photo.

        `squash` is the whole photo, `shortest` its middle square. Only a model folder says so.
        """
        folder = Path(self.architecture)
        published = read_folder_config(folder).get("preprocess_cfg", {}) if folder.is_dir() else {}
        return str(published.get("resize_mode", "shortest"))

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.text == "locked" and self.init is None:
            raise ValueError("text: locked needs init: random words mean nothing")
        if self.text == "distilled" and self.teacher is None:
            raise ValueError("text: distilled needs teacher")
        if not self.sources and self.text != "distilled":
            raise ValueError("sources: only a distilled text tower learns without pictures")
        if self.learning_blocks is not None and self.text != "locked":
            raise ValueError("learning_blocks needs text: locked")
        if self.opinion_weight and None in (
            self.init_image,
            self.class_names,
            self.learning_blocks,
        ):
            raise ValueError("opinion_weight needs init_image, class_names and learning_blocks")
        if self.tag_weight and (self.text != "locked" or self.tags is None):
            raise ValueError("tag_weight needs text: locked and tags")
        if self.blend < 1 and self.init is None:
            raise ValueError("blend needs init: with what else?")
        if not self.views or self.views[0].after != 0.0:
            raise ValueError("views must begin after 0.0")
        return self


def read_recipe(path: Path, overrides: list[str]) -> list[TrainConfig]:
    """Read the stages of a YAML recipe in order.

    The keys of `stages` override the keys above them. A stage writes into a folder of its `name`
    and starts from the weights of the previous stage, unless it sets `init`. A recipe without
    `stages` is one stage.

    Args:
        path: The recipe.
        overrides: `key=value` with YAML values, for all stages.

    Raises:
        ModelError: no such file, no YAML, an unknown key, or an invalid value.
    """
    try:
        values: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ModelError(f"{path} is no YAML of keys and values.")
        changes = {}
        for override in overrides:
            key, separator, value = override.partition("=")
            if not separator:
                raise ModelError(f'"{override}" is no override: write key=value, such as steps=50.')
            changes[key] = yaml.safe_load(value)
        stages = values.pop("stages", None)
        if stages is None:
            return [TrainConfig.model_validate(values | changes)]
        return _stages(path, values, stages, changes)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is no YAML of keys and values: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelError(f"{path}: {where}: {first['msg']}.") from error


def _stages(
    path: Path, common: dict[str, Any], stages: Any, changes: dict[str, Any]
) -> list[TrainConfig]:
    if not isinstance(stages, list) or not all(
        isinstance(stage, dict) and stage.get("name") for stage in stages
    ):
        raise ModelError(f"{path}: stages must be a list of keys and values, each with a name.")
    configs: list[TrainConfig] = []
    for stage in stages:
        values = common | stage | changes
        name = str(values.pop("name"))
        values |= {"out": Path(values.get("out", ".")) / name, "staged": True}
        if configs:
            values.setdefault("init", configs[-1].finished)
        configs.append(TrainConfig.model_validate(values))
    return configs
