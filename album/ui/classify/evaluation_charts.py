"""Charts of a class report: confusion, rates and calibration as HTML and SVG."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from album.classification.evaluation import CalibrationBin, ClassReport
from album.ui.i18n.messages import say, say_count
from album.ui.shared.templates import render
from models.interfaces import Proportion

MOST_CLASSES = 60
"""A table of more has no room for its names, and no reader."""
LEVELS = 5
"""Shades of a cell, beside none at all."""
UPRIGHT = 7
"""From this many columns on their names stand upright."""
WELL = 0.05
"""Expected calibration errors below are small enough to trust the percentages."""
SIDE = 240  # of the curve, in pixels
LEFT, TOP, RIGHT, BOTTOM = 40, 8, 24, 40  # margins around it, in pixels


def report_html(report: ClassReport, language: str) -> Markup:
    """Render a whole report, the most important part first."""
    return render(
        "classify/report.html",
        language,
        headline=headline(report, language),
        confusion=confusion(report, language),
        rates=per_class(report, language),
        calibration=calibration(report, language),
    )


def headline(report: ClassReport, language: str) -> Markup:
    """Render the accuracy with its interval."""
    photos = say_count(language, "eval_photos", report.photos)
    return render(
        "classify/headline.html",
        language,
        accuracy=report.accuracy,
        interval=f"({_interval(report.accuracy, language)})",
        photos=photos,
    )


def confusion(report: ClassReport, language: str) -> Markup:
    """Render the confusion matrix as a table of shaded counts.

    Shades are shares of a row. Classes that neither occur nor were predicted are left out, and so
    are the rarest where there are too many to show.
    """
    counts = report.confusion
    weight = counts.sum(axis=1) + counts[:, :-1].sum(axis=0)  # (c,)
    used = np.flatnonzero(weight)
    chosen = np.sort(used[np.argsort(-weight[used], kind="stable")][:MOST_CLASSES]).tolist()
    none = counts.shape[1] - 1
    rows = [
        (report.labels[c], [_cell(counts[c].tolist(), c, k, none) for k in (*chosen, none)])
        for c in chosen
    ]
    return render(
        "classify/confusion.html",
        language,
        heads=[*(report.labels[c] for c in chosen), say(language, "eval_none")],
        rows=rows,
        is_cut=len(used) > len(chosen),
        is_upright=len(chosen) + 1 > UPRIGHT,
    )


def per_class(report: ClassReport, language: str) -> Markup:
    """Render precision and recall of each class as bars with their intervals."""
    photos = report.confusion.sum(axis=1)  # (c,)
    order = np.argsort(-photos, kind="stable")[: 4 * MOST_CLASSES].tolist()
    rows = [
        (report.labels[c], int(photos[c]), report.precision[c], report.recall[c])
        for c in order
        if photos[c] or report.precision[c] is not None
    ]

    def interval(rate: Proportion) -> str:
        return _interval(rate, language)

    return render("classify/rates.html", language, rows=rows, interval=interval)


def calibration(report: ClassReport, language: str) -> Markup:
    """Render how far percentages can be trusted: a sentence, the curve, and its numbers."""
    bins = [each for each in report.bins if each.count]
    if not bins:
        return Markup()
    numbers = say(language, "eval_ece_only", value=f"{report.ece:.3f}")
    if report.best_temperature is not None:
        temperature = f"{report.best_temperature:.2f}"
        numbers = say(language, "eval_ece", value=f"{report.ece:.3f}", temperature=temperature)
    most = max(each.count for each in bins)
    return render(
        "classify/calibration.html",
        language,
        sentence=in_plain_words(report, language),
        numbers=numbers,
        bins=bins,
        dots=[_dot(each, most) for each in bins],
        side=SIDE,
        left=LEFT,
        top=TOP,
        width=LEFT + SIDE + RIGHT,
        height=TOP + SIDE + BOTTOM,
    )


def in_plain_words(report: ClassReport, language: str) -> str:
    """Word the calibration error by the percentage that misleads about the most photos."""
    if report.ece < WELL:
        return say(language, "eval_believe_well")
    worst = max(report.bins, key=lambda each: each.count * abs(each.confidence - each.accuracy))
    sentence = say(
        language,
        "eval_believe_said",
        said=f"{worst.confidence:.0%}",
        right=f"{worst.accuracy:.0%}",
    )
    lean = sum(each.count * (each.confidence - each.accuracy) for each in report.bins)
    return " ".join((sentence, say(language, "eval_too_sure" if lean > 0 else "eval_too_shy")))


def _interval(rate: Proportion, language: str) -> str:
    return say(language, "eval_interval", low=f"{rate.low:.0%}", high=f"{rate.high:.0%}")


def _cell(counts: list[int], row: int, column: int, none: int) -> tuple[str, int, int]:
    """Return the kind, shade and count of one cell of the confusion matrix."""
    count = counts[column]
    level = 1 + min(LEVELS - 1, int(LEVELS * count / sum(counts))) if count else 0
    kind = "right" if column == row else "none" if column == none else "wrong"
    return kind, level, count


def _dot(calibration_bin: CalibrationBin, most: int) -> tuple[float, float, float]:
    """Return x, y and radius of a bin on the curve, whose area grows with its photos."""
    x = LEFT + calibration_bin.confidence * SIDE
    y = TOP + (1 - calibration_bin.accuracy) * SIDE
    return x, y, 3 + 4 * (calibration_bin.count / most) ** 0.5
