"""The timeline: one order by day, revisions of it, rows of a part, and this day in other years."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from album.domain.labels import FAVOURITE
from album.domain.photo import ImageFacts, SearchFilters
from album.errors import QueryError
from album.organizing.timeline import ORDERS_KEPT, Timeline
from album.search.request import SearchRequest
from album.service import Album
from album.storage.captions import CaptionStore
from album.storage.database import Database
from album.storage.photo_rows import NewPhoto
from album.storage.photo_table import RATIO_STEPS, SQUARE_RATIO
from album.storage.photos import PhotoStore
from tests.support.captioning import set_caption

Add = Callable[..., int]


def adder(store: PhotoStore) -> Add:
    numbers = count()

    def add(taken: datetime | None = None, size: tuple[int, int] = (4, 3), **facts: object) -> int:
        """A photo of which only the file's time is known, unless it is `taken`."""
        number = next(numbers)
        known = {} if taken is None else {"taken_at": taken, "taken_from": "exif"}
        image_facts = ImageFacts("JPEG", *size, **known, **facts)
        photo_id = store.add(
            NewPhoto(
                f"{number:064x}", f"{number}.jpg", None, 1, image_facts,
                datetime(2030, 1, 1) + timedelta(hours=number),
            )
        )  # fmt: skip
        assert photo_id is not None
        return photo_id

    return add


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PhotoStore]:
    store = PhotoStore(Database(tmp_path / "album.db"))
    yield store
    store.database.close()


@pytest.fixture
def add(store: PhotoStore) -> Add:
    return adder(store)


@pytest.fixture
def timeline(store: PhotoStore) -> Timeline:
    """A timeline whose requests are tuples of ids, or None for all photos."""
    return Timeline(
        store,
        CaptionStore(store.database),
        lambda ids: None if ids is None else np.array(sorted(ids), np.int64),
    )


def test_order_is_newest_first_by_day(timeline: Timeline, add: Add) -> None:
    old = add(datetime(2018, 5, 1, 12))
    evening = add(datetime(2019, 8, 3, 23, 59))
    unknown = add()
    morning = add(datetime(2019, 8, 3, 0, 0))
    later_unknown = add()

    order = timeline.order(None)

    assert order.photo_ids.tolist() == [evening, morning, old, later_unknown, unknown]
    assert order.days == [("2019-08-03", 2), ("2018-05-01", 1), ("", 2)]
    assert [order.index_of(it) for it in (old, unknown, 99, 2**62)] == [2, 4, -1, -1]


def test_times_of_files_never_stand_under_a_day(timeline: Timeline, add: Add) -> None:
    """The time of a file is later than any other here, and would come first."""
    ids = [add(), add()]

    order = timeline.order(None)

    assert order.days == [("", 2)]
    assert order.photo_ids.tolist() == ids[::-1]


@pytest.mark.parametrize(
    ("size", "ratio"),
    [((4, 3), 4 / 3), ((3, 4), 3 / 4), ((1, 1), 1), ((16, 1), 15.5), ((1, 100), 1 / 16)],
)
def test_shapes_are_known_within_two_percent(
    timeline: Timeline, add: Add, size: tuple[int, int], ratio: float
) -> None:
    add(datetime(2019, 1, 1), size)

    (code,) = timeline.order(None).ratios.tolist()

    assert 2 ** ((code - SQUARE_RATIO) / RATIO_STEPS) == pytest.approx(ratio, rel=0.02)


def test_order_holds_only_what_matches(timeline: Timeline, add: Add) -> None:
    first, _, third = (add(datetime(2019, 1, day)) for day in (1, 2, 3))

    order = timeline.order((first, third))

    assert order.photo_ids.tolist() == [third, first]
    assert order.days == [("2019-01-03", 1), ("2019-01-01", 1)]
    empty = timeline.order(())
    assert (empty.photo_ids.tolist(), empty.days) == ([], [])


def test_revision_follows_order_and_not_texts(
    store: PhotoStore, timeline: Timeline, add: Add
) -> None:
    first = add(datetime(2019, 1, 1))
    revision = timeline.order(None).revision

    set_caption(store.database, first, "a caption", "en")
    assert timeline.order(None).revision == revision
    second = add(datetime(2019, 1, 2))
    assert timeline.order(None).revision != revision
    with store.writing() as db:
        db.execute("DELETE FROM photos WHERE photo_id = ?", (second,))
    assert timeline.order(None).revision == revision
    store.set_facts(first, ImageFacts("JPEG", 3, 4), datetime(2019, 1, 1), None)
    assert timeline.order(None).revision != revision


def test_known_revision_lasts_until_it_is_dropped(timeline: Timeline, add: Add) -> None:
    add(datetime(2019, 1, 1))
    known = timeline.order(None)
    for day in range(2, 2 + ORDERS_KEPT):
        assert timeline.order_of(None, known.revision) is known
        add(datetime(2019, 1, day))
        timeline.order(None)

    assert timeline.order_of(None, known.revision) is None
    current = timeline.order(None)
    assert timeline.order_of(None, current.revision) is current
    assert timeline.order_of((1,), current.revision) is None
    assert len(timeline._orders) <= ORDERS_KEPT


def test_rows_are_photos_of_a_part(store: PhotoStore, timeline: Timeline, add: Add) -> None:
    ids = [add(datetime(2019, 1, day)) for day in range(1, 6)]
    set_caption(store.database, ids[2], "세 번째", "ko")
    with store.writing() as db:
        db.execute(
            "INSERT INTO labels (photo_id, label, given_by) VALUES (?, ?, 'person')",
            (ids[3], FAVOURITE),
        )
    order = timeline.order(None)

    rows = timeline.rows(order, 1, 2, "ko")

    assert [row.photo.photo_id for row in rows if row] == [ids[3], ids[2]]
    assert [row.is_favourite for row in rows if row] == [True, False]
    assert [row.caption.text if row and row.caption else "" for row in rows] == ["", "세 번째"]
    assert timeline.rows(order, 4, 9, "ko")[0].photo.photo_id == ids[0]
    assert timeline.rows(order, 5, 9, "ko") == timeline.rows(order, 10**17, 9, "ko") == []


def test_rows_keep_the_place_of_deleted_photos(
    store: PhotoStore, timeline: Timeline, add: Add
) -> None:
    ids = [add(datetime(2019, 1, day)) for day in (1, 2, 3)]
    order = timeline.order(None)
    with store.writing() as db:
        db.execute("DELETE FROM photos WHERE photo_id = ?", (ids[1],))

    rows = timeline.rows(order, 0, 3, "en")

    assert [row and row.photo.photo_id for row in rows] == [ids[2], None, ids[0]]


def test_memories_are_this_day_in_earlier_years(timeline: Timeline, add: Add) -> None:
    add(datetime(2026, 12, 1, 9))  # today
    add(datetime(2027, 12, 1, 9))  # a camera with a wrong clock
    add(datetime(2025, 11, 30, 23, 59))
    add(datetime(2025, 12, 2))
    add()
    ids = [add(datetime(2023, 12, 1, hour)) for hour in range(5)]
    alone = add(datetime(2020, 12, 1, 23, 59))

    near, far = timeline.memories(date(2026, 12, 1))

    assert (near.years, near.count, near.first, near.last) == (
        *(3, 5),
        *(date(2023, 12, 1), date(2023, 12, 1)),
    )
    covers = [photo.photo_id for photo in near.covers]
    assert len(covers) == 3
    assert set(covers) <= set(ids)
    assert (far.years, far.count) == (6, 1)
    assert [photo.photo_id for photo in far.covers] == [alone]


def test_memories_are_at_most_five_years(timeline: Timeline, add: Add) -> None:
    for year in range(2010, 2020):
        add(datetime(year, 6, 15))

    assert [it.years for it in timeline.memories(date(2020, 6, 15))] == [1, 2, 3, 4, 5]
    assert timeline.memories(date(2020, 6, 16)) == []


@pytest.mark.parametrize(
    ("today", "first", "last", "photos"),
    [
        (date(2023, 2, 28), date(2020, 2, 28), date(2020, 2, 29), 2),
        (date(2024, 2, 28), date(2020, 2, 28), date(2020, 2, 28), 1),
        (date(2024, 2, 29), date(2020, 2, 29), date(2020, 2, 29), 1),
    ],
)
def test_leap_day_is_remembered_every_year(
    timeline: Timeline, add: Add, today: date, first: date, last: date, photos: int
) -> None:
    add(datetime(2020, 2, 28))
    add(datetime(2020, 2, 29))
    add(datetime(2020, 3, 1))

    (memory,) = timeline.memories(today)

    assert (memory.first, memory.last, memory.count) == (first, last, photos)


def test_album_orders_what_a_search_lists(album: Album) -> None:
    add = adder(album.store)
    summer = [add(datetime(2019, 8, day)) for day in (1, 2)]
    winter = add(datetime(2019, 12, 1), (3, 4))

    def ids(request: SearchRequest) -> list[int]:
        return album.timeline.order(request.listed("")).photo_ids.tolist()

    assert ids(SearchRequest()) == [winter, *summer[::-1]]
    assert ids(SearchRequest("2019년 8월")) == summer[::-1]
    assert ids(SearchRequest("august 2019", sort="date", rest=True)) == summer[::-1]
    portraits = SearchFilters(orientation="portrait")
    assert ids(SearchRequest(filters=portraits)) == [winter]
    hits = album.search.find("2019년 8월").hits
    assert [hit.photo.photo_id for hit in hits] == summer[::-1]


@pytest.mark.parametrize(
    "request_", [SearchRequest("a dog"), SearchRequest(like=(1,)), SearchRequest(burst=1)]
)
def test_searches_by_looks_have_no_timeline(album: Album, request_: SearchRequest) -> None:
    with pytest.raises(QueryError):
        album.timeline.order(request_.listed(""))
