"""Multinomial logistic regression on frozen features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name

WEIGHT_DECAYS = tuple(10.0 ** (e / 2) for e in range(4, -11, -1))  # 100 to 0.00001
"""From strong to weak, so that each begins where the one before came to rest."""
ROUNDS = 20  # of L-BFGS, with a look at the validation photos after each
ITERATIONS = 10  # of one round
PATIENCE = 2  # rounds without a lower loss on them


@dataclass(frozen=True)
class LinearHead:
    """Weights of a linear head, with its training curve."""

    weight: torch.Tensor
    """(c, d) float32"""
    bias: torch.Tensor
    """(c,) float32"""
    weight_decay: float
    best_step: int
    """Of the curve: whose weights these are."""
    curve: list[dict[str, float]]
    """A row per round of the chosen weight decay: `step`, `train_loss`, `validation_loss` (nats),
    `validation_accuracy` in [0, 1]."""


def class_weights(labels: torch.Tensor, classes: int, balance: bool) -> torch.Tensor:
    """Weigh photos by class, (c,) float32, with mean 1 over the photos."""
    counts = torch.bincount(labels, minlength=classes).float()
    if not balance:
        return torch.ones(classes)
    return len(labels) / ((counts > 0).sum() * counts.clamp(min=1))


def fit_linear(
    features: torch.Tensor,
    labels: torch.Tensor,
    validation: torch.Tensor,
    validation_labels: torch.Tensor,
    classes: int,
    balance: bool,
    on_progress: Callable[[int, int], None] | None = None,
) -> LinearHead:
    """Fit by L-BFGS, with weight decay and stopping chosen on `validation`.

    It starts from zero, so nothing in it is random.

    Args:
        features: (n, d) float32, n >= 1.
        labels: (n,) int64 in [0, c).
        validation: (m, d) float32, m >= 1.
        validation_labels: (m,) int64.
        classes: c.
        balance: Whether all classes count equally for any number of photos.
        on_progress: Called with the weight decays done and their number.
    """
    mean = features.mean(0)  # (d,)
    scale = (features - mean).std().clamp(min=1e-8)  # one for all: the geometry stays
    x, y = (features - mean) / scale, labels
    x_val, y_val = (validation - mean) / scale, validation_labels
    weights = class_weights(y, classes, balance)
    weight = torch.zeros(classes, features.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    best: tuple[float, float, int, torch.Tensor, torch.Tensor] | None = None
    curves: dict[float, list[dict[str, float]]] = {}
    for done_count, decay in enumerate(WEIGHT_DECAYS, start=1):
        rows = curves[decay] = []
        stale, lowest = 0, np.inf
        optimizer = torch.optim.LBFGS(
            [weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe"
        )

        def objective(optimizer: Any = optimizer, decay: float = decay) -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(F.linear(x, weight, bias), y, weights)
            loss = loss + 0.5 * decay * weight.square().sum() / classes
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        for step in range(ROUNDS):
            train_loss = float(optimizer.step(objective).detach())  # type: ignore[no-untyped-call]
            with torch.no_grad():
                logits = F.linear(x_val, weight, bias)  # (m, c)
                loss = float(F.cross_entropy(logits, y_val))
                right = float((logits.argmax(1) == y_val).float().mean())
            rows.append(
                {
                    "step": step + 1,
                    "train_loss": train_loss,
                    "validation_loss": loss,
                    "validation_accuracy": right,
                }
            )
            if best is None or loss < best[0]:
                best = (loss, decay, step + 1, weight.detach().clone(), bias.detach().clone())
            stale = 0 if loss < lowest - 1e-4 else stale + 1
            lowest = min(lowest, loss)
            if stale == PATIENCE:
                break
        if on_progress is not None:
            on_progress(done_count, len(WEIGHT_DECAYS))
    assert best is not None  # there are weight decays, and rounds
    _, decay, best_step, chosen, offset = best
    unscaled = chosen / scale
    return LinearHead(unscaled, offset - unscaled @ mean, decay, best_step, curves[decay])
