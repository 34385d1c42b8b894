"""Interfaces between the album and models, without importing a network.

Shape letters in all modules: n photos, b batch, d width, c classes, t templates, h w pixels.
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
"""(n, d) float32 on the CPU, rows of L2 norm 1. (0, d) for no input."""
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
    """One class with its names, the first of which is its label."""

    names: tuple[ClassName, ...]
    prior: float = 1.0
    """Above 0: how common it is. Only ratios count."""

    @property
    def label(self) -> str:
        """Label of the photos of this class."""
        return self.names[0].text


class Encoder(Protocol):
    """Image and text tower with one embedding space. Safe for many threads."""

    @property
    def model_id(self) -> str:
        """Id of the weights. Equal ids mean comparable embeddings."""

    @property
    def dim(self) -> int:
        """Width d of an embedding."""

    @property
    def image_size(self) -> int:
        """Side in pixels of the image tower's input.

        Decoding smaller loses detail.
        """

    @property
    def logit_scale(self) -> float:
        """Factor of cosines before a softmax (CLIP's learned inverse temperature)."""

    @property
    def logit_bias(self) -> float | None:
        """SigLIP's offset before its sigmoid. None for a softmax model."""

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of its languages ("en", "ko"), () for all."""

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Embed upright RGB images of any size: (n, d)."""

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts, cut at the context length: (n, d)."""


class Classifier(Protocol):
    """Classification of embeddings into c classes."""

    def scores(self, embeddings: Embeddings) -> npt.NDArray[np.float32]:
        """Compute cosines (n, c) float32 in [-1, 1]."""

    def logits(self, embeddings: Embeddings) -> npt.NDArray[np.float32]:
        """Compute logits (n, c) float32 at temperature 1, with priors."""


class Probe(Protocol):
    """Binary classifier of one label on one model's embeddings."""

    def probabilities(self, embeddings: Embeddings) -> Shares:
        """Compute the probability of the label for each photo, (n,) float32."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """A proportion in [0, 1] with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, k: int, n: int) -> Proportion:
        """Compute k of n with the interval of Wilson 1927.

        It also holds for small n and at the ends. For n = 0 the value is 0 and the interval [0, 1].
        """
        if n == 0:
            return cls(0.0, 0.0, 1.0)
        value, z2 = k / n, Z95**2
        middle = (value + z2 / (2 * n)) / (1 + z2 / n)
        half = Z95 * math.sqrt(value * (1 - value) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        # Rounding may put an end a hair on the other side of the share.
        return cls(value, min(value, max(0.0, middle - half)), max(value, min(1.0, middle + half)))


@dataclass(frozen=True, slots=True)
class FittedProbe:
    """A fitted probe with its measured precision and recall."""

    probe: Probe
    threshold: float
    """The probability from which on a photo gets the label."""
    precision: Proportion | None
    """Of held-out examples, None if there are too few."""
    recall: Proportion | None


@dataclass(frozen=True, slots=True)
class HeadCard:
    """Description of a classifier that was trained on a folder."""

    name: str
    """Of its folder."""
    classes: tuple[str, ...]
    photos: tuple[int, ...]
    """How many photos each class was trained with."""
    mode: Literal["features", "finetune"]
    backbone: str
    model_id: str | None
    """Whose embeddings it reads, None if it reads images."""
    accuracy: float
    """In [0, 1], on photos that were held back."""
    trained_at: str
    """ISO 8601, to the second."""


class TrainedHead(Protocol):
    """A classifier that was trained on a folder."""

    @property
    def card(self) -> HeadCard:
        """Its description."""

    @property
    def image_size(self) -> int:
        """Side in pixels of its input images, 0 if it reads embeddings."""

    def of_embeddings(self, embeddings: Embeddings) -> Shares:
        """Classify embeddings of `card.model_id`: (n, c), rows sum to 1.

        Raises:
            ModelError: it reads images.
        """

    def of_images(self, images: Sequence[Image.Image]) -> Shares:
        """Classify upright RGB images: (n, c), rows sum to 1.

        Raises:
            ModelError: it reads embeddings.
        """


class Classifiers(Protocol):
    """Factory of classifiers from text, from examples, and from disk."""

    def name_directions(
        self, encoder: Encoder, names: Sequence[ClassName], wording: Wording = "ensemble"
    ) -> npt.NDArray[np.float32]:
        """Average the text embeddings of each name over its templates.

        Returns:
            (m, d) float32 means over unit rows. They are not normalised, so that means over names
            weigh them correctly. `ClassName.weight` is left to the caller.
        """

    def zero_shot(
        self, directions: Embeddings, priors: npt.NDArray[np.float64], logit_scale: float
    ) -> Classifier:
        """Create a classifier by cosine to (c, d) unit directions.

        `priors` (c,) and the factor of the cosines are above 0. No text is encoded.
        """

    def best_temperature(
        self, logits: npt.NDArray[np.float32], labels: npt.NDArray[np.intp]
    ) -> float:
        """Fit the temperature of (n, c) logits to (n,) labels.

        It has the lowest negative log-likelihood (Guo et al. 2017).
        """

    def fit_probe(
        self,
        positives: Embeddings,
        negatives: Embeddings,
        unlabelled: Embeddings,
        text: npt.NDArray[np.float32] | None = None,
    ) -> FittedProbe:
        """Learn a label from examples, in well under a second.

        Args:
            positives: (p, d) photos that have it, p >= 1 unless there is `text`.
            negatives: (q, d) photos that have not, may be none.
            unlabelled: (u, d) unlabelled photos of the album, as what photos look like, may be
                none.
            text: (d,) unit direction of the label's text, which weighs less the more examples there
                are.
        """

    def heads(self, folder: Path) -> list[HeadCard]:
        """List the trained classifiers in a folder, newest first.

        Damaged ones are left out.
        """

    def load_head(self, folder: Path, name: str) -> TrainedHead:
        """Load a trained classifier.

        Raises:
            ModelError: there is none of this name, or its files are damaged.
        """


@dataclass(frozen=True, slots=True)
class CaptionResult:
    """A captioner's description of a photo. Absent parts are empty."""

    captions: Mapping[str, str]
    """At least one, as one line of plain text, by language: "ko", "en", or "" if it is unknown."""
    keywords: tuple[str, ...] = ()
    """Without doubles or blanks, in the languages that were asked for."""
    text_in_photo: str = ""
    """What can be read in the picture, line by line, as it is written there."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation about a photo."""

    by: Literal["person", "model"]
    text: str


class Captioner(Protocol):
    """Model that captions photos, answers questions and translates queries.

    It may be remote, slow and paid.
    """

    before_request: Callable[[], None] | None
    """Called in the caller's thread before anything is sent. It may wait, and its exceptions are
    passed on with nothing sent."""

    @property
    def model_id(self) -> str:
        """Name of the model, stored with its captions."""

    def check(self) -> None:
        """Check that requests are possible, without sending anything.

        Raises:
            CaptionerUnavailableError: something is missing, such as the key, and how to set it.
        """

    @property
    def prompt_version(self) -> str:
        """Version of the instructions, stored with their captions."""

    @property
    def sends(self) -> bool:
        """Whether photos leave this machine. A local captioner has no quota."""

    @property
    def speaks(self) -> tuple[str, ...]:
        """Languages that it can write ("ko", "en")."""

    @property
    def converses(self) -> bool:
        """Whether it can answer questions about a picture."""

    @property
    def key_hint(self) -> str:
        """End of its API key, at most four characters, or ""."""

    def describe(self, jpeg: bytes, languages: Sequence[str]) -> CaptionResult:
        """Caption a photo in each language with one request.

        Args:
            jpeg: The photo.
            languages: "ko", "en" or both.

        Raises:
            CaptionerUnavailableError: no key, network or quota, or a fault of the server. Retrying
                may help, from `retry_after_s` on if it is set.
            CaptionRefusedError: it answered and declined, so retrying is useless.
        """

    def answer(self, jpeg: bytes, turns: Sequence[Turn], language: str) -> str:
        """Write the next turn of a conversation, in plain text.

        Args:
            jpeg: The photo.
            turns: The conversation, which ends with the person.
            language: Language of the answer.

        Raises:
            CaptionerUnavailableError: see `describe`, or it cannot converse at all.
            CaptionRefusedError: see `describe`.
        """

    def translate(self, text: str, language: str) -> str:
        """Translate a search query to one line of plain text.

        Nothing but `text` is sent.

        Args:
            text: 1 to 1,000 characters.
            language: Language of the answer, "ko" or "en".

        Raises:
            CaptionerUnavailableError: see `describe`, or it cannot translate at all.
            CaptionRefusedError: see `describe`, or the answer is no translation.
        """
