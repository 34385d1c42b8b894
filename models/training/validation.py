"""Measure zero-shot accuracy during a run."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name

from models.interfaces import Embeddings
from models.training.augment import plain_views
from models.training.text_encoding import encode_texts, has_bfloat16
from models.training.training_set import LabelledImages


@torch.no_grad()
def evaluate(
    model: Any,
    tokenize: Any,
    normalize: Callable[[torch.Tensor], torch.Tensor],
    validation: LabelledImages,
    size: int,
) -> tuple[Embeddings, Embeddings]:
    """Embed validation images (n, d) and class names (c, d) with `model`."""
    model = copy.deepcopy(model).eval()
    names = [encode_texts(model, tokenize, words).mean(0) for words in validation.names]
    rows = []
    for start in range(0, len(validation.labels), 256):
        views = normalize(plain_views(validation.pixels[start : start + 256], size))
        with torch.autocast(views.device.type, torch.bfloat16, enabled=has_bfloat16(views.device)):
            features = model.visual(views)  # (256, d)
        rows.append(F.normalize(features.float(), dim=-1))
    classes = F.normalize(torch.stack(names), dim=-1)
    return torch.cat(rows).cpu().numpy(), classes.cpu().numpy()


def top1(embeddings: Embeddings, classes: Embeddings, labels: torch.Tensor) -> float:
    """Compute the share of images whose nearest class is right."""
    return float(((embeddings @ classes.T).argmax(axis=1) == labels.numpy()).mean())
