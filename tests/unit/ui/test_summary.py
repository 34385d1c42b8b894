"""What is said above the photos, for every kind of answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from album.domain.photo import Reason, SearchFilters, SearchHit
from album.search.query import Chip, Look, Query
from album.search.request import SearchRequest
from album.search.search import SearchPage
from album.ui.search.summary import headline, more_to_show, remarks
from album.ui.shared.match_reasons import in_short, why

DOG = Query("2019 dog", (Chip("date", 0, 4),), groups=((Look("dog"),),))
HARM = "<img src=x onerror=1>"


def page(hits: int = 0, **values: Any) -> SearchPage:
    """A page of a ranked answer; the hits are never looked at."""
    photo: Any = None
    given = {"total": hits, "query": DOG, "model_id": "fake", **values}
    return SearchPage([SearchHit(photo, 0.1)] * hits, **given)


ASKED = SearchRequest("2019 dog")


@pytest.mark.parametrize(
    ("found", "english", "korean"),
    [
        (
            page(47, sure=32, maybe=15),
            "32 photos match · 15 maybe",
            "32장이 맞습니다 · 아마도 15장",
        ),
        (page(1, sure=1), "1 photo matches", "1장이 맞습니다"),
        (page(15, maybe=15), "15 photos may match", "맞을지도 모르는 사진 15장"),
        (
            page(1284, sure=1284, model_id=None),
            "1,284 photos, newest first",
            "사진 1,284장, 최신순",
        ),
        (page(1, sure=1, model_id=None), "1 photo, newest first", "사진 1장, 최신순"),
    ],
)
def test_the_counts_are_exact(found: SearchPage, english: str, korean: str) -> None:
    assert headline(ASKED, found, "en") == english
    assert headline(ASKED, found, "ko") == korean


def test_headline_says_what_was_not_made_out() -> None:
    chips = tuple(Chip("look", i, i + 1, True, unwanted=(text,)) for i, text in enumerate("ab"))
    query = replace(DOG, chips=chips, unwanted=("a", "b"))

    said = headline(ASKED, page(2, sure=2, vetoed=1, query=query, left_out=(1, 0)), "en")

    assert "1 left out because it shows “a” · Could not make out “b” in any of these" in said


def test_exclusion_of_nothing_is_not_blamed() -> None:
    chips = (Chip("date", 0, 4), Chip("look", 5, 8, True, unwanted=("dog",)))
    query = replace(DOG, chips=chips, unwanted=("dog",))

    said = headline(ASKED, page(2, nearest=True, query=query, left_out=(0,)), "en")

    assert "“2019”" in said
    assert "dog" not in said


def test_headline_counts_left_out_photos_with_reason() -> None:
    unwanted = replace(DOG, unwanted=("사람", HARM))
    found = page(2, sure=2, vetoed=3, query=unwanted)

    said = headline(ASKED, found, "en")

    assert "3 left out because they show “사람, &lt;img" in said
    assert "<img" not in said


def test_headline_suggests_what_to_loosen_when_empty() -> None:
    nearest = page(5, rest=300, nearest=True)
    filtered = replace(ASKED, filters=SearchFilters(label="x"))

    assert headline(ASKED, nearest, "en") == (
        "<strong>Nothing clearly matches.</strong> Try it without one of these: “2019”."
    )
    assert "“2019”, the filters" in headline(filtered, nearest, "en")
    assert "조건" in headline(filtered, nearest, "ko")
    plain = replace(nearest, query=Query("dog", groups=((Look("dog"),),)))
    assert "Try other words" in headline(SearchRequest("dog"), plain, "en")


def test_headline_denies_only_what_is_surely_absent() -> None:
    unsure, absent = (page(5, rest=300, nearest=True, is_absent=surely) for surely in (False, True))

    assert "no such photo" not in headline(ASKED, unsure, "en")
    assert "<strong>There is no such photo.</strong>" in headline(ASKED, absent, "en")
    assert "<strong>뚜렷하게 맞는 사진이 없습니다.</strong>" in headline(ASKED, unsure, "ko")
    assert "<strong>그런 사진은 없습니다.</strong>" in headline(ASKED, absent, "ko")


def test_headline_suggests_loosening_facts_when_none_fit() -> None:
    said = headline(ASKED, page(0, model_id=None, query=replace(DOG, groups=())), "en")

    assert said == "No photo fits. Try it without one of these: “2019”."


def test_headline_for_image_does_not_suggest_words() -> None:
    found = page(5, nearest=True, is_absent=True, query=Query(""))

    said = headline(SearchRequest(like=(1,)), found, "en")

    assert said.startswith("<strong>No other photo is like it.</strong>")
    assert "words" not in said


@pytest.mark.parametrize(
    ("question", "found", "said"),
    [
        (ASKED, page(9, sure=9, rest=1203), "Show the other 1,203 photos"),
        (ASKED, page(9, sure=9, rest=1), "Show the other photo"),
        (ASKED, page(9, sure=9), ""),
        (ASKED, page(5, rest=300, nearest=True), "Show the other 295 photos"),
        (ASKED, page(5, rest=5, nearest=True), ""),
        (replace(ASKED, rest=True), page(9, sure=4, rest=5), "Show only what matches"),
        (replace(ASKED, rest=True), page(9, sure=9), ""),
        (replace(ASKED, rest=True), page(9, rest=9, nearest=True), "Show only the nearest"),
    ],
)
def test_the_rest_is_behind_one_tap(question: SearchRequest, found: SearchPage, said: str) -> None:
    assert more_to_show(question, found, "en") == said


def test_remarks_have_one_line_each() -> None:
    query = replace(DOG, notices=("One.", HARM))

    assert remarks(page(1, query=query), "en") == "<p>One.</p><p>&lt;img src=x onerror=1&gt;</p>"


def test_reasons_are_told_in_plain_words() -> None:
    reasons = (Reason("looks", likeness=0.834), Reason("caption", f"…a {HARM} dog…"))

    told = why(reasons, "en")

    assert "Looks like it" in told
    assert "83%" in told
    assert "<q>…a &lt;img src=x onerror=1&gt; dog…</q>" in told
    assert in_short(reasons, "ko") == f"모습이 비슷함: 83% · 설명: …a {HARM} dog…"
    assert why((), "en") == ""


def test_reason_of_a_picture_has_no_percentage() -> None:
    """How alike two pictures are is no probability."""
    assert in_short((Reason("looks"),), "en") == "Looks like it"
    assert "Looks like it" in why((Reason("looks"),), "en")
    assert "%" not in why((Reason("looks"),), "en")
    assert "<q>" not in why((Reason("looks"),), "en")


@pytest.mark.parametrize(("likeness", "said"), [(0.0, "1%"), (1.0, "99%"), (0.995, "99%")])
def test_no_likeness_is_told_as_quite_sure(likeness: float, said: str) -> None:
    assert said in why((Reason("looks", likeness=likeness),), "en")


@pytest.mark.parametrize("kind", ["keyword", "label", "file name", "folder", "place"])
def test_every_reason_has_a_name(kind: Any) -> None:
    assert "words" in in_short((Reason(kind, "words"),), "en")
