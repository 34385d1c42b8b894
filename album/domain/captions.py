"""The nouns of captioning as a job: what is wanted, what it will cost, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from album.domain.photo import Caption

MAX_CAPTION_LENGTH = 2000
"""Characters."""
LANGUAGES = ("ko", "en")
"""That captions are written in."""

JobState = Literal["running", "paused", "cancelled", "done"]


@dataclass(frozen=True, slots=True)
class CaptionSelection:
    """Which photos are to be captioned; those with a caption by hand are always left out."""

    photo_ids: tuple[int, ...] | None = None
    """None: all of the album."""
    label: str = ""
    """Only photos with this label."""
    lacking: bool = False
    """Only photos that have no caption yet, and do not wait for one."""
    by_model: str = ""
    """Only photos whose caption is of this model: to have it done again."""


@dataclass(frozen=True, slots=True)
class JobEstimate:
    """What a job would do and cost, before anything is sent."""

    photos: int
    """That would get a caption."""
    shared: int
    """Of these, how many share the caption of one that looks the same; they are not sent."""
    locked: int
    """Left out, since a person wrote their caption."""
    sends: bool
    """Whether pictures leave this machine."""
    tokens: int
    """About how many the captioner would count, in and out; 0 where nothing is sent."""
    seconds: float
    """About how long sending takes at the configured rate, nights between days not counted."""
    days: int
    """On how many days, with so many requests a day."""
    photo_ids: tuple[int, ...]
    """The photos that it is about."""

    @property
    def requests(self) -> int:
        """How many photos the captioner looks at."""
        return self.photos - self.shared


@dataclass(frozen=True, slots=True)
class CaptionWriter:
    """Who writes captions, as far as a person is to know."""

    model_id: str
    sends: bool
    """Whether pictures leave this machine."""
    speaks: tuple[str, ...]
    """The languages that it writes, "ko" and "en"."""
    converses: bool
    """Whether it answers questions."""
    key_hint: str
    """The end of its key, four characters at most; "" where it has none."""


@dataclass(frozen=True, slots=True)
class CaptionTask:
    """One photo to caption now."""

    photo_id: int
    job_id: int
    languages: tuple[str, ...]
    tries: int
    """How many have failed."""
    others: tuple[int, ...]
    """Photos that get the same caption, unsent."""
    claimed_until: float
    """Unix time; names the claim, too."""


@dataclass(frozen=True, slots=True)
class CaptionFailure:
    """A photo without a caption: given up for a reason, or still waiting after a problem."""

    photo_id: int
    failure: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class CaptionJob:
    """A job as it stands in the database."""

    job_id: int
    languages: tuple[str, ...]
    state: JobState
    problem: str | None
    """Why it was paused where no person did that, in one sentence."""
    total: int
    """Photos that were asked for."""
    written: int
    """Photos that got their caption by this job, shared ones among them."""
    waiting: int
    failed: int
    """Photos that were given up; see `PhotoCaptions.failures`."""
    asked_at: datetime
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self.state in ("cancelled", "done")

    @property
    def left_out(self) -> int:
        """Photos that went, that were captioned in another way meanwhile, or were cancelled."""
        return max(self.total - self.written - self.waiting - self.failed, 0)


@dataclass(frozen=True, slots=True)
class CaptionProgress:
    """All that is to be told of captions under way."""

    jobs: tuple[CaptionJob, ...]
    """The latest first."""
    resting_until: datetime | None
    """Local time; nothing is sent before. None where nothing keeps it."""
    why_resting: str
    """One sentence; "" where it does not rest."""
    today: int
    """Requests sent on this day."""
    per_day: int
    """At the most; 0: any number."""
    per_minute: int
    sends: bool
    """Whether there are requests at all; a captioner on this machine is asked as fast as it is."""


@dataclass(frozen=True, slots=True)
class PastCaption:
    """A caption that was replaced."""

    history_id: int
    caption: Caption
    replaced_at: datetime


TOKENS_A_PHOTO = 1_032 + 250 + 200  # of 1,024 px: four tiles of 258; what is asked; the answer
