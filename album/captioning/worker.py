"""Caption worker: takes photos from the queue and stores the captioner's answers.

An answer is stored in the transaction that removes the photo from the queue. After a restart or a
kill at any moment, a photo that has its caption is not sent again.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from album.captioning.request_gate import RequestDroppedError, RequestGate
from album.domain.captions import LANGUAGES, MAX_CAPTION_LENGTH, CaptionTask
from album.domain.languages import unread_language
from album.errors import AlbumError
from album.images.decoder import Decoder
from album.runtime.supervised_loop import SupervisedLoop
from album.storage.caption_queue import CaptionQueue
from album.storage.captions import CaptionStore
from album.storage.database import Database
from album.storage.originals import Originals
from album.storage.photos import PhotoStore
from album.storage.request_log import RateLimiter
from models.errors import CaptionerUnavailableError, CaptionRefusedError
from models.interfaces import Captioner, CaptionResult

log = logging.getLogger(__name__)

MAX_TRIES = 5
FIRST_DELAY_S = 15.0  # doubles with each try, and varies by half
LEASE_S = 240.0  # longer than a request takes. It frees the photo of a killed worker
PAUSE_AFTER = 3  # failures in a row, of any photos, after which all pause for a while
LOOK_AGAIN_S = 2.0  # for photos that other processes queue
NEWS_S = 0.2  # for answers of other processes that a person waits for
STOP_S = 20.0
_FAILED = "Captioning this photo failed unexpectedly; the album's log says why."


class CaptionWorker:
    """Works on the queue, in its own threads or in the caller's."""

    def __init__(
        self,
        database: Database,
        store: PhotoStore,
        captions: CaptionStore,
        queue: CaptionQueue,
        originals: Originals,
        decoder: Decoder,
        captioner: Captioner,
        rate: RateLimiter,
        gate: RequestGate,
        *,
        parallel: int,
        first_delay_s: float = FIRST_DELAY_S,
        lease_s: float = LEASE_S,
    ) -> None:
        """Create a worker. It does nothing before `start` or `drain`.

        Args:
            database: of all the rows.
            store: the photos.
            captions: the stored captions.
            queue: the photos that wait.
            originals: the files of the photos.
            decoder: makes the JPEGs that are sent.
            captioner: writes the captions.
            rate: its rate limits.
            gate: orders the requests of this process.
            parallel: how many requests run at the same time.
            first_delay_s: before the second try of a photo.
            lease_s: after which a photo in work is free again. Longer than any answer takes.
        """
        self._database = database
        self._photos = store
        self._captions = captions
        self._queue = queue
        self._originals = originals
        self._decoder = decoder
        self._captioner = captioner
        self._rate = rate
        self._gate = gate
        self._first_delay_s = first_delay_s
        self._lease_s = lease_s
        self._news = threading.Condition()
        self._stopped = False
        self.loops = [SupervisedLoop("captions", self._step) for _ in range(parallel)]
        """The background threads."""
        self._started = False
        self._failures_in_a_row = 0
        self._at_work = 0

    @property
    def at_work(self) -> bool:
        """Whether a background thread has or is about to take a photo."""
        return self._at_work > 0

    def start(self) -> None:
        """Work on the queue in background threads until `stop`."""
        self._started = True
        for loop in self.loops:
            loop.start()

    def stop(self, timeout_s: float = STOP_S) -> None:
        """End the background threads after the requests on their way."""
        self._stopped = True
        self._gate.stop()
        self.wake()
        deadline = time.monotonic() + timeout_s
        for loop in self.loops:
            loop.stop(0)
        for loop in self.loops:
            loop.stop(max(deadline - time.monotonic(), 0.0))

    def wake(self) -> None:
        """Wake the threads: the queue has changed."""
        with self._news:
            self._news.notify_all()
        for loop in self.loops:
            loop.wake()

    def wait_for(self, photo_id: int, wait_s: float) -> None:
        """Wait at most `wait_s` seconds until a photo leaves the queue.

        Without background threads the queue is processed here.

        Raises:
            AlbumError: the photo failed, with the reason.
            CaptionerUnavailableError: it has to wait longer, with the reason. It stays queued.
        """
        deadline = time.time() + wait_s
        while time.time() < deadline:
            if not self._started:
                self.drain()
            waiting = self._queue.waiting(photo_id)
            if waiting is None:
                return
            if waiting.failure is not None:
                raise AlbumError(waiting.failure)
            pause = self._rate.resting() if self._captioner.sends else None
            too_late = None  # the last request of a day may be on its way for this photo
            if pause is not None and pause.until > deadline and not self.at_work:
                too_late = pause.reason
            if (reason := waiting.problem or too_late) is not None:
                raise CaptionerUnavailableError(
                    "{reason} The photo stays in the queue.", reason=reason
                )
            with self._news:
                self._news.wait(NEWS_S)

    def drain(self, on_done: Callable[[int], None] = lambda photo_id: None) -> int:
        """Process the queue in this thread. Returns the number of photos captioned.

        It waits for the limit per minute. It ends early if the captioner is out of reach or paused
        for longer, and the other photos stay queued.

        Args:
            on_done: called with each photo's id after its turn.
        """
        written = 0
        while not self._stopped and self._queue.is_due(time.time()):
            if self._captioner.sends:
                if self._rate.resting() is not None:
                    break
                if wait_s := self._gate.reserve():
                    time.sleep(min(wait_s, LOOK_AGAIN_S))
                    continue
            task = self._queue.claim(time.time(), self._lease_s)
            if task is not None:
                written += self._caption(task)
                on_done(task.photo_id)
            self._gate.end()
        self._queue.finish_jobs(time.time())
        return written

    def _step(self) -> float:
        """Run one round of a background thread. Returns seconds until the next."""
        with self._news:
            self._at_work += 1
        try:
            wait_s = self._round()
        finally:
            with self._news:
                self._at_work -= 1
            self._gate.end()
        if not wait_s:  # an idle worker wakes nobody
            self.wake()
        return min(wait_s, LOOK_AGAIN_S)

    def _round(self) -> float:
        """Caption one photo. Returns seconds until the next round."""
        if not self._queue.is_due(time.time()):
            self._queue.finish_jobs(time.time())
            return LOOK_AGAIN_S
        if self._captioner.sends and (wait_s := self._gate.reserve()):
            return wait_s
        task = self._queue.claim(time.time(), self._lease_s)
        if task is None:
            return LOOK_AGAIN_S
        self._caption(task)
        return 0.0

    def _caption(self, task: CaptionTask) -> int:
        """Caption one photo. Returns how many photos have new captions.

        A failure of the photo itself counts as a try, so that it neither stops the others nor is
        paid for again and again.
        """
        claim = task  # as last renewed

        def still_wanted() -> bool:
            nonlocal claim
            renewed = self._queue.renew(claim, time.time() + self._lease_s)
            claim = renewed or claim
            return renewed is not None

        try:
            languages = [code for code in LANGUAGES if code in task.languages]
            photo = self._photos.get(task.photo_id)
            jpeg = self._decoder.small_jpeg(self._originals.find(photo))
            self._gate.begin(still_wanted)
            result = self._captioner.describe(jpeg, languages)
        except RequestDroppedError as error:
            log.info("photo %d was not sent: %s", task.photo_id, error)
            self._queue.release(claim)
            return 0
        except CaptionerUnavailableError as error:
            self._postpone(claim, error)
            return 0
        except (AlbumError, CaptionRefusedError) as error:
            log.warning("no caption for photo %d: %s", task.photo_id, error)
            self._queue.fail(claim, str(error))
            return 0
        except Exception:
            log.exception("no caption for photo %d", task.photo_id)
            self._postpone(claim, CaptionerUnavailableError(_FAILED))
            return 0
        self._failures_in_a_row = 0
        return self._store(task, _by_language(result, languages))

    def _store(self, task: CaptionTask, result: CaptionResult) -> int:
        """Store a paid answer, and retry while the disk is full.

        Returns the number of photos captioned.
        """
        while True:
            try:
                with self._database.writing():
                    # Others share the caption if they still wait for one.
                    waiting = [each for each in task.others if self._queue.waiting(each)]
                    photo_ids = [task.photo_id, *waiting]
                    return sum(self._store_one(each, task, result) for each in photo_ids)
            except AlbumError as error:
                if self._stopped:
                    raise
                log.warning("a caption of photo %d cannot be kept yet: %s", task.photo_id, error)
                time.sleep(LOOK_AGAIN_S)

    def _store_one(self, photo_id: int, task: CaptionTask, result: CaptionResult) -> bool:
        captioner = self._captioner
        written = self._captions.write_by_model(
            photo_id, result, captioner.model_id, captioner.prompt_version
        )
        self._queue.complete(photo_id, task.languages, written)
        return written

    def _postpone(self, task: CaptionTask, error: CaptionerUnavailableError) -> None:
        """Try a photo again later if that may help."""
        reason = str(error)
        log.warning("photo %d stays without a caption for now: %s", task.photo_id, reason)
        if error.needs_setting:
            self._queue.pause_for(task, reason)
            return
        if error.retry_after_s:
            self._rate.rest(error.retry_after_s, reason)
        if error.is_quota and error.retry_after_s:  # the server said when: no failure of this photo
            self._queue.delay(task, task.tries, 0.0, reason)
            return
        delay_s = self._first_delay_s * 2**task.tries * random.uniform(0.5, 1.5)
        delay_s = max(delay_s, error.retry_after_s or 0.0)
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= PAUSE_AFTER:  # other photos would fail likewise
            self._rate.rest(delay_s, reason, cautious=True)
        tries = task.tries + 1
        if tries < MAX_TRIES:
            self._queue.delay(task, tries, time.time() + delay_s, reason)
        else:
            self._queue.fail(task, reason)


def _by_language(result: CaptionResult, languages: list[str]) -> CaptionResult:
    """Return a result with shortened captions under their languages.

    Plain text instead of the requested JSON is of the only requested language, or else of the one
    that its letters belong to.
    """
    captions: dict[str, str] = {}
    for language, text in result.captions.items():
        if not language:
            script_language = unread_language(text, ("en",)) or "en"
            language = languages[0] if len(languages) == 1 else script_language
        captions.setdefault(language, text[:MAX_CAPTION_LENGTH])
    return CaptionResult(captions, result.keywords, result.text_in_photo)
