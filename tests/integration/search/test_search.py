"""Journey 2: words, pictures, both; filters before ranking; exact numbers and pages."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from threading import Barrier
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from album.domain.photo import SearchFilters
from album.errors import EmptyQueryError, PhotoNotFoundError, QueryError, UnreadableImageError
from album.search.request import SearchRequest
from tests.support.images.make import make_exif, make_photo, make_text
from tests.support.importing import take_in
from tests.unit.metadata.test_xmp import packet

COLOURS = ("red", "blue", "green", "yellow", "white")


@pytest.fixture
def coloured(album, tmp_path):
    """Five photos, one a year from 2018 on; the red one by a Canon, the blue one tall."""
    for year, colour in enumerate(COLOURS, start=2018):
        exif = make_exif(
            main={0x010F: "Canon", 0x0110: "Canon EOS 40D"} if colour == "red" else None,
            shot={0x9003: f"{year}:06:15 12:00:00"},
            gps={1: "N", 2: (37.0, 30.0, 0.0), 3: "E", 4: (127.0, 0.0, 0.0)}
            if colour == "green"
            else None,
        )
        size = (48, 64) if colour == "blue" else (64, 48)
        make_photo(tmp_path / "photos" / f"{colour}.jpg", colour, size, exif=exif)
    make_photo(tmp_path / "photos" / "square.png", "black", (50, 50))
    os.utime(tmp_path / "photos" / "square.png", (1_500_000_000, 1_500_000_000))
    take_in(album, [tmp_path / "photos"])
    return album


def names(page):
    return [hit.photo.filename for hit in page.hits]


def test_import_is_a_filter_of_any_search(coloured, tmp_path):
    first = coloured.store.count()
    make_photo(tmp_path / "later" / "maroon.png", (120, 0, 0))
    make_photo(tmp_path / "later" / "navy.png", (0, 0, 120))
    later = coloured.imports.start([tmp_path / "later"])
    assert coloured.imports.wait(later, 60)

    listed = coloured.search.find(SearchRequest(import_id=later))
    assert sorted(names(listed)) == ["maroon.png", "navy.png"]
    assert listed.total == 2
    ranked = coloured.search.find(SearchRequest("red", import_id=later, rest=True))
    assert names(ranked) == ["maroon.png", "navy.png"]
    assert set(coloured.search.all_ids(SearchRequest(import_id=later))) == set(
        coloured.import_store.added_by(later)
    )
    none = coloured.search.find(SearchRequest("2018", import_id=later))
    assert none.total == 0
    assert [way.photos for way in none.ways_out] == [2]
    assert coloured.search.find(SearchRequest(import_id=later - 1)).total == first
    assert coloured.search.find(SearchRequest(import_id=999)).total == 0


def index_of(album):
    return album.active.current().index


def id_of(album, filename):
    (photo,) = (photo for photo in album.store.all_photos() if photo.filename == filename)
    return photo.photo_id


@pytest.mark.parametrize(("query", "first"), [("red", "red.jpg"), ("파란 하늘", "blue.jpg")])
def test_the_photo_that_the_words_describe_comes_first(coloured, query, first):
    page = coloured.search.find(SearchRequest(query, rest=True))

    assert names(page)[0] == first
    assert page.hits[0].score == pytest.approx(1.0, abs=0.02)
    assert page.total == page.sure + page.maybe + page.rest == 6
    assert page.model_id == "fake"
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)


def test_empty_query_returns_all_photos_newest_first(coloured):
    page = coloured.search.find("  \n ")

    assert names(page) == [
        "white.jpg",
        "yellow.jpg",
        "green.jpg",
        "blue.jpg",
        "red.jpg",
        "square.png",
    ]
    assert all(hit.score is None for hit in page.hits)
    assert page.model_id is None


def test_a_picture_finds_what_looks_like_it(coloured, tmp_path):
    page = coloured.search.find(
        SearchRequest(pictures=(make_photo(tmp_path / "query.png", (0, 10, 250)),))
    )

    assert names(page)[0] == "blue.jpg"


def test_words_and_a_picture_weigh_the_same(coloured, tmp_path):
    encoder = coloured.active.current().encoder
    picture = make_photo(tmp_path / "query.png", "blue")

    page = coloured.search.find(SearchRequest("red", pictures=(picture,)))

    (first,) = index_of(coloured).vectors_of(np.array([page.hits[0].photo.photo_id]))
    expected = encoder.encode_texts(["red", "blue"]) @ first
    assert page.hits[0].score == pytest.approx(expected.mean(), abs=1e-3)


@pytest.mark.parametrize(("weight", "first"), [(0.0, "red.jpg"), (1.0, "blue.jpg")])
def test_picture_weight_ranges_from_none_to_all(coloured, tmp_path, weight, first):
    picture = make_photo(tmp_path / "query.png", "blue")

    page = coloured.search.find(SearchRequest("red", pictures=(picture,), picture_weight=weight))

    assert names(page)[0] == first


def test_several_pictures_are_one_look(coloured, tmp_path):
    pictures = tuple(make_photo(tmp_path / f"{it}.png", it) for it in ("red", "yellow"))

    page = coloured.search.find(SearchRequest(pictures=pictures, rest=True))

    assert set(names(page)[:2]) == {"red.jpg", "yellow.jpg"}


def test_unreadable_query_picture_is_one_sentence(coloured, tmp_path):
    with pytest.raises(UnreadableImageError):
        coloured.search.find(SearchRequest(pictures=(make_text(tmp_path / "text.jpg"),)))


def test_more_like_this_leaves_the_photo_itself_out(coloured):
    red = id_of(coloured, "red.jpg")

    page = coloured.search.similar(red)

    assert page.total == 5
    assert "red.jpg" not in names(page)


def test_reasons_give_percentages_for_words_alone(coloured):
    """How alike two pictures are is no probability, also where words are searched, too."""
    photo = next(coloured.store.all_photos()).photo_id

    for page, is_probability in (
        (coloured.search.find(SearchRequest("red", rest=True)), True),
        (coloured.search.similar(photo), False),
        (coloured.search.find(SearchRequest("red", like=(photo,), rest=True)), False),
    ):
        likeness = [one.likeness for hit in page.hits for one in hit.reasons if one.kind == "looks"]
        assert likeness
        assert all((value is not None) == is_probability for value in likeness)


def test_similar_to_missing_photo_raises_not_found(coloured):
    with pytest.raises(PhotoNotFoundError):
        coloured.search.similar(999)


def test_similar_to_unencoded_photo_raises_empty_query(album, tmp_path):
    from album.domain.photo import ImageFacts
    from album.storage.photo_rows import NewPhoto

    photo_id = album.store.add(
        NewPhoto("0" * 64, "new.jpg", None, 1, ImageFacts("JPEG", 1, 1), datetime(2020, 1, 1))
    )

    with pytest.raises(EmptyQueryError):
        album.search.similar(photo_id)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (SearchFilters(after=date(2020, 6, 15)), {"green.jpg", "yellow.jpg", "white.jpg"}),
        (SearchFilters(before=date(2019, 6, 15)), {"red.jpg", "blue.jpg", "square.png"}),
        (SearchFilters(after=date(2019, 1, 1), before=date(2019, 12, 31)), {"blue.jpg"}),
        (SearchFilters(camera="Canon EOS 40D"), {"red.jpg"}),
        (SearchFilters(has_place=True), {"green.jpg"}),
        (SearchFilters(orientation="portrait"), {"blue.jpg"}),
        (SearchFilters(orientation="square"), {"square.png"}),
        (SearchFilters(file_type="PNG"), {"square.png"}),
        (
            SearchFilters(orientation="landscape", after=date(2021, 1, 1)),
            {"yellow.jpg", "white.jpg"},
        ),
        (SearchFilters(camera="Canon EOS 40D", has_place=True), set()),
    ],
)
def test_filters_combine_with_queries_and_count_exactly(coloured, filters, expected):
    for query in ("red", ""):
        page = coloured.search.find(SearchRequest(query, filters=filters, rest=True))

        assert set(names(page)) == expected
        assert page.total == len(expected)


def test_photos_are_filtered_by_caption_and_by_label(coloured):
    red, blue = id_of(coloured, "red.jpg"), id_of(coloured, "blue.jpg")
    coloured.captions.write(red, "A rose")
    coloured.change_labels(blue, gives=["sky", " sky ", ""])

    assert names(
        coloured.search.find(
            SearchRequest("red", filters=SearchFilters(has_caption=True), rest=True)
        )
    ) == ["red.jpg"]
    assert (
        coloured.search.find(
            SearchRequest("", filters=SearchFilters(has_caption=False), rest=True)
        ).total
        == 5
    )
    assert names(
        coloured.search.find(SearchRequest("red", filters=SearchFilters(label="sky"), rest=True))
    ) == ["blue.jpg"]
    assert coloured.labels_of(blue) == ["sky"]


def test_pages_return_each_photo_once_in_order(album, tmp_path):
    paths = [make_photo(tmp_path / f"{n:03}.png", (n, 255 - n, n // 2)) for n in range(130)]
    take_in(album, paths)

    for query in ("red", ""):
        pages = [
            album.search.find(SearchRequest(query, rest=True), offset=offset, limit=60)
            for offset in (0, 60, 120, 180)
        ]
        whole = album.search.find(SearchRequest(query, rest=True), limit=1000)

        assert [len(page.hits) for page in pages] == [60, 60, 10, 0]
        assert {page.total for page in pages} == {130}
        assert [hit.photo.photo_id for page in pages for hit in page.hits] == [
            hit.photo.photo_id for hit in whole.hits
        ]


def test_photo_of_another_process_is_found(coloured, tmp_path):
    from album.service import Album
    from models.classifiers.factory import DefaultClassifiers
    from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder

    assert names(coloured.search.find("purple"))[0] != "purple.png"
    other = Album(coloured.data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    other.active.set_encoder(FakeEncoder(), fill=False)
    take_in(other, [make_photo(tmp_path / "purple.png", (128, 0, 160))])
    other.close()

    assert names(coloured.search.find("purple"))[0] == "purple.png"


def test_search_works_with_one_or_no_photo(album, tmp_path):
    assert album.search.find("red").hits == []
    assert album.search.find("").total == 0

    take_in(album, [make_photo(tmp_path / "a.png", "red")])

    assert album.search.find("red").total == 1


# What is asked in words


def test_facts_in_words_narrow_what_is_looked_at(coloured):
    page = coloured.search.find(SearchRequest("red 2018", rest=True))

    assert names(page) == ["red.jpg"]
    assert [page.query.text[chip.start : chip.end] for chip in page.query.chips] == ["2018"]


def test_filters_alone_need_no_model(album, coloured):
    coloured.active.stop()

    page = coloured.search.find("2019-2021")

    assert names(page) == ["yellow.jpg", "green.jpg", "blue.jpg"]
    assert (page.total, page.sure, page.maybe, page.rest) == (3, 3, 0, 0)
    assert page.model_id is None


@pytest.mark.parametrize("word", ["today", "오늘", "오늘 찍은 사진", "this week", "올해"])
def test_today_is_the_day_of_the_readers_zone(album, tmp_path, word):
    """The two zones never have the same date."""
    east, west = "Etc/GMT-14", "Etc/GMT+12"
    days = {zone: datetime.now(ZoneInfo(zone)).date() for zone in (east, west)}
    for zone, day in days.items():
        exif = make_exif(shot={0x9003: f"{day:%Y:%m:%d} 12:00:00"})
        make_photo(tmp_path / "in" / f"{zone[4:]}.jpg", "red", exif=exif)
    take_in(album, [tmp_path / "in"])

    for zone, day in days.items():
        page = album.search.find(SearchRequest(word, time_zone=zone))
        (chip,) = page.query.chips
        assert chip.first <= day <= chip.last
        assert f"{zone[4:]}.jpg" in names(page)
        if chip.first == chip.last:
            assert page.total == 1


@pytest.mark.parametrize("words", ["Family", "#Family", "label:family", "여행", "#여행", "#제주도"])
def test_parent_of_a_keyword_finds_its_photo(album, tmp_path, words):
    sidecar = packet(
        "<lr:hierarchicalSubject>Family|Grandma</lr:hierarchicalSubject>"
        "<digiKam:TagsList>여행/제주도</digiKam:TagsList>"
    )
    make_photo(tmp_path / "in" / "tagged.jpg", "red")
    (tmp_path / "in" / "tagged.xmp").write_text(sidecar)
    make_photo(tmp_path / "in" / "other.jpg", "blue")
    take_in(album, [tmp_path / "in"])

    page = album.search.find(words)

    assert names(page)[0] == "tagged.jpg"
    assert not page.nearest
    if words[0] == "#":
        assert page.total == 1


@pytest.mark.parametrize(
    ("question", "left"),
    [("-red", "red.jpg"), ("without red", "red.jpg"), ("빨간색 말고", "red.jpg")],
)
def test_excluded_photos_are_no_hits_but_counted(coloured, question, left):
    page = coloured.search.find(question)

    assert left not in names(page)
    assert page.vetoed >= 1
    assert page.total + page.vetoed == 6


@pytest.mark.parametrize(
    ("question", "left"), [("ball but not blue", "blue.jpg"), ("공 -빨간", "red.jpg")]
)
def test_excluded_colour_is_that_of_the_thing(coloured, monkeypatch, question, left):
    """A model that sees the colour of a ball, and none in the word for a colour alone."""
    encoder = coloured.active.current().encoder
    encode = encoder.encode_texts
    monkeypatch.setattr(
        encoder,
        "encode_texts",
        lambda texts: encode([text if " " in text else text[::-1] for text in texts]),
    )

    page = coloured.search.find(SearchRequest(question, rest=True))

    assert set(names(page)) >= {"green.jpg", "white.jpg"}
    assert left not in names(page)


def test_all_phrases_are_encoded_at_once(coloured, monkeypatch):
    encoder = coloured.active.current().encoder
    coloured.search.find("red")
    calls = []
    encode = encoder.encode_texts
    monkeypatch.setattr(encoder, "encode_texts", lambda texts: calls.append(texts) or encode(texts))

    coloured.search.find("Balls + 2:kites -Dogs -green")

    (texts,) = calls
    assert texts[:4] == ["ball", "kite", "dog", "green"]
    assert len(texts) == len(set(texts)) == 4 + 12


def test_exclusion_of_nothing_is_idle(coloured):
    page = coloured.search.find("red 2018 -blue -kite -2020 -red")

    idle = [chip.unwanted for chip in page.query.chips if page.is_idle(chip)]
    assert idle == [("blue",), ("kite",)]
    assert page.left_out == (0, 0, 1)


def test_vetoed_text_match_is_counted(coloured):
    coloured.captions.write(id_of(coloured, "blue.jpg"), "칠순 잔치, 파란 한복")

    page = coloured.search.find("칠순 잔치 -한복")

    assert "blue.jpg" not in names(page)
    assert page.vetoed >= 1


def test_caption_words_match_without_similar_looks(coloured):
    blue = id_of(coloured, "blue.jpg")
    coloured.captions.write(blue, "할머니의 칠순 잔치")

    page = coloured.search.find("칠순 잔치")

    assert names(page)[0] == "blue.jpg"
    assert page.hits[0].band == "sure"
    assert ("caption", "할머니의 칠순 잔치") in [
        (reason.kind, reason.excerpt) for reason in page.hits[0].reasons
    ]


def test_exact_words_are_a_condition(coloured):
    for name, caption in (("blue.jpg", "A red rose"), ("green.jpg", "A rose, red")):
        coloured.captions.write(id_of(coloured, name), caption)

    assert names(coloured.search.find('"red rose"')) == ["blue.jpg"]
    assert set(names(coloured.search.find('rose -"red rose"'))) >= {"green.jpg"}
    assert "blue.jpg" not in names(coloured.search.find(SearchRequest('-"red rose"', rest=True)))


def test_both_means_both_and_not_either(album, tmp_path):
    for name, colour in (("r", "red"), ("b", "blue"), ("rb", (128, 0, 128)), ("w", "white")):
        make_photo(tmp_path / "photos" / f"{name}.png", colour)
    take_in(album, [tmp_path / "photos"])

    page = album.search.find(SearchRequest("red + blue", rest=True))

    assert names(page)[0] == "rb.png"


def test_inside_a_band_hits_can_stand_by_date(coloured):
    best = coloured.search.find(SearchRequest("red", rest=True))
    dated = coloured.search.find(SearchRequest("red", rest=True, sort="date"))

    for band in ("sure", "maybe", "rest"):
        by_best = [hit.photo for hit in best.hits if hit.band == band]
        by_date = [hit.photo for hit in dated.hits if hit.band == band]
        assert by_date == sorted(by_best, key=lambda it: (it.taken_at, it.photo_id), reverse=True)


def test_later_pages_ignore_photos_added_since(album, tmp_path):
    take_in(album, [make_photo(tmp_path / f"{n:02}.png", (n, 255 - n, 9)) for n in range(20)])
    question = SearchRequest("red", rest=True)
    first = album.search.find(question, limit=10)
    take_in(album, [make_photo(tmp_path / "new.png", "red")])

    second = album.search.find(question, offset=10, limit=10)
    again = album.search.find(question, limit=10)

    assert len({hit.photo.photo_id for page in (first, second) for hit in page.hits}) == 20
    assert again.hits[0].photo.filename == "new.png"


# Bursts


@pytest.fixture
def burst(album, tmp_path):
    """Four nearly equal photos within three seconds, and one of another day."""
    for number in range(4):
        exif = make_exif(shot={0x9003: f"2020:05:05 10:00:0{number}"})
        make_photo(tmp_path / "b" / f"{number}.jpg", (250 - 5 * number, 0, 0), exif=exif)
    exif = make_exif(shot={0x9003: "2020:05:06 10:00:00"})
    make_photo(tmp_path / "b" / "later.jpg", "red", exif=exif)
    take_in(album, [tmp_path / "b"])
    return album


def test_burst_is_one_hit_with_its_size(burst):
    page = burst.search.find(SearchRequest("red", rest=True))

    assert page.total == 2
    assert sorted(hit.burst for hit in page.hits) == [1, 4]
    assert page.sure + page.maybe + page.rest == 5


def test_burst_page_lists_photos_by_time(burst):
    page = burst.search.find(SearchRequest(burst=id_of(burst, "2.jpg")))

    assert names(page) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert page.total == 4


def test_burst_page_of_single_photo_is_itself(burst):
    assert names(burst.search.find(SearchRequest(burst=id_of(burst, "later.jpg")))) == ["later.jpg"]
    with pytest.raises(PhotoNotFoundError):
        burst.search.find(SearchRequest(burst=999))


# The language of the model


def test_unread_language_is_reported(album, coloured, monkeypatch):
    monkeypatch.setattr(coloured.active.current().encoder, "languages", ("en",))

    assert coloured.search.find("파란 하늘").unread == "ko"
    assert coloured.search.find("blue sky").unread == ""
    assert coloured.search.find("2019년 blue").unread == ""


def test_too_long_search_is_one_sentence(album):
    with pytest.raises(QueryError, match="1,000 characters at most"):
        album.search.find("바다 " * 400)


def test_four_searches_are_answered_at_once(coloured, monkeypatch):
    """Each of the four waits with its words until all have come so far."""
    encoder, together = coloured.active.current().encoder, Barrier(4)
    encode = encoder.encode_texts
    coloured.search.find("red")  # the everyday words are encoded before

    def encode_together(texts):
        together.wait(60)
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_texts", encode_together)
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(coloured.search.find, ("red", "blue", "green", "yellow")))

    assert [names(page)[0] for page in pages] == ["red.jpg", "blue.jpg", "green.jpg", "yellow.jpg"]
