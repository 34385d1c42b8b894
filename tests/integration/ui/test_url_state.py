"""The address of a page: there and back, readable, short, and safe with what anybody sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest

from album.domain.photo import SearchFilters
from album.search.request import SearchRequest
from album.ui.search.url_state import KEYS, from_address, parameters, to_address
from album.ui.shared.session_state import SearchState

EVERYTHING = SearchState(
    SearchRequest(
        text='눈 오는 날 강아지 & "happy birthday" 100% a+b #1',
        like=(5, 7),
        picture_weight=0.7,
        filters=SearchFilters(
            after=date(2019, 8, 3),
            before=date(2020, 1, 31),
            has_place=True,
            has_caption=False,
            country="KR",
            town="Mt. A/B & “C”",
            camera="X100 / “V”",
            orientation="portrait",
            file_type="JPEG",
            label="우리 집=집",
        ),
        sort="date",
        rest=True,
        burst=9,
        import_id=4,
        theme=7,
    ),
    page=2,
    photo=12,
)


def back(shown: SearchState) -> SearchState:
    return from_address(parameters(to_address(shown)))


@pytest.mark.parametrize(
    "shown",
    [
        SearchState(),
        EVERYTHING,
        SearchState(SearchRequest("눈")),
        SearchState(photo=3),
        SearchState(page=1),
        SearchState(SearchRequest(like=(1,))),
        SearchState(
            SearchRequest("집", filters=SearchFilters(has_place=False, orientation="square"))
        ),
        SearchState(SearchRequest("👨‍👩‍👧 가족")),
        SearchState(SearchRequest(filters=SearchFilters(country="IT"))),
        SearchState(SearchRequest(theme=7)),
        SearchState(view="themes"),
        SearchState(view="map", photo=3),
    ],
)
def test_an_address_leads_back_to_what_was_shown(shown):
    assert back(shown) == shown


def test_nothing_asked_has_no_address():
    assert to_address(SearchState()) == ""


def test_address_is_ascii_with_each_key_once():
    address = to_address(EVERYTHING)

    assert address.isascii()
    assert " " not in address
    assert [part.split("=")[0] for part in address[1:].split("&")] == [
        key
        for key in KEYS
        if key != "view"  # of the whole album alone
    ]
    assert to_address(SearchState(SearchRequest("snow dog"), page=2)) == "?q=snow+dog&p=3"
    assert "page" not in KEYS  # Gradio takes it for the name of one of its own pages


def test_view_belongs_to_the_whole_album():
    assert to_address(SearchState(view="map")) == "?view=map"
    assert to_address(SearchState(SearchRequest("snow"), view="map")) == "?q=snow"
    assert to_address(SearchState(SearchRequest(theme=7), view="themes")) == "?theme=7"
    for forged in ("list", "timeline", "", "themes,map"):
        assert from_address({"view": forged, "theme": "0x1"}) == SearchState()


def test_address_leaves_out_uploaded_images(tmp_path):
    own = SearchRequest("집", pictures=(tmp_path / "secret.jpg",))

    assert to_address(SearchState(own)) == "?q=" + quote("집")
    assert back(SearchState(own)).query == replace(own, pictures=())
    assert from_address({"pictures": "/etc/passwd"}) == SearchState()


def test_an_address_is_bounded_whatever_was_asked():
    long = SearchRequest(
        "눈" * 5000,
        like=tuple(range(1, 500)),
        filters=SearchFilters(camera="x" * 5000, label="집" * 5000, file_type="J" * 5000),
    )
    address = to_address(SearchState(long))

    assert len(address) < 12_000
    assert len(back(SearchState(long)).query.text) == 1000
    assert len(back(SearchState(long)).query.like) == 10
    assert to_address(back(SearchState(long))) == address


@pytest.mark.parametrize(
    "address",
    [
        "?photo=-1", "?photo=0", "?photo=1.5", "?photo=x", "?photo=" + "9" * 50, "?photo=%D9%A1",
        "?photo=1%002", "?p=0", "?p=-3", "?p=99999999", "?p=1", "?like=x,,-1,0",
        "?like=" + "," * 9000,
        "?after=garbage", "?after=2019-02-30", "?after=9999-99-99", "?before=" + "2019" * 99,
        "?place=maybe", "?caption=", "?shape=round", "?sort=size", "?rest=yes", "?burst=no",
        "?weight=nan", "?weight=2", "?weight=-1", "?weight=1e9", "?q=", "?q=%20%00%0a",
        "?" + "&".join(f"a{n}=1" for n in range(5000)), "?%", "?=&=&=", "", "?", "#", "?#q=x",
        "?__theme=dark&view=api&page=2&__class__=x", "\x00", "?pictures=/etc/passwd",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_left_out(address):
    assert from_address(parameters(address)) == SearchState()


def test_address_reads_no_more_photos_than_written():
    many = ",".join(map(str, range(1, 5000)))

    assert from_address({"like": many}).query.like == tuple(range(1, 11))


def test_address_survives_lone_surrogates():
    assert to_address(SearchState(SearchRequest("\ud800 a"))) == "?q=%3F+a"


def test_valid_parts_of_an_address_are_kept():
    shown = from_address(parameters("?q=snow&photo=x&after=never&sort=date&shape=<b>&like=3,x,3,4"))

    assert shown == SearchState(SearchRequest("snow", like=(3, 4), sort="date"))


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ("%ED%A0%80x", "???x"),
        ("a%0d%0aSet-Cookie:x", "a  Set-Cookie:x"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("'; DROP TABLE photos; --", "'; DROP TABLE photos; --"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("%FF", "�"),
        ("a+b%2Bc", "a b+c"),
    ],
)
def test_any_text_is_words_and_nothing_else(sent, understood):
    text = from_address(parameters(f"?q={sent}")).query.text

    assert text.replace("�", "?") == understood.replace("�", "?")
    assert to_address(from_address(parameters(to_address(SearchState(SearchRequest(text))))))


def test_address_days_may_be_months_or_years():
    filters = from_address({"after": "2019", "before": "2019-02"}).query.filters

    assert (filters.after, filters.before) == (date(2019, 1, 1), date(2019, 2, 28))


def test_address_may_be_whole_or_only_parameters():
    for address in (
        "https://album.example/photos/?q=snow&p=2#top", "?q=snow&p=2", "q=snow&p=2", "/?q=snow&p=2",
    ):  # fmt: skip
        assert from_address(parameters(address)) == SearchState(SearchRequest("snow"), page=1)


def test_script_takes_parameter_names_from_server():
    script = (Path(__file__).parents[3] / "album" / "ui" / "search" / "url_state.js").read_text()

    for key in ("photo", "p", "rest"):
        assert f"'{key}'" in script
        assert key in KEYS
