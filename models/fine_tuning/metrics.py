"""Test metrics of a classifier."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from models.interfaces import Proportion

Labels = npt.NDArray[np.intp]


def wilson(count: int, n: int) -> dict[str, float]:
    """Return `count` of n with its Wilson 1927 interval of 95 %."""
    return asdict(Proportion.of(count, n))


def classification_metrics(
    labels: Labels, predicted: Labels, classes: tuple[str, ...]
) -> dict[str, Any]:
    """Compute accuracy, metrics by class, and the confusion matrix.

    Args:
        labels: (n,) the right classes.
        predicted: (n,) the predicted classes.
        classes: c names.

    Returns:
        `accuracy` with its interval, `balanced_accuracy`, the mean recall of the classes that have
        photos, `per_class`, where precision or recall is None if there is nothing to count, and
        `confusion`, c rows of right classes by c columns of predicted ones.
    """
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    hits, class_counts, predicted_counts = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    per_class = [
        {
            "class": name,
            "photos": int(class_counts[c]),
            "precision": wilson(int(hits[c]), int(predicted_counts[c]))
            if predicted_counts[c]
            else None,
            "recall": wilson(int(hits[c]), int(class_counts[c])) if class_counts[c] else None,
        }
        for c, name in enumerate(classes)
    ]
    present = class_counts > 0
    return {
        "photos": len(labels),
        "accuracy": wilson(int(hits.sum()), len(labels)),
        "balanced_accuracy": float((hits[present] / class_counts[present]).mean())
        if present.any()
        else 0.0,
        "per_class": per_class,
        "confusion": confusion.tolist(),
    }
