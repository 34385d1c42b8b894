"""CaptionJobPlanner: which photos a job captions, in which languages, at what cost."""

from __future__ import annotations

from collections.abc import Collection

from album.captioning.near_duplicates import NearDuplicates
from album.domain.captions import LANGUAGES, TOKENS_A_PHOTO, CaptionSelection, JobEstimate
from album.domain.photo import SearchFilters
from album.errors import QueryError
from album.storage.caption_queue import CaptionQueue
from album.storage.captions import CaptionStore
from album.storage.photos import PhotoStore
from album.storage.request_log import RateLimiter
from models.interfaces import Captioner

SECONDS_A_REQUEST = 3.0


def check_languages(languages: Collection[str]) -> None:
    """Do nothing where each is a language of captions, and there are some.

    Raises:
        QueryError: one is unknown, or there is none.
    """
    if not languages or not set(languages) <= set(LANGUAGES):
        raise QueryError(f"Captions can be written in {' or '.join(LANGUAGES)}.")


class CaptionJobPlanner:
    """Makes of what is wanted what can be done; sends and queues nothing."""

    def __init__(
        self,
        store: PhotoStore,
        captions: CaptionStore,
        queue: CaptionQueue,
        captioner: Captioner,
        rate: RateLimiter,
        parallel: int,
    ) -> None:
        """Nothing is read before it is asked for.

        Args:
            store: the photos.
            captions: what is written of them.
            queue: which of them wait.
            captioner: who is to write.
            rate: how often it may be asked.
            parallel: how many are asked at the same time.
        """
        self._photos = store
        self._captions = captions
        self._queue = queue
        self._captioner = captioner
        self._rate = rate
        self._parallel = parallel
        self._alike = NearDuplicates(store)

    def spoken(self, languages: Collection[str]) -> list[str]:
        """Those of the languages that the captioner writes.

        Raises:
            QueryError: there are none, or ones that are unknown.
        """
        check_languages(languages)
        speaks = self._captioner.speaks
        spoken = [it for it in LANGUAGES if it in languages and it in speaks]
        if not spoken:
            raise QueryError(
                f"{self._captioner.model_id} writes captions in {' and '.join(speaks)} only."
            )
        return spoken

    def nearest(self, languages: Collection[str]) -> list[str]:
        """Those of the languages that the captioner writes, or what it writes in their place.

        Raises:
            QueryError: an unknown language, or none.
        """
        check_languages(languages)
        speaks = self._captioner.speaks
        return self.spoken(languages) if set(languages) & set(speaks) else list(speaks[:1])

    def groups(self, wanted: CaptionSelection, share: bool) -> tuple[list[list[int]], int]:
        """Photos to caption, those that share one together, and how many were left out since a
        person wrote their caption."""
        if wanted.by_model:
            ids = self._captions.written_by(wanted.by_model)
        elif wanted.lacking:
            waiting = self._queue.waiting_ids()
            ids = [it for it in self._captions.without_caption() if it not in waiting]
        else:
            ids = self._photos.matching_ids(SearchFilters()).tolist()
        if wanted.label:
            labelled = self._photos.matching_ids(SearchFilters(label=wanted.label))
            among = set(labelled.tolist())
            ids = [it for it in ids if it in among]
        if wanted.photo_ids is not None:
            among = set(ids)
            ids = [it for it in dict.fromkeys(wanted.photo_ids) if it in among]
        locked = self._captions.locked(ids)
        ids = [it for it in ids if it not in locked]
        return (self._alike.groups(ids) if share else [[it] for it in ids]), len(locked)

    def estimate(
        self, wanted: CaptionSelection, languages: Collection[str], share: bool
    ) -> JobEstimate:
        """What a job would do and cost.

        Raises:
            QueryError: as of `spoken`.
        """
        self.spoken(languages)
        groups, locked = self.groups(wanted, share)
        photos, requests = sum(map(len, groups)), len(groups)
        rate, sends = self._rate, self._captioner.sends
        seconds = SECONDS_A_REQUEST * requests / self._parallel
        days = 1
        if sends:
            minutes = max(requests - rate.per_minute, 0) / rate.per_minute
            seconds = max(seconds, rate.window_s * minutes)
            if rate.per_day:
                days = max(-(-(requests + rate.today()) // rate.per_day), 1)
        return JobEstimate(
            photos=photos,
            shared=photos - requests,
            locked=locked,
            sends=sends,
            tokens=TOKENS_A_PHOTO * requests if sends else 0,
            seconds=seconds,
            days=days,
            photo_ids=tuple(it for group in groups for it in group),
        )
