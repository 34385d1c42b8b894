"""The classifiers of the album behind one interface: words, examples, and trained heads."""

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
    """`models.interfaces.Classifiers` as they are here; what they load, they load when asked."""

    def name_directions(
        self, encoder: Encoder, names: Sequence[ClassName], wording: Wording = "ensemble"
    ) -> npt.NDArray[np.float32]:
        """(m, d): see `models.classifiers.zero_shot.name_directions`."""
        from models.classifiers.zero_shot import name_directions

        return name_directions(encoder, names, wording)

    def zero_shot(
        self, encoder: Encoder, directions: Embeddings, priors: npt.NDArray[np.float64]
    ) -> Classifier:
        """Decide by cosine: see `models.classifiers.zero_shot.ZeroShotClassifier`."""
        from models.classifiers.zero_shot import ZeroShotClassifier

        return ZeroShotClassifier(
            directions, priors, logit_scale=encoder.logit_scale, logit_bias=encoder.logit_bias
        )

    def best_temperature(
        self, logits: npt.NDArray[np.float32], labels: npt.NDArray[np.intp]
    ) -> float:
        """Above 0: see `models.classifiers.zero_shot.best_temperature`."""
        from models.classifiers.zero_shot import best_temperature

        return best_temperature(logits, labels)

    def fit_probe(
        self,
        positives: Embeddings,
        negatives: Embeddings,
        unlabelled: Embeddings,
        text: npt.NDArray[np.float32] | None = None,
    ) -> FittedProbe:
        """Learn a label from examples: see `models.classifiers.linear_probe.fit_probe`."""
        from models.classifiers.linear_probe import fit_probe

        return fit_probe(positives, negatives, unlabelled, text)

    def heads(self, folder: Path) -> list[HeadCard]:
        """Newest first: see `models.classifiers.trained_head.list_heads`."""
        from models.classifiers.trained_head import list_heads

        return list_heads(folder)

    def load_head(self, folder: Path, name: str) -> TrainedHead:
        """One of them: see `models.classifiers.trained_head.load_head`."""
        from models.classifiers.trained_head import load_head

        return load_head(folder, name)
