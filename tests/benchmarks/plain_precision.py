"""What to hold the album against: the same model with open_clip and NumPy, and nothing clever."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image

POCKET = Path(__file__).parents[2] / "models" / "pocket"


@torch.no_grad()
def rank(photos: Sequence[Path], texts: Sequence[str]) -> list[list[str]]:
    """For each text the names of all photos, best first."""
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{POCKET}")
    model.eval()
    tokens = open_clip.get_tokenizer(f"local-dir:{POCKET}")(list(texts))
    queries = model.encode_text(tokens, normalize=True).numpy()
    pixels = (preprocess(Image.open(path).convert("RGB"))[None] for path in photos)
    images = np.concatenate([model.encode_image(it, normalize=True).numpy() for it in pixels])
    return [[photos[row].name for row in np.argsort(-(images @ query))] for query in queries]
