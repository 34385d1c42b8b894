"""Plan of a caption job: its photos, languages and cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain

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
    """Check that captions can be written in these languages.

    Raises:
        QueryError: a language is unknown, or there is none.
    """
    if not languages or not set(languages) <= set(LANGUAGES):
        raise QueryError("Captions can be written in {names}.", names=" or ".join(LANGUAGES))


class CaptionJobPlanner:
    """Plans caption jobs. It sends and queues nothing."""

    def __init__(
        self,
        store: PhotoStore,
        captions: CaptionStore,
        queue: CaptionQueue,
        captioner: Captioner,
        rate: RateLimiter,
        parallel: int,
    ) -> None:
        """Create a planner.

        Args:
            store: the photos.
            captions: the stored captions.
            queue: the photos that wait.
            captioner: writes the captions.
            rate: its rate limits.
            parallel: how many requests run at the same time.
        """
        self._photos = store
        self._captions = captions
        self._queue = queue
        self._captioner = captioner
        self._rate = rate
        self._parallel = parallel
        self._near_duplicates = NearDuplicates(store)

    def supported(self, languages: Collection[str]) -> list[str]:
        """Return the languages among these that the captioner writes.

        Raises:
            QueryError: there are none, or unknown ones.
        """
        check_languages(languages)
        speaks = self._captioner.speaks
        supported = [code for code in LANGUAGES if code in languages and code in speaks]
        if not supported:
            raise QueryError(
                "{model_id} writes captions in {names} only.",
                model_id=self._captioner.model_id,
                names=" and ".join(speaks),
            )
        return supported

    def nearest(self, languages: Collection[str]) -> list[str]:
        """Return the supported languages, or else the captioner's first one.

        Raises:
            QueryError: an unknown language, or none.
        """
        check_languages(languages)
        speaks = self._captioner.speaks
        return self.supported(languages) if set(languages) & set(speaks) else list(speaks[:1])

    def groups(self, selection: CaptionSelection, share: bool) -> tuple[list[list[int]], int]:
        """Return the photos to caption, in groups that share a caption.

        The second value counts the photos left out because a person wrote their caption.
        """
        if selection.by_model:
            ids = self._captions.written_by(selection.by_model)
        elif selection.lacking:
            waiting = self._queue.waiting_ids()
            without = self._captions.without_caption()
            ids = [photo_id for photo_id in without if photo_id not in waiting]
        else:
            ids = self._photos.matching_ids(SearchFilters()).tolist()
        if selection.label:
            labelled = self._photos.matching_ids(SearchFilters(label=selection.label))
            ids = _intersection(ids, labelled.tolist())
        if selection.photo_ids is not None:
            ids = _intersection(dict.fromkeys(selection.photo_ids), ids)
        locked = self._captions.locked(ids)
        ids = [photo_id for photo_id in ids if photo_id not in locked]
        groups = self._near_duplicates.groups(ids) if share else [[photo_id] for photo_id in ids]
        return groups, len(locked)

    def estimate(
        self, selection: CaptionSelection, languages: Collection[str], share: bool
    ) -> JobEstimate:
        """Estimate the work and cost of a job.

        Raises:
            QueryError: no language is supported, or one is unknown.
        """
        self.supported(languages)
        groups, locked = self.groups(selection, share)
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
            photo_ids=tuple(chain.from_iterable(groups)),
        )


def _intersection(ids: Iterable[int], allowed_ids: Iterable[int]) -> list[int]:
    """Return the ids that are allowed, in their order."""
    allowed = set(allowed_ids)
    return [photo_id for photo_id in ids if photo_id in allowed]
