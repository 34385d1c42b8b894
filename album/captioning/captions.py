"""Captions of photos, written by hand and by a captioner.

A job is a set of rows: photos that wait, each with its tries and its problem. A restart or a kill
loses no caption and pays for none twice.
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

ANSWER_TIMEOUT_S = 120.0  # how long a person at the page waits for an answer
MAX_QUESTION_LENGTH = 1000
MOST_TURNS = 21
MOST_FAILURES = 1000


@dataclass(frozen=True, slots=True)
class CaptionPace:
    """Rate limits and retry times of the captioner."""

    per_minute: int = 10
    per_day: int = 1000
    """0: no limit."""
    parallel: int = 2
    window_s: float = WINDOW_S
    """Length of the window for `per_minute`."""
    margin_s: float = MARGIN_S
    """How late a request may reach the server."""
    first_delay_s: float = FIRST_DELAY_S
    """Before the second try of a photo. It doubles with each try."""
    lease_s: float = LEASE_S
    """After a kill, a photo in work is free again after this time."""


class PhotoCaptions:
    """Captions and caption jobs. A job never overwrites what a person wrote."""

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
        """Prepare the services. Nothing is sent before `start` or a call.

        Args:
            store: the photos.
            captions: the stored captions.
            originals: the files of the photos.
            captioner: writes captions. From now on it waits for the rate limit.
            pace: rate limits and retry times.
            decoder: makes the JPEGs that jobs send.
            urgent_decoder: makes those that a person waits for.
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
        self._planner = CaptionJobPlanner(
            store, captions, self._queue, captioner, self._rate, pace.parallel
        )
        gate = RequestGate(self._rate)
        captioner.before_request = gate.before_request
        self._worker = CaptionWorker(
            store.database,
            store,
            captions,
            self._queue,
            originals,
            decoder,
            captioner,
            self._rate,
            gate,
            parallel=pace.parallel,
            first_delay_s=pace.first_delay_s,
            lease_s=pace.lease_s,
        )

    @property
    def writer(self) -> CaptionWriter:
        """The captioner's properties for the page."""
        captioner = self._captioner
        return CaptionWriter(
            captioner.model_id,
            captioner.sends,
            captioner.speaks,
            captioner.converses,
            captioner.key_hint,
        )

    def check(self) -> None:
        """Check that captions can be requested.

        Raises:
            CaptionerUnavailableError: they cannot, and how to mend that.
        """
        self._captioner.check()

    def get(self, photo_id: int, language: str = "ko") -> Caption | None:
        """Return the caption that a reader of `language` sees."""
        return self._captions.get_many([photo_id], language).get(photo_id)

    def captions_by_language(self, photo_id: int) -> dict[str, Caption]:
        """Return a photo's captions by language, "" for the person's own."""
        return self._captions.captions_by_language(photo_id)

    def history(self, photo_id: int) -> list[PastCaption]:
        """Return the earlier captions of a photo, the latest first."""
        return self._captions.history(photo_id)

    def problem(self, photo_id: int) -> str | None:
        """Return why a queued photo has no caption yet, if known."""
        waiting = self._queue.waiting(photo_id)
        return None if waiting is None else waiting.failure or waiting.problem

    def write(self, photo_id: int, text: str, language: str = "ko") -> None:
        """Store a caption by hand. Blank text removes all captions.

        Args:
            photo_id: the photo.
            text: the caption. The text that is shown already changes nothing.
            language: of the reader who writes.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: the text is too long.
        """
        text = text.strip()
        if len(text) > MAX_CAPTION_LENGTH:
            raise AlbumError(
                "A caption can have {limit} characters at most.", limit=MAX_CAPTION_LENGTH
            )
        self._photos.get(photo_id)
        caption = self.get(photo_id, language)
        if text == ("" if caption is None else caption.text):
            return
        with self._photos.writing():
            self._queue.remove(photo_id)
            self._captions.write_by_hand(photo_id, text)

    def estimate(
        self, selection: CaptionSelection, languages: Sequence[str], *, share: bool = True
    ) -> JobEstimate:
        """Estimate the work and cost of a job. Nothing is sent.

        Raises:
            QueryError: an unknown language, or one that the captioner does not write.
        """
        return self._planner.estimate(selection, languages, share)

    def start_job(
        self,
        selection: CaptionSelection,
        languages: Sequence[str],
        *,
        share: bool = True,
        urgent: bool = False,
    ) -> int:
        """Queue photos for the captioner. Returns the id of the job.

        Args:
            selection: the photos. Those whose caption a person wrote are left alone.
            languages: "ko", "en" or both, in one request.
            share: near duplicates share one caption.
            urgent: before all that were queued without it.

        Raises:
            CaptionerUnavailableError: the captioner cannot be used at all.
            QueryError: an unknown language, or no photo is selected.
        """
        supported = self._planner.supported(languages)
        self.check()
        groups, _ = self._planner.groups(selection, share)
        if not groups:
            raise QueryError(
                "There is no photo to caption: each has a caption already, or waits for one."
            )
        job_id = self._queue.start_job(groups, supported, time.time(), urgent=urgent)
        self._worker.wake()
        return job_id

    def request(
        self, photo_ids: Sequence[int], languages: Sequence[str], *, urgent: bool = False
    ) -> int:
        """Queue photos without shared captions. Returns the number queued.

        A captioner that writes none of `languages` writes what it can.

        Raises:
            CaptionerUnavailableError: the captioner cannot be used at all.
            QueryError: an unknown language.
        """
        supported = self._planner.nearest(languages)
        self.check()
        groups, _ = self._planner.groups(CaptionSelection(tuple(photo_ids)), share=False)
        if groups:
            self._queue.start_job(groups, supported, time.time(), urgent=urgent)
            if urgent:
                self._rate.wake()
            self._worker.wake()
        return len(groups)

    def progress(self, limit: int = 5) -> CaptionProgress:
        """Return the state of the latest jobs, and what delays them."""
        pause = self._rate.resting() if self._captioner.sends else None
        return CaptionProgress(
            tuple(self._queue.jobs(limit)),
            None if pause is None else datetime.fromtimestamp(pause.until),
            "" if pause is None else pause.reason,
            self._rate.today(),
            self._rate.per_day,
            self._rate.per_minute,
            self._captioner.sends,
        )

    def job(self, job_id: int) -> CaptionJob:
        """Return the state of one job.

        Raises:
            QueryError: there is no such job.
        """
        job = self._queue.job(job_id)
        if job is None:
            raise QueryError("There is no such caption job.")
        return job

    def failures(self, job_id: int, limit: int = MOST_FAILURES) -> list[CaptionFailure]:
        """Return the failed photos of a job by id, with their reasons."""
        return self._queue.failures(job_id, limit)

    def pause(self, job_id: int) -> None:
        """Pause a job. Answers on their way are still stored.

        Raises:
            QueryError: there is no such job.
        """
        self.job(job_id)
        self._queue.set_job_state(job_id, ("running",), "paused", time.time())

    def resume(self, job_id: int) -> None:
        """Resume a paused job.

        Raises:
            QueryError: there is no such job.
        """
        self.job(job_id)
        self._queue.set_job_state(job_id, ("paused",), "running", time.time())
        self._worker.wake()

    def cancel(self, job_id: int) -> None:
        """End a job. Its captions stay.

        Raises:
            QueryError: there is no such job.
        """
        self.job(job_id)
        self._queue.set_job_state(job_id, ("running", "paused"), "cancelled", time.time())

    def retry(self, job_id: int) -> int:
        """Queue the failed photos of a job again. Returns how many.

        A paused job stays paused.

        Raises:
            QueryError: there is no such job.
        """
        self.job(job_id)
        count = self._queue.retry(job_id)
        self._worker.wake()
        return count

    def ask_now(self, photo_id: int, language: str, wait_s: float = ANSWER_TIMEOUT_S) -> Caption:
        """Caption one photo before all others and wait for it.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: the caption is by hand, was cancelled, or failed, with the reason.
            CaptionerUnavailableError: the captioner cannot be used, or gave no answer yet. In the
                second case the photo stays queued.
        """
        self._photos.get(photo_id)
        languages = self._planner.nearest([language])
        self.check()
        if self._captions.locked([photo_id]):
            raise AlbumError("You wrote this caption yourself; clear it first to ask for another.")
        self._queue.start_job([[photo_id]], languages, time.time(), urgent=True, hidden=True)
        self._rate.wake()
        self._worker.wake()
        self._worker.wait_for(photo_id, wait_s)
        captions = self.captions_by_language(photo_id)
        caption = captions.get(languages[0]) or self.get(photo_id, language)
        if self._queue.waiting(photo_id) is not None:
            raise CaptionerUnavailableError("No answer yet; the photo stays in the queue.")
        if caption is None:
            raise AlbumError("Writing this caption was cancelled.")
        return caption

    def answer(self, photo_id: int, turns: Sequence[Turn], language: str) -> str:
        """Answer a question about a photo. Nothing is stored.

        Args:
            photo_id: the photo. A small JPEG of it is sent, without EXIF.
            turns: the conversation so far, which ends with a question.
            language: of the answer, "ko" or "en".

        Raises:
            PhotoNotFoundError: there is no such photo.
            QueryError: the conversation or the question is too long or empty, or an unknown
                language.
            CaptionerUnavailableError, CaptionRefusedError: the captioner gave no answer.
        """
        check_languages([language])
        is_question = bool(turns) and turns[0].by == turns[-1].by == "person"
        if not is_question or not turns[-1].text.strip():
            raise QueryError("Write a question about this photo first.")
        if len(turns[-1].text) > MAX_QUESTION_LENGTH:
            raise QueryError(
                "A question can have {limit} characters at most.", limit=MAX_QUESTION_LENGTH
            )
        if len(turns) > MOST_TURNS:
            raise QueryError("This conversation has become too long: begin a new one.")
        self.check()
        jpeg = self._decoder.small_jpeg(self._originals.find(self._photos.get(photo_id)))
        return self._captioner.answer(jpeg, turns, language)

    def start(self) -> None:
        """Work on the queue in background threads until `stop`.

        Jobs that were paused for a setting resume: settings are read at the start.
        """
        self._queue.resume_after_problem()
        self._worker.start()

    @property
    def at_work(self) -> bool:
        """Whether a background thread has or is about to take a photo."""
        return self._worker.at_work

    @property
    def loops(self) -> list[SupervisedLoop]:
        """The background threads."""
        return self._worker.loops

    def stop(self, timeout_s: float = STOP_S) -> None:
        """End the background threads after the requests on their way."""
        self._worker.stop(timeout_s)

    def drain(self, on_done: Callable[[int], None] = lambda photo_id: None) -> int:
        """Process the queue in this thread. Returns the number of photos captioned.

        It ends early if the captioner is out of reach or out of quota. Other photos stay queued.

        Args:
            on_done: called with each photo's id after its turn.
        """
        self._queue.resume_after_problem()
        return self._worker.drain(on_done)
