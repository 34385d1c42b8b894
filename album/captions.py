"""Journey 4: PhotoCaptions: a durable queue of photos to caption, and the one worker on it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from album.errors import AlbumError
from album.image_files import small_jpeg
from album.originals import Originals
from album.photo import Caption
from album.store import CaptionTask, PhotoStore
from models.errors import CaptionerUnavailableError, CaptionRefusedError
from models.interfaces import Captioner

log = logging.getLogger(__name__)

LANGUAGES = ("ko", "en")
MAX_TRIES = 5
FIRST_DELAY_S = 15.0  # doubles with each try
LEASE_S = 300.0  # longer than any answer takes; after a crash the task is free again then
MAX_CAPTION_LENGTH = 2000


class PhotoCaptions:
    """Captions by hand and by a captioner; what a person wrote is never overwritten unasked."""

    def __init__(self, store: PhotoStore, originals: Originals, captioner: Captioner) -> None:
        self._store = store
        self._originals = originals
        self._captioner = captioner
        self._wake = threading.Condition()
        self._stopped = False
        self._worker: threading.Thread | None = None
        self._problems: dict[int, str] = {}
        self._rest_until = 0.0  # monotonic; after one failure the others would fail likewise

    def check(self) -> None:
        """Do nothing where captions can be asked for.

        Raises:
            CaptionerUnavailableError: they cannot, and how that is mended.
        """
        self._captioner.check()

    def of(self, photo_id: int) -> Caption | None:
        """The caption of this photo, if it has one."""
        return self._store.captions_of([photo_id]).get(photo_id)

    def problem(self, photo_id: int) -> str | None:
        """Why this photo has no caption although one was asked for; None where nothing is wrong."""
        return self._store.caption_failure(photo_id)[1] or self._problems.get(photo_id)

    def write(self, photo_id: int, text: str) -> None:
        """Store a caption by hand; blank text removes the caption.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: the text is too long.
        """
        text = text.strip()
        if len(text) > MAX_CAPTION_LENGTH:
            raise AlbumError(f"A caption can have {MAX_CAPTION_LENGTH} characters at most.")
        self._store.get(photo_id)
        known = self.of(photo_id)
        if text != ("" if known is None else known.text):  # unchanged, it does not become one's own
            self._store.set_caption(photo_id, text, language="")

    def request(self, photo_ids: Sequence[int], language: str, *, urgent: bool = False) -> int:
        """Queue photos for the captioner; the number queued. Hand-written captions are left alone.

        Args:
            photo_ids: which; ones captioned by a model are captioned anew.
            language: "ko" or "en".
            urgent: before all that were queued without it.

        Raises:
            CaptionerUnavailableError: the captioner cannot be asked at all.
            AlbumError: an unknown language.
        """
        if language not in LANGUAGES:
            raise AlbumError(f"Captions can be written in {' or '.join(LANGUAGES)}.")
        self.check()
        captions = self._store.captions_of(photo_ids)
        wanted = [key for key in photo_ids if key not in captions or not captions[key].by_hand]
        for photo_id in wanted:
            self._problems.pop(photo_id, None)
            self._store.queue_caption(photo_id, language, urgent=urgent)
        with self._wake:
            if urgent:
                self._rest_until = 0.0  # somebody is waiting: try at once
            self._wake.notify_all()
        return len(wanted)

    def ask_now(self, photo_id: int, language: str, wait_s: float = 120.0) -> Caption:
        """Caption one photo before all others and wait for it.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: the caption is by hand, or was given up, with the reason.
            CaptionerUnavailableError: the captioner cannot be asked, or gave no answer yet; the
                photo stays queued in the second case.
        """
        self._store.get(photo_id)
        if not self.request([photo_id], language, urgent=True):
            raise AlbumError("You wrote this caption yourself; clear it first to ask for another.")
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            if self._worker is None:
                self.work_off()
            queued, failure = self._store.caption_failure(photo_id)
            if not queued:
                break
            if failure is not None:
                raise AlbumError(failure)
            if photo_id in self._problems:
                raise CaptionerUnavailableError(
                    f"{self._problems[photo_id]} The photo stays in the queue."
                )
            with self._wake:
                self._wake.wait(0.2)
        caption = self.of(photo_id)
        if caption is None:
            raise CaptionerUnavailableError("No answer yet; the photo stays in the queue.")
        return caption

    def start(self) -> None:
        """Work on the queue in a background thread until `stop`."""
        self._worker = threading.Thread(target=self._run, name="captions", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """End the background thread; a task at work is free again after its lease."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()

    def work_off(self, on_done: Callable[[int], None] = lambda photo_id: None) -> int:
        """Caption all that wait now, in this thread; the number of captions written.

        Ends early when the captioner is out of reach; the rest stays in the queue.

        Args:
            on_done: called with each photo's id after its turn.
        """
        written = 0
        while self._awake and (task := self._store.claim_caption(LEASE_S)) is not None:
            written += self._caption(task)
            on_done(task.photo_id)
        return written

    def _run(self) -> None:
        while not self._stopped:
            task = self._store.claim_caption(LEASE_S) if self._awake else None
            if task is not None:
                self._caption(task)
            with self._wake:
                self._wake.notify_all()
                if task is None and not self._stopped:
                    self._wake.wait(2.0)  # delayed tasks become due without anybody's word

    @property
    def _awake(self) -> bool:
        return time.monotonic() >= self._rest_until

    def _caption(self, task: CaptionTask) -> bool:
        """One photo from the queue; whether it has a new caption. Never raises for one photo."""
        try:
            photo = self._store.get(task.photo_id)
            jpeg = small_jpeg(self._originals.find(photo))
            text = self._captioner.caption(jpeg, task.language)
        except CaptionerUnavailableError as error:
            self._put_off(task, error)
            return False
        except (AlbumError, CaptionRefusedError) as error:
            log.warning("no caption for photo %d: %s", task.photo_id, error)
            self._store.fail_caption(task.photo_id, str(error))
            return False
        return self._store.set_caption(
            task.photo_id, text[:MAX_CAPTION_LENGTH], task.language, self._captioner.model_id
        )

    def _put_off(self, task: CaptionTask, error: CaptionerUnavailableError) -> None:
        tries = task.tries + 1
        self._problems[task.photo_id] = str(error)
        log.warning("photo %d stays without a caption for now: %s", task.photo_id, error)
        if tries >= MAX_TRIES:
            self._store.fail_caption(task.photo_id, str(error))
            return
        delay_s = max(FIRST_DELAY_S * 2**task.tries, error.retry_after_s or 0.0)
        self._rest_until = time.monotonic() + delay_s
        self._store.delay_caption(task.photo_id, tries, delay_s)
