"""Labels: assigned labels, rules, plans and changes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from album.errors import AlbumError, QueryError
from models.interfaces import Wording

MAX_LABEL_LENGTH = 100
MAX_LABELS = 200
"""Labels that people, or a sidecar, may put on one photo."""
MAX_TEXT = 1_000_000
"""Characters of one line of a rule: a class may have thousands of names."""

Giver = Literal["person", "words", "examples", "model"]
"""Who put a label on a photo: a person, or a rule.

A rule is made of words, of examples, or of a classifier that was trained on a folder.
"""
RuleKind = Literal["words", "examples", "model"]

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """Label on a photo."""

    label: str
    given_by: Giver
    probability: float | None
    """In [0, 1]. None for a person's."""


@dataclass(frozen=True, slots=True)
class SortOptions:
    """Options of classes made of words."""

    temperature: float = 1.0
    """Above 0, higher is less certain. Divides the logits before the softmax."""
    strictness: float = 0.0
    """Log-odds that a photo needs beyond its class's own threshold to be in any class.

    Negative lets more in, -inf everything.
    """
    wording: Wording = "ensemble"


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Rule by which a label is assigned automatically."""

    label: str
    kind: RuleKind
    definition: Mapping[str, Any]
    """JSON.

    Of "words": `classes` (the lines of the list it is one of), `class` (which of them),
    `temperature`, `strictness` (None: -inf), `wording`. Of "examples": `words` ("" for none),
    `two_stage` (only photos that the words find are classified), `threshold` (None: its own). Of
    "model": `head` (its name), `class` (the column's name), `threshold`.
    """
    living: bool = False
    """New photos get it, too."""


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """Label and its sources."""

    label: str
    photos: int
    giver_counts: Mapping[Giver, int]
    """Number of photos by giver, without givers of none."""
    refused: int
    """Number of photos that a person refused it for."""
    rule: LabelRule | None


@dataclass(frozen=True, slots=True)
class PlannedLabel:
    """Planned changes of one label."""

    rule: LabelRule
    adds: Ids
    """(n,) photos that would get it, the most probable first."""
    probabilities: Floats
    """(n,) in [0, 1]"""
    takes: Ids
    """(m,) photos that would lose it: an earlier rule gave it, and this one does not."""
    kept: int
    """Number of photos that have it from a person, who is never overruled."""
    refused: int
    """Number of photos that would get it, had no person refused it."""
    again: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    """(k,) photos that have it from a rule and still would, the most probable first."""
    again_probabilities: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    """(k,) in [0, 1], as predicted now."""

    @property
    def surest(self) -> list[tuple[int, float]]:
        """Up to 20 most probable (photo id, probability)."""
        return _pairs(self.adds[:20], self.probabilities[:20])

    @property
    def edge(self) -> list[tuple[int, float]]:
        """Up to 20 least probable beside `surest`, the least probable first."""
        start = max(20, len(self.adds) - 20)
        return _pairs(self.adds[start:], self.probabilities[start:])[::-1]


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """Dry run: nothing is written until it is applied."""

    labels: tuple[PlannedLabel, ...]
    none_of_these: int = 0
    """Number of classified photos that get none of the labels."""
    model_id: str | None = None
    """The model whose embeddings were classified. None: there were none.

    A living label then begins with the photos that arrive after it was applied.
    """
    upto: int = 0
    """The number of the last embedding: later ones were not classified."""

    def only(self, labels: Iterable[str]) -> LabelPlan:
        """Return the plan for some of the labels."""
        chosen = set(labels)
        return replace(
            self, labels=tuple(planned for planned in self.labels if planned.rule.label in chosen)
        )

    @property
    def additions(self) -> int:
        """Number of labels to add."""
        return sum(len(label.adds) for label in self.labels)

    @property
    def removals(self) -> int:
        """Number of labels to remove."""
        return sum(len(label.takes) for label in self.labels)


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Change that was written at once, and can be undone at once."""

    act_id: int
    labels: tuple[str, ...]
    added: int
    """Number of labels added, including those of later photos by a living rule."""
    removed: int
    """Number of labels removed."""
    done_at: datetime
    undone_at: datetime | None = field(default=None)


def checked_rule(label: str, kind: Any, definition: Any, living: Any) -> LabelRule:
    """Build a rule from untrusted JSON.

    Raises:
        AlbumError: it is invalid.
    """
    definition = definition if isinstance(definition, dict) else {}
    values = {key: definition.get(key) for key in _DEFINITIONS.get(str(kind), {})}
    valid = [test(values[key]) for key, test in _DEFINITIONS.get(str(kind), {}).items()]
    if not valid or not all(valid) or not isinstance(living, bool):
        raise AlbumError(
            "How “{label}” is given cannot be understood: apply it again.", label=label
        )
    return LabelRule(label, cast("RuleKind", kind), values, living)


def label_name(text: str) -> str:
    """Normalize a label: one line, composed Unicode, without surrounding blanks.

    Raises:
        QueryError: it is empty, or too long.
    """
    whole = unicodedata.normalize("NFC", text.encode(errors="replace").decode())
    readable = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in whole)
    name = " ".join(readable.split())
    if not name:
        raise QueryError("Write a name for the label.")
    if len(name) > MAX_LABEL_LENGTH:
        raise QueryError("A label can have {limit} characters at most.", limit=MAX_LABEL_LENGTH)
    return name


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _share_or_none(value: Any) -> bool:
    return value is None or _number(value, 0, 1)


_DEFINITIONS: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "words": {
        "classes": lambda value: isinstance(value, list) and all(map(_text, value)),
        "class": _text,
        "temperature": lambda value: _number(value, 1e-6, 1e6),
        "strictness": lambda value: value is None or _number(value, -1e6, 1e6),
        "wording": lambda value: isinstance(value, str) and value in get_args(Wording),
    },
    "examples": {
        "words": _text,
        "two_stage": lambda value: isinstance(value, bool),
        "threshold": _share_or_none,
    },
    "model": {"head": _text, "class": _text, "threshold": lambda value: _number(value, 0, 1)},
}
"""Checks of a rule's definition, by kind."""


def _pairs(ids: Ids, probabilities: Floats) -> list[tuple[int, float]]:
    return [(int(i), float(p)) for i, p in zip(ids, probabilities, strict=True)]


FAVOURITE = "favourite"
"""Label of favourite photos in every language. The page translates it."""


def stored_names(labels: Sequence[str]) -> list[str]:
    """Return labels as they are stored, without blanks and duplicates."""
    return list(dict.fromkeys(label_name(label) for label in labels if label.strip()))
