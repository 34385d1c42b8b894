"""The evaluation panel without a browser: how a report reads, and what its listeners answer."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from album.classification.evaluation import CalibrationBin, ClassReport
from album.errors import QueryError
from album.service import Album
from album.ui.classify.evaluation_charts import (
    MOST_CLASSES,
    calibration,
    confusion,
    headline,
    in_plain_words,
    per_class,
    report_html,
)
from album.ui.classify.evaluation_view import EvaluationView
from models.interfaces import Proportion

ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"}, query_params={})
HARM = "<img src=x onerror=window.hacked=1>'\"&${1}{{1}}"


def bins(*rows: tuple[int, float, float]) -> tuple[CalibrationBin, ...]:
    """Of (count, confidence, accuracy)."""
    n = len(rows)
    return tuple(CalibrationBin(k / n, (k + 1) / n, *row) for k, row in enumerate(rows))


def report(labels: Sequence[str] = ("cat", "dog", "tree"), **changes: Any) -> ClassReport:
    """Eight cats of ten found, dogs taken for cats, no tree at all."""
    c = len(labels)
    counts = np.zeros((c, c + 1), np.int64)
    counts[0, 0], counts[0, c], counts[1, 0], counts[1, 1] = 8, 2, 3, 1
    plain: dict[str, Any] = {
        "labels": tuple(labels), "confusion": counts, "accuracy": Proportion(0.643, 0.39, 0.84),
        "precision": (Proportion(8 / 11, 0.43, 0.9), Proportion(1, 0.2, 1), *[None] * (c - 2)),
        "recall": (Proportion(0.8, 0.49, 0.94), Proportion(0.25, 0.05, 0.7), *[None] * (c - 2)),
        "bins": bins((2, 0.3, 0.5), (0, 0, 0), (12, 0.9, 0.65)), "ece": 0.24,
        "best_temperature": 1.8,
    }  # fmt: skip
    return ClassReport(**{**plain, **changes})


def rows_of(text: str) -> list[list[str]]:
    """The cells of the first table, as texts."""
    found = re.search(r"<table>.*?</table>", text, re.S)
    assert found
    return [
        [" ".join("".join(cell.itertext()).split()) for cell in row]
        for row in ElementTree.fromstring(found[0]).iter("tr")
    ]


def test_the_headline_tells_accuracy_interval_and_number() -> None:
    english, korean = headline(report(), "en"), headline(report(), "ko")

    assert re.sub("<.*?>", "", english) == (
        "64% right (between 39% and 84%) of 14 photos that you labelled"
    )
    assert "64% 맞음" in korean
    assert "39%에서 84% 사이" in korean
    assert "14장에서" in korean


def test_confusion_has_label_rows_and_prediction_columns() -> None:
    """The confusion has a row for what is and a column for what was said."""
    assert rows_of(confusion(report(), "en")) == [
        ["You said", "cat", "dog", "None of these"],
        ["cat", "8", "·", "2"],
        ["dog", "3", "1", "·"],
    ]


def test_cells_are_shaded_by_share_and_kind() -> None:
    """Cells are shaded by their share of what is and right ones look right."""
    cells = re.findall(r'<td class="(\w+) level-(\d)">(\d+|·)</td>', confusion(report(), "en"))

    assert cells == [
        ("right", "5", "8"), ("wrong", "0", "·"), ("none", "2", "2"),
        ("wrong", "4", "3"), ("right", "2", "1"), ("none", "0", "·"),
    ]  # fmt: skip


def test_wrongly_predicted_class_has_row_and_column() -> None:
    counts = np.array([[3, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])

    rows = rows_of(confusion(report(confusion=counts), "en"))

    assert rows[0] == ["You said", "cat", "tree", "None of these"]
    assert [row[0] for row in rows[1:]] == ["cat", "tree"]


def test_hundreds_of_classes_show_the_most_frequent() -> None:
    c = MOST_CLASSES + 40
    labels = [f"class {n}" for n in range(c)]
    counts = np.hstack([np.diag(np.arange(1, c + 1)), np.zeros((c, 1), np.int64)])

    text = confusion(report(labels, confusion=counts), "en")
    rows = rows_of(text)

    assert f"The {MOST_CLASSES} classes with the most photos are shown." in text
    assert [row[0] for row in rows[1:]] == labels[40:]
    assert {len(row) for row in rows} == {MOST_CLASSES + 2}
    assert 'class="confusion upright"' in text


def test_class_rates_have_intervals_or_say_unknown() -> None:
    """Each class has its rates with intervals or says that there are none."""
    rows = rows_of(per_class(report(recall=(Proportion(0.8, 0.49, 0.94), None, None)), "en"))

    assert [row[0] for row in rows] == ["Class", "cat", "dog"]
    assert rows[1][1:] == ["10", "73% 43%–90%", "80% 49%–94%"]
    assert rows[2][1:] == ["4", "100% 20%–100%", "cannot be told"]


@pytest.mark.parametrize(
    ("answers", "ece", "sentence"),
    [
        (
            bins((3, 0.2, 0.25), (12, 0.8, 0.65)), 0.13,
            "When it says about 80%, it is right 65% of the time. It is too sure of itself.",
        ),
        (
            bins((2, 0.9, 0.2), (30, 0.6, 0.9)), 0.3,
            "When it says about 60%, it is right 90% of the time."
            " It is right more often than it thinks.",
        ),
        (bins((9, 0.9, 0.91)), 0.01, "Its percentages are about right."),
    ],
)  # fmt: skip
def test_calibration_names_the_most_misleading_percentage(
    answers: tuple[CalibrationBin, ...], ece: float, sentence: str
) -> None:
    assert in_plain_words(report(bins=answers, ece=ece), "en") == sentence


def test_curve_passes_through_bins_with_photos() -> None:
    text = calibration(report(), "en")
    drawn = re.search(r"<svg.*?</svg>", text, re.S)
    assert drawn
    svg = ElementTree.fromstring(drawn[0])
    dots = [(float(it.get("cx", 0)), float(it.get("cy", 0))) for it in svg.iter("circle")]
    (ideal,) = [it for it in svg.iter("line") if it.get("class") == "ideal"]

    assert len(dots) == 2
    x1, y1, x2, y2 = (float(ideal.get(key, 0)) for key in ("x1", "y1", "x2", "y2"))
    assert x2 - x1 == y1 - y2 > 0  # upward, and as wide as high
    shares = [((x - x1) / (x2 - x1), (y - y1) / (y2 - y1)) for x, y in dots]
    assert shares == [pytest.approx((0.3, 0.5), abs=0.01), pytest.approx((0.9, 0.65), abs=0.01)]
    assert rows_of(text)[1:] == [["30%", "50%", "2"], ["90%", "65%", "12"]]
    assert "Temperature that fits best: 1.80" in text


def test_jargon_stays_behind_a_line_that_opens_it() -> None:
    for language, words in (("en", "error|emperature|recision|ecall"), ("ko", "ECE|온도|정밀도")):
        plain = re.sub(r"<details>.*?</details>", "", report_html(report(), language), flags=re.S)
        assert not re.search(words, re.sub("<.*?>", "", plain))


def test_names_of_classes_stay_text() -> None:
    text = report_html(report([HARM, "</table><script>", "x" * 500]), "en")

    assert "onerror" in text
    assert "<img" not in text
    assert "<script" not in text
    assert rows_of(text)[1][0] == HARM


# What the listeners do


class Panel:
    """The panel beside what it is told to measure."""

    def __init__(self, album: Album, answer: ClassReport | Exception) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._answer = answer
        with gr.Blocks() as blocks:
            self.view = EvaluationView(album)
            classes, chosen = gr.Textbox(), gr.State(())
            self.view.listen(self._measure, [classes], chosen)
        self._evaluate: Any = next(
            it.fn for it in blocks.fns.values() if getattr(it.fn, "__name__", "") == "evaluate"
        )

    def _measure(self, *given: Any) -> ClassReport:
        self.asked.append(given)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def evaluate(self, which: str, chosen: Any, used: float = 1.0) -> dict[Any, Any]:
        together: dict[Any, Any] = {}
        for updates in self._evaluate(which, chosen, used, ENGLISH, "cat\ndog"):
            together |= updates
        return together


def test_evaluation_counts_all_or_chosen_photos(album: Album) -> None:
    panel = Panel(album, report())

    panel.evaluate("all", (3, 4))
    panel.evaluate("chosen", (3, 4))

    assert panel.asked == [("cat\ndog", None), ("cat\ndog", [3, 4])]
    with pytest.raises(gr.Error, match="Choose photos first"):
        panel.evaluate("chosen", ())


def test_what_cannot_be_measured_is_said(album: Album) -> None:
    panel = Panel(album, QueryError("Too few <b>photos</b>."))

    with pytest.raises(gr.Error, match="Too few &lt;b&gt;photos&lt;/b&gt;"):
        panel.evaluate("all", None)


def test_the_temperature_that_fits_is_offered_once(album: Album) -> None:
    panel = Panel(album, report())
    row = panel.view.outputs[1]

    first, again = panel.evaluate("all", ()), panel.evaluate("all", (), used=1.8)

    assert first[panel.view.temperature] == 1.8
    assert first[row]["visible"] is True
    assert again[row]["visible"] is False


@pytest.mark.parametrize("changes", [{"best_temperature": None}, {"ece": 0.01}])
def test_no_temperature_is_offered_where_none_would_help(
    album: Album, changes: dict[str, Any]
) -> None:
    panel = Panel(album, report(**changes))

    assert panel.evaluate("all", ())[panel.view.outputs[1]]["visible"] is False
