from __future__ import annotations

import pytest

from album.search.query.colours import colour_phrases


@pytest.mark.parametrize(
    ("unwanted", "wanted", "first", "others"),
    [
        ("red", "cars", "red car", {"blue car", "white car"}),
        ("Red ones", "car", "red car", {"grey car"}),
        ("빨간색", "자동차", "빨간 자동차", {"파란 자동차", "검은 자동차"}),
        ("빨간 것", "차를", "빨간 차를", {"하얀 차를", "회색 차를"}),
        ("gray", "cat", "grey cat", {"black cat"}),
    ],
)
def test_colour_is_asked_beside_others(unwanted, wanted, first, others):
    phrases = colour_phrases(unwanted, wanted)

    assert phrases[0] == first
    assert others < set(phrases)
    assert len(set(phrases)) == len(phrases) == 12
    assert phrases[-1] == first.split(" ")[1]


@pytest.mark.parametrize(
    ("unwanted", "wanted"),
    [("dog", "cat"), ("red car", "truck"), ("빨간 차", "거리"), ("red", ""), ("", "car")],
)
def test_thing_is_no_colour(unwanted, wanted):
    assert colour_phrases(unwanted, wanted) == ()
