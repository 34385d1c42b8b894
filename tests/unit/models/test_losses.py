"""The losses are what the papers say, checked against open_clip's and against the slow version."""

from __future__ import annotations

import math

import pytest
import torch
from open_clip.loss import ClipLoss, SigLipLoss
from torch.nn.functional import normalize, softplus

from models.training.losses import LockedTextLoss, TextBank, clip_loss, siglip_loss

B, D = 12, 16


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(*shape, generator=draw), dim=-1)


IMAGES, TEXTS, SCALE = unit(B, D, seed=1), unit(B, D, seed=2), torch.tensor(14.0)


def test_clip_loss_equals_open_clip_for_distinct_texts():
    ours = clip_loss(IMAGES, TEXTS, SCALE, torch.eye(B, dtype=torch.bool))
    assert ours.item() == pytest.approx(ClipLoss()(IMAGES, TEXTS, SCALE).item(), rel=1e-6)


def test_sigmoid_loss_equals_open_clip_for_distinct_texts():
    bias = torch.tensor(-10.0)
    ours = siglip_loss(IMAGES, TEXTS, SCALE, bias, torch.eye(B, dtype=torch.bool))
    theirs = SigLipLoss()(IMAGES, TEXTS, SCALE, bias)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


def test_images_with_equal_texts_share_the_target():
    groups = torch.tensor([0, 0, 1, 2])
    same = groups[:, None] == groups
    texts = unit(3, D)[groups]
    perfect = clip_loss(texts, texts, torch.tensor(100.0), same)
    as_rivals = clip_loss(texts, texts, torch.tensor(100.0), torch.eye(4, dtype=torch.bool))
    assert perfect.item() == pytest.approx(2 * math.log(2) / 4, abs=1e-3)  # two that cannot differ
    slow = 0.0
    for logits in (100 * texts @ texts.T, (100 * texts @ texts.T).T):
        for row in range(4):
            log_p = logits[row].log_softmax(0)
            slow -= log_p[same[row]].mean().item() / 4 / 2
    assert perfect.item() == pytest.approx(slow, abs=1e-5)
    assert as_rivals.item() == pytest.approx(perfect.item(), abs=1e-5)  # here, by symmetry
    images = unit(4, D, seed=3)
    pulled = clip_loss(images, texts, SCALE, same)
    slow = 0.0
    logits = SCALE * images @ texts.T
    for matrix in (logits, logits.T):
        for row in range(4):
            slow -= matrix[row].log_softmax(0)[same[row]].mean().item() / 8
    assert pulled.item() == pytest.approx(slow, rel=1e-5)


def bank(**changed: torch.Tensor) -> TextBank:
    """Three classes of source 0, one of source 1, two captioned pictures; one wording each."""
    parts = {
        "wordings": unit(6, 1, D, seed=5),
        "counts": torch.ones(6, dtype=torch.long),
        "sources": torch.tensor([0, 0, 0, 1, -1, -1]),
        "tags": unit(1, 2, D, seed=6),
        "tagged": torch.tensor([[1.0, 0], [0, 1], [0, 0], [1, 0], [0, 0], [0, 1]]),
        "certainty": torch.ones(6, 2),
    }
    return TextBank(**{**parts, **changed})


GROUPS = torch.tensor([0, 2, 3, 4, 0])
FIVE = unit(5, D, seed=7)


def slow_contrastive(loss: LockedTextLoss, words: TextBank, alike: float) -> float:
    """Picture by picture, rival by rival."""
    texts, sources, total = words.wordings[:, 0], words.sources.tolist(), 0.0

    def rivals(group: int, other: int) -> bool:
        if (sources[group] < 0) != (sources[other] < 0):
            return False  # class names and captions are not compared
        near = float(texts[group] @ texts[other]) > alike
        return sources[group] == sources[other] or not near

    groups = GROUPS.tolist()
    for image, group in zip(FIVE, groups, strict=True):
        scale = (loss.label_scale if sources[group] >= 0 else loss.caption_scale).exp()
        logits = {
            other: (scale * image @ texts[other]).item()
            for other in range(6)
            if other == group or rivals(group, other)
        }
        total += math.log(sum(map(math.exp, logits.values()))) - logits[group]
        back = [
            (float(scale * other_image @ texts[group]), other_group == group)
            for other_image, other_group in zip(FIVE, groups, strict=True)
            if other_group == group or rivals(other_group, group)
        ]
        log_sum = math.log(sum(math.exp(logit) for logit, _ in back))
        mine = [logit for logit, is_same in back if is_same]
        total += sum(log_sum - logit for logit in mine) / len(mine)
    return total / (2 * len(groups))


@pytest.mark.parametrize("alike", [0.5, 0.0, -1.0])
def test_locked_text_loss_equals_the_slow_version(alike):
    words = bank()
    loss = LockedTextLoss(words, alike)
    terms = loss(FIVE, GROUPS)
    assert terms["contrastive"].item() == pytest.approx(
        slow_contrastive(loss, words, alike), rel=1e-5
    )
    own = words.wordings[GROUPS, 0]
    assert terms["cosine"].item() == pytest.approx(1 - (FIVE * own).sum(1).mean().item(), rel=1e-5)


def test_near_texts_of_another_source_are_no_negatives():
    words = bank()
    words.wordings[3] = words.wordings[0]  # a couch here, a sofa there
    apart = LockedTextLoss(words, alike=0.5)(FIVE, GROUPS)["contrastive"]
    rivals = LockedTextLoss(words, alike=1.1)(FIVE, GROUPS)["contrastive"]
    assert apart < rivals


def test_tag_is_weighted_by_its_certainty():
    image, group = FIVE[:1], GROUPS[:1]  # of group 0: the first tag is true of it, the second not
    words = bank()
    loss = LockedTextLoss(words, 0.5)
    logits = loss.tag_scale.exp() * image[0] @ words.tags[0].T + loss.tag_bias  # (2,)
    of_true, of_false = softplus(-logits[0]).item(), softplus(logits[1]).item()
    assert loss(image, group)["tags"].item() == pytest.approx(of_true + of_false, rel=1e-5)
    unsure = torch.tensor([[1.0, 0.25]] * 6)
    half = LockedTextLoss(bank(certainty=unsure), 0.5)(image, group)["tags"].item()
    assert half == pytest.approx(of_true + of_false / 4, rel=1e-5)


def test_locked_text_loss_uses_every_text_without_padding():
    wordings = torch.zeros(2, 3, D)
    wordings[0], wordings[1, :2] = unit(3, D), unit(2, D, seed=9)
    words = bank(
        wordings=wordings,
        counts=torch.tensor([3, 2]),
        sources=torch.tensor([0, 0]),
        tagged=torch.zeros(2, 2),
        certainty=torch.ones(2, 2),
    )
    loss = LockedTextLoss(words, 0.5)
    image, seen = unit(1, D, seed=4), set()
    for seed in range(40):
        torch.manual_seed(seed)
        seen.add(round(1 - loss(image, torch.tensor([1]))["cosine"].item(), 4))
    assert seen == {round(float(image[0] @ text), 4) for text in wordings[1, :2]}
