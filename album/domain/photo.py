"""Plain immutable values of the album."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal

Orientation = Literal["landscape", "portrait", "square"]
TakenFrom = Literal["exif", "xmp", "gps", "name", "takeout", "file"]
"""Source of a capture time.

From EXIF, from XMP in the file or beside it, from the GPS clock, from the file's name, from
Google Takeout's JSON, or only from the time of the file.
"""
ViewKind = Literal["large", "full"]
"""Size of a JPEG to look at: for a window, or in full resolution."""
ImportKind = Literal["in place", "rescan", "copy", "upload"]
"""A rescan is an import in place that nobody requested: quiet where there is nothing new."""
ImportState = Literal["waiting", "running", "paused", "done", "cancelled", "failed", "interrupted"]
"""Interrupted: its process ended during it. No row says so, since nobody could write it."""
RequestedState = Literal["run", "pause", "cancel"]
ENDED_BY: Final[dict[RequestedState, ImportState]] = {"pause": "paused", "cancel": "cancelled"}
"""State of an import that a person asked to end."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Metadata of a file and its sidecars, None where unknown.

    Pixels are counted upright. Times are the camera's own clock.
    """

    file_type: str
    """Upper-case name of the format, such as JPEG, HEIC, JXL or RAW."""
    width: int
    height: int
    taken_at: datetime | None = None
    """Naive local time, to the millisecond where known."""
    taken_from: TakenFrom | None = None
    """Set together with `taken_at`. Never "file", which only the importer can say."""
    taken_offset: int | None = None
    """Minutes east of UTC of the clock that `taken_at` was read from."""
    camera: str | None = None
    lens: str | None = None
    exposure_s: float | None = None
    """Exposure time in seconds, above 0."""
    f_number: float | None = None
    iso: int | None = None
    focal_mm: float | None = None
    """Real focal length in millimetres, not the 35 mm equivalent."""
    orientation: int = 1
    """EXIF orientation of the pixels in the file: 1 (upright) to 8."""
    rating: int | None = None
    """0 to 5 stars, -1 for rejected."""
    keywords: tuple[str, ...] = ()
    """In the order of the file, without duplicates or blanks."""
    latitude: float | None = None
    """Degrees, north positive, in [-90, 90]. Set together with `longitude` or not at all."""
    longitude: float | None = None
    words: tuple[SidecarWords, ...] = ()
    """What albums wrote into sidecars beside it, the most specific first."""


@dataclass(frozen=True, slots=True)
class SidecarWords:
    """Captions and labels that an album wrote into a sidecar."""

    written_for: str
    """The sha256 of the photo, since the sidecar may lie beside another one now."""
    captions: tuple[Caption, ...] = ()
    """At most one in each language."""
    labels: tuple[str, ...] = ()
    given_by_rules: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """Kind of rule and probability in [0, 1] by label, for labels from rules."""


@dataclass(frozen=True, slots=True)
class Place:
    """Town and country by name, "" for an unknown Korean name."""

    town: str
    town_ko: str
    country_code: str
    """ISO 3166-1, two capital letters."""
    country: str
    country_ko: str


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """Town, or country as a whole, and the number of photos taken there."""

    place: Place
    """Its town is "" for the country."""
    photos: int


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the album, identified by the sha256 of its bytes."""

    photo_id: int
    sha256: str
    filename: str
    """The person's name for it, without folders."""
    path: Path | None
    """Path of an original indexed in place. None: the album keeps the original itself."""
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
    """Its original is missing. This ends by itself when the file is back."""


@dataclass(frozen=True, slots=True)
class Caption:
    """Caption of a photo."""

    text: str
    language: str
    """"ko" or "en", or "" for a hand-written one, which is for readers of both."""
    model_id: str | None
    """The model that wrote it, None for a person."""
    written_at: datetime
    prompt_version: str = ""
    """Version of the model's instructions, "" if unknown."""

    @property
    def by_hand(self) -> bool:
        """Whether a person wrote it, so that it is never overwritten unasked."""
        return self.model_id is None


Band = Literal["sure", "maybe", "rest"]
"""How certain a hit is. "rest": no hit."""
ReasonKind = Literal[
    "looks", "caption", "keyword", "label", "file name", "folder", "place", "text in the picture"
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Reason why a photo is a hit."""

    kind: ReasonKind
    excerpt: str = ""
    """The matching words with some around them, "" for looks."""
    likeness: float | None = None
    """For looks: the probability in [0, 1] that the photo shows the words. None for pictures."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """Photo and its score for a query."""

    photo: Photo
    score: float | None
    """Cosine in [-1, 1], high is near. The mean of several parts. None without a comparison."""
    caption: Caption | None = None
    band: Band = "sure"
    reasons: tuple[Reason, ...] = ()
    burst: int = 1
    """How many photos of one moment this one represents, itself included."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Class and its probability for one photo, in [0, 1]."""

    label: str
    probability: float


Fit = Literal["well", "maybe", "hardly"]
"""How well a text fits a photo."""


@dataclass(frozen=True, slots=True)
class TextScore:
    """Text and how well it fits one photo."""

    text: str
    score: float
    """Cosine in [-1, 1], high is near."""
    fit: Fit
    """Whether the photo shows it. Other texts have no part in it."""


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """File that did not become a photo, and why, in one sentence."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """Import as it stands in the database: request, progress and result."""

    import_id: int
    kind: ImportKind
    sources: tuple[Path, ...]
    """The named files and folders, none for uploads."""
    caption_language: str | None
    """New photos are queued for captions in this language. None: they are not."""
    state: ImportState
    requested_state: RequestedState
    """What a person last requested. It takes effect within a second."""
    total: int
    """Number of files, 0 while the sources are still being scanned."""
    done: int
    added: int
    already_here: int
    updated: int
    """Photos whose file in place was edited, or has a new sidecar."""
    missing: int
    """Photos whose file is missing."""
    failed: int
    skipped: Mapping[str, int]
    """Number of files that are no photos, by their kind, such as "video"."""
    current: str
    """The name of the last file."""
    problem: str | None
    """Why it stopped, in one sentence."""
    seconds: float
    """Time at work, without pauses."""
    asked_at: datetime
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen unless a person requests it."""
        return self.state in ("done", "cancelled", "failed")

    @property
    def halted(self) -> bool:
        """Whether it waits for a person to resume it."""
        return self.state in ("paused", "interrupted")

    @property
    def brings_photos(self) -> bool:
        """Whether it has files to import, and does so without a person's help."""
        return not self.ended and not self.halted and self.total > 0

    @property
    def rate(self) -> float | None:
        """Files per second so far, None if unknown."""
        return self.done / self.seconds if self.done and self.seconds else None

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the rate so far, None if unknown."""
        return None if self.rate is None else (self.total - self.done) / self.rate


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """Folder that the owner named, and the album's photos below it."""

    path: Path
    photos: int
    missing: int
    there: bool
    """Whether the folder is available, with its disk plugged in."""


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """Filters on hits. None means "either". Days are inclusive."""

    after: date | None = None
    before: date | None = None
    has_place: bool | None = None
    has_caption: bool | None = None
    camera: str | None = None
    orientation: Orientation | None = None
    file_type: str | None = None
    label: str | None = None
    country: str | None = None
    """ISO 3166-1 code, two capital letters."""
    town: str | None = None
    """English name of a town in that country."""

    @property
    def parts(self) -> tuple[FilterPart, ...]:
        """Return the parts that filter, in the order of the page."""
        return tuple(part for part in FILTER_FIELDS if self.without(part) != self)

    def without(self, part: FilterPart) -> SearchFilters:
        """Return the filters without one part."""
        return replace(self, **dict.fromkeys(FILTER_FIELDS[part]))


FilterPart = Literal["days", "place", "camera", "orientation", "file_type", "has_caption", "label"]
"""A condition that a person sees and removes as one."""
FILTER_FIELDS: Final[dict[FilterPart, tuple[str, ...]]] = {
    "days": ("after", "before"),
    "place": ("has_place", "country", "town"),
    "camera": ("camera",),
    "orientation": ("orientation",),
    "file_type": ("file_type",),
    "has_caption": ("has_caption",),
    "label": ("label",),
}
