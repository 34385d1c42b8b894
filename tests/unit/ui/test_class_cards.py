"""Cards of classified photos: what their bars say."""

from __future__ import annotations

import re

import pytest

from album.domain.classification import Prediction
from album.domain.photo import LabelScore
from album.ui.classify.results_view import _Card
from album.ui.shared.templates import render


def bars(prediction: Prediction, language: str = "en") -> list[tuple[str, str]]:
    """Return the (label, percentage) of each bar."""
    html = render(
        "classify/cards.html",
        language,
        cards=[_Card("photo.jpg", prediction)],
        unfolded=1,
        most_bars=2,
    )
    return re.findall(r"<span>([^<]*)</span><span>([^<]*)</span>", html)


SCORES = (LabelScore("dog", 0.304), LabelScore("cat", 0.002), LabelScore("cow", 0.001))


@pytest.mark.parametrize(("language", "none"), [("en", "None of these"), ("ko", "어느 것도 아님")])
def test_none_of_these_has_a_bar(language: str, none: str) -> None:
    """The percentage of none stands below those of the most probable classes."""
    prediction = Prediction(SCORES, none=True, none_probability=0.693)

    assert bars(prediction, language) == [("dog", "30%"), ("cat", "&lt;1%"), (none, "69%")]


def test_closed_classifier_has_no_bar_of_none() -> None:
    assert bars(Prediction(SCORES)) == [("dog", "30%"), ("cat", "&lt;1%")]


def test_no_bar_says_all_or_nothing() -> None:
    certain = Prediction((LabelScore("dog", 1.0), LabelScore("cat", 0.0)), none_probability=0.0)

    assert [said for _, said in bars(certain)] == ["99%", "&lt;1%", "&lt;1%"]
