"""Zero-shot classes: a class is the mean of what the text tower makes of its names.

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
"""Where the best one is looked for; answers that are all right have theirs at 0."""

Floats = npt.NDArray[np.float32]


def name_directions(
    encoder: Encoder, names: Sequence[ClassName], wording: Wording = "ensemble"
) -> Floats:
    """The mean of what the text tower makes of each name in the templates of its own language.

    Args:
        encoder: Whose text tower is asked.
        names: Of any classes; their weights are not looked at.
        wording: What each is put into.

    Returns:
        (m, d) float32, means over unit rows, so of norm 1 at the most: a mean over the names of a
        class then weighs every template alike. (0, d) for no names.
    """
    return _means(encoder, [_prompts(name, wording) for name in names])


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
    """Decides by cosine to the directions of the classes: no example photos, no training."""

    def __init__(
        self,
        directions: Embeddings,
        priors: npt.NDArray[np.float64] | None = None,
        *,
        logit_scale: float,
        logit_bias: float | None = None,
    ) -> None:
        """Decide between c classes.

        Args:
            directions: (c, d), rows of L2 norm 1.
            priors: (c,) above 0, how common each class is, of which only ratios count in a
                softmax; None: all the same.
            logit_scale: What cosines are multiplied by; above 0.
            logit_bias: What is added before a sigmoid (Zhai et al. 2023, "Sigmoid Loss for
                Language Image Pre-Training"); None for a model that was trained by a softmax.
        """
        self._directions = directions
        self._scaled = directions * np.float32(logit_scale)  # (c, d): saves passes over (n, c)
        self._sigmoid = logit_bias is not None
        offsets = np.zeros(len(directions)) if priors is None else np.log(priors)
        self._offsets = (offsets + (logit_bias or 0.0)).astype(np.float32)  # (c,)

    def scores(self, embeddings: Embeddings) -> Floats:
        """(n, c) float32 cosines in [-1, 1]: how well each class fits by itself."""
        cosines: Floats = embeddings @ self._directions.T
        return np.clip(cosines, -1.0, 1.0, out=cosines)

    def logits(self, embeddings: Embeddings) -> Floats:
        """(n, c) float32: scaled cosines and the logarithms of the priors, and the bias if any."""
        logits: Floats = embeddings @ self._scaled.T
        if self._offsets.any():
            logits += self._offsets
        return logits

    def probabilities(self, embeddings: Embeddings, temperature: float = 1.0) -> Shares:
        """(n, c) float32: what the logits, divided by `temperature` > 0, make of each class.

        Of a softmax, each row of which sums to 1 though no class may fit; or of a sigmoid where
        the model was trained by one: there each class answers for itself.
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
    """What to divide logits by, so that their softmax tells the right classes best.

    That is where the mean negative log-likelihood is lowest (Guo et al. 2017, "On Calibration of
    Modern Neural Networks"). It is convex in 1 / temperature, and its slope there is what the
    softmax expects of the logit less the logit of the right class, so halving the interval in
    which the slope changes its sign finds it, or the bound that lies nearest to it.

    Args:
        logits: (n, c), finite.
        labels: (n,) in [0, c): the right class of each.

    Returns:
        In [0.05, 20]; 1 where there is nothing to learn from.
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
    """(m, d) the mean row of each group of prompts, all of which are encoded at once."""
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
