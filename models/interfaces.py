"""What the album may expect of a model. NumPy and Pillow only, so importing it loads no network.

Shape letters, everywhere the same: n photos, b batch, d width, c classes, t templates, h w pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""(n, d) float32 on the CPU, rows of L2 norm 1; (0, d) for no input."""


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
    def languages(self) -> tuple[str, ...]:
        """The languages that it reads, as ISO 639-1 codes ("en", "ko"); () for every one."""

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Embed upright RGB images of any size: (n, d)."""

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts in any language the model reads, cut at its context length: (n, d)."""


class Classifier(Protocol):
    """Decides between c classes from embeddings alone."""

    def probabilities(self, embeddings: Embeddings) -> npt.NDArray[np.float32]:
        """(n, c) float32, each row sums to 1; columns in the order of the classes."""

    def scores(self, embeddings: Embeddings) -> npt.NDArray[np.float32]:
        """(n, c) float32 cosines in [-1, 1]: how well each photo fits each class by itself."""


class BuildClassifier(Protocol):
    """Makes a classifier out of class names: one list of synonyms per class, any language."""

    def __call__(self, encoder: Encoder, classes: Sequence[Sequence[str]]) -> Classifier:
        """Encode the names once; the result can be used on any number of photos."""


class Captioner(Protocol):
    """Writes one sentence about a picture, or the same words in another language; may be far away,
    slow and paid."""

    @property
    def model_id(self) -> str:
        """Named beside each caption it wrote."""

    def check(self) -> None:
        """Do nothing where it can be asked at all; costs nothing and sends nothing.

        Raises:
            CaptionerUnavailableError: something is missing, such as the key, and how to set it.
        """

    def caption(self, jpeg: bytes, language: str) -> str:
        """A caption for `jpeg` in `language` ("ko" or "en"), one line of plain text.

        Raises:
            CaptionerUnavailableError: no key, network, quota or a fault of theirs; later may work.
            CaptionRefusedError: it answered and declined; asking again is useless.
        """

    def translate(self, text: str, language: str) -> str:
        """What somebody searches for, put into `language` ("ko" or "en"): one line of plain text.

        Nothing but `text` is sent.

        Args:
            text: 1 to 1,000 characters.
            language: of the answer.

        Raises:
            CaptionerUnavailableError: as of `caption`.
            CaptionRefusedError: as of `caption`, or the answer is no translation.
        """
