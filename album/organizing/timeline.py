"""Timeline: photos by day, the newest first, and what was taken on this day in earlier years.

    order = timeline.order(request)
    order.days                          # [("2019-08-03", 12), ..., ("", 40)]: "" is no known day
    timeline.rows(order, 200, 100, "ko")

An order is one array of ids, so that a browser can lay out the whole album from a byte per photo
and ask for the rest as it scrolls.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from album.domain.labels import FAVOURITE
from album.domain.photo import Caption, Photo
from album.storage.captions import CaptionStore
from album.storage.label_evidence import labels_among
from album.storage.photo_table import Facts, Mask
from album.storage.photos import PhotoStore

Ids = npt.NDArray[np.int64]
ORDERS_KEPT = 4
"""Orders in memory, each with some twenty bytes for a photo."""
MEMORIES = 5
"""Earlier years that are remembered, the latest of those with photos."""
COVERS = 3
UNKNOWN_DAY = ""
_DIGEST_BYTES = 8
_NO_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Order:
    """Photos of one request in the order of the timeline."""

    photo_ids: Ids
    """(n,) ids."""
    ratios: npt.NDArray[np.uint8]
    """(n,) codes of width to height, see `photo_table.ratio_codes`."""
    days: list[tuple[str, int]]
    """Each day as "2019-08-03" and its number of photos. `UNKNOWN_DAY` comes last."""

    @cached_property
    def revision(self) -> str:
        """Digest of ids, shapes and days: equal orders have equal ones."""
        digest = hashlib.blake2b(self.photo_ids.tobytes(), digest_size=_DIGEST_BYTES)
        digest.update(self.ratios.tobytes())
        digest.update(repr(self.days).encode())
        return digest.hexdigest()

    def index_of(self, photo_id: int) -> int:
        """Return the place of a photo, or -1."""
        places = np.flatnonzero(self.photo_ids == np.int64(photo_id))
        return int(places[0]) if len(places) else -1


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """What a browser needs to show one photo."""

    photo: Photo
    caption: Caption | None
    is_favourite: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """Photos of this day in an earlier year."""

    years: int
    """How many years ago."""
    first: date
    last: date
    """Another day than `first` where 29 February is remembered on the 28th."""
    count: int
    covers: tuple[Photo, ...]
    """Up to `COVERS` of them, spread over the day."""


class Timeline:
    """Orders of the album, safe to use from any thread."""

    def __init__(
        self,
        store: PhotoStore,
        captions: CaptionStore,
        matching_ids: Callable[[Any], Ids | None],
    ) -> None:
        """Prepare to order photos.

        Args:
            store: the photos.
            captions: their captions.
            matching_ids: returns the ids of the photos that a request matches. None: all.
        """
        self._store = store
        self._captions = captions
        self._matching_ids = matching_ids
        self._orders: list[tuple[tuple[Hashable, int, bytes | None], Order]] = []  # the latest last
        self._lock = Lock()

    def order(self, request: Hashable) -> Order:
        """Return the current order of the photos that a request matches.

        Args:
            request: as `matching_ids` takes it.
        """
        ids = self._matching_ids(request)
        # The revision is read first: what changes meanwhile makes another key next time.
        key = request, self._store.revision(), None if ids is None else ids.tobytes()
        with self._lock:
            for known, order in self._orders:
                if known == key:
                    return order
        order = self._build(ids)
        with self._lock:
            self._orders.append((key, order))
            del self._orders[:-ORDERS_KEPT]
        return order

    def order_of(self, request: Hashable, revision: str) -> Order | None:
        """Return the order that a browser knows by its revision.

        None: the album has changed, and that order is no longer kept.
        """
        with self._lock:
            for (known, *_), order in self._orders:
                if known == request and order.revision == revision:
                    return order
        order = self.order(request)
        return order if order.revision == revision else None

    def rows(self, order: Order, first: int, count: int, language: str) -> list[TimelineRow | None]:
        """Return the photos of [`first`, `first + count`), None for those deleted since.

        Args:
            order: from `order_of`.
            first: place of the first photo, from 0.
            count: photos at most.
            language: "ko" or "en", of the captions.
        """
        ids: list[int] = order.photo_ids[first : first + count].tolist()
        photos = self._store.get_many(ids)
        captions = self._captions.get_many(ids, language)
        favourites = labels_among(self._store.database, ids, [FAVOURITE])
        return [
            TimelineRow(photos[photo_id], captions.get(photo_id), photo_id in favourites)
            if photo_id in photos
            else None
            for photo_id in ids
        ]

    def memories(self, today: date) -> list[Memory]:
        """Return what was taken on this day in earlier years, the latest year first.

        Args:
            today: the reader's day. On 28 February of a year without a 29th, both are remembered.
        """
        facts = self._store.photo_table()
        mask = self._on_day_of(facts, today)
        years = facts.days[mask].astype("datetime64[Y]").astype(np.int64) + 1970
        memories = []
        for year in sorted(set(years[years < today.year].tolist()), reverse=True)[:MEMORIES]:
            rows = np.flatnonzero(mask)[years == year]
            rows = rows[np.argsort(facts.ranks[rows])[::-1]]  # as the day went
            days = facts.days[rows]
            photos = self._store.get_many(_spread(facts.photo_ids[rows], COVERS))
            memories.append(
                Memory(
                    years=today.year - year,
                    first=days[0].item(),
                    last=days[-1].item(),
                    count=len(rows),
                    covers=tuple(photos.values()),
                )
            )
        return memories

    @staticmethod
    def _on_day_of(facts: Facts, today: date) -> Mask:
        days = [today]
        if (today.month, today.day) == (2, 28) and not calendar.isleap(today.year):
            days.append(date(2000, 2, 29))
        mask = np.zeros(len(facts.rows), bool)
        for day in days:
            mask |= (facts.months == day.month) & (facts.days_of_month == day.day)
        mask &= facts.rows["timed"]
        return mask

    def _build(self, ids: Ids | None) -> Order:
        facts = self._store.photo_table()
        places = facts.newest_first
        if ids is not None:
            mask = np.isin(facts.photo_ids, ids, assume_unique=True)
            places = places[mask[places]]
        return Order(
            photo_ids=facts.photo_ids[places],
            ratios=facts.rows["ratio"][places],
            days=_runs(np.where(facts.rows["timed"][places], facts.days[places], _NO_DAY)),
        )


def _runs(days: npt.NDArray[np.datetime64]) -> list[tuple[str, int]]:
    """Count equal neighbours. NaT is `UNKNOWN_DAY`."""
    if not len(days):
        return []
    numbers = days.astype(np.int64)
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    counts = np.diff(np.r_[starts, len(days)])
    names = [UNKNOWN_DAY if np.isnat(day) else str(day) for day in days[starts]]
    return list(zip(names, counts.tolist(), strict=True))


def _spread(ids: Ids, most: int) -> Sequence[int]:
    """Choose ids at equal distances, with the first."""
    places = np.unique(np.linspace(0, len(ids), most, endpoint=False).astype(np.int64))
    chosen: list[int] = ids[places].tolist()
    return chosen
