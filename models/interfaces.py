"""What the album may expect of a model. NumPy and Pillow only, so importing it loads no network.

Shape letters, everywhere the same: n photos, b batch, d width, c classes, t templates, h w pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""(n, d) float32 on the CPU, rows of L2 norm 1; (0, d) for no input."""
Z95 = 1.959964
"""Of the normal distribution: 95 % lie within so many standard deviations."""
Shares: TypeAlias = npt.NDArray[np.float32]
"""Probabilities in [0, 1]."""
Wording = Literal["name", "sentence", "ensemble"]
"""What a name is put into: nothing, the one sentence "a photo of a ...", or all templates."""


@dataclass(frozen=True, slots=True)
class ClassName:
    """One name of a class, in any language."""

    text: str
    kind: str = ""
    """What sort of thing it is, where the name alone could be several: a crane, "bird"."""
    weight: float = 1.0
    """Above 0: how much it counts beside the other names of the class."""


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """One class: its names, the first of which is its label."""

    names: tuple[ClassName, ...]
    prior: float = 1.0
    """Above 0: how common it is beside the others; only ratios count."""

    @property
    def label(self) -> str:
        """What photos of it are called."""
        return self.names[0].text


class Encoder(Protocol):
    """A pair of towers that put images and texts into one space; safe to call from many threads."""

    @property
    def model_id(self) -> str:
        """Names the weights: equal ids mean comparable embeddings."""

    @property
    def dim(self) -> int:
        """d, the width of an embedding."""

    @property
    def image_size(self) -> int:
        """Pixels of the square that the image tower sees; decoding smaller loses detail."""

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied by before a softmax (CLIP's learned inverse temperature)."""

    @property
    def logit_bias(self) -> float | None:
        """What SigLIP adds before its sigmoid; None for a model that was trained by a softmax."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it reads, as ISO 639-1 codes ("en", "ko"); () for every one."""

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Embed upright RGB images of any size: (n, d)."""

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts in any language the model reads, cut at its context length: (n, d)."""


class Classifier(Protocol):
    """Decides between c classes from embeddings alone."""

    def scores(self, embeddings: Embeddings) -> npt.NDArray[np.float32]:
        """(n, c) float32 cosines in [-1, 1]: how well each photo fits each class by itself."""

    def logits(self, embeddings: Embeddings) -> npt.NDArray[np.float32]:
        """(n, c) float32: what the probabilities are made of at temperature 1, priors included."""

    def probabilities(self, embeddings: Embeddings, temperature: float = 1.0) -> Shares:
        """(n, c) float32; columns in the order of the classes.

        Each row sums to 1, but for a model that was trained by a sigmoid: there each class answers
        for itself.
        """


class Probe(Protocol):
    """Tells the photos of one label from all others, by embeddings of one model alone."""

    def probabilities(self, embeddings: Embeddings) -> Shares:
        """(n,) float32: how probable it is that each photo has the label."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share in [0, 1] with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, k: int, n: int) -> Proportion:
        """k of n, with the interval of Wilson 1927, which also holds for few and at the ends; for
        n = 0 it is nothing with everything possible."""
        if n == 0:
            return cls(0.0, 0.0, 1.0)
        value, z2 = k / n, Z95**2
        middle = (value + z2 / (2 * n)) / (1 + z2 / n)
        half = Z95 * math.sqrt(value * (1 - value) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        # Rounding may put an end a hair on the other side of the share.
        return cls(value, min(value, max(0.0, middle - half)), max(value, min(1.0, middle + half)))


@dataclass(frozen=True, slots=True)
class FittedProbe:
    """What was learned from examples, and how far it can be believed."""

    probe: Probe
    threshold: float
    """The probability from which on a photo gets the label."""
    precision: Proportion | None
    """Of examples it had not seen; None where there are too few to tell."""
    recall: Proportion | None


@dataclass(frozen=True, slots=True)
class HeadCard:
    """What is known of a classifier that was trained on a folder of photos."""

    name: str
    """Of its folder."""
    classes: tuple[str, ...]
    photos: tuple[int, ...]
    """How many photos each class was trained with."""
    mode: Literal["features", "finetune"]
    backbone: str
    model_id: str | None
    """Whose embeddings it reads; None where it looks at the pictures itself."""
    accuracy: float
    """In [0, 1], on photos that were held back."""
    trained_at: str
    """ISO 8601, to the second."""


class TrainedHead(Protocol):
    """A classifier that was trained on a folder of photos."""

    @property
    def card(self) -> HeadCard:
        """What is known of it."""

    @property
    def image_size(self) -> int:
        """Pixels of the square that it sees where it looks at the pictures itself; else 0."""

    def of_embeddings(self, embeddings: Embeddings) -> Shares:
        """(n, c), rows sum to 1: from embeddings of `card.model_id`.

        Raises:
            ModelError: it looks at the pictures itself.
        """

    def of_images(self, images: Sequence[Image.Image]) -> Shares:
        """(n, c), rows sum to 1: from upright RGB images.

        Raises:
            ModelError: it reads embeddings.
        """


class Classifiers(Protocol):
    """Makes classifiers: out of words, of examples, and of what was trained before."""

    def name_directions(
        self, encoder: Encoder, names: Sequence[ClassName], wording: Wording = "ensemble"
    ) -> npt.NDArray[np.float32]:
        """(m, d) float32: the mean of what the text tower makes of each name in its templates.

        The mean over unit rows, not of norm 1 itself, so that means over names weigh them right.
        Weights are left to the caller.
        """

    def zero_shot(
        self, encoder: Encoder, directions: Embeddings, priors: npt.NDArray[np.float64]
    ) -> Classifier:
        """Decide by cosine to (c, d) unit directions, with (c,) priors above 0; asks no text."""

    def best_temperature(
        self, logits: npt.NDArray[np.float32], labels: npt.NDArray[np.intp]
    ) -> float:
        """The temperature at which (n, c) logits tell the (n,) right classes best: the lowest
        negative log-likelihood (Guo et al. 2017)."""

    def fit_probe(
        self,
        positives: Embeddings,
        negatives: Embeddings,
        unlabelled: Embeddings,
        text: npt.NDArray[np.float32] | None = None,
    ) -> FittedProbe:
        """Learn a label from examples; well under a second.

        Args:
            positives: (p, d) photos that have it, p >= 1 unless there is `text`.
            negatives: (q, d) photos that have not; may be none.
            unlabelled: (u, d) photos of the album that nobody said anything of, as what photos
                look like; may be none.
            text: (d,) unit direction of the label's words, which counts less the more examples
                there are.
        """

    def heads(self, folder: Path) -> list[HeadCard]:
        """The trained classifiers in a folder, newest first; what is damaged is left out."""

    def load_head(self, folder: Path, name: str) -> TrainedHead:
        """One of them.

        Raises:
            ModelError: there is none of this name, or its files are damaged.
        """


@dataclass(frozen=True, slots=True)
class CaptionResult:
    """What a captioner says of a picture; what it was not asked for, or does not see, is empty."""

    captions: Mapping[str, str]
    """By language ("ko", "en"; "" where it answered in plain words of an unknown one): one line of
    plain text each; at least one."""
    keywords: tuple[str, ...] = ()
    """Without doubles or blanks, in the languages that were asked for."""
    text_in_photo: str = ""
    """What can be read in the picture, line by line, as it is written there."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One part of a conversation about a picture."""

    by: Literal["person", "model"]
    text: str


class Captioner(Protocol):
    """Describes a picture, answers questions about it, and translates what somebody searches for;
    may be far away, slow and paid."""

    before_request: Callable[[], None] | None
    """Called in the caller's thread before anything is sent; it may wait, and what it raises is
    passed on with nothing sent."""

    @property
    def model_id(self) -> str:
        """Named beside each caption it wrote."""

    def check(self) -> None:
        """Do nothing where it can be asked at all; costs nothing and sends nothing.

        Raises:
            CaptionerUnavailableError: something is missing, such as the key, and how to set it.
        """

    @property
    def prompt_version(self) -> str:
        """Names the instructions, so that captions of other instructions can be told apart."""

    @property
    def sends(self) -> bool:
        """Whether pictures leave this machine; a captioner that runs here has no quota either."""

    @property
    def speaks(self) -> tuple[str, ...]:
        """The languages that it can write ("ko", "en")."""

    @property
    def converses(self) -> bool:
        """Whether it can answer questions about a picture."""

    @property
    def key_hint(self) -> str:
        """The end of the key that it asks with, four characters at most; "" where it has none."""

    def describe(self, jpeg: bytes, languages: Sequence[str]) -> CaptionResult:
        """Captions in each of `languages` ("ko", "en"; one or both) and what goes with them, in
        one request.

        Raises:
            CaptionerUnavailableError: no key, network, quota or a fault of theirs; later may work,
                from `retry_after_s` on where they say when.
            CaptionRefusedError: it answered and declined; asking again is useless.
        """

    def answer(self, jpeg: bytes, turns: Sequence[Turn], language: str) -> str:
        """The next turn of a conversation about `jpeg`, which ends with a person's: plain text.

        Raises:
            CaptionerUnavailableError: as of `describe`, or it cannot converse at all.
            CaptionRefusedError: as of `describe`.
        """

    def translate(self, text: str, language: str) -> str:
        """What somebody searches for, put into `language` ("ko" or "en"): one line of plain text.

        Nothing but `text` is sent.

        Args:
            text: 1 to 1,000 characters.
            language: of the answer.

        Raises:
            CaptionerUnavailableError: as of `describe`, or it cannot translate at all.
            CaptionRefusedError: as of `describe`, or the answer is no translation.
        """
