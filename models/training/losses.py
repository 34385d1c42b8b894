"""Contrastive losses between images and texts.

Shape letters: b batch, d width, g groups (a class, or a captioned image, whose texts are shared),
v texts of a group, k tags.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - its customary name
from open_clip.loss import gather_features
from torch import nn

SAME_TARGET = 0.9  # cosine from which two texts say the same thing: neither is wrong
DISTIL_SCALE = 20.0
MAX_SCALE = 100.0  # CLIP clips its temperature there, "to prevent training instability"


def clip_loss(
    images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor, same: torch.Tensor
) -> torch.Tensor:
    """Compute the symmetric cross-entropy of CLIP (Radford et al. 2021, figure 3).

    Rows with equal texts are all correct, and the target is shared among them (Yang et al. 2022,
    "Unified Contrastive Learning in Image-Text-Label Space").

    Args:
        images: (b, d), rows of norm 1.
        texts: (b, d), rows of norm 1.
        scale: (), the inverse temperature.
        same: (b, b) bool, true on the diagonal and where row and column have equal texts.
    """
    logits = scale * images @ texts.T  # (b, b)
    target = same.float() / same.sum(1, keepdim=True)  # (b, b), rows sum to 1
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def siglip_loss(
    images: torch.Tensor,
    texts: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor,
    same: torch.Tensor,
) -> torch.Tensor:
    """Compute the sigmoid loss over all pairs (Zhai et al. 2023).

    Arguments are those of `clip_loss`, and `bias`: (), negative, because most pairs do not match.
    """
    logits = scale * images @ texts.T + bias  # (b, b)
    sign = same.float() * 2 - 1  # (b, b)
    return -F.logsigmoid(sign * logits).sum() / len(images)


@dataclass(frozen=True)
class TextBank:
    """Embeddings of a training set's texts by a locked text tower."""

    wordings: torch.Tensor
    """(g, v, d), rows of norm 1. Groups with fewer texts than v are padded with zeros."""
    counts: torch.Tensor
    """(g,) how many wordings each group has."""
    sources: torch.Tensor
    """(g,) the label set of each group, -1 for captions."""
    tags: torch.Tensor
    """(languages, k, d), rows of norm 1."""
    tagged: torch.Tensor
    """(g, k) 1.0 where the tag is true of the group."""
    certainty: torch.Tensor
    """(g, k) in [0, 1]: how much it says that a group has this tag, or has it not."""
    classes: torch.Tensor | None = None
    """(languages, c, d), rows of norm 1: the names of the backbone's classes."""


def opinion_loss(
    images: torch.Tensor, classes: torch.Tensor, scale: torch.Tensor, logits: torch.Tensor
) -> torch.Tensor:
    """Compute the divergence from a classifier's predictions (Hinton 2015).

    Args:
        images: (b, d), rows of norm 1.
        classes: (c, d), embeddings of the names of the teacher's classes, rows of norm 1.
        scale: (), the inverse temperature.
        logits: (b, c) of the teacher.
    """
    log_p = (scale * images @ classes.T).log_softmax(1)  # (b, c)
    return F.kl_div(log_p, logits.log_softmax(1), reduction="batchmean", log_target=True)


def distillation_terms(texts: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """Compute cosine and contrastive losses of texts against their targets.

    Args:
        texts: (b, d), rows of norm 1.
        targets: (b, d), rows of norm 1. Those that nearly equal another are no negatives of it.
    """
    rivals = targets @ targets.T < SAME_TARGET  # (b, b)
    rivals.fill_diagonal_(True)
    logits = (DISTIL_SCALE * texts @ targets.T).masked_fill(~rivals, -math.inf)
    targets_index = torch.arange(len(texts), device=texts.device)
    return {
        "distil": (1 - (texts * targets).sum(1)).mean(),
        "contrastive": F.cross_entropy(logits, targets_index),
    }


class LockedTextLoss(nn.Module):
    """Contrast of images with all texts, not only those of the batch.

    With a locked text tower (LiT, Zhai et al. 2022) text embeddings are free, so each image is
    compared with every class name, or with a caption of every captioned image.
    """

    def __init__(self, bank: TextBank, alike: float) -> None:
        """Store the texts, and create the temperatures.

        Texts of two sources with a cosine above `alike` are no negatives of each other.
        """
        super().__init__()
        self._bank = bank
        self._alike = alike
        self.label_scale = nn.Parameter(torch.tensor(math.log(16.0)))
        self.caption_scale = nn.Parameter(torch.tensor(math.log(16.0)))
        self.opinion_scale = nn.Parameter(torch.tensor(math.log(20.0)))
        self.tag_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.tag_bias = nn.Parameter(torch.tensor(-4.0))

    def forward(
        self, images: torch.Tensor, groups: torch.Tensor, opinions: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Compute the terms of the loss, each a scalar.

        Args:
            images: (b, d), rows of norm 1.
            groups: (b,) the group of each image.
            opinions: (b, c) logits of the backbone.
        """
        bank, rows = self._bank, torch.arange(len(images), device=images.device)
        wording = torch.randint(0, 60, (), device=images.device) % bank.counts  # (g,)
        texts = bank.wordings[torch.arange(len(wording), device=images.device), wording]  # (g, d)
        own_texts = texts[groups]  # (b, d)
        terms = {"cosine": (1 - (images * own_texts).sum(1)).mean()}
        of_captions = bank.sources < 0  # (g,)
        total = images.new_zeros(())
        for block, scale in ((~of_captions, self.label_scale), (of_captions, self.caption_scale)):
            selected = block[groups]  # (b,) bool
            if not selected.any():
                continue
            columns = block.nonzero().squeeze(1)  # (c,) the groups of this block
            target = torch.searchsorted(columns, groups[selected])  # (m,)
            near = own_texts[selected] @ texts[columns].T  # (m, c)
            other_set = bank.sources[columns] != bank.sources[groups[selected], None]
            rivals = near <= torch.where(other_set, self._alike, SAME_TARGET)  # (m, c) bool
            rivals[rows[: len(target)], target] = True
            logits = (
                scale.exp().clamp(max=MAX_SCALE) * images[selected] @ texts[columns].T
            )  # (m, c)
            logits = logits.masked_fill(~rivals, -math.inf)
            total = total + F.cross_entropy(logits, target, reduction="sum")
            # And back: of the pictures of this batch, which belong to these words?
            same_group = groups[selected, None] == groups[selected]  # (m, m)
            rivals = rivals[:, target] | same_group
            back = (logits[:, target].T).masked_fill(~rivals.T, -math.inf)  # (m texts, m pictures)
            share = same_group.float() / same_group.sum(1, keepdim=True)  # (m, m)
            log_p = back.log_softmax(1).masked_fill(~same_group, 0.0)  # (m, m)
            total = total - (share * log_p).sum()
        terms["contrastive"] = total / (2 * len(images))
        if bank.tags.shape[1]:
            language = torch.randint(0, len(bank.tags), (), device=images.device)
            logits = self.tag_scale.exp().clamp(max=MAX_SCALE) * images @ bank.tags[language].T
            terms["tags"] = F.binary_cross_entropy_with_logits(
                logits + self.tag_bias,
                bank.tagged[groups],
                weight=bank.certainty[groups],
                reduction="sum",
            ) / len(images)
        if opinions is not None and bank.classes is not None:
            language = torch.randint(0, len(bank.classes), (), device=images.device)
            sharpness = self.opinion_scale.exp().clamp(max=MAX_SCALE)
            terms["opinion"] = opinion_loss(images, bank.classes[language], sharpness, opinions)
        return terms


def in_batch_terms(
    kind: str,
    images: torch.Tensor,
    texts: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor | None,
    groups: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """Compute the loss within one batch, gathered from all processes.

    Args:
        kind: "clip" or "siglip".
        images: (b, d), rows of norm 1.
        texts: (b, d), rows of norm 1.
        scale: (), the inverse temperature.
        bias: (), of the sigmoid loss only.
        groups: (b,) equal numbers have equal texts.
    """
    if dist.is_initialized() and dist.get_world_size() > 1:
        world = dist.get_world_size()
        images, texts = gather_features(
            images, texts, gather_with_grad=True, rank=dist.get_rank(), world_size=world
        )
        gathered = [torch.empty_like(groups) for _ in range(world)]
        dist.all_gather(gathered, groups)
        groups = torch.cat(gathered)
    same = groups[:, None] == groups  # (b, b)
    if kind == "siglip" and bias is not None:
        loss = siglip_loss(images, texts, scale, bias, same)
    else:
        loss = clip_loss(images, texts, scale, same)
    return {"contrastive": loss, "cosine": (1 - (images * texts).sum(1)).mean()}
