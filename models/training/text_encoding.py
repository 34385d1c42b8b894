"""Encode texts with the model that is being trained.

Shape letters: n texts, b batch, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name

from models.clip.encoder import choose_dtype

BATCH = 256


def has_bfloat16(device: torch.device) -> bool:
    """Check for native bfloat16. Emulated it is several times slower."""
    return choose_dtype(device) is torch.bfloat16


@torch.no_grad()
def encode_texts(model: Any, tokenize: Any, texts: Sequence[str]) -> torch.Tensor:
    """Embed texts: (n, d) float32, rows of norm 1."""
    device = model.logit_scale.device
    rows = []
    for i in range(0, len(texts), 256):
        tokens = tokenize(list(texts[i : i + 256])).to(device)  # (256, context)
        with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
            features = encode_trimmed(model, tokens)  # (256, d)
        rows.append(F.normalize(features.float(), dim=-1))
    return torch.cat(rows)


def encode_trimmed(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Compute features (b, d) of tokens (b, context) without shared padding.

    A causal tower gives equal results with and without it, because tokens after the end have no
    effect.
    """
    tower: Any = getattr(model, "text", None)
    mask = getattr(tower, "attn_mask", None)
    if mask is None or tower.pool_type != "argmax":
        features: torch.Tensor = model.encode_text(tokens)
        return features
    longest = int((tokens != 0).sum(1).max())
    try:
        tower.attn_mask = mask[:longest, :longest]
        features = model.encode_text(tokens[:, :longest])
    finally:
        tower.attn_mask = mask
    return features
