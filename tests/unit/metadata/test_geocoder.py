import math
import sys
from pathlib import Path

import numpy as np
import pytest

from album.domain.photo import Place
from album.metadata import geocoder
from album.metadata.geocoder import TownGeocoder
from album.metadata.place_names import country_names, korean_name

SEOUL = (37.5665, 126.978)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """A folder in which the cache file has been made once: that takes seconds."""
    folder = tmp_path_factory.mktemp("cache") / "made" / "when needed"
    assert TownGeocoder(folder).nearest(*SEOUL) is not None
    return folder


@pytest.fixture
def atlas(cache_dir):
    return TownGeocoder(cache_dir)


def the_only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_place_is_named_in_english_and_korean(atlas):
    assert atlas.nearest(*SEOUL) == Place("Seoul", "서울", "KR", "South Korea", "대한민국")


@pytest.mark.parametrize(
    ("where", "latitude", "longitude", "town", "town_ko", "code"),
    [
        ("강남", 37.4979, 127.0276, "Seoul", "서울", "KR"),
        ("광명 시청", 37.4786, 126.8646, "Gwangmyeong", "광명", "KR"),
        ("해운대", 35.1587, 129.1604, "Busan", "부산", "KR"),
        ("인천공항", 37.46, 126.44, "Incheon", "인천", "KR"),
        ("제주공항", 33.5104, 126.4914, "Jeju", "제주", "KR"),
        ("성산일출봉", 33.458, 126.94, "Seongsan", "성산", "KR"),
        ("중문", 33.2475, 126.412, "Seogwipo", "서귀포", "KR"),
        ("불국사", 35.79, 129.332, "Gyeongju", "경주", "KR"),
        ("속초", 38.207, 128.59, "Sokcho", "속초", "KR"),
        ("설악산", 38.119, 128.465, "Sokcho", "속초", "KR"),
        ("에버랜드", 37.294, 127.202, "Yongin", "용인", "KR"),
        ("통영", 34.8544, 128.4332, "Tongyeong", "통영", "KR"),
        ("독도", 37.24, 131.866, "Ulleung", "울릉", "KR"),
        ("Eiffel Tower", 48.8584, 2.2945, "Paris", "파리", "FR"),
        ("Versailles", 48.8049, 2.1204, "Versailles", "베르사유", "FR"),
        ("London Eye", 51.503, -0.1195, "London", "런던", "GB"),
        ("Times Square", 40.758, -73.9855, "New York City", "뉴욕", "US"),
        ("Tokyo Tower", 35.6586, 139.7454, "Tokyo", "도쿄", "JP"),
        ("Saint Peter's", 41.9022, 12.4539, "Vatican City", "바티칸", "VA"),
        ("Colosseum", 41.8902, 12.4922, "Rome", "로마", "IT"),
        ("Hallstatt", 47.5622, 13.6493, "Hallstatt", "할슈타트", "AT"),
        ("Victoria Peak", 22.2759, 114.1455, "Hong Kong", "홍콩", "HK"),
        ("Beijing", 39.916, 116.397, "Beijing", "베이징", "CN"),
        ("Da Nang", 16.06, 108.246, "Da Nang", "다낭", "VN"),
        ("Cebu", 10.3157, 123.8854, "Cebu City", "세부", "PH"),
        ("Sydney Opera", -33.857, 151.215, "Sydney", "시드니", "AU"),
        ("Fiji, near 180°", -16.8, 179.99, "Savusavu", "", "FJ"),
    ],
)
def test_place_is_the_town_that_people_name(atlas, where, latitude, longitude, town, town_ko, code):
    found = atlas.nearest(latitude, longitude)

    assert (found.town, found.town_ko, found.country_code) == (town, town_ko, code), where


@pytest.mark.parametrize("position", [(0, -150), (90, 0), (-90, 180), (36.5, 124.5), (60, -30)])
def test_place_is_none_on_sea_and_ice(atlas, position):
    assert atlas.nearest(*position) is None


@pytest.mark.parametrize(
    "position", [(math.nan, 0), (0, math.nan), (91, 0), (0, -181), (math.inf, 0)]
)
def test_place_is_none_for_invalid_position(atlas, position):
    assert atlas.nearest(*position) is None


def test_place_equals_that_of_a_full_search(atlas):
    towns = atlas._loaded()
    rng = np.random.default_rng(7)
    rows = rng.integers(0, len(towns.countries), 40)
    for row, shift in zip(rows, rng.normal(0, 0.3, (40, 2)), strict=True):
        x, y, z = towns.directions[row]
        latitude = float(np.clip(np.degrees(math.asin(z)) + shift[0], -90, 90))
        longitude = float(np.degrees(math.atan2(y, x)) + shift[1]) % 360 - 180
        north, east = math.radians(latitude), math.radians(longitude)
        point = np.array(
            [math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)]
        )
        km = 6371 * 2 * np.arcsin(np.linalg.norm(towns.directions - point, axis=1) / 2)
        inland = towns.countries == towns.countries[km.argmin()]
        best = np.where(inland & (km <= 100), km - towns.reaches_km, np.inf).argmin()

        expected = towns.place(int(best)) if km.min() <= 100 else None
        assert atlas.nearest(latitude, longitude) == expected


def test_cache_file_is_used_and_rebuilt_when_damaged(cache_dir, tmp_path, monkeypatch):
    made = the_only_file(cache_dir)
    whole = made.read_bytes()
    monkeypatch.setattr(geocoder, "_build", lambda: pytest.fail("the atlas is read again"))
    assert TownGeocoder(cache_dir).nearest(*SEOUL).town == "Seoul"
    monkeypatch.undo()

    kept = geocoder._load_cache(made)
    made_again = []

    def make_again(command, **how):
        made_again.append(command)
        geocoder._save_cache(kept, Path(command[-1]) / made.name)

    monkeypatch.setattr(geocoder.subprocess, "run", make_again)
    for junk in (
        b"",
        b"PK\x03\x04 junk",
        whole[:-1000],
        whole[:5000] + b"\0" * 5000 + whole[10000:],
    ):
        path = tmp_path / made.name
        path.write_bytes(junk)
        assert TownGeocoder(tmp_path).nearest(*SEOUL).town == "Seoul"
        assert path.read_bytes() == whole
        assert the_only_file(tmp_path) == path
    assert made_again == [[sys.executable, "-m", "album.metadata.geocoder", str(tmp_path)]] * 4


def test_places_are_known_without_cache_file(cache_dir, tmp_path, monkeypatch):
    kept = geocoder._load_cache(the_only_file(cache_dir))
    monkeypatch.setattr(geocoder, "_build", lambda: kept)
    (tmp_path / "a file").write_text("no folder")

    assert TownGeocoder(tmp_path / "a file").nearest(*SEOUL).town == "Seoul"


@pytest.mark.parametrize(
    ("name", "code", "alternatives", "expected"),
    [
        ("Seoul", "KR", ["경성", "서울", "서울시", "서울특별시", "한성", "한양", "Seoul"], "서울"),
        ("Gyeongju", "KR", ["경주시"], "경주"),
        ("Guri-si", "KR", ["구리시", "구리"], "구리"),
        ("Tokyo", "JP", ["동경", "도쿄", "東京"], "도쿄"),
        ("Beijing", "CN", ["북경", "베이징"], "베이징"),
        ("New York City", "US", ["뉴욕 시", "뉴욕"], "뉴욕"),
        ("Lubumbashi", "CD", ["루붐바시"], "루붐바시"),
        ("Ulsan", "KR", ["울산 Ulsan", "蔚山"], ""),
        ("Nowhere", "FR", [], ""),
    ],
)
def test_korean_name_is_the_common_one(name, code, alternatives, expected):
    assert korean_name(name, code, alternatives) == expected
    assert korean_name(name, code, alternatives[::-1]) == expected


def test_country_names_are_the_common_ones():
    assert country_names("KR") == ("South Korea", "대한민국")
    assert country_names("HK") == ("Hong Kong", "홍콩")
    assert country_names("MM") == ("Myanmar", "미얀마")
    assert country_names("QQ") == ("QQ", "QQ")
