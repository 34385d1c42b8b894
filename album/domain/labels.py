"""The nouns of labelling: what photos are called, who said so, and what is about to be said."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
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
"""Who put a label on a photo: somebody by hand, or a rule made of words, of examples, or of a
classifier that was trained on a folder."""
RuleKind = Literal["words", "examples", "model"]

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """A label on a photo."""

    label: str
    given_by: Giver
    probability: float | None
    """In [0, 1]; None for a person's."""


@dataclass(frozen=True, slots=True)
class SortOptions:
    """How classes made of words decide."""

    temperature: float = 1.0
    """Above 0; higher is less sure. Divides the logits before the softmax."""
    strictness: float = 0.0
    """Log-odds that a photo must have beyond its class's own threshold, lest it be none of these;
    negative lets more in, -inf everything."""
    wording: Wording = "ensemble"


@dataclass(frozen=True, slots=True)
class LabelRule:
    """How a label is given by itself."""

    label: str
    kind: RuleKind
    definition: Mapping[str, Any]
    """JSON. Of "words": `classes` (the lines of the list it is one of), `class` (which of them),
    `temperature`, `strictness` (None: -inf), `wording`. Of "examples": `words` ("" for none),
    `two_stage` (only photos that the words find are asked about), `threshold` (None: its own). Of
    "model": `head` (its name), `class` (the column's name), `threshold`."""
    living: bool = False
    """New photos get it, too."""


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """A label and where it comes from."""

    label: str
    photos: int
    giver_counts: Mapping[Giver, int]
    """How many photos have it from whom; givers of none are left out."""
    refused: int
    """How many photos somebody said it is wrong for."""
    rule: LabelRule | None


@dataclass(frozen=True, slots=True)
class PlannedLabel:
    """What would happen to one label."""

    rule: LabelRule
    adds: Ids
    """(n,) photos that would get it, the surest first."""
    probabilities: Floats
    """(n,) in [0, 1]"""
    takes: Ids
    """(m,) photos that would lose it: they have it from an earlier rule that says no now."""
    kept: int
    """How many photos have it from a person, who is never overruled."""
    refused: int
    """How many would get it, had nobody said that it is wrong for them."""
    again: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    """(k,) photos that have it from a rule already, and still would; the surest first."""
    again_probabilities: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    """(k,) in [0, 1]: as it is now."""

    @property
    def surest(self) -> list[tuple[int, float]]:
        """Up to 20 (photo id, probability) that it is surest of."""
        return _pairs(self.adds[:20], self.probabilities[:20])

    @property
    def edge(self) -> list[tuple[int, float]]:
        """Up to 20 that it is least sure of, the least sure first; none of the surest."""
        start = max(20, len(self.adds) - 20)
        return _pairs(self.adds[start:], self.probabilities[start:])[::-1]


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """A dry run: nothing is written until it is applied."""

    labels: tuple[PlannedLabel, ...]
    none_of_these: int = 0
    """How many photos were looked at and get none of the labels."""
    model_id: str | None = None
    """Whose vectors there were; None: new to a living label is who comes after it was applied."""
    upto: int = 0
    """The number of the last of those vectors: photos behind it were not looked at."""

    def only(self, labels: Iterable[str]) -> LabelPlan:
        """The same for some of the labels."""
        chosen = set(labels)
        return replace(self, labels=tuple(it for it in self.labels if it.rule.label in chosen))

    @property
    def photos(self) -> int:
        """How many labels would be given."""
        return sum(len(it.adds) for it in self.labels)

    @property
    def removals(self) -> int:
        """How many labels would be taken away."""
        return sum(len(it.takes) for it in self.labels)


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What was written at once, and can be undone at once."""

    act_id: int
    labels: tuple[str, ...]
    added: int
    """How many labels were given, with those of photos that came since to a living one."""
    removed: int
    """How many were taken away."""
    done_at: datetime
    undone_at: datetime | None = field(default=None)


def checked_rule(label: str, kind: Any, definition: Any, living: Any) -> LabelRule:
    """A rule out of JSON that may be made up.

    Raises:
        AlbumError: it is none.
    """
    definition = definition if isinstance(definition, dict) else {}
    given = {key: definition.get(key) for key in _DEFINITIONS.get(str(kind), {})}
    sound = [test(given[key]) for key, test in _DEFINITIONS.get(str(kind), {}).items()]
    if not sound or not all(sound) or not isinstance(living, bool):
        raise AlbumError(f"How “{label}” is given cannot be understood: apply it anew.")
    return LabelRule(label, cast("RuleKind", kind), given, living)


def label_name(text: str) -> str:
    """A label as it is kept: on one line, its letters composed, without blanks around it.

    Raises:
        QueryError: it is empty, or too long.
    """
    whole = unicodedata.normalize("NFC", text.encode(errors="replace").decode())
    readable = "".join(" " if unicodedata.category(it) == "Cc" else it for it in whole)
    name = " ".join(readable.split())
    if not name:
        raise QueryError("Write a name for the label.")
    if len(name) > MAX_LABEL_LENGTH:
        raise QueryError(f"A label can have {MAX_LABEL_LENGTH} characters at most.")
    return name


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _share_or_none(value: Any) -> bool:
    return value is None or _number(value, 0, 1)


_DEFINITIONS: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "words": {
        "classes": lambda it: isinstance(it, list) and all(map(_text, it)),
        "class": _text,
        "temperature": lambda it: _number(it, 1e-6, 1e6),
        "strictness": lambda it: it is None or _number(it, -1e6, 1e6),
        "wording": lambda it: isinstance(it, str) and it in get_args(Wording),
    },
    "examples": {
        "words": _text,
        "two_stage": lambda it: isinstance(it, bool),
        "threshold": _share_or_none,
    },
    "model": {"head": _text, "class": _text, "threshold": lambda it: _number(it, 0, 1)},
}
"""What the parts of a rule of each kind must be."""


def _pairs(ids: Ids, probabilities: Floats) -> list[tuple[int, float]]:
    return [(int(i), float(p)) for i, p in zip(ids, probabilities, strict=True)]


FAVOURITE = "favourite"
"""The label of photos with a heart, in every language; the page calls it by its own words."""
