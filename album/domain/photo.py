"""The nouns of the album: plain immutable values, no behaviour beyond their own facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal

Orientation = Literal["landscape", "portrait", "square"]
TakenFrom = Literal["exif", "xmp", "gps", "name", "takeout", "file"]
"""How a capture time is known: from EXIF, from XMP in the file or beside it, from the satellites'
clock, from the file's name, from Google Takeout's JSON, or only from the time of the file."""
ImportKind = Literal["in place", "rescan", "copy", "upload"]
"""A rescan is an import in place that nobody asked for: quiet where there is nothing new."""
ImportState = Literal["waiting", "running", "paused", "done", "cancelled", "failed", "interrupted"]
"""Interrupted: its process ended in the middle of it; no row says so, for nobody could write it."""
RequestedState = Literal["run", "pause", "cancel"]
ENDED_BY: Final[dict[RequestedState, ImportState]] = {"pause": "paused", "cancel": "cancelled"}
"""The state of an import that a person asked to end."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a file, and the files that describe it, say of a photo; None where they do not know.

    Pixels are counted upright; times are the camera's own clock.
    """

    file_type: str
    """Upper-case name of the format, such as JPEG, HEIC, JXL or RAW."""
    width: int
    height: int
    taken_at: datetime | None = None
    """Naive local time, to the millisecond where it is known so well."""
    taken_from: TakenFrom | None = None
    """Set together with `taken_at`; never "file", which only the importer can say."""
    taken_offset: int | None = None
    """Minutes east of UTC of the clock that `taken_at` was read from."""
    camera: str | None = None
    lens: str | None = None
    exposure_s: float | None = None
    """Exposure time in seconds, above 0."""
    f_number: float | None = None
    iso: int | None = None
    focal_mm: float | None = None
    """Real focal length in millimetres, not that of 35 mm film."""
    orientation: int = 1
    """How the pixels lie in the file, as EXIF counts it: 1 (upright) to 8."""
    rating: int | None = None
    """0 to 5 stars; -1: rejected."""
    keywords: tuple[str, ...] = ()
    """In the order of the file, without doubles or blanks."""
    latitude: float | None = None
    """Degrees, north positive, in [-90, 90]; set together with `longitude` or not at all."""
    longitude: float | None = None
    words: tuple[SidecarWords, ...] = ()
    """What albums wrote into sidecars beside it, most telling first."""


@dataclass(frozen=True, slots=True)
class SidecarWords:
    """What an album wrote of one photo into a sidecar."""

    written_for: str
    """The sha256 of that photo; a sidecar may lie beside another one now."""
    captions: tuple[Caption, ...] = ()
    """At most one in each language."""
    labels: tuple[str, ...] = ()
    given_by_rules: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """Of the labels that no person gave: the kind of rule that did, and how probable the label was,
    in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Place:
    """A town and its country, by name; "" for a Korean name that is not known."""

    town: str
    town_ko: str
    country_code: str
    """ISO 3166-1, two capital letters."""
    country: str
    country_ko: str


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
    taken_from: TakenFrom
    taken_offset: int | None
    camera: str | None
    lens: str | None
    exposure_s: float | None
    f_number: float | None
    iso: int | None
    focal_mm: float | None
    orientation: int
    rating: int | None
    latitude: float | None
    longitude: float | None
    added_at: datetime
    missing: bool
    """Its original is not where it was; it comes back by itself when that is there again."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What a photo shows, in words."""

    text: str
    language: str
    """"ko" or "en"; "" for a hand-written one, which is for readers of both."""
    model_id: str | None
    """Who wrote it; None when a person did."""
    written_at: datetime
    prompt_version: str = ""
    """Names the instructions that a model followed; "" where it is not known."""

    @property
    def by_hand(self) -> bool:
        """Hand-written or hand-edited captions are never overwritten unasked."""
        return self.model_id is None


Band = Literal["sure", "maybe", "rest"]
"""How surely a photo is what was asked for; "rest": it is not."""
ReasonKind = Literal[
    "looks", "caption", "keyword", "label", "file name", "folder", "place", "text in the picture"
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a photo is a hit."""

    kind: ReasonKind
    excerpt: str = ""
    """The words that match, with some around them; "" for how it looks."""
    likeness: float | None = None
    """For how it looks: in [0, 1], how probable it is that the photo shows what was asked for."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A photo and how near it is to the query."""

    photo: Photo
    score: float | None
    """Cosine in [-1, 1], high is near; the mean where several things were asked for; None when
    there was nothing to compare with."""
    caption: Caption | None = None
    band: Band = "sure"
    reasons: tuple[Reason, ...] = ()
    burst: int = 1
    """How many photos of the same moment this one stands for, itself included."""


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


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An import as it stands in the database: what was asked, how far it is, what came of it."""

    import_id: int
    kind: ImportKind
    sources: tuple[Path, ...]
    """The files and folders that were named; none for uploads."""
    caption_language: str | None
    """What is added is queued for captions in this language; None: it is not."""
    state: ImportState
    requested_state: RequestedState
    """What somebody last asked of it; it follows within a second."""
    total: int
    """How many files; 0 while they are still being looked for."""
    done: int
    added: int
    already_here: int
    updated: int
    """Photos whose file was edited where it lies, or has a new description beside it."""
    missing: int
    """Photos whose file is not where it was."""
    failed: int
    skipped: Mapping[str, int]
    """How many files of a folder are no photos, by their kind, such as "video"."""
    current: str
    """The name of the file that was done last."""
    problem: str | None
    """Why it could not go on, in one sentence."""
    seconds: float
    """How long it has been at work, without pauses."""
    asked_at: datetime
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self.state in ("done", "cancelled", "failed")

    @property
    def halted(self) -> bool:
        """Whether it has not ended and yet goes on only when somebody asks for that."""
        return self.state in ("paused", "interrupted")

    @property
    def rate(self) -> float | None:
        """Files a second so far; None where there is no telling yet."""
        return self.done / self.seconds if self.done and self.seconds else None

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the rate so far; None where there is none yet."""
        return None if self.rate is None else (self.total - self.done) / self.rate


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder that the owner named, and what the album has of it."""

    path: Path
    photos: int
    missing: int
    there: bool
    """Whether the folder is there now, with its disk plugged in."""


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
