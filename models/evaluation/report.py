"""Figures as lines for a person: plain tables, shares in per cent, what was left out by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.datasets import first_of
from models.evaluation.search_precision import PLACES

NAMED = 10  # how many of what was left out are named

Facts = Mapping[str, Any]
"""What a command prints as JSON."""


def percent(share: float) -> str:
    """A share in [0, 1], with more digits where it is small: 43.5 %, 0.05 %."""
    return f"{100 * share:.1f} %" if share >= 0.01 else f"{100 * share:.2g} %"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with the first column to the left, the others to the right of their columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def skipped_lines(skipped: Mapping[str, Sequence[str]]) -> list[str]:
    """One line for each reason why something was left out, with the first names."""
    return [
        f"left out, {reason}: {len(names):,} ({first_of(names, NAMED)})"
        for reason, names in skipped.items()
        if names
    ]


def retrieval_lines(facts: Facts) -> list[str]:
    """Recall and median rank by direction, with chance below each."""
    columns = [name for name in facts["image_to_text"] if name != "median_rank"]
    rows = [["", *columns, "median rank"]]
    for direction in ("image_to_text", "text_to_image"):
        of = facts[direction]
        for label, kind in ((direction.replace("_", " "), "value"), ("  by chance", "chance")):
            shares = [percent(of[name][kind]) for name in columns]
            rows.append([label, *shares, f"{of['median_rank'][kind]:,}"])
    return [f"{facts['images']:,} images, {facts['texts']:,} captions", *table(rows)]


def zero_shot_lines(facts: Facts) -> list[str]:
    """By language: accuracy by wording, calibration, the best and the worst classes."""
    chance = facts["chance"]
    lines = [f"{facts['images']:,} images, {facts['classes']:,} classes"]
    for language, of in facts["languages"].items():
        rows = [[f"names in {language}", "top-1", "top-5"]]
        for wording, it in of["wordings"].items():
            rows.append([f"  {wording}", percent(it["top_1"]), percent(it["top_5"])])
        rows.append(["  by chance", percent(chance["top_1"]), percent(chance["top_5"])])
        lines += ["", *table(rows), "", *_calibration_lines(of), "", *_class_lines(of)]
    return lines


def _calibration_lines(of: Facts) -> list[str]:
    named = {"all images, the model's scale": of["calibration"]}
    if "held_out" in of:
        named["held-out half, the model's scale"] = of["held_out"]["own_scale"]
        named["held-out half, the scale best for the other"] = of["held_out"]["best_scale"]
    rows = [["calibration of the ensemble", "logit scale", "confidence", "right", "ECE", "NLL"]]
    for label, it in named.items():
        shares = [percent(it["mean_confidence"]), percent(it["accuracy"])]
        errors = [f"{it['ece']:.4f}", f"{it['nll']:.4f}"]
        rows.append([f"  {label}", f"{it['logit_scale']:.2f}", *shares, *errors])
    return table(rows)


def _class_lines(of: Facts) -> list[str]:
    ordered = sorted(of["per_class"], key=lambda it: -it["top_1"])
    shown = [("best", ordered[:NAMED]), ("worst", ordered[-NAMED:])]
    if len(ordered) <= 2 * NAMED:
        shown = [("classes", ordered)]
    return [
        f"{label}: " + ", ".join(f"{it['name']} {100 * it['top_1']:.0f} %" for it in some)
        for label, some in shown
    ]


def search_lines(facts: Facts) -> list[str]:
    """By language: both definitions of precision, chance, and the hits of each query."""
    lines = [f"{facts['photos']:,} photos"]
    if facts["rows_left_out"]:
        lines.append(f"left out: {facts['rows_left_out']:,} rows without a text or relevant photo")
    for language, of in facts["languages"].items():
        rows = [
            [f"queries in {language} ({len(of['queries'])})", "", "by chance"],
            [
                f"  P@min({PLACES},relevant): right in as many places as can be right",
                f"{of['precision_at_min_10_relevant']:.3f}",
                f"{of['chance']:.3f}",
            ],
            [
                f"  P@{PLACES}: right in {PLACES} places, however many are relevant",
                f"{of['precision_at_10']:.3f}",
                f"{of['chance']:.3f}",
            ],
            [f"  queries with a hit in {PLACES} places", f"{of['with_a_hit']}", ""],
        ]
        lines += ["", *table(rows), f"  right in {PLACES} places, of how many relevant:"]
        lines += [
            f"  {it['in_first_10']:>3} of {it['relevant']:<4} {it['text']}" for it in of["queries"]
        ]
    if "against" in facts:
        lines += _against_lines(facts["against"])
    return lines


def _against_lines(other: Facts) -> list[str]:
    """By language the queries that are better and worse than with the other model."""
    lines = []
    for language, of in other["changes"].items():
        than = other["languages"][language]["precision_at_min_10_relevant"]
        name = f"{other['model_id']} (P@min({PLACES},relevant) {than:.3f})"
        lines += ["", f"queries in {language}, against {name}"]
        for word in ("better", "worse"):
            lines.append(f"  {word}: {len(of[word])}")
            lines += [
                f"    {it['before']:>2} -> {it['after']:>2} of {it['places']:<2} {it['query']}"
                for it in of[word]
            ]
    return lines


def speed_lines(facts: Facts) -> list[str]:
    """Images and queries a second by batch."""
    rows = [["batch", "decoded images/s", "JPEG files/s", "queries/s", "ms a query"]]
    rows += [
        [
            str(it["batch"]),
            *(f"{it[name]:,.1f}" for name in ("images_per_s", "jpegs_per_s", "queries_per_s")),
            f"{1000 / it['queries_per_s']:.2f}",
        ]
        for it in facts["batches"]
    ]
    width, height = facts["picture_px"]
    where = f"{facts['device']}, pictures of {width} x {height}, median of {facts['runs']} runs"
    return [where, *table(rows)]
