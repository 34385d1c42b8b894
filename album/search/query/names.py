"""Names that the album's photos carry, found in what was typed: towns, cameras, lenses, labels.

A name counts however it is spaced ("iphone15", "newyork"); of a camera or a lens also a part that
tells it ("Pixel", "50mm"), and in Korean letters its brand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from album.domain.filters import ByCamera, ByLens, Fact, InPlace, Labelled
from album.search.query import words as table
from album.search.query.text import fold

NameKind = Literal["place", "camera", "lens", "label"]
_LONGEST: Final = 80
_MOST_WORDS: Final = 12
_MILLIMETRES = re.compile(
    r"(?<![0-9.])[0-9]+(?:\.[0-9]+)?(?:-[0-9]+(?:\.[0-9]+)?)? ?mm", re.IGNORECASE
)


class Name(NamedTuple):
    """One known name."""

    kind: NameKind
    fact: Fact
    doubtful: bool
    """A plain word as well: it counts only behind a preposition or particle, or with a capital."""


class NameMatch(NamedTuple):
    """A known name at one place of a text."""

    name: Name
    end: int


class NameIndex:
    """All known names, ready to be found at any place of a folded text."""

    def __init__(
        self,
        places: Iterable[str],
        cameras: Iterable[str],
        lenses: Iterable[str],
        labels: Iterable[str],
    ) -> None:
        self._names: dict[str, Name] = {}
        kinds: tuple[tuple[NameKind, Iterable[str]], ...] = (
            ("place", places),
            ("camera", cameras),
            ("lens", lenses),
        )
        for kind, every in kinds:
            for spelled in sorted(every):
                for part, fact, doubtful in _parts(kind, spelled):
                    self._add(part, Name(kind, fact, doubtful))
        self._labels: dict[str, Name] = {}
        for label in sorted(labels):
            name = Name("label", Labelled(label), doubtful=False)
            self._labels.setdefault(fold(label).folded, name)
            self._add(fold(label).folded, name)
        lengths: dict[str, set[int]] = {}
        for key in (*self._names, *self._labels):
            lengths.setdefault(key[:2], set()).add(len(key))
        self._lengths = {start: sorted(found, reverse=True) for start, found in lengths.items()}

    def at(self, text: str, at: int) -> Iterator[NameMatch]:
        """The names that the text goes on with at `at`, the longest first."""
        for length in self._lengths.get(text[at : at + 2], ()):
            name = self._names.get(text[at : at + length])
            if name is not None and at + length <= len(text):
                yield NameMatch(name, at + length)

    def labels_at(self, text: str, at: int) -> Iterator[NameMatch]:
        """The same among labels alone, also where a town is called so."""
        for length in self._lengths.get(text[at : at + 2], ()):
            label = self._labels.get(text[at : at + length])
            if label is not None and at + length <= len(text):
                yield NameMatch(label, at + length)

    def _add(self, key: str, name: Name) -> None:
        """The first to claim a spelling keeps it: towns before cameras, lenses and labels."""
        spellings = [key, key.replace("-", " "), key.replace(" ", "")]
        for spelling in spellings:
            if 2 <= len(spelling) <= _LONGEST:
                self._names.setdefault(spelling, name)


def _parts(kind: str, name: str) -> Iterator[tuple[str, Fact, bool]]:
    """(folded words, the fact they mean, whether they are doubtful) of a name and of its parts."""
    folded = fold(name).folded
    if kind == "place":
        yield folded, InPlace(name), folded in table.ORDINARY or len(folded) < 2
        return
    by = ByCamera if kind == "camera" else ByLens
    yield folded, by(name), folded in table.DOUBTFUL_CAMERAS
    shown = name.split()[:_MOST_WORDS]
    for first in range(len(shown)):
        for last in range(first + 1, len(shown) + 1):
            part = fold(" ".join(shown[first:last])).folded
            if kind == "camera" and _tells_a_camera(part.split()):
                fact = by(" ".join(shown[first:last]))
                doubtful = part in table.DOUBTFUL_CAMERAS
                yield part, fact, doubtful
                korean = " ".join(table.BRANDS.get(word, word) for word in part.split())
                if korean != part:
                    yield korean, fact, doubtful and part != "galaxy"
    if kind == "lens":
        for match in _MILLIMETRES.finditer(name):
            yield fold(match[0]).folded, by(match[0]), False


def _tells_a_camera(words: list[str]) -> bool:
    """Whether a part of a camera's name says which: "Pixel", "EOS R5" do; "Pro", "15" do not."""
    told = [
        word
        for word in words
        if word not in table.NO_CAMERA_ALONE and len(word) > 1 and not word.isdigit()
    ]
    return bool(told) and words[0] not in table.NO_CAMERA_ALONE and not words[0].isdigit()


@lru_cache(maxsize=4)
def index_of(
    places: frozenset[str],
    cameras: frozenset[str],
    lenses: frozenset[str],
    labels: frozenset[str],
) -> NameIndex:
    """The index of these names; built once as long as they stay the same."""
    return NameIndex(places, cameras, lenses, labels)
