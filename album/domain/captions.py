"""Captioning as a job: selection, estimate, progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from album.domain.photo import Caption

MAX_CAPTION_LENGTH = 2000
"""Characters."""
LANGUAGES = ("ko", "en")
"""Languages of captions."""

JobState = Literal["running", "paused", "cancelled", "done"]


@dataclass(frozen=True, slots=True)
class CaptionSelection:
    """Photos to be captioned, always without those captioned by hand."""

    photo_ids: tuple[int, ...] | None = None
    """None: all photos of the album."""
    label: str = ""
    """Only photos with this label."""
    lacking: bool = False
    """Only photos that have no caption and do not wait for one."""
    by_model: str = ""
    """Only photos with a caption of this model, to replace it."""


@dataclass(frozen=True, slots=True)
class JobEstimate:
    """Extent and cost of a job, before anything is sent."""

    photos: int
    """Photos that would get a caption."""
    shared: int
    """Of these, how many get the caption of a similar photo and are not sent."""
    locked: int
    """Photos left out, since a person wrote their caption."""
    sends: bool
    """Whether images leave this machine."""
    tokens: int
    """Estimated tokens in and out, 0 where nothing is sent."""
    seconds: float
    """Estimated time at the configured rate, without nights between days."""
    days: int
    """Days that the daily limit makes it take."""
    photo_ids: tuple[int, ...]
    """The selected photos."""

    @property
    def requests(self) -> int:
        """Number of photos that are sent to the captioner."""
        return self.photos - self.shared


@dataclass(frozen=True, slots=True)
class CaptionWriter:
    """Captioner, as far as a person is to know."""

    model_id: str
    sends: bool
    """Whether images leave this machine."""
    speaks: tuple[str, ...]
    """The languages that it writes, "ko" and "en"."""
    converses: bool
    """Whether it answers questions."""
    key_hint: str
    """The end of its key, at most four characters, "" without a key."""


@dataclass(frozen=True, slots=True)
class CaptionTask:
    """One photo to caption now."""

    photo_id: int
    job_id: int
    languages: tuple[str, ...]
    tries: int
    """How many attempts have failed."""
    others: tuple[int, ...]
    """Photos that get this caption without being sent."""
    claimed_until: float
    """Unix time, which also identifies the claim."""


@dataclass(frozen=True, slots=True)
class CaptionFailure:
    """Photo without a caption: failed, or waiting after a problem."""

    photo_id: int
    failure: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class MissingCaptions:
    """Photos of an import that have no caption yet."""

    waiting: int = 0
    failed: int = 0
    why: str = ""
    """Why one of them failed, as an English sentence."""
    unasked: int = 0
    """Photos for which no caption is on its way, as after a cancelled job."""


@dataclass(frozen=True, slots=True)
class CaptionJob:
    """Job as it stands in the database."""

    job_id: int
    languages: tuple[str, ...]
    state: JobState
    problem: str | None
    """Why it was paused unless by a person, in one sentence."""
    total: int
    """Requested photos."""
    written: int
    """Photos captioned by this job, including shared captions."""
    waiting: int
    failed: int
    """Failed photos (see `PhotoCaptions.failures`)."""
    asked_at: datetime
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen unless a person requests it."""
        return self.state in ("cancelled", "done")

    @property
    def left_out(self) -> int:
        """Photos deleted, captioned by other means, or cancelled since the start."""
        return max(self.total - self.written - self.waiting - self.failed, 0)


@dataclass(frozen=True, slots=True)
class CaptionProgress:
    """Progress of all captioning."""

    jobs: tuple[CaptionJob, ...]
    """The latest first."""
    resting_until: datetime | None
    """Local time before which nothing is sent. None: no rest."""
    why_resting: str
    """One sentence, "" without a rest."""
    today: int
    """Requests sent today."""
    per_day: int
    """The daily limit, 0 for none."""
    per_minute: int
    sends: bool
    """Whether there are requests at all. A local captioner has no rate limit."""


@dataclass(frozen=True, slots=True)
class PastCaption:
    """Replaced caption."""

    history_id: int
    caption: Caption
    replaced_at: datetime


TOKENS_A_PHOTO = 1_032 + 250 + 200  # 1,024 px image (four tiles of 258), prompt, answer
