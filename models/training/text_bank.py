"""Encode every text of a training set with a locked text tower.

Shape letters: g groups, v wordings of a group, k tags, c classes, d width.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name

from models.training.backbone import read_class_names
from models.training.config import TrainConfig
from models.training.losses import TextBank
from models.training.text_encoding import encode_texts
from models.training.training_set import TrainingSet

UNCERTAIN = 0.25  # what it says that a caption, or a class, does not mention a common thing
AMBIGUOUS_COSINE = (
    0.5  # a tag nearer than this to a class's name, but not among its tags: left open
)


def build_text_bank(
    model: Any, tokenize: Any, data: TrainingSet, config: TrainConfig, device: torch.device
) -> TextBank:
    """Encode all texts of the training set with the locked text tower."""
    model.eval()
    distinct = list(dict.fromkeys(text for group in data.groups for text in group.texts))
    row_of = {text: row for row, text in enumerate(distinct)}
    rows = encode_texts(model, tokenize, distinct)  # (n, d)
    counts = torch.tensor([len(group.texts) for group in data.groups])  # (g,)
    wordings = rows.new_zeros(len(data.groups), int(counts.max()), rows.shape[1])  # (g, v, d)
    for number, group in enumerate(data.groups):
        wordings[number, : len(group.texts)] = rows[[row_of[text] for text in group.texts]]

    names = list(data.tags)
    languages = list(zip(*data.tags.values(), strict=True)) if names else []
    tags = [encode_texts(model, tokenize, words) for words in languages]  # 2 x (k, d)
    tagged = torch.tensor([[float(name in g.tags) for name in names] for g in data.groups])
    captions = torch.tensor([group.source < 0 for group in data.groups])  # (g,)
    certainty = torch.ones_like(tagged)  # (g, k)
    if names:
        certainty[:, [names.index(t) for t in config.context_tags if t in data.tags]] = UNCERTAIN
        certainty[captions] = UNCERTAIN
        alike = (
            wordings[:, 0].cpu() @ tags[0].T.cpu() > AMBIGUOUS_COSINE
        )  # (g, k): neither true nor false
        certainty[alike] = 0.0
        certainty[tagged > 0] = 1.0
        certainty[:, tagged.sum(0) == 0] = 0.0  # of no picture: it would only learn to say no
    return TextBank(
        wordings,
        counts.to(device),
        torch.tensor([group.source for group in data.groups], device=device),
        torch.stack(tags) if names else rows.new_zeros(1, 0, rows.shape[1]),
        tagged.to(device),
        certainty.to(device),
        encode_classes(model, tokenize, config.class_names) if config.class_names else None,
    )


def encode_classes(model: Any, tokenize: Any, class_names: Path) -> torch.Tensor:
    """Encode the English and Korean names of a backbone's classes.

    Returns:
        (2, c, d), rows of norm 1.

    Raises:
        ModelError: the table cannot be read.
    """
    names = read_class_names(class_names)
    languages = []
    for language in (0, 1):
        cells = [names[number][language].split("|") for number in sorted(names)]
        rows = encode_texts(model, tokenize, [name for cell in cells for name in cell])
        parts = torch.split(rows, [len(cell) for cell in cells])
        means = [part.mean(0) for part in parts]
        languages.append(F.normalize(torch.stack(means), dim=-1))
    return torch.stack(languages)
