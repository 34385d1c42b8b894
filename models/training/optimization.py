"""Learning rate, gradients and averages of weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist


def learning_rate_share(step: int, steps: int, warmup: int, hold: float) -> float:
    """Compute the share of the peak learning rate at a step.

    It rises linearly, holds for a while, and falls in a cosine to 0.
    """
    if step < warmup:
        return (step + 1) / warmup
    begin = max(warmup, hold * steps)
    if step < begin:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


def moving_average(decay: float) -> Any:
    """Build an exponential moving average for `AveragedModel`.

    Each step moves the average by 1 - `decay` of the way to the weights. torch's own makes NaN of
    the infinities in an attention mask, which is one of the buffers.
    """

    @torch.no_grad()
    def move(averages: Sequence[torch.Tensor], currents: Sequence[torch.Tensor], _: Any) -> None:
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point() and bool(average.isfinite().all()):
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(current)

    return move


@torch.no_grad()
def interpolate_weights(other: Any, model: Any, share: float) -> None:
    """Move the weights of `model` by `share` of the way to `other`."""
    for weight, target in zip(model.parameters(), other.parameters(), strict=True):
        weight.lerp_(target.to(weight.device), share)


def average_gradients(parameters: Sequence[torch.nn.Parameter], world: int) -> None:
    """Average gradients over processes.

    DistributedDataParallel does not support models that are called in two halves.
    """
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= world
