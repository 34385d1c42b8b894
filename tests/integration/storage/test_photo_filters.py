"""Each fact lets through the photos that have it, alone, excluded and beside others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from album.domain.filters import (
    AtHours,
    ByCamera,
    ByLens,
    Captioned,
    Fact,
    Favourite,
    Filter,
    InMonths,
    InPlace,
    Labelled,
    OfType,
    OnDays,
    OnWeekdays,
    Placed,
    Screenshot,
    Shaped,
    TakenBetween,
    Writes,
)
from album.domain.photo import ImageFacts, Place, SearchFilters
from album.storage.database import Database
from album.storage.labels import LabelStore
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore
from tests.support.captioning import set_caption

BUSAN = Place("Busan", "부산", "KR", "South Korea", "대한민국")
IZMIR = Place("İzmir", "", "TR", "Türkiye", "튀르키예")
PLAIN = ImageFacts("JPEG", 4, 3)
NUMBERS = count()
FILE_TIME = datetime(2015, 6, 7, 23, 30)  # a Sunday


@pytest.fixture
def store(tmp_path):
    store = PhotoStore(Database(tmp_path / "album.db"))
    yield store
    store.database.close()


def add(
    store: PhotoStore,
    name: str = "a.jpg",
    *,
    path: str | None = None,
    place: Place | None = None,
    caption: str = "",
    labels: tuple[str, ...] = (),
    **facts: object,
) -> int:
    """A photo of which only this is known; its id."""
    if "taken_at" in facts:
        facts.setdefault("taken_from", "exif")
    photo_id = store.add(
        NewPhoto(
            f"{next(NUMBERS):064x}",
            name,
            None if path is None else Path(path),
            1,
            replace(PLAIN, **facts),
            FILE_TIME,
            place,
        )
    )
    assert photo_id is not None
    if caption:
        set_caption(store.database, photo_id, caption, "en")
    LabelStore(store.database).set_by_person(photo_id, labels)
    return photo_id


def meeting(store: PhotoStore, *facts: Fact, without: tuple[Fact, ...] = (), **written) -> set[int]:
    conditions = [*map(Filter, facts), *(Filter(fact, excluded=True) for fact in without)]
    filters = written.pop("filters", SearchFilters())
    ids = store.matching_ids(filters, conditions, written.pop("written", None))
    assert ids.dtype == np.int64
    assert ids.tolist() == sorted(ids.tolist())
    assert store.count(filters, conditions) == len(ids)
    newest = store.newest(filters, 0, 1000, conditions)
    assert {photo.photo_id for photo in newest} == set(ids.tolist())
    order = [(it.taken_from != "file", it.taken_at, it.photo_id) for it in newest]
    assert order == sorted(order, reverse=True)
    return set(ids.tolist())


def on(*when: int) -> dict[str, object]:
    return {"taken_at": datetime(*when)}


HAVING: list[tuple[Fact, list[dict], list[dict]]] = [
    (
        TakenBetween(date(2019, 3, 1), date(2019, 3, 31)),
        [on(2019, 3, 1), on(2019, 3, 31, 23, 59, 59, 999_000), on(2019, 3, 15, 12)],
        [on(2019, 2, 28, 23, 59, 59, 999_000), on(2019, 4, 1), on(2018, 3, 15)],
    ),
    (TakenBetween(None, date(1969, 12, 31)), [on(1969, 12, 31, 23), on(1902, 1, 1)], [{}]),
    (TakenBetween(date(2030, 1, 1), None), [on(2030, 1, 1), on(2300, 1, 1)], [{}]),
    (TakenBetween(date(2015, 6, 7), date(2015, 6, 7)), [{}], [on(2015, 6, 8)]),
    (
        InMonths((7, 12)),
        [on(2001, 7, 1), on(2019, 12, 31), on(1950, 7, 31, 23)],
        [on(2001, 8, 1), on(2019, 11, 30)],
    ),
    (
        OnDays(((12, 25), (2, 29))),
        [on(1999, 12, 25), on(2020, 2, 29, 23, 59)],
        [on(1999, 12, 26), on(2020, 2, 28), on(2019, 3, 1), on(2020, 12, 29)],
    ),
    (
        OnWeekdays((5, 6)),
        [on(2024, 6, 1), on(2024, 6, 2, 23, 59), on(1965, 7, 4), {}],
        [on(2024, 6, 3), on(2024, 5, 31)],
    ),
    (
        AtHours(9, 12),
        [on(2024, 6, 1, 9), on(2024, 6, 1, 11, 59, 59)],
        [on(2024, 6, 1, 12), on(2024, 6, 1, 8, 59, 59)],
    ),
    (
        AtHours(22, 5),
        [on(2024, 6, 1, 22), on(2024, 6, 1, 0), on(1960, 6, 1, 4, 59)],
        [on(2024, 6, 1, 5), on(2024, 6, 1, 21), {}],  # a file's time of 23:30 is not known
    ),
    (AtHours(9, 12, or_unknown=True), [on(2024, 6, 1, 9), {}], [on(2024, 6, 1, 12)]),
    (AtHours(20, 24), [on(2024, 6, 1, 23, 59)], [on(2024, 6, 1, 0)]),
    (InPlace("부산"), [{"place": BUSAN}], [{"place": IZMIR}, {}]),
    (InPlace("BUSAN"), [{"place": BUSAN}], [{"place": IZMIR}, {}]),
    (InPlace("대한민국"), [{"place": BUSAN}], [{"place": IZMIR}, {}]),
    (InPlace("south korea"), [{"place": BUSAN}], [{"place": IZMIR}, {}]),
    (InPlace("izmir"), [{"place": IZMIR}], [{"place": BUSAN}, {}]),
    (InPlace(""), [], [{"place": IZMIR}, {"place": BUSAN}, {}]),  # İzmir has no Korean name
    (ByCamera("pixel"), [{"camera": "Google Pixel 8"}], [{"camera": "Canon"}, {}]),
    (ByCamera("É"), [{"camera": "Éclair"}, {"camera": "eclair"}], [{"camera": "Canon"}, {}]),
    (ByLens("50mm F/1.8"), [{"lens": "EF50mm f/1.8 STM"}], [{"lens": "EF 24mm"}, {}]),
    (
        OfType(("HEIC", "RAW")),
        [{"file_type": "HEIC"}, {"file_type": "RAW"}],
        [{}, {"file_type": "PNG"}],
    ),
    (Shaped("landscape"), [{"width": 4, "height": 3}], [{"width": 3}, {"width": 2}]),
    (Shaped("portrait"), [{"width": 2, "height": 3}], [{"width": 3}, {"width": 4}]),
    (Shaped("square"), [{"width": 3, "height": 3}], [{"width": 2}, {"width": 4}]),
    (
        Screenshot(),
        [
            {"name": "Screenshot_20230101-101112_Chrome.jpg"},
            {"name": "Screen Shot 2019-08-03 at 11.12.13.png"},
            {"name": "screenshot (12).png"},
            {"name": "스크린샷 2024-05-01 오후 3.21.10.png"},
            {"name": "스크린샷.png"},
            {"name": "화면 캡처 2023-01-01 101112.png"},
            {"name": "Simulator Screen Shot - iPhone.png"},
            {"name": "Capture_2020.png"},
            {"name": "1.png", "path": "/sdcard/DCIM/Screenshots/1.png"},
            {"name": "1.png", "path": "/home/사진/스크린샷/1.png"},
        ],
        [
            {"name": "IMG_1.jpg"},
            {"name": "captured-moment.jpg"},
            {"name": "My screenshot.jpg"},
            {"name": "1.png", "path": "/pictures/Screenshots of mine/1.png"},
            {"name": "Screenshot_1.jpg", "camera": "Pixel"},
            {"name": "1.png", "path": "/Screenshots/1.png", "camera": "Pixel"},
        ],
    ),
    (
        Favourite(),
        [{"rating": 4}, {"rating": 5}, {"labels": ("Favourite",)}, {"labels": ("a", "즐겨찾기")}],
        [{"rating": 3}, {"rating": -1}, {}, {"labels": ("favourites of others",)}],
    ),
    (
        Labelled("cat"),
        [{"labels": ("cat",)}, {"labels": ("CAT", "dog")}],
        [{"labels": ("cats",)}, {}],
    ),
    (
        Labelled("family", or_keyword=True),
        [
            {"labels": ("Family",)},
            {"keywords": ("Grandma", "Family")},
            {"keywords": ("Trips|Family|2023",)},
            {"keywords": ("FAMILY/Grandma",)},
        ],
        [{"keywords": ("Family tree", "sea")}, {"labels": ("Families",)}, {}],
    ),
    (Labelled("Family"), [{"labels": ("Family",)}], [{"keywords": ("Family",)}]),
    (Labelled("Été"), [{"labels": ("été",)}], [{"labels": ("dog",)}, {}]),
    (Captioned(), [{"caption": "words"}], [{}]),
    (Placed(), [{"latitude": 0.0, "longitude": 0.0}], [{}]),
]


@pytest.mark.parametrize(("fact", "having", "lacking"), HAVING, ids=[str(it[0]) for it in HAVING])
def test_excluded_fact_passes_the_complement(store, fact, having, lacking):
    """A fact passes the photos that have it, an excluded fact all others."""
    those = {add(store, **it) for it in having}
    others = {add(store, **it) for it in lacking}

    assert meeting(store, fact) == those
    assert meeting(store, without=(fact,)) == others


def test_written_phrases_filter_photos(store):
    first, second, third = (add(store) for _ in range(3))
    written = {"a b": np.array([second, third, 999]), "c": np.empty(0, np.int64)}

    def asked(fact: Fact, excluded: bool) -> list[int]:
        return store.matching_ids(SearchFilters(), [Filter(fact, excluded)], written).tolist()

    assert asked(Writes("a b"), False) == [second, third]
    assert asked(Writes("a b"), True) == [first]
    assert asked(Writes("c"), False) == []
    assert asked(Writes("c"), True) == [first, second, third]
    with pytest.raises(KeyError):
        asked(Writes("d"), False)


def test_exact_words_must_all_be_there(store):
    _, second, third = (add(store) for _ in range(3))
    written = {"a": np.array([second, third]), "b": np.array([third])}
    both = [Filter(Writes("a")), Filter(Writes("b"))]

    assert store.matching_ids(SearchFilters(), both, written).tolist() == [third]


def test_facts_of_one_type_are_alternatives(store):
    """Facts of different types must hold together."""
    may = add(store, **on(2018, 5, 1), place=BUSAN)
    june = add(store, **on(2019, 6, 1), place=IZMIR)
    add(store, **on(2019, 6, 1))
    add(store, **on(2020, 6, 1), place=BUSAN)
    years = [TakenBetween(date(year, 1, 1), date(year, 12, 31)) for year in (2018, 2019)]

    assert meeting(store, *years, InPlace("부산"), InPlace("İzmir")) == {may, june}
    assert meeting(store, *years, InPlace("부산"), InPlace("İzmir"), InMonths((6,))) == {june}


def test_labels_must_all_be_there(store):
    both = add(store, labels=("cat", "sleepy"))
    add(store, labels=("cat",))
    add(store, labels=("sleepy",))

    assert meeting(store, Labelled("cat"), Labelled("Sleepy")) == {both}


def test_none_of_the_excluded_facts_may_hold(store):
    plain = add(store)
    add(store, camera="Pixel 8")
    add(store, camera="Canon")
    other = add(store, camera="Nikon")
    excluded = (ByCamera("pixel"), ByCamera("canon"))

    assert meeting(store, without=excluded) == {plain, other}
    assert meeting(store, ByCamera("nikon"), ByCamera("canon"), without=excluded) == {other}


def test_filters_and_conditions_must_both_be_met(store):
    add(store, **on(2018, 5, 1), camera="Pixel 8", labels=("cat",))
    wanted = add(store, **on(2019, 5, 1), camera="Pixel 8", labels=("cat",))
    add(store, **on(2019, 5, 1), camera="Pixel 8 Pro", labels=("cat",))
    add(store, **on(2019, 6, 1), camera="Pixel 8", labels=("Cat",))
    year = TakenBetween(date(2018, 1, 1), date(2019, 12, 31))

    filters = SearchFilters(after=date(2019, 1, 1), camera="Pixel 8", label="cat")
    assert meeting(store, year, InMonths((5,)), filters=filters) == {wanted}


def test_empty_album_and_empty_conditions_work(store):
    assert meeting(store) == meeting(store, Captioned()) == meeting(store, Labelled("x")) == set()
    one = add(store)
    assert meeting(store) == {one}
    facts = store.photo_table()
    assert (facts.photo_ids.tolist(), facts.seconds.tolist()) == ([one], [1_433_719_800])


# As things change


def test_filter_follows_changes_by_any_connection(store, tmp_path):
    elsewhere = PhotoStore(Database(tmp_path / "album.db"))
    first, second, third = add(store, camera="A"), add(store, camera="B"), add(store, camera="C")
    assert meeting(store, ByCamera("b")) == {second}

    for writer in (store, elsewhere):
        writer.set_facts(second, replace(PLAIN, camera="A2"), FILE_TIME, BUSAN)
        assert meeting(store, ByCamera("a")) == {first, second}
        assert meeting(store, InPlace("busan")) == {second}
        writer.set_facts(second, replace(PLAIN, camera="B"), FILE_TIME, None)
        assert meeting(store, ByCamera("a")) == {first}
        set_caption(writer.database, third, "words", "en")
        assert meeting(store, Captioned()) == {third}
        set_caption(writer.database, third, "", "en")
        assert meeting(store, Captioned()) == set()
        LabelStore(writer.database).set_by_person(first, ["★"])
        assert meeting(store, Favourite()) == {first}
        LabelStore(writer.database).set_by_person(first, [])
        assert meeting(store, Favourite()) == set()
        writer.move(third, Path("/x/Screenshots/1.png"))
        writer.set_facts(third, PLAIN, FILE_TIME, None)
        assert meeting(store, Screenshot()) == {third}
        writer.move(third, None)
        assert meeting(store, Screenshot()) == set()
        fourth = add(writer, camera="D")
        assert meeting(store, ByCamera("d")) == {fourth}
        writer.database.connection.execute("DELETE FROM photos WHERE photo_id = ?", (fourth,))
        assert meeting(store, ByCamera("d")) == set()
        assert store.photo_table().photo_ids.tolist() == [first, second, third]
    elsewhere.database.close()


def test_joint_deletes_and_updates_keep_other_photos(store):
    ids = [add(store, **on(2000 + number, 1, 1)) for number in range(9)]
    assert store.photo_table().photo_ids.tolist() == ids
    db = store.database.connection
    with store.writing():
        db.execute("DELETE FROM photos WHERE photo_id IN (1, 5, 9)")
        store.set_facts(4, replace(PLAIN, taken_at=datetime(1990, 1, 1)), FILE_TIME, None)
        added = add(store, **on(2020, 1, 1))

    facts = store.photo_table()
    photo_ids, seconds = facts.photo_ids, facts.seconds

    assert photo_ids.tolist() == [2, 3, 4, 6, 7, 8, added]
    photos = store.get_many(photo_ids.tolist())
    assert [datetime(1970, 1, 1) + timedelta(seconds=int(it)) for it in seconds] == [
        photos[photo_id].taken_at for photo_id in photo_ids
    ]
    db.execute("DELETE FROM photos")
    assert store.photo_table().photo_ids.tolist() == []


def test_reinserted_row_keeps_its_order(store):
    for number in range(5):
        add(store, camera=str(number))
    db = store.database.connection
    row = tuple(db.execute("SELECT * FROM photos WHERE photo_id = 2").fetchone())
    db.execute("DELETE FROM photos WHERE photo_id = 2")
    assert store.photo_table().photo_ids.tolist() == [1, 3, 4, 5]

    db.execute(f"INSERT INTO photos VALUES ({', '.join('?' * len(row))})", row)

    assert store.photo_table().photo_ids.tolist() == [1, 2, 3, 4, 5]
    assert [meeting(store, ByCamera(str(number))) for number in range(5)] == [
        {1}, {2}, {3}, {4}, {5}
    ]  # fmt: skip


def test_photos_within_a_second_keep_order(store):
    later = add(store, **on(2019, 8, 3, 10, 0, 0, 700_000))
    first = add(store, **on(2019, 8, 3, 10, 0, 0))
    middle = add(store, **on(2019, 8, 3, 10, 0, 0, 30_000))

    newest = store.newest(SearchFilters(), 0, 9, [Filter(InMonths((8,)))])

    assert [photo.photo_id for photo in newest] == [later, middle, first]
    assert len(set(store.photo_table().seconds.tolist())) == 1


def test_what_was_never_committed_is_forgotten(store):
    add(store, camera="A")

    def add_and_stop() -> None:
        with store.writing():
            add(store, camera="B")
            assert meeting(store, ByCamera("b")) == {2}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_and_stop()
    add(store, camera="C")

    assert meeting(store, ByCamera("b")) == set()
    assert meeting(store, ByCamera("c")) == {2}


def test_known_names_follow_the_photos(store):
    keywords = ("sea", "Family|Grandma", "여행/제주도")
    first = add(
        store, place=IZMIR, camera="A", lens="L", labels=("cat", "고양이"), keywords=keywords
    )
    add(store)

    names = store.known_names()
    assert names.places == {"İzmir", "Türkiye", "튀르키예"}
    assert (names.cameras, names.lenses) == ({"A"}, {"L"})
    assert names.labels == {"cat", "고양이"}
    assert names.keywords == {*keywords, "Family", "Grandma", "여행", "제주도"}

    LabelStore(store.database).set_by_person(first, ["dog"])
    store.set_facts(first, replace(PLAIN, camera="B"), FILE_TIME, BUSAN)

    names = store.known_names()
    assert names.places == {"Busan", "부산", "South Korea", "대한민국"}
    assert (names.cameras, names.lenses) == ({"B"}, frozenset())
    assert names.labels == {"dog"}


def test_places_are_counted_by_country_and_town(store):
    seoul = Place("Seoul", "서울", "KR", "South Korea", "대한민국")
    other_seoul = replace(seoul, town_ko="")
    for place in (BUSAN, seoul, seoul, other_seoul, IZMIR, IZMIR, None):
        add(store, place=place)
    gone = add(store, place=Place("Rome", "로마", "IT", "Italy", "이탈리아"))
    store.set_facts(gone, PLAIN, FILE_TIME, None)

    assert [
        (count.place.country_code, count.place.town, count.photos) for count in store.places()
    ] == [
        ("KR", "", 4),
        ("KR", "Seoul", 3),
        ("KR", "Busan", 1),
        ("TR", "", 2),
        ("TR", "İzmir", 2),
    ]
    korea, first, *_ = store.places()
    assert (korea.place.country_ko, korea.place.town_ko) == ("대한민국", "")
    assert first.place == seoul


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (SearchFilters(country="KR"), {1, 2}),
        (SearchFilters(country="KR", town="Busan"), {1}),
        (SearchFilters(country="TR", town="Busan"), {4}),
        (SearchFilters(country="KR", town="부산"), set()),
        (SearchFilters(country="kr"), set()),
        (SearchFilters(country="KR", has_place=False), set()),
    ],
)
def test_place_filter_is_a_country_or_its_town(store, filters, expected):
    position = {"latitude": 1.0, "longitude": 1.0}
    for place in (BUSAN, replace(BUSAN, town="Seoul"), IZMIR, replace(IZMIR, town="Busan")):
        add(store, place=place, **position)
    add(store)

    assert meeting(store, filters=filters) == expected


def test_forged_rows_break_no_filter(store):
    add(store, camera="A")
    db = store.database.connection
    db.execute(
        "UPDATE photos SET camera = 5, lens = x'00ff', rating = 'many', width = 'wide',"
        " place_id = NULL, latitude = 'north', taken_at = 'noon', file_type = 7"
    )

    for fact, _, _ in HAVING:
        store.matching_ids(SearchFilters(), [Filter(fact)])
    assert store.known_names().cameras == {"5"}
