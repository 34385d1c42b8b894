"""CaptionWorker: takes photos out of the queue, asks the captioner, and stores what it says.

The answer is stored in the transaction that ends the wait; so a restart or a kill at any moment
goes on where it stopped, and a photo that has its caption is not sent again.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from album.captioning.request_gate import NotNowError, RequestGate
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
LEASE_S = 240.0  # longer than a turn and an answer take; after a kill the photo is free again then
CAUTION_AFTER = 3  # failures in a row, of any photos, after which all rest for a while
LOOK_AGAIN_S = 2.0  # for what other processes queue
NEWS_S = 0.2  # for what other processes say of a photo that somebody waits for
STOP_S = 20.0
_FAILED = "Captioning this photo failed unexpectedly; the album's log says why."


class CaptionWorker:
    """Works on the queue, in threads of its own or in that of the caller."""

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
        turns: RequestGate,
        *,
        parallel: int,
        first_delay_s: float = FIRST_DELAY_S,
        lease_s: float = LEASE_S,
    ) -> None:
        """Nothing is done before `start` or `drain`.

        Args:
            database: of all the rows.
            store: the photos.
            captions: what is written of them.
            queue: which of them wait.
            originals: their files.
            decoder: makes the copies that are sent.
            captioner: whom to ask.
            rate: how often.
            turns: who is next.
            parallel: how many are asked at the same time.
            first_delay_s: before the second try of a photo.
            lease_s: after which a photo at work is free again; longer than any answer takes.
        """
        self._database = database
        self._photos = store
        self._captions = captions
        self._queue = queue
        self._originals = originals
        self._decoder = decoder
        self._captioner = captioner
        self._rate = rate
        self._turns = turns
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
        """Whether a background thread has a photo, or is about to take one."""
        return self._at_work > 0

    def start(self) -> None:
        """Work on the queue in background threads until `stop`."""
        self._started = True
        for loop in self.loops:
            loop.start()

    def stop(self, timeout_s: float = STOP_S) -> None:
        """End the background threads; what the captioner was asked already is waited for."""
        self._stopped = True
        self._turns.stop()
        self.wake()
        patience = time.monotonic() + timeout_s
        for loop in self.loops:
            loop.stop(0)
        for loop in self.loops:
            loop.stop(max(patience - time.monotonic(), 0.0))

    def wake(self) -> None:
        """There is something new to do, or something has been done."""
        with self._news:
            self._news.notify_all()
        for loop in self.loops:
            loop.wake()

    def wait_for(self, photo_id: int, wait_s: float) -> None:
        """Wait until a photo waits no more, for so long at the most; where there are no threads,
        what waits is worked off here.

        Raises:
            AlbumError: the photo was given up, with the reason.
            CaptionerUnavailableError: it has to wait for longer, with the reason; it stays queued.
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
            rest = self._rate.resting() if self._captioner.sends else None
            late = None  # the last request of a day may be out for this photo just now
            if rest is not None and rest.until > deadline and not self.at_work:
                late = rest.reason
            if (reason := waiting.problem or late) is not None:
                raise CaptionerUnavailableError(f"{reason} The photo stays in the queue.")
            with self._news:
                self._news.wait(NEWS_S)

    def drain(self, on_done: Callable[[int], None] = lambda photo_id: None) -> int:
        """Caption all that wait now, in this thread; the number of photos that got a caption.

        Waits for its turn within a minute; ends early where the captioner is out of reach or wants
        to be left alone for longer, and the rest stays in the queue.

        Args:
            on_done: called with each photo's id after its turn.
        """
        written = 0
        while not self._stopped and self._queue.is_due(time.time()):
            if self._captioner.sends:
                if self._rate.resting() is not None:
                    break
                if wait_s := self._turns.reserve():
                    time.sleep(min(wait_s, LOOK_AGAIN_S))
                    continue
            task = self._queue.claim(time.time(), self._lease_s)
            if task is not None:
                written += self._caption(task)
                on_done(task.photo_id)
            self._turns.end()
        self._queue.finish_jobs(time.time())
        return written

    def _step(self) -> float:
        """One round of a background thread; in how many seconds the next is due."""
        with self._news:
            self._at_work += 1
        try:
            wait_s = self._round()
        finally:
            with self._news:
                self._at_work -= 1
            self._turns.end()
        if not wait_s:  # something happened; workers that have nothing to do wake nobody
            self.wake()
        return min(wait_s, LOOK_AGAIN_S)

    def _round(self) -> float:
        """Caption one photo; in how many seconds to look again, 0 for at once."""
        if not self._queue.is_due(time.time()):
            self._queue.finish_jobs(time.time())
            return LOOK_AGAIN_S
        if self._captioner.sends and (wait_s := self._turns.reserve()):
            return wait_s
        task = self._queue.claim(time.time(), self._lease_s)
        if task is None:
            return LOOK_AGAIN_S
        self._caption(task)
        return 0.0

    def _caption(self, task: CaptionTask) -> int:
        """One photo out of the queue; how many photos have a new caption.

        Whatever fails for one photo counts as a try of it, so that it neither stops the others nor
        is paid for again and again.
        """
        claim = [task]  # as it was renewed last

        def still_wanted() -> bool:
            renewed = self._queue.renew(claim[0], time.time() + self._lease_s)
            if renewed is None:
                return False
            claim[0] = renewed
            return True

        try:
            languages = [it for it in LANGUAGES if it in task.languages]
            photo = self._photos.get(task.photo_id)
            jpeg = self._decoder.small_jpeg(self._originals.find(photo))
            self._turns.begin(still_wanted)
            said = self._captioner.describe(jpeg, languages)
        except NotNowError as error:
            log.info("photo %d was not sent: %s", task.photo_id, error)
            self._queue.release(claim[0])
            return 0
        except CaptionerUnavailableError as error:
            self._put_off(claim[0], error)
            return 0
        except (AlbumError, CaptionRefusedError) as error:
            log.warning("no caption for photo %d: %s", task.photo_id, error)
            self._queue.fail(claim[0], str(error))
            return 0
        except Exception:
            log.exception("no caption for photo %d", task.photo_id)
            self._put_off(claim[0], CaptionerUnavailableError(_FAILED))
            return 0
        self._failures_in_a_row = 0
        return self._store(task, _placed(said, languages))

    def _store(self, task: CaptionTask, said: CaptionResult) -> int:
        """Keep an answer, which has been paid for: while the disk is full, it is tried again."""
        while True:
            try:
                with self._database.writing():
                    return sum(self._store_one(it, task, said) for it in self._to_write(task))
            except AlbumError as error:
                if self._stopped:
                    raise
                log.warning("a caption of photo %d cannot be kept yet: %s", task.photo_id, error)
                time.sleep(LOOK_AGAIN_S)

    def _to_write(self, task: CaptionTask) -> list[int]:
        """The photo, and those that share its caption and still wait for one."""
        others = [it for it in task.others if self._queue.waiting(it) is not None]
        return [task.photo_id, *others]

    def _store_one(self, photo_id: int, task: CaptionTask, said: CaptionResult) -> bool:
        captioner = self._captioner
        written = self._captions.write_by_model(
            photo_id, said, captioner.model_id, captioner.prompt_version
        )
        self._queue.complete(photo_id, task.languages, written)
        return written

    def _put_off(self, task: CaptionTask, error: CaptionerUnavailableError) -> None:
        """Have a photo tried again later, where that may help."""
        reason = str(error)
        log.warning("photo %d stays without a caption for now: %s", task.photo_id, reason)
        if error.needs_setting:
            self._queue.pause_for(task, reason)
            return
        if error.retry_after_s:
            self._rate.rest(error.retry_after_s, reason)
        if error.is_quota and error.retry_after_s:  # they said when: no failure of this photo
            self._queue.delay(task, task.tries, 0.0, reason)
            return
        delay_s = self._first_delay_s * 2**task.tries * random.uniform(0.5, 1.5)
        delay_s = max(delay_s, error.retry_after_s or 0.0)
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= CAUTION_AFTER:  # the others would fail likewise
            self._rate.rest(delay_s, reason, cautious=True)
        tries = task.tries + 1
        if tries < MAX_TRIES:
            self._queue.delay(task, tries, time.time() + delay_s, reason)
        else:
            self._queue.fail(task, reason)


def _placed(said: CaptionResult, languages: list[str]) -> CaptionResult:
    """With captions of bearable length under the languages that they are in.

    Plain words in place of the form that was asked for are of the one language that was asked for,
    or of that which their letters tell.
    """
    captions: dict[str, str] = {}
    for language, text in said.captions.items():
        if not language:
            told = unread_language(text, ("en",)) or "en"
            language = languages[0] if len(languages) == 1 else told
        captions.setdefault(language, text[:MAX_CAPTION_LENGTH])
    return CaptionResult(captions, said.keywords, said.text_in_photo)
