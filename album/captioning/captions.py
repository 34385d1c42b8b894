"""Journey 4: PhotoCaptions: captions by hand and by a captioner, as jobs that can be trusted.

A job is rows: photos that wait, each with its tries and its problem. Nothing is lost, or paid for
twice, by a restart or a kill.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from album.captioning.request_gate import RequestGate
from album.captioning.selection import CaptionJobPlanner, check_languages
from album.captioning.worker import FIRST_DELAY_S, LEASE_S, STOP_S, CaptionWorker
from album.domain.captions import (
    MAX_CAPTION_LENGTH,
    CaptionFailure,
    CaptionJob,
    CaptionProgress,
    CaptionSelection,
    CaptionWriter,
    JobEstimate,
    PastCaption,
)
from album.domain.photo import Caption
from album.errors import AlbumError, QueryError
from album.images.decoder import Decoder
from album.runtime.supervised_loop import SupervisedLoop
from album.storage.caption_queue import CaptionQueue
from album.storage.captions import CaptionStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore
from album.storage.request_log import MARGIN_S, WINDOW_S, RateLimiter
from models.errors import CaptionerUnavailableError
from models.interfaces import Captioner, Turn

PATIENCE_S = 120.0  # how long somebody at the page waits for an answer
MAX_QUESTION_LENGTH = 1000
MOST_TURNS = 21
MOST_FAILURES = 1000


@dataclass(frozen=True, slots=True)
class CaptionPace:
    """How fast captions are asked for."""

    per_minute: int = 10
    per_day: int = 1000
    """0: any number."""
    parallel: int = 2
    window_s: float = WINDOW_S
    """What a minute is."""
    margin_s: float = MARGIN_S
    """By how much requests may be late on their way."""
    first_delay_s: float = FIRST_DELAY_S
    """Before the second try of a photo; it doubles from there."""
    lease_s: float = LEASE_S
    """After a kill, a photo that was at work is free again then."""


class PhotoCaptions:
    """What photos are called in words; what a person wrote is never overwritten unasked."""

    def __init__(
        self,
        store: PhotoStore,
        captions: CaptionStore,
        originals: Originals,
        captioner: Captioner,
        pace: CaptionPace | None = None,
        *,
        decoder: Decoder,
        urgent_decoder: Decoder,
    ) -> None:
        """Nothing is sent before somebody asks, or `start`.

        Args:
            store: the photos.
            captions: what is written of them.
            originals: their files.
            captioner: whom to ask; from now on it waits for its turn before each request.
            pace: how fast.
            decoder: makes the copies of jobs.
            urgent_decoder: makes those that somebody waits for.
        """
        pace = pace or CaptionPace()
        self._photos = store
        self._captions = captions
        self._originals = originals
        self._captioner = captioner
        self._decoder = urgent_decoder
        self._queue = CaptionQueue(store.database)
        self._rate = RateLimiter(
            store.database,
            pace.per_minute,
            pace.per_day,
            window_s=pace.window_s,
            margin_s=pace.margin_s,
        )
        self._wishes = CaptionJobPlanner(
            store, captions, self._queue, captioner, self._rate, pace.parallel
        )
        turns = RequestGate(self._rate)
        captioner.before_request = turns.before_request
        self._work = CaptionWorker(
            store.database,
            store,
            captions,
            self._queue,
            originals,
            decoder,
            captioner,
            self._rate,
            turns,
            parallel=pace.parallel,
            first_delay_s=pace.first_delay_s,
            lease_s=pace.lease_s,
        )

    @property
    def writer(self) -> CaptionWriter:
        """Who writes captions, as far as a person is to know."""
        it = self._captioner
        return CaptionWriter(it.model_id, it.sends, it.speaks, it.converses, it.key_hint)

    # What is written

    def check(self) -> None:
        """Do nothing where captions can be asked for.

        Raises:
            CaptionerUnavailableError: they cannot, and how that is mended.
        """
        self._captioner.check()

    def of(self, photo_id: int, language: str = "ko") -> Caption | None:
        """The caption that a reader of `language` is shown of this photo, if it has one."""
        return self._captions.get_many([photo_id], language).get(photo_id)

    def captions_by_language(self, photo_id: int) -> dict[str, Caption]:
        """The captions of this photo by language; "" is the person's own."""
        return self._captions.captions_by_language(photo_id)

    def history(self, photo_id: int) -> list[PastCaption]:
        """The earlier ones, the latest first."""
        return self._captions.history(photo_id)

    def problem(self, photo_id: int) -> str | None:
        """Why this photo has no caption although one was asked for; None where nothing is wrong."""
        waiting = self._queue.waiting(photo_id)
        return None if waiting is None else waiting.failure or waiting.problem

    def write(self, photo_id: int, text: str, language: str = "ko") -> None:
        """Store a caption by hand, in place of all others; blank text removes the caption.

        Args:
            photo_id: the photo.
            text: the caption; the one that is shown already does not become one's own by this.
            language: of the reader who writes.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: the text is too long.
        """
        text = text.strip()
        if len(text) > MAX_CAPTION_LENGTH:
            raise AlbumError(f"A caption can have {MAX_CAPTION_LENGTH} characters at most.")
        self._photos.get(photo_id)
        shown = self.of(photo_id, language)
        if text == ("" if shown is None else shown.text):
            return
        with self._photos.writing():
            self._queue.remove(photo_id)
            self._captions.write_by_hand(photo_id, text)

    # Jobs

    def estimate(
        self, wanted: CaptionSelection, languages: Sequence[str], *, share: bool = True
    ) -> JobEstimate:
        """What a job would do and cost; nothing is sent.

        Raises:
            QueryError: an unknown language, or one that the captioner does not write.
        """
        return self._wishes.estimate(wanted, languages, share)

    def start_job(
        self,
        wanted: CaptionSelection,
        languages: Sequence[str],
        *,
        share: bool = True,
        urgent: bool = False,
    ) -> int:
        """Queue photos for the captioner; the id of the job.

        Args:
            wanted: which; those whose caption a person wrote are left alone.
            languages: "ko", "en" or both, in one request.
            share: photos that look the same share one caption.
            urgent: before all that were queued without it.

        Raises:
            CaptionerUnavailableError: the captioner cannot be asked at all.
            QueryError: an unknown language, or no photo is wanted.
        """
        spoken = self._wishes.spoken(languages)
        self.check()
        groups, _ = self._wishes.groups(wanted, share)
        if not groups:
            raise QueryError(
                "There is no photo to caption: each has a caption already, or waits for one."
            )
        job_id = self._queue.start_job(groups, spoken, time.time(), urgent=urgent)
        self._work.wake()
        return job_id

    def request(
        self, photo_ids: Sequence[int], languages: Sequence[str], *, urgent: bool = False
    ) -> int:
        """Queue just these photos, without sharing; the number queued.

        A captioner that writes none of `languages` writes what it can.

        Raises:
            CaptionerUnavailableError: the captioner cannot be asked at all.
            QueryError: an unknown language.
        """
        spoken = self._wishes.nearest(languages)
        self.check()
        groups, _ = self._wishes.groups(CaptionSelection(tuple(photo_ids)), share=False)
        if groups:
            self._queue.start_job(groups, spoken, time.time(), urgent=urgent)
            if urgent:
                self._rate.wake()
            self._work.wake()
        return len(groups)

    def progress(self, limit: int = 5) -> CaptionProgress:
        """How the latest jobs stand, and what keeps them."""
        rest = self._rate.resting() if self._captioner.sends else None
        return CaptionProgress(
            tuple(self._queue.jobs(limit)),
            None if rest is None else datetime.fromtimestamp(rest.until),
            "" if rest is None else rest.reason,
            self._rate.today(),
            self._rate.per_day,
            self._rate.per_minute,
            self._captioner.sends,
        )

    def job(self, job_id: int) -> CaptionJob:
        """How one job stands.

        Raises:
            QueryError: there is no such job.
        """
        job = self._queue.job(job_id)
        if job is None:
            raise QueryError("There is no such caption job.")
        return job

    def failures(self, job_id: int, limit: int = MOST_FAILURES) -> list[CaptionFailure]:
        """The photos of a job that were given up, by id, with their reasons."""
        return self._queue.failures(job_id, limit)

    def pause(self, job_id: int) -> None:
        """Send no more photos of a job; what is at the captioner already is still stored.

        Raises:
            QueryError: there is no such job.
        """
        self.job(job_id)
        self._queue.set_job_state(job_id, ("running",), "paused", time.time())

    def resume(self, job_id: int) -> None:
        """Go on with a paused job.

        Raises:
            QueryError: there is no such job.
        """
        self.job(job_id)
        self._queue.set_job_state(job_id, ("paused",), "running", time.time())
        self._work.wake()

    def cancel(self, job_id: int) -> None:
        """End a job; what is written stays.

        Raises:
            QueryError: there is no such job.
        """
        self.job(job_id)
        self._queue.set_job_state(job_id, ("running", "paused"), "cancelled", time.time())

    def retry(self, job_id: int) -> int:
        """Queue the photos of a job that were given up once more; how many. A paused job stays so.

        Raises:
            QueryError: there is no such job.
        """
        self.job(job_id)
        again = self._queue.retry(job_id)
        self._work.wake()
        return again

    # Asking

    def ask_now(self, photo_id: int, language: str, wait_s: float = PATIENCE_S) -> Caption:
        """Caption one photo before all others and wait for it.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: the caption is by hand, or was given up, with the reason.
            CaptionerUnavailableError: the captioner cannot be asked, or gave no answer yet; the
                photo stays queued in the second case.
        """
        self._photos.get(photo_id)
        languages = self._wishes.nearest([language])
        self.check()
        if self._captions.locked([photo_id]):
            raise AlbumError("You wrote this caption yourself; clear it first to ask for another.")
        self._queue.start_job([[photo_id]], languages, time.time(), urgent=True, hidden=True)
        self._rate.wake()
        self._work.wake()
        self._work.wait_for(photo_id, wait_s)
        caption = self.captions_by_language(photo_id).get(languages[0]) or self.of(
            photo_id, language
        )
        if caption is None or self._queue.waiting(photo_id) is not None:
            raise CaptionerUnavailableError("No answer yet; the photo stays in the queue.")
        return caption

    def answer(self, photo_id: int, turns: Sequence[Turn], language: str) -> str:
        """The next turn of a conversation about a photo; nothing of it is stored.

        Args:
            photo_id: the photo; a small JPEG of it is sent, without EXIF.
            turns: the conversation so far, which ends with a question.
            language: of the answer, "ko" or "en".

        Raises:
            PhotoNotFoundError: there is no such photo.
            QueryError: the conversation or the question is too long or empty; unknown language.
            CaptionerUnavailableError, CaptionRefusedError: the captioner gave no answer.
        """
        check_languages([language])
        people = bool(turns) and turns[0].by == turns[-1].by == "person"
        if not people or not turns[-1].text.strip():
            raise QueryError("Write a question about this photo first.")
        if len(turns[-1].text) > MAX_QUESTION_LENGTH:
            raise QueryError(f"A question can have {MAX_QUESTION_LENGTH} characters at most.")
        if len(turns) > MOST_TURNS:
            raise QueryError("This conversation has become too long: begin a new one.")
        self.check()
        jpeg = self._decoder.small_jpeg(self._originals.find(self._photos.get(photo_id)))
        return self._captioner.answer(jpeg, turns, language)

    # The work

    def start(self) -> None:
        """Work on the queue in background threads until `stop`.

        Jobs that were paused for a setting go on: it may be mended, as those are read at the start.
        """
        self._queue.resume_after_problem()
        self._work.start()

    @property
    def at_work(self) -> bool:
        """Whether a background thread has a photo, or is about to take one."""
        return self._work.at_work

    @property
    def loops(self) -> list[SupervisedLoop]:
        """The background threads."""
        return self._work.loops

    def stop(self, timeout_s: float = STOP_S) -> None:
        """End the background threads; what the captioner was asked already is waited for."""
        self._work.stop(timeout_s)

    def drain(self, on_done: Callable[[int], None] = lambda photo_id: None) -> int:
        """Caption all that wait now, in this thread; the number of photos that got a caption.

        Ends early where the captioner is out of reach, or to be left alone for a while; the rest
        stays in the queue.

        Args:
            on_done: called with each photo's id after its turn.
        """
        self._queue.resume_after_problem()
        return self._work.drain(on_done)
