"""How right a sorting was, as escaped HTML and SVG: the confusion, the rates, the calibration."""

from __future__ import annotations

import html

import numpy as np

from album.classification.evaluation import CalibrationBin, ClassReport
from album.ui.i18n.messages import say, say_count
from models.interfaces import Proportion

MOST_CLASSES = 60
"""A table of more has no room for its names, and no reader."""
LEVELS = 5
"""Shades of a cell, beside none at all."""
UPRIGHT = 7
"""From this many columns on their names stand upright."""
WELL = 0.05
"""Percentages that are off by less, in the mean, can be taken as they are."""
SIDE = 240  # of the curve, in pixels
EDGE = 40


def report_html(report: ClassReport, language: str) -> str:
    """All of a report, the most important first."""
    return "".join(
        (
            '<div class="evaluation">',
            headline(report, language),
            confusion(report, language),
            per_class(report, language),
            calibration(report, language),
            "</div>",
        )
    )


def headline(report: ClassReport, language: str) -> str:
    """How much of it was right, with its interval."""
    value = say(language, "eval_accuracy", value=f"{report.accuracy.value:.0%}")
    photos = say_count(language, "eval_photos", report.photos)
    return (
        f'<p class="accuracy" role="status"><strong>{value}</strong>'
        f" <span>({_between(report.accuracy, language)})</span> <span>{photos}</span></p>"
    )


def confusion(report: ClassReport, language: str) -> str:
    """The confusion matrix as a table of shaded counts; right ones in one colour, wrong in another.

    Shades are shares of a row. Classes that neither occur nor were decided are left out, and so
    are the rarest where there are too many to show.
    """
    counts = report.confusion
    weight = counts.sum(axis=1) + counts[:, :-1].sum(axis=0)  # (c,)
    used = np.flatnonzero(weight)
    shown = np.sort(used[np.argsort(-weight[used], kind="stable")][:MOST_CLASSES])
    names = [html.escape(report.labels[c]) for c in shown]
    heads = [*names, say(language, "eval_none")]
    columns = "".join(f'<th scope="col"><span>{name}</span></th>' for name in heads)
    rows = []
    for c, name in zip(shown, names, strict=True):
        said = counts[c]
        total = int(said.sum())
        cells = "".join(
            _cell(int(said[k]), total, right=bool(k == c), none=k == counts.shape[1] - 1)
            for k in (*shown, counts.shape[1] - 1)
        )
        rows.append(f'<tr><th scope="row"><span>{name}</span></th>{cells}</tr>')
    note = say(language, "eval_confusion_how")
    if len(used) > len(shown):
        note += " " + say(language, "eval_most", n=len(shown))
    upright = " upright" if len(heads) > UPRIGHT else ""
    title = say(language, "eval_confusion")
    return (
        f'<section><h3>{title}</h3><p class="note">{note}</p>'
        f'<div class="confusion{upright}" tabindex="0" role="region" aria-label="{title}">'
        f'<table><thead><tr><th scope="col"><span>{say(language, "eval_you_said")}</span></th>'
        f"{columns}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def per_class(report: ClassReport, language: str) -> str:
    """Precision and recall of each class as bars with their intervals."""
    photos = report.confusion.sum(axis=1)  # (c,)
    order = np.argsort(-photos, kind="stable")[: 4 * MOST_CLASSES]
    rows = "".join(
        f'<tr><th scope="row">{html.escape(report.labels[c])}</th><td>{int(photos[c]):,}</td>'
        f"<td>{_bar(report.precision[c], language)}</td>"
        f"<td>{_bar(report.recall[c], language)}</td></tr>"
        for c in order
        if photos[c] or report.precision[c] is not None
    )
    heads = "".join(
        f'<th scope="col">{say(language, key)}</th>'
        for key in ("eval_class", "eval_photos", "eval_precision", "eval_recall")
    )
    title = say(language, "eval_classes")
    return (
        f'<section><h3>{title}</h3><div class="per-class-rates" tabindex="0" role="region"'
        f' aria-label="{title}"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        "</div></section>"
    )


def calibration(report: ClassReport, language: str) -> str:
    """How far its percentages can be believed: a sentence, the curve, and the numbers behind it."""
    bins = [it for it in report.bins if it.count]
    if not bins:
        return ""
    title = say(language, "eval_believe")
    ece = f"{report.ece:.3f}"
    if report.best_temperature is None:
        numbers = say(language, "eval_ece_only", value=ece)
    else:
        best = f"{report.best_temperature:.2f}"
        numbers = say(language, "eval_ece", value=ece, temperature=best)
    heads = "".join(
        f'<th scope="col">{say(language, key)}</th>'
        for key in ("eval_says", "eval_is_right", "eval_photos")
    )
    rows = "".join(
        f"<tr><td>{it.confidence:.0%}</td><td>{it.accuracy:.0%}</td><td>{it.count:,}</td></tr>"
        for it in bins
    )
    return (
        f"<section><h3>{title}</h3><p>{in_plain_words(report, language)}</p>"
        f"{_curve(bins, language)}"
        f"<details><summary>{say(language, 'eval_numbers')}</summary><p>{numbers}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></details></section>"
    )


def in_plain_words(report: ClassReport, language: str) -> str:
    """The calibration error as a sentence about the percentage that misleads the most photos."""
    if report.ece < WELL:
        return say(language, "eval_believe_well")
    worst = max(report.bins, key=lambda it: it.count * abs(it.confidence - it.accuracy))
    said = say(
        language,
        "eval_believe_said",
        said=f"{worst.confidence:.0%}",
        right=f"{worst.accuracy:.0%}",
    )
    lean = sum(it.count * (it.confidence - it.accuracy) for it in report.bins)
    return " ".join((said, say(language, "eval_too_sure" if lean > 0 else "eval_too_shy")))


def _between(estimate: Proportion, language: str) -> str:
    return say(language, "eval_interval", low=f"{estimate.low:.0%}", high=f"{estimate.high:.0%}")


def _cell(count: int, of: int, *, right: bool, none: bool) -> str:
    level = 0 if not count else 1 + min(LEVELS - 1, int(LEVELS * count / of))
    kind = "right" if right else "none" if none else "wrong"
    return f'<td class="{kind} level-{level}">{count or "·"}</td>'


def _bar(estimate: Proportion | None, language: str) -> str:
    if estimate is None:
        return f'<span class="note">{say(language, "eval_unknown")}</span>'
    low, high = 100 * estimate.low, 100 * estimate.high
    return (
        f'<span class="rate" title="{_between(estimate, language)}"><span class="track">'
        f'<span class="share" style="width:{100 * estimate.value:.1f}%"></span>'
        f'<span class="span" style="left:{low:.1f}%;width:{high - low:.1f}%"></span></span>'
        f"<span>{estimate.value:.0%}</span>"
        f" <small>{estimate.low:.0%}–{estimate.high:.0%}</small></span>"
    )


def _curve(bins: list[CalibrationBin], language: str) -> str:
    """Accuracy over confidence as an SVG; larger dots stand for more photos."""
    most = max(it.count for it in bins)

    def at(confidence: float, accuracy: float) -> tuple[float, float]:
        return EDGE + confidence * SIDE, 8 + (1 - accuracy) * SIDE

    places = [at(it.confidence, it.accuracy) for it in bins]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3 + 4 * (it.count / most) ** 0.5:.1f}"/>'
        for it, (x, y) in zip(bins, places, strict=True)
    )
    ticks = ""
    for share in (0.0, 0.5, 1.0):
        x, y = at(share, share)
        ticks += (
            f'<line class="grid" x1="{x}" y1="8" x2="{x}" y2="{8 + SIDE}"/>'
            f'<line class="grid" x1="{EDGE}" y1="{y}" x2="{EDGE + SIDE}" y2="{y}"/>'
            f'<text x="{x}" y="{8 + SIDE + 18}" text-anchor="middle">{share:.0%}</text>'
            f'<text x="{EDGE - 6}" y="{y + 4}" text-anchor="end">{share:.0%}</text>'
        )
    (x1, y1), (x2, y2) = at(0, 0), at(1, 1)
    width, height = EDGE + SIDE + 24, 8 + SIDE + EDGE
    return (
        '<figure class="curve">'
        f'<figcaption class="up">{say(language, "eval_is_right")} ↑</figcaption>'
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-label="{say(language, "eval_curve")}">{ticks}'
        f'<line class="ideal" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
        f'<polyline points="{line}"/>{dots}'
        f'<text x="{EDGE + SIDE / 2}" y="{height - 4}" text-anchor="middle">'
        f"{say(language, 'eval_says')} →</text></svg></figure>"
    )
