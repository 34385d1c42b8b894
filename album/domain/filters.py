"""Facts that a photo must have, or must not have, to be a hit: what filters and words both say.

Facts of one type are alternatives (2018 or 2019, Busan or Seoul), but for labels and exact words,
which must all be there; facts of different types must hold together; an excluded one must not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from album.domain.photo import Orientation


@dataclass(frozen=True, slots=True)
class TakenBetween:
    """Taken on one of these days, both included; None leaves that end open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class InMonths:
    """Taken in one of these months of any year, 1 to 12."""

    months: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OnDays:
    """Taken on one of these days of any year, as (month, day)."""

    days: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class OnWeekdays:
    """Taken on one of these days of the week, 0 (Monday) to 6, as `date.weekday` counts."""

    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AtHours:
    """Taken from `first` o'clock until before `last` o'clock; over midnight where last <= first.

    Holds only for photos whose time is known better than by the file's.
    """

    first: int
    last: int
    or_unknown: bool = False
    """Holds for photos of an unknown hour as well, since what they show ("at night") will tell."""


@dataclass(frozen=True, slots=True)
class InPlace:
    """Taken in the town or country of this name, Korean or English, compared without case."""

    name: str


@dataclass(frozen=True, slots=True)
class ByCamera:
    """The camera's name contains this, compared without case."""

    name: str


@dataclass(frozen=True, slots=True)
class ByLens:
    """The lens's name contains this, compared without case."""

    name: str


@dataclass(frozen=True, slots=True)
class OfType:
    """The file is of one of these types, as `Photo.file_type` names them."""

    file_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shaped:
    """The picture lies so."""

    orientation: Orientation


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A picture of a screen, by the file's name or folder."""


@dataclass(frozen=True, slots=True)
class Favourite:
    """Rated with four or five stars, or labelled as a favourite."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Carries this label, compared without case."""

    label: str


@dataclass(frozen=True, slots=True)
class Captioned:
    """Has a caption."""


@dataclass(frozen=True, slots=True)
class Placed:
    """It is known where it was taken."""


@dataclass(frozen=True, slots=True)
class Writes:
    """One of its texts (caption, keyword, label, file name, folder, place) holds these words."""

    phrase: str


Fact: TypeAlias = (
    TakenBetween
    | InMonths
    | OnDays
    | OnWeekdays
    | AtHours
    | InPlace
    | ByCamera
    | ByLens
    | OfType
    | Shaped
    | Screenshot
    | Favourite
    | Labelled
    | Captioned
    | Placed
    | Writes
)


@dataclass(frozen=True, slots=True)
class Filter:
    """A fact that a photo must have, or, excluded, must not have."""

    fact: Fact
    excluded: bool = False
