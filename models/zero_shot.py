"""Zero-shot classes: a class is the mean of what the text tower makes of its names.

The recipe is that of CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural
Language Supervision", section 3.1.4), with synonyms averaged along with the templates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.interfaces import Embeddings, Encoder
from models.prompts import ENGLISH_TEMPLATES, KOREAN_TEMPLATES

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")

TEMPLATES: Mapping[str, Sequence[str]] = {"en": ENGLISH_TEMPLATES, "ko": KOREAN_TEMPLATES}


def class_embeddings(
    encoder: Encoder,
    classes: Sequence[Sequence[str]],
    *,
    templates: Mapping[str, Sequence[str]] = TEMPLATES,
) -> Embeddings:
    """One direction per class: (c, d) float32, rows of L2 norm 1; (0, d) for no classes.

    Each name is put into the templates of its own language, and every name weighs the same
    however many templates its language has.

    Args:
        encoder: Whose text tower is asked.
        classes: The names of each class, in any mixture of languages.
        templates: By language ("en" and "ko") what its names are put into.

    Raises:
        ValueError: a class has no names.
    """
    if not all(classes):
        raise ValueError("each class needs a name")
    names = list(dict.fromkeys(name for synonyms in classes for name in synonyms))
    wordings = [templates["ko" if HANGUL.search(name) else "en"] for name in names]
    prompts = [
        template.format(name)
        for name, of_its_language in zip(names, wordings, strict=True)
        for template in of_its_language
    ]
    rows = encoder.encode_texts(prompts)  # (names x t, d), in the order of the names
    ends = np.cumsum([len(of_its_language) for of_its_language in wordings])
    of_name = {
        name: rows[end - len(of_its_language) : end].mean(axis=0)  # (d,)
        for name, of_its_language, end in zip(names, wordings, ends, strict=True)
    }
    if not classes:
        return rows
    means = np.stack(
        [np.mean([of_name[name] for name in synonyms], axis=0) for synonyms in classes]
    )
    unit: Embeddings = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit.astype(np.float32)


class ZeroShotClassifier:
    """Decides by cosine to the names of the classes alone: no example photos, no training."""

    def __init__(self, encoder: Encoder, classes: Sequence[Sequence[str]]) -> None:
        """Encode the names once; afterwards the encoder is not asked again."""
        self._logit_scale = encoder.logit_scale
        self._classes = class_embeddings(encoder, classes)  # (c, d)

    def probabilities(self, embeddings: Embeddings) -> npt.NDArray[np.float32]:
        """(n, c) float32, each row sums to 1: how the classes compare, though none may fit."""
        logits = self.scores(embeddings).astype(np.float64) * self._logit_scale
        # exp() of the largest logit is then 1: a scale of 100 overflows nothing.
        logits -= logits.max(axis=1, keepdims=True, initial=-np.inf)
        weights = np.exp(logits)
        shares: npt.NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(
            np.float32
        )
        return shares

    def scores(self, embeddings: Embeddings) -> npt.NDArray[np.float32]:
        """(n, c) float32 cosines in [-1, 1]: how well each class fits by itself."""
        cosines: npt.NDArray[np.float32] = np.clip(embeddings @ self._classes.T, -1.0, 1.0)
        return cosines
