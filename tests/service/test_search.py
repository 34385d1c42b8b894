"""Journey 2: words, pictures, both; filters before ranking; exact numbers and pages."""

from __future__ import annotations

import os
from datetime import date, datetime

import numpy as np
import pytest

from album.errors import EmptyQueryError, PhotoNotFoundError, UnreadableImageError
from album.photo import SearchFilters
from tests.images.make import make_exif, make_photo, make_text
from tests.importing import take_in

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


def id_of(album, filename):
    (photo,) = (photo for photo in album.store.all_photos() if photo.filename == filename)
    return photo.photo_id


@pytest.mark.parametrize(("query", "first"), [("red", "red.jpg"), ("파란 하늘", "blue.jpg")])
def test_the_photo_that_the_words_describe_comes_first(coloured, query, first):
    page = coloured.search.find(query)

    assert names(page)[0] == first
    assert page.hits[0].score == pytest.approx(1.0, abs=0.02)
    assert page.total == 6
    assert page.model_id == "fake"
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)


def test_no_query_shows_the_whole_album_newest_first_without_a_model(coloured):
    page = coloured.search.find("  \n ")

    assert names(page) == [
        "white.jpg", "yellow.jpg", "green.jpg", "blue.jpg", "red.jpg", "square.png",
    ]  # fmt: skip
    assert all(hit.score is None for hit in page.hits)
    assert page.model_id is None


def test_a_picture_finds_what_looks_like_it(coloured, tmp_path):
    page = coloured.search.find(picture=make_photo(tmp_path / "query.png", (0, 10, 250)))

    assert names(page)[0] == "blue.jpg"


def test_words_and_a_picture_weigh_the_same(coloured, tmp_path):
    encoder = coloured.active.current().encoder
    picture = make_photo(tmp_path / "query.png", "blue")

    page = coloured.search.find("red", picture=picture)

    both = encoder.encode_texts(["red"])[0] + encoder.encode_texts(["blue"])[0]
    index = coloured.active.current().index
    expected = index.vectors_of(np.array([page.hits[0].photo.photo_id])) @ both
    assert page.hits[0].score == pytest.approx(float(expected[0] / np.linalg.norm(both)), abs=1e-3)


def test_a_query_picture_that_is_no_image_is_one_sentence(coloured, tmp_path):
    with pytest.raises(UnreadableImageError):
        coloured.search.find(picture=make_text(tmp_path / "text.jpg"))


def test_more_like_this_leaves_the_photo_itself_out(coloured):
    red = id_of(coloured, "red.jpg")

    page = coloured.search.similar(red)

    assert page.total == 5
    assert "red.jpg" not in names(page)


def test_more_like_a_photo_that_is_not_there_says_so(coloured):
    with pytest.raises(PhotoNotFoundError):
        coloured.search.similar(999)


def test_more_like_a_photo_that_is_not_encoded_yet_says_so(album, tmp_path):
    from album.photo import ImageFacts
    from album.store import NewPhoto

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
def test_filters_combine_with_any_query_and_the_number_is_exact(coloured, filters, expected):
    for query in ("red", ""):
        page = coloured.search.find(query, filters=filters)

        assert set(names(page)) == expected
        assert page.total == len(expected)


def test_photos_are_filtered_by_caption_and_by_label(coloured):
    red, blue = id_of(coloured, "red.jpg"), id_of(coloured, "blue.jpg")
    coloured.captions.write(red, "A rose")
    coloured.set_labels(blue, ["sky", " sky ", ""])

    assert names(coloured.search.find("red", filters=SearchFilters(has_caption=True))) == [
        "red.jpg"
    ]
    assert coloured.search.find("", filters=SearchFilters(has_caption=False)).total == 5
    assert names(coloured.search.find("red", filters=SearchFilters(label="sky"))) == ["blue.jpg"]
    assert coloured.labels_of(blue) == ["sky"]


def test_pages_show_every_photo_exactly_once_in_one_order(album, tmp_path):
    paths = [make_photo(tmp_path / f"{n:03}.png", (n, 255 - n, n // 2)) for n in range(130)]
    take_in(album, paths)

    for query in ("red", ""):
        pages = [album.search.find(query, offset=offset, limit=60) for offset in (0, 60, 120, 180)]
        whole = album.search.find(query, limit=1000)

        assert [len(page.hits) for page in pages] == [60, 60, 10, 0]
        assert {page.total for page in pages} == {130}
        assert [hit.photo.photo_id for page in pages for hit in page.hits] == [
            hit.photo.photo_id for hit in whole.hits
        ]


def test_a_photo_imported_by_another_process_is_found_without_a_restart(coloured, tmp_path):
    from album.service import Album
    from models.zero_shot import ZeroShotClassifier
    from tests.fakes import DecodeHere, FakeCaptioner, FakeEncoder

    assert names(coloured.search.find("purple"))[0] != "purple.png"
    other = Album(coloured.data_dir, ZeroShotClassifier, FakeCaptioner(), decoder=DecodeHere())
    other.active.offer(FakeEncoder(), fill=False)
    take_in(other, [make_photo(tmp_path / "purple.png", (128, 0, 160))])
    other.close()

    assert names(coloured.search.find("purple"))[0] == "purple.png"


def test_an_album_of_one_and_of_no_photo_answers_too(album, tmp_path):
    assert album.search.find("red").hits == []
    assert album.search.find("").total == 0

    take_in(album, [make_photo(tmp_path / "a.png", "red")])

    assert album.search.find("red").total == 1
