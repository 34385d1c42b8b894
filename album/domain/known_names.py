"""Names that the album's photos carry: places, cameras, lenses, labels, keywords."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Names that the album's photos carry, in the album's spelling."""

    places: frozenset[str] = frozenset()
    """Towns and countries, Korean and English."""
    cameras: frozenset[str] = frozenset()
    lenses: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    label_synonyms: frozenset[tuple[str, str]] = frozenset()
    """(name, label): other names of labels, such as puppy of dog."""
    keywords: frozenset[str] = frozenset()
    """Keywords of their files, and the levels of hierarchical ones."""
