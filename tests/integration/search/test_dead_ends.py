"""Where filters and conditions take all photos away, the search says which, and counts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from album.domain.photo import SearchFilters
from album.search.request import SearchRequest
from album.search.search import SearchPage
from album.service import Album
from tests.support.images.make import make_exif, make_photo
from tests.support.importing import take_in

SEOUL = {1: "N", 2: (37.0, 34.0, 0.0), 3: "E", 4: (126.0, 59.0, 0.0)}


@pytest.fixture
def years(album: Album, tmp_path: Path) -> Album:
    """Two photos of 2018, one of 2019 in Seoul, three PNG files of 2020, one of them labelled."""
    for number, (year, gps, ending) in enumerate(
        [
            (2018, None, "jpg"),
            (2018, None, "jpg"),
            (2019, SEOUL, "jpg"),
            (2020, None, "png"),
            (2020, None, "png"),
            (2020, None, "png"),
        ]
    ):
        exif = make_exif(shot={0x9003: f"{year}:06:15 12:00:{number:02}"}, gps=gps)
        make_photo(tmp_path / "in" / f"{number}.{ending}", (40 * number, 0, 0), exif=exif)
    take_in(album, [tmp_path / "in"])
    last = max(photo.photo_id for photo in album.store.all_photos())
    album.change_labels(last, gives=["dog"], takes=[])
    return album


def ways(page: SearchPage) -> list[tuple[list[str], int]]:
    assert page.total == 0
    return [
        ([page.query.text[chip.start : chip.end] for chip in way.chips] + [*way.parts], way.photos)
        for way in page.ways_out
    ]


@pytest.mark.parametrize(
    ("text", "filters", "expected"),
    [
        ("2018 png", SearchFilters(), [(["2018"], 3), (["png"], 2)]),
        ("2018 서울", SearchFilters(), [(["2018"], 1), (["서울"], 2)]),
        ("label:dog -2020", SearchFilters(), [(["label:dog"], 3), (["-2020"], 1)]),
        ('"no such phrase" 2018', SearchFilters(), [(['"no such phrase"'], 2)]),
        ("2015", SearchFilters(), [(["2015"], 6)]),
        ("2018", SearchFilters(file_type="PNG"), [(["file_type"], 2), (["2018"], 3)]),
        (
            "",
            SearchFilters(after=date(2019, 1, 1), before=date(2019, 12, 31), file_type="PNG"),
            [(["days"], 3), (["file_type"], 1)],
        ),
        ("", SearchFilters(country="KR", label="dog"), [(["place"], 1), (["label"], 1)]),
        ("red 2018 png", SearchFilters(), [(["2018"], 3), (["png"], 2)]),
    ],
)
def test_each_blocking_part_is_counted_without(
    years: Album, text: str, filters: SearchFilters, expected: list[tuple[list[str], int]]
) -> None:
    page = years.search.find(SearchRequest(text, filters=filters))

    assert sorted(ways(page)) == sorted(expected)
    counts = [way.photos for way in page.ways_out]
    assert counts == sorted(counts, reverse=True)


def test_all_conditions_go_when_none_blocks_alone(years: Album) -> None:
    page = years.search.find(SearchRequest("2015 서울 png", filters=SearchFilters(camera="X")))

    assert ways(page) == [(["2015", "서울", "png", "camera"], 6)]


@pytest.mark.parametrize("text", ["2018", "red", "red 2018", "", "-red -blue"])
def test_search_with_photos_left_has_no_way_out(years: Album, text: str) -> None:
    assert years.search.find(text).ways_out == ()


def test_empty_album_has_no_way_out(album: Album) -> None:
    assert album.search.find("2018").ways_out == ()


@pytest.mark.parametrize("text", ["2018 png " * 100, '"a" ' * 200, "-2018 " * 60])
def test_long_search_has_a_way_out_too(years: Album, text: str) -> None:
    page = years.search.find(SearchRequest(text, filters=SearchFilters(camera="X")))

    assert page.total == 0
    assert [way.photos for way in page.ways_out] in ([6], [4])
