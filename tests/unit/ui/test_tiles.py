"""Days of tiles: below each, above them by date, or nowhere when nobody knows them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from album.domain.photo import Band, SearchHit
from album.search.query import Query
from album.search.request import SearchRequest, Sort
from album.search.search import SearchPage
from album.ui.search.tiles import tiles
from album.ui.shared.session_state import SearchState
from tests.unit.ui.test_import_html import photo

DAYS = ("2019-08-03", "2019-08-03", "2019-07-31", None)


def hit(number: int, day: str | None, band: Band = "sure") -> SearchHit:
    known: dict[str, Any] = {"taken_from": "file"}
    if day is not None:
        known = {"taken_from": "exif", "taken_at": datetime.fromisoformat(day)}
    return SearchHit(photo(photo_id=number, sha256="0" * 64, **known), 0.5, band=band)


def rendered(hits: list[SearchHit], sort: Sort, language: str = "en") -> str:
    page = SearchPage(hits, len(hits), Query("dog"), "fake", sure=len(hits))
    return str(tiles(SearchState(SearchRequest("dog", sort=sort)), page, language))


def headings(html: str) -> list[tuple[str, str]]:
    found = re.findall(r"<(h\d)[^>]*>(.*?)</h\d>", html, re.S)
    return [(level, re.sub("<[^>]*>", "", text).strip()) for level, text in found]


def test_best_results_tell_days_below_tiles() -> None:
    html = rendered([hit(n, day) for n, day in enumerate(DAYS, 1)], "best")

    days = re.findall(r'caption-label">([^<]*)<', html)
    assert days == ["2019-08-03", "2019-08-03", "2019-07-31"]
    assert headings(html) == []


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["August 2019", "Sat, Aug 3", "July 2019", "Wed, Jul 31", "Date unknown"]),
        (
            "ko",
            ["2019년 8월", "8월 3일 (토)", "2019년 7월", "7월 31일 (수)", "날짜를 알 수 없는 사진"],
        ),
    ],
)
def test_results_by_date_have_headings(language: str, expected: list[str]) -> None:
    html = rendered([hit(n, day) for n, day in enumerate(DAYS, 1)], "date", language)

    levels = ["h2", "h3", "h2", "h3", "h2"]
    assert headings(html) == list(zip(levels, expected, strict=True))
    assert "caption-label" not in html
    assert re.findall(r'datetime="([^"]*)"', html) == ["2019-08-03", "2019-07-31"]


def test_headings_start_again_in_each_band() -> None:
    html = rendered([hit(1, "2019-08-03"), hit(2, "2019-08-03", "maybe")], "date")

    assert [level for level, _ in headings(html)] == ["h2", "h3", "h2", "h3", "h4"]
    assert [text for _, text in headings(html)].count("Sat, Aug 3") == 2
