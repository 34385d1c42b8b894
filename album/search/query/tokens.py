"""Tokens of a query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from album.domain.filters import Fact

Alone = Literal["", "right", "both", "all"]
"""A fact only where no plain word stands behind it, on either side, nor any word at all."""
TokenKind = Literal[
    "word",
    "fact",
    "weighted",
    "unwanted",
    "plus",
    "break",
    "without",
    "lacking",
    "opener",
    "closer",
    "photos of",
    "photos",
    "filler",
]


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text, [start, end) of its folded form."""

    kind: TokenKind
    start: int
    end: int
    chip: str = ""
    """Of a fact: the kind of its chip."""
    facts: tuple[Fact, ...] = ()
    first: date | None = None
    last: date | None = None
    excluded: bool = False
    alone: Alone = ""
    """How much room it needs to be a fact."""
    visible_words: tuple[int, int] | None = None
    """Of a fact that can be seen as well: [start, end) of the words that stay in the look."""
    inner: tuple[tuple[int, int], ...] = ()
    """Of weighted or unwanted words: [start, end) of each without weight, hyphen or quotes."""
    weight: float = 1.0
    labels: tuple[str, ...] = ()
    """Of words: the label that they name. Of unwanted ones: that of each of `inner`, or ""."""
    notice: str = ""
