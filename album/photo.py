"""The nouns of the album: plain immutable values, no behaviour beyond their own facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

Orientation = Literal["landscape", "portrait", "square"]


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a file says of itself. Pixels are counted upright; times are the camera's own clock."""

    file_type: str
    """Upper-case format name: JPEG, PNG, WEBP, GIF, BMP, TIFF, HEIC, AVIF."""
    width: int
    height: int
    taken_at: datetime | None = None
    """Naive local time from EXIF, to the second; None where the file does not know."""
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None
    """Degrees, north positive, in [-90, 90]; set together with `longitude` or not at all."""
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the album; its identity is the sha256 of its bytes."""

    photo_id: int
    sha256: str
    filename: str
    """As the person named it, without folders."""
    path: Path | None
    """Where an original indexed in place lies; None when the album keeps the original itself."""
    file_type: str
    size_bytes: int
    width: int
    height: int
    taken_at: datetime
    taken_from: Literal["exif", "file"]
    """How `taken_at` is known: from EXIF, or only from the file's modification time."""
    camera: str | None
    lens: str | None
    latitude: float | None
    longitude: float | None
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Caption:
    """What a photo shows, in words."""

    text: str
    language: str
    """"ko" or "en"; "" for a hand-written one of unknown language."""
    model_id: str | None
    """Who wrote it; None when a person did."""
    written_at: datetime

    @property
    def by_hand(self) -> bool:
        """Hand-written or hand-edited captions are never overwritten unasked."""
        return self.model_id is None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A photo and how near it is to the query."""

    photo: Photo
    score: float | None
    """Cosine in [-1, 1], high is near; None when there was no query to compare with."""
    caption: Caption | None = None


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A class and how probable it is for one photo, in [0, 1]."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class TextScore:
    """A text and how well it fits one photo."""

    text: str
    score: float
    """Cosine in [-1, 1], high is near."""
    probability: float
    """Its share in [0, 1] among all the texts that were compared with it."""


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """A file that did not become a photo, and why, in one sentence."""

    path: Path
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did; complete also when it was cancelled half-way."""

    added: list[int] = field(default_factory=list)
    """Photo ids, in the order they were added."""
    already_here: int = 0
    failed: list[ImportFailure] = field(default_factory=list)
    cancelled: bool = False
    seconds: float = 0.0
    skipped: int = 0
    """Files of a folder that are no photos by their name, such as videos and texts."""


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """Which photos may be hits at all; None means "either". Days are inclusive."""

    after: date | None = None
    before: date | None = None
    has_place: bool | None = None
    has_caption: bool | None = None
    camera: str | None = None
    orientation: Orientation | None = None
    file_type: str | None = None
    label: str | None = None
