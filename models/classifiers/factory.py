"""The album's classifiers behind one interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.interfaces import (
    Classifier,
    ClassName,
    Embeddings,
    Encoder,
    FittedProbe,
    HeadCard,
    TrainedHead,
    Wording,
)


class DefaultClassifiers:
    """Implementation of `interfaces.Classifiers` with imports on first use."""

    def name_directions(
        self, encoder: Encoder, names: Sequence[ClassName], wording: Wording = "ensemble"
    ) -> npt.NDArray[np.float32]:
        """Embed class names, (m, d). See `zero_shot.name_directions`."""
        from models.classifiers.zero_shot import name_directions

        return name_directions(encoder, names, wording)

    def zero_shot(
        self, directions: Embeddings, priors: npt.NDArray[np.float64], logit_scale: float
    ) -> Classifier:
        """Create a `zero_shot.ZeroShotClassifier`."""
        from models.classifiers.zero_shot import ZeroShotClassifier

        return ZeroShotClassifier(directions, priors, logit_scale=logit_scale)

    def best_temperature(
        self, logits: npt.NDArray[np.float32], labels: npt.NDArray[np.intp]
    ) -> float:
        """Fit a temperature > 0. See `zero_shot.best_temperature`."""
        from models.classifiers.zero_shot import best_temperature

        return best_temperature(logits, labels)

    def fit_probe(
        self,
        positives: Embeddings,
        negatives: Embeddings,
        unlabelled: Embeddings,
        text: npt.NDArray[np.float32] | None = None,
    ) -> FittedProbe:
        """Learn a label from examples. See `linear_probe.fit_probe`."""
        from models.classifiers.linear_probe import fit_probe

        return fit_probe(positives, negatives, unlabelled, text)

    def heads(self, folder: Path) -> list[HeadCard]:
        """List trained heads, newest first. See `trained_head.list_heads`."""
        from models.classifiers.trained_head import list_heads

        return list_heads(folder)

    def load_head(self, folder: Path, name: str) -> TrainedHead:
        """Load a trained head. See `trained_head.load_head`."""
        from models.classifiers.trained_head import load_head

        return load_head(folder, name)
