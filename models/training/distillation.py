"""Teachers of the image tower and of the text tower.

Shape letters: b batch, n texts, d width, c classes, s side of a view in pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name

from models.errors import ModelError
from models.training.cached_views import split_trunk
from models.training.config import TrainConfig
from models.training.losses import distillation_terms
from models.training.text_encoding import encode_trimmed

LENGTH_BUCKETS = 4  # batches of texts that are drawn together and parted by length


def make_teacher(
    backbone: Any, frozen: torch.nn.Module, learning_blocks: int
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Build the function from views and frozen features to teacher logits.

    It maps views (b, 3, s, s) and the frozen part's output to logits (b, c). If the frozen part is
    the backbone's own, only the remaining layers of the backbone are run.
    """
    if backbone is None:
        return lambda views, _outputs: views.new_zeros(len(views), 0)
    shared, remaining = split_trunk(backbone, learning_blocks)
    if repr(shared) == repr(frozen):  # the same layers, also in how they pad
        return lambda _views, outputs: backbone.get_classifier()(remaining(outputs))
    return lambda views, _outputs: backbone(views)


def load_teacher(
    path: Path, tokenize: Any, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Load the texts and embeddings of a sentence encoder.

    Returns:
        Tokens (n, context) and embeddings (n, d) with rows of norm 1.

    Raises:
        ModelError: it is no .npz of `texts` and `embeddings` of one length.
    """
    try:
        with np.load(path) as arrays:
            texts, embeddings = arrays["texts"].tolist(), torch.from_numpy(arrays["embeddings"])
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is no .npz of texts and embeddings.") from error
    if len(texts) != len(embeddings):
        raise ModelError(f"{path} has {len(texts)} texts but {len(embeddings)} embeddings.")
    return tokenize(texts).to(device), F.normalize(embeddings.float(), dim=-1).to(device)


def distill_text(
    model: Any,
    tokens: torch.Tensor,
    targets: torch.Tensor,
    config: TrainConfig,
    micro: int,
    bf16: bool,
) -> dict[str, torch.Tensor]:
    """Compute the loss of the text tower against its teacher.

    Four batches are drawn together and sorted by length, so that little of a batch is padding.

    Args:
        model: The model that learns.
        tokens: (n, context) of all texts, padded with 0.
        targets: (n, d), rows of norm 1.
        config: The run.
        micro: The number of the batch.
        bf16: Whether to compute in bfloat16.
    """
    turn, part = divmod(micro, LENGTH_BUCKETS)
    draw = torch.Generator().manual_seed(config.seed * 1_000_003 + turn)
    rows = torch.randint(0, len(tokens), (LENGTH_BUCKETS * config.batch_size,), generator=draw)
    lengths = (tokens[rows] != 0).sum(1)  # (4 b,)
    rows = rows[lengths.argsort()].view(LENGTH_BUCKETS, -1)[(part + turn) % LENGTH_BUCKETS]
    with torch.autocast(tokens.device.type, torch.bfloat16, enabled=bf16):
        features = encode_trimmed(model, tokens[rows])  # (b, d)
    return distillation_terms(F.normalize(features.float(), dim=-1), targets[rows])
