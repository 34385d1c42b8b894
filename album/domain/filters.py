"""Facts that a hit must have, or must not have.

Filters and queries share them. Facts of one type are alternatives (2018 or 2019, Busan or Seoul),
except labels and exact phrases, which must all hold. Facts of different types must hold together.
An excluded fact must not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from album.domain.photo import Orientation


@dataclass(frozen=True, slots=True)
class TakenBetween:
    """Taken between two days, both included. None leaves that end open."""

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
    """Taken on one of these weekdays, 0 (Monday) to 6."""

    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AtHours:
    """Taken in [`first`, `last`) o'clock, over midnight if last <= first.

    Holds only for photos whose time is better than the file's time.
    """

    first: int
    last: int
    or_unknown: bool = False
    """Holds also for photos of an unknown hour, since what they show ("at night") will tell."""


@dataclass(frozen=True, slots=True)
class InPlace:
    """Taken in this town or country, Korean or English, ignoring case."""

    name: str


@dataclass(frozen=True, slots=True)
class ByCamera:
    """The camera's name contains this, ignoring case."""

    name: str


@dataclass(frozen=True, slots=True)
class ByLens:
    """The lens's name contains this, ignoring case."""

    name: str


@dataclass(frozen=True, slots=True)
class OfType:
    """The file is of one of these types, as `Photo.file_type` names them."""

    file_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shaped:
    """Image of this orientation."""

    orientation: Orientation


@dataclass(frozen=True, slots=True)
class Screenshot:
    """Image of a screen, by the file's name or folder."""


@dataclass(frozen=True, slots=True)
class Favourite:
    """Rated with four or five stars, or labelled as a favourite."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Has this label, ignoring case."""

    label: str
    or_keyword: bool = False
    """Holds also for photos whose file has this keyword, or one below it in a hierarchy."""


@dataclass(frozen=True, slots=True)
class Captioned:
    """Has a caption."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Has a known place."""


@dataclass(frozen=True, slots=True)
class ImportedBy:
    """Added to the album by this import."""

    import_id: int


@dataclass(frozen=True, slots=True)
class Writes:
    """A caption, keyword, label, file name, folder or place holds this phrase."""

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
    | ImportedBy
    | Writes
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Fact that a photo must have, or, excluded, must not have."""

    fact: Fact
    excluded: bool = False
