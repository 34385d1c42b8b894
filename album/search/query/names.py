"""Names of towns, cameras, lenses and labels in a query.

A name counts however it is spaced ("iphone15", "newyork"). Of a camera or a lens a telling part
counts as well ("Pixel", "50mm"), and its brand in Korean letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from album.domain.filters import ByCamera, ByLens, Fact, InPlace, Labelled
from album.search.query import words as table
from album.search.query.text import fold
from album.storage.text_tokens import noun_forms

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
    """An index of all known names by their folded text."""

    def __init__(
        self,
        places: Iterable[str],
        cameras: Iterable[str],
        lenses: Iterable[str],
        labels: Iterable[str],
        synonyms: Iterable[tuple[str, str]] = (),
        keywords: Iterable[str] = (),
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
        spellings = [*((label, label) for label in sorted(labels)), *sorted(synonyms)]
        keys = [(fold(spelled).folded, label) for spelled, label in spellings]
        keys += [(form, label) for key, label in keys for form in _other_number(key)]
        for key, label in keys:  # exact names first, so that they keep their spelling
            name = Name("label", Labelled(label), doubtful=False)
            self._labels.setdefault(key, name)
            self._add(key, name)
        for keyword in sorted(keywords):
            fact = Labelled(keyword, or_keyword=True)
            self._labels[fold(keyword).folded] = Name("label", fact, doubtful=False)
        lengths: dict[str, set[int]] = {}
        for key in (*self._names, *self._labels):
            lengths.setdefault(key[:2], set()).add(len(key))
        self._lengths = {start: sorted(sizes, reverse=True) for start, sizes in lengths.items()}

    def at(self, text: str, at: int) -> Iterator[NameMatch]:
        """Yield the names that begin at `at`, the longest first."""
        return self._matches(self._names, text, at)

    def labels_at(self, text: str, at: int) -> Iterator[NameMatch]:
        """Yield the labels and keywords that begin at `at`, the longest first.

        A town of equal name does not hide them.
        """
        return self._matches(self._labels, text, at)

    def _matches(self, names: dict[str, Name], text: str, at: int) -> Iterator[NameMatch]:
        for length in (*self._lengths.get(text[at : at + 2], ()), 1):
            name = names.get(text[at : at + length])
            if name is not None and at + length <= len(text):
                yield NameMatch(name, at + length)

    def _add(self, key: str, name: Name) -> None:
        """Add all spellings of a name.

        The first name of a spelling keeps it: towns before cameras, lenses and labels.
        """
        spellings = [key, key.replace("-", " "), key.replace(" ", "")]
        for spelling in spellings:
            least = 1 if name.kind == "label" and not key.isascii() else 2  # 눈, 개
            if least <= len(spelling) <= _LONGEST:
                self._names.setdefault(spelling, name)


def _other_number(name: str) -> list[str]:
    """Return an English name in the plural or singular: dogs for dog."""
    head, blank, last = name.rpartition(" ")
    if len(last) < 3 or not (last.isascii() and last.isalpha()):
        return []
    return [head + blank + form for form in noun_forms(last)[1:]]


def _parts(kind: str, name: str) -> Iterator[tuple[str, Fact, bool]]:
    """Yield (folded words, fact, whether doubtful) of a name and its parts."""
    folded = fold(name).folded
    if kind == "place":
        yield folded, InPlace(name), folded in table.ORDINARY or len(folded) < 2
        return
    by = ByCamera if kind == "camera" else ByLens
    yield folded, by(name), folded in table.DOUBTFUL_CAMERAS
    parts = name.split()[:_MOST_WORDS]
    for first in range(len(parts)):
        for last in range(first + 1, len(parts) + 1):
            part = fold(" ".join(parts[first:last])).folded
            if kind == "camera" and _is_camera_name(part.split()):
                fact = by(" ".join(parts[first:last]))
                doubtful = part in table.DOUBTFUL_CAMERAS
                yield part, fact, doubtful
                korean = " ".join(table.BRANDS.get(word, word) for word in part.split())
                if korean != part:
                    yield korean, fact, doubtful and part != "galaxy"
    if kind == "lens":
        for match in _MILLIMETRES.finditer(name):
            yield fold(match[0]).folded, by(match[0]), False


def _is_camera_name(words: list[str]) -> bool:
    """Return whether part of a name identifies a camera.

    "Pixel" and "EOS R5" do. "Pro" and "15" do not.
    """
    telling = [
        word
        for word in words
        if word not in table.NO_CAMERA_ALONE and len(word) > 1 and not word.isdigit()
    ]
    return bool(telling) and words[0] not in table.NO_CAMERA_ALONE and not words[0].isdigit()


@lru_cache(maxsize=4)
def index_of(
    places: frozenset[str],
    cameras: frozenset[str],
    lenses: frozenset[str],
    labels: frozenset[str],
    synonyms: frozenset[tuple[str, str]],
    keywords: frozenset[str],
) -> NameIndex:
    """Return the index of these names, cached while they stay equal."""
    return NameIndex(places, cameras, lenses, labels, synonyms, keywords)
