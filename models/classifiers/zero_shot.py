"""Zero-shot classifier: a class is the mean embedding of its names.

The recipe is that of CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural
Language Supervision", section 3.1.4), with synonyms averaged along with the templates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.interfaces import ClassName, Embeddings, Encoder, Shares, Wording
from models.prompts import KIND_TEMPLATES
from models.prompts import TEMPLATES as TEMPLATES_BY_WORDING

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")

TEMPLATES: Mapping[str, Sequence[str]] = TEMPLATES_BY_WORDING["ensemble"]

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
"""Bounds of the search: without an error the best temperature would be 0."""

Floats = npt.NDArray[np.float32]


def name_directions(
    encoder: Encoder, names: Sequence[ClassName], wording: Wording = "ensemble"
) -> Floats:
    """Average the embeddings of each name over its language's templates.

    Args:
        encoder: The encoder of texts.
        names: Names of any classes. Their weights are ignored.
        wording: Which templates to use.

    Returns:
        (m, d) float32 means over unit rows, so of norm at most 1: a mean over the names of a class
        then weighs every template equally. (0, d) for no names.
    """
    return _means(encoder, [_prompts(name, wording) for name in names])


def class_embeddings(
    encoder: Encoder,
    classes: Sequence[Sequence[str]],
    *,
    templates: Mapping[str, Sequence[str]] = TEMPLATES,
) -> Embeddings:
    """Embed each class as one direction.

    Each name is put into the templates of its own language, and every name weighs the same for any
    number of templates.

    Args:
        encoder: The encoder of texts.
        classes: The names of each class, in any mixture of languages.
        templates: Templates by language ("en" and "ko").

    Returns:
        (c, d) float32, rows of L2 norm 1. (0, d) for no classes.

    Raises:
        ValueError: a class has no names.
    """
    if not all(classes):
        raise ValueError("each class needs a name")
    names = list(dict.fromkeys(name for synonyms in classes for name in synonyms))
    rows = _means(
        encoder,
        [[template.format(name) for template in templates[_language(name)]] for name in names],
    )
    of_name = dict(zip(names, rows, strict=True))
    if not classes:
        return rows
    means = np.stack(
        [np.mean([of_name[name] for name in synonyms], axis=0) for synonyms in classes]
    )
    unit: Embeddings = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit.astype(np.float32)


class ZeroShotClassifier:
    """Classification by cosine to class directions, without training."""

    def __init__(
        self,
        directions: Embeddings,
        priors: npt.NDArray[np.float64] | None = None,
        *,
        logit_scale: float,
        logit_bias: float | None = None,
    ) -> None:
        """Prepare the directions of c classes.

        Args:
            directions: (c, d), rows of L2 norm 1.
            priors: (c,) > 0, how common each class is, None for equal ones. A softmax uses only
                ratios.
            logit_scale: Factor of the cosines, > 0.
            logit_bias: Offset before a sigmoid (Zhai et al. 2023, "Sigmoid Loss for Language Image
                Pre-Training"), None for a model that was trained with a softmax.
        """
        self._directions = directions
        self._scaled = directions * np.float32(logit_scale)  # (c, d): saves passes over (n, c)
        self._sigmoid = logit_bias is not None
        offsets = np.zeros(len(directions)) if priors is None else np.log(priors)
        self._offsets = (offsets + (logit_bias or 0.0)).astype(np.float32)  # (c,)

    def scores(self, embeddings: Embeddings) -> Floats:
        """Compute cosines (n, c) float32 in [-1, 1]."""
        cosines: Floats = embeddings @ self._directions.T
        return np.clip(cosines, -1.0, 1.0, out=cosines)

    def logits(self, embeddings: Embeddings) -> Floats:
        """Compute logits (n, c) float32 from cosines, priors and bias."""
        logits: Floats = embeddings @ self._scaled.T
        if self._offsets.any():
            logits += self._offsets
        return logits

    def probabilities(self, embeddings: Embeddings, temperature: float = 1.0) -> Shares:
        """Compute probabilities (n, c) float32 at a `temperature` > 0.

        A softmax, whose rows sum to 1 even if no class fits. For a model that was trained with a
        sigmoid, each class is judged by itself.
        """
        shares = self.logits(embeddings)
        shares *= np.float32(1 / temperature)
        if self._sigmoid:
            with np.errstate(over="ignore"):  # exp() of 89 and more is infinite, which gives 0
                np.exp(-shares, out=shares)
            shares += 1
            return np.reciprocal(shares, out=shares)
        # exp() of the largest logit is then 1: a scale of 100 overflows nothing.
        shares -= shares.max(axis=1, keepdims=True, initial=-np.inf)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares


def best_temperature(logits: Floats, labels: npt.NDArray[np.intp]) -> float:
    """Fit the softmax temperature to labels.

    It has the lowest mean negative log-likelihood (Guo et al. 2017, "On Calibration of Modern
    Neural Networks"), which is convex in 1 / temperature. Its slope there is the expected logit
    under the softmax less the logit of the right class. Bisecting on the sign of the slope finds
    the minimum, or the bound that is nearest to it.

    Args:
        logits: (n, c), finite.
        labels: (n,) in [0, c), the right classes.

    Returns:
        In [0.05, 20], and 1 where there is nothing to learn from.
    """
    if not len(labels) or logits.shape[1] < 2:
        return 1.0
    margins = logits.astype(np.float64)
    margins -= margins.max(axis=1, keepdims=True)
    correct = margins[np.arange(len(margins)), labels]  # (n,)
    if not margins.any():
        return 1.0
    low, high = 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE
    while high / low > 1 + 1e-6:
        scale = math.sqrt(low * high)
        weights = np.exp(margins * scale)  # (n, c)
        slope = float(((weights * margins).sum(axis=1) / weights.sum(axis=1) - correct).sum())
        low, high = (low, scale) if slope > 0 else (scale, high)
    return 1 / math.sqrt(low * high)


def _language(name: str) -> str:
    return "ko" if HANGUL.search(name) else "en"


def _prompts(name: ClassName, wording: Wording) -> list[str]:
    by_wording = KIND_TEMPLATES if name.kind else TEMPLATES_BY_WORDING
    templates = by_wording[wording][_language(name.text)]
    return [template.format(name.text, kind=name.kind) for template in templates]


def _means(encoder: Encoder, prompts: Sequence[Sequence[str]]) -> Floats:
    """Encode all prompts at once and average each group: (m, d)."""
    rows = encoder.encode_texts([prompt for group in prompts for prompt in group])
    if not prompts:
        return rows
    ends = np.cumsum([len(group) for group in prompts])
    return np.stack(
        [
            rows[end - len(group) : end].mean(axis=0)
            for group, end in zip(prompts, ends, strict=True)
        ]
    )
