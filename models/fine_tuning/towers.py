"""Pretrained image towers."""

from __future__ import annotations

import logging
import pickle
import urllib.error
from pathlib import Path

import torch
from open_clip.factory import load_state_dict
from open_clip.transform import PreprocessCfg
from safetensors import SafetensorError
from torchvision.models import ResNet50_Weights  # type: ignore[import-untyped]

from models.classifiers.image_network import CANNOT_BE_BUILT, build_tower
from models.classifiers.tower_spec import TowerSpec
from models.clip.spec import model_id_of, parse_spec
from models.clip.weights import checkpoint_on_disk
from models.errors import WeightsUnavailableError
from models.fine_tuning.settings import FineTuneSettings

log = logging.getLogger(__name__)

RESNET50_URL: str = ResNet50_Weights.IMAGENET1K_V2.url
RESNET50 = TowerSpec(
    kind="resnet50",
    embed_dim=2048,
    image_size=224,
    resize_px=232,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="bilinear",
)
"""As torchvision prepares pictures for the weights of IMAGENET1K_V2."""


def pretrained_tower(settings: FineTuneSettings) -> tuple[TowerSpec, torch.nn.Module, str]:
    """Load the pretrained tower in float32 on the CPU.

    Never a random one: that would need millions of photos.

    Returns:
        The description, the tower and the name of its weights.

    Raises:
        WeightsUnavailableError: they are missing or damaged.
    """
    return _resnet50(settings) if settings.backbone == "resnet50" else _clip(settings)


def _clip(settings: FineTuneSettings) -> tuple[TowerSpec, torch.nn.Module, str]:
    model = parse_spec(settings.model)
    checkpoint = checkpoint_on_disk(model, settings.weights_dir)
    if checkpoint is None:
        raise WeightsUnavailableError(
            f"The weights of {model.name} are not in {settings.weights_dir} yet: start the album "
            "once with this model, or choose --model pocket."
        )
    config = model.config()
    vision, defaults, published = config["vision_cfg"], PreprocessCfg(), model.published()
    size = vision["image_size"]
    px = max(size) if isinstance(size, tuple | list) else size
    spec = TowerSpec(
        kind="clip",
        embed_dim=config["embed_dim"],
        vision_cfg=vision,
        quick_gelu=config.get("quick_gelu", False) or published.get("quick_gelu", False),
        image_size=px,
        resize_px=px,
        mean=published.get("mean", defaults.mean),
        std=published.get("std", defaults.std),
        interpolation=published.get("interpolation", defaults.interpolation),
        resize_mode=published.get("resize_mode", defaults.resize_mode),
    )
    try:
        tensors = load_state_dict(str(checkpoint))
        visual = {
            k.removeprefix("visual."): v for k, v in tensors.items() if k.startswith("visual.")
        }
        tower = build_tower(spec)
        tower.load_state_dict(visual)
    except (
        *CANNOT_BE_BUILT,
        *(OSError, EOFError, StopIteration, pickle.UnpicklingError, SafetensorError),
    ) as error:
        raise WeightsUnavailableError(
            f"The weights of {model.name} are damaged or of a form that cannot be fine-tuned: "
            "choose another --model."
        ) from error
    return spec, tower.float(), model_id_of(model)


def _resnet50(settings: FineTuneSettings) -> tuple[TowerSpec, torch.nn.Module, str]:
    path = resnet50_on_disk(settings.weights_dir)
    if path is None:
        raise WeightsUnavailableError(
            f"The ImageNet weights of ResNet-50 are not here: put resnet50*.pth of torchvision "
            f"into {settings.weights_dir}, let --download fetch them (98 MB), or use "
            "--backbone clip."
        )
    tower = torch.nn.Module()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        tower = build_tower(RESNET50)
        tower.load_state_dict({k: v for k, v in state.items() if not k.startswith("fc.")})
    except (*CANNOT_BE_BUILT, OSError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsUnavailableError(
            f"{path} is damaged or not of torchvision's ResNet-50: delete it, and fetch it again "
            "with --download."
        ) from error
    return RESNET50, tower, path.stem


def resnet50_on_disk(weights_dir: Path) -> Path | None:
    """Find ResNet-50 weights in `weights_dir` or torch's own folder."""
    folders = (weights_dir, Path(torch.hub.get_dir()) / "checkpoints")
    return next((path for folder in folders for path in sorted(folder.glob("resnet50*.pth"))), None)


def fetch_resnet50(weights_dir: Path, url: str = RESNET50_URL) -> Path:
    """Download the ImageNet weights of ResNet-50 unless they are on disk.

    The name of the file ends in the beginning of its sha256, which is compared.

    Raises:
        WeightsUnavailableError: no network, a refusal, an interruption, a full disk.
    """
    known = resnet50_on_disk(weights_dir)
    if known is not None:
        return known
    path = weights_dir / url.rpartition("/")[2]
    try:
        weights_dir.mkdir(parents=True, exist_ok=True)
        log.info("fetching %s", url)
        digest = path.stem.rpartition("-")[2]
        torch.hub.download_url_to_file(url, str(path), hash_prefix=digest, progress=False)
    except (OSError, urllib.error.URLError, RuntimeError, EOFError) as error:
        raise WeightsUnavailableError(
            f"The weights of ResNet-50 could not be downloaded ({error}): try again later, or use "
            "--backbone clip."
        ) from error
    return path
