"""How good a classifier is on photos that it never saw."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from models.interfaces import Proportion

Labels = npt.NDArray[np.intp]


def wilson(right: int, n: int) -> dict[str, float]:
    """A share with its 95 % interval (Wilson 1927), which also holds for few photos and at the
    ends; for none of them it is nothing with everything possible."""
    return asdict(Proportion.of(right, n))


def measure(right: Labels, taken_for: Labels, classes: tuple[str, ...]) -> dict[str, Any]:
    """Accuracy, the figures of each class, and who was taken for whom.

    Args:
        right: (n,) the classes of the photos.
        taken_for: (n,) what they were taken for.
        classes: c names.

    Returns:
        `accuracy` with its interval; `balanced_accuracy`, the mean recall of the classes that have
        photos; `per_class`, where precision (of what was taken for it) or recall (of what it is) is
        None where there is nothing to count; `confusion`, c rows of what photos are by c columns of
        what they were taken for.
    """
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (right, taken_for), 1)
    hits, of_class, taken = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    per_class = [
        {
            "class": name,
            "photos": int(of_class[c]),
            "precision": wilson(int(hits[c]), int(taken[c])) if taken[c] else None,
            "recall": wilson(int(hits[c]), int(of_class[c])) if of_class[c] else None,
        }
        for c, name in enumerate(classes)
    ]
    there = of_class > 0
    return {
        "photos": len(right),
        "accuracy": wilson(int(hits.sum()), len(right)),
        "balanced_accuracy": float((hits[there] / of_class[there]).mean()) if there.any() else 0.0,
        "per_class": per_class,
        "confusion": confusion.tolist(),
    }
