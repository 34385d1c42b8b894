"""Trained classifiers, read from disk.

    <folder>/<name>/card.json           its description, and how its network is built
    <folder>/<name>/head.safetensors    `head.weight` (c, d), `head.bias` (c,) and, if it reads
                                        images, its image tower as `tower.*`

These files are untrusted and checked before use. A classifier of embeddings needs no network:
torch is imported with the first classifier of images.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open

from models.classifiers.tower_spec import CardSection, Share, TowerSpec
from models.errors import ModelError
from models.interfaces import Embeddings, HeadCard, Shares, TrainedHead

if TYPE_CHECKING:
    from models.classifiers.image_network import Network

log = logging.getLogger(__name__)

CARD = "card.json"
WEIGHTS = "head.safetensors"
FORMAT = 1
MOST_CLASSES = 10_000
CARD_BYTES = 64 << 20
"""A confusion table of thousands of classes is long, but not longer."""

Floats = npt.NDArray[np.float32]


class Accuracy(CardSection):
    """A proportion with its 95 % interval."""

    value: Share
    low: Share
    high: Share


class Card(CardSection):
    """Required content of `card.json`. Unknown keys are ignored."""

    format: Literal[1]
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=MOST_CLASSES)]
    photos: tuple[Annotated[int, Field(ge=0)], ...]
    mode: Literal["features", "finetune"]
    backbone: Literal["clip", "resnet50"]
    model_id: str | None
    d: Annotated[int, Field(gt=0, le=1 << 16)]
    accuracy: Accuracy
    trained_at: datetime
    sha256: str
    """Of the weights: a file that was cut or swapped is told from the one that was trained."""
    tower: TowerSpec | None = None

    @model_validator(mode="after")
    def _check(self) -> Card:
        if len(set(self.classes)) != len(self.classes) or not all(map(str.strip, self.classes)):
            raise ValueError("classes have names, each its own")
        if len(self.photos) != len(self.classes):
            raise ValueError("photos are counted for each class")
        if (self.tower is None) == (self.model_id is None):
            raise ValueError("it reads embeddings of a model, or has a tower of its own")
        if self.tower is not None and self.tower.embed_dim != self.d:
            raise ValueError("the tower is of another width")
        return self

    def brief(self, name: str) -> HeadCard:
        """Summarise the card for the album. `name` is that of its folder."""
        return HeadCard(
            name=name,
            classes=self.classes,
            photos=self.photos,
            mode=self.mode,
            backbone=self.backbone,
            model_id=self.model_id,
            accuracy=self.accuracy.value,
            trained_at=self.trained_at.isoformat(timespec="seconds"),
        )


class EmbeddingHead:
    """A linear classifier of embeddings."""

    image_size = 0

    def __init__(self, card: HeadCard, weight: Floats, bias: Floats) -> None:
        """Store `weight` (c, d) and `bias` (c,)."""
        self.card = card
        self._weight, self._bias = weight, bias

    def of_embeddings(self, embeddings: Embeddings) -> Shares:
        """Classify embeddings (n, d): (n, c), rows sum to 1.

        Raises:
            ModelError: the embeddings are of another width.
        """
        if embeddings.shape[1] != self._weight.shape[1]:
            raise ModelError(
                'The classifier "{name}" reads embeddings of {shape} numbers, not of '
                "{shape2}: train it again.",
                name=self.card.name,
                shape=self._weight.shape[1],
                shape2=embeddings.shape[1],
            )
        return softmax(embeddings @ self._weight.T + self._bias)

    def of_images(self, images: Sequence[Image.Image]) -> Shares:
        """Raise ModelError, because it reads embeddings."""
        raise ModelError(
            'The classifier "{name}" reads embeddings of {model_id}, not pictures.',
            name=self.card.name,
            model_id=self.card.model_id,
        )


class ImageHead:
    """A network that reads images."""

    def __init__(self, card: HeadCard, network: Network) -> None:
        self.card = card
        self._network = network

    @property
    def image_size(self) -> int:
        """Side in pixels of the square that the network reads."""
        return self._network.spec.image_size

    def of_embeddings(self, embeddings: Embeddings) -> Shares:
        """Raise ModelError, because it reads images."""
        raise ModelError(
            'The classifier "{name}" looks at the pictures themselves, not at embeddings.',
            name=self.card.name,
        )

    def of_images(self, images: Sequence[Image.Image]) -> Shares:
        """Classify upright RGB images: (n, c), rows sum to 1."""
        return self._network.look(images)


def softmax(logits: npt.NDArray[np.floating[Any]]) -> Shares:
    """Compute a softmax, (n, c) float32, for logits of any size."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Shares = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def list_heads(folder: Path) -> list[HeadCard]:
    """List the trained classifiers in `folder`, newest first.

    Damaged ones are logged and left out.
    """
    cards = []
    for entry in _folders(folder):
        try:
            cards.append((entry.name, read_card(entry)))
        except ModelError as error:
            log.warning("%s", error)
    cards.sort(key=lambda entry: (entry[1].trained_at.timestamp(), entry[0]), reverse=True)
    return [card.brief(name) for name, card in cards]


def load_head(folder: Path, name: str) -> TrainedHead:
    """Load the trained classifier `name` of `folder`.

    Raises:
        ModelError: there is none of this name, or its files are damaged.
    """
    # Compared with what is there, never joined to a path: the name may come from a browser.
    where = next((entry for entry in _folders(folder) if entry.name == name), None)
    if where is None:
        raise ModelError(
            'There is no trained classifier "{name}": choose one that is there, or train it '
            "with python -m models.fine_tune.",
            name=name,
        )
    card = read_card(where)
    weights = where / WEIGHTS
    try:
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != card.sha256:
            raise _damaged(where)
        with safe_open(weights, "np") as tensors:
            weight, bias = (_floats(tensors, f"head.{part}") for part in ("weight", "bias"))
    except (OSError, SafetensorError, TypeError) as error:
        raise _damaged(where) from error
    if weight.shape != (len(card.classes), card.d) or bias.shape != (len(card.classes),):
        raise _damaged(where)
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise _damaged(where)
    if card.tower is None:
        return EmbeddingHead(card.brief(name), weight, bias)
    from models.classifiers.image_network import load_network

    network = load_network(card.tower, weights, weight, bias)
    if network is None:
        raise _damaged(where)
    return ImageHead(card.brief(name), network)


def read_card(folder: Path) -> Card:
    """Read the card of the classifier in `folder`, without its weights.

    Raises:
        ModelError: the card is missing or invalid.
    """
    path = folder / CARD
    try:
        with path.open("rb") as file:
            text = file.read(CARD_BYTES + 1)
        if len(text) > CARD_BYTES or not (folder / WEIGHTS).is_file():
            raise _damaged(folder)
        return Card.model_validate(json.loads(text))
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        raise _damaged(folder) from error


def _damaged(folder: Path) -> ModelError:
    return ModelError(
        'The trained classifier "{name}" is damaged: train it again, or delete its folder.',
        name=folder.name,
    )


def _folders(folder: Path) -> list[Path]:
    """List candidate folders. A classifier in training begins with a dot."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]


def _floats(tensors: Any, name: str) -> Floats:
    numbers: Floats = tensors.get_tensor(name).astype(np.float32)
    return numbers
