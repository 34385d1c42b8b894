"""Evaluation figures as text tables, with shares in per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.datasets import first_of
from models.evaluation.search_precision import PLACES

NAMED = 10  # how many of what was left out are named

Facts = Mapping[str, Any]
"""What a command prints as JSON."""


def percent(share: float) -> str:
    """Format a share in [0, 1], such as 43.5 %.

    Small shares get two significant digits, such as 0.05 %.
    """
    return f"{100 * share:.1f} %" if share >= 0.01 else f"{100 * share:.2g} %"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the first column left and the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def skipped_lines(skipped: Mapping[str, Sequence[str]]) -> list[str]:
    """Format what was skipped, one line per reason with the first names."""
    return [
        f"left out, {reason}: {len(names):,} ({first_of(names, NAMED)})"
        for reason, names in skipped.items()
        if names
    ]


def retrieval_lines(facts: Facts) -> list[str]:
    """Format recall and median rank by direction, beside chance."""
    columns = [name for name in facts["image_to_text"] if name != "median_rank"]
    rows = [["", *columns, "median rank"]]
    for direction in ("image_to_text", "text_to_image"):
        direction_facts = facts[direction]
        for label, kind in ((direction.replace("_", " "), "value"), ("  by chance", "chance")):
            shares = [percent(direction_facts[name][kind]) for name in columns]
            rows.append([label, *shares, f"{direction_facts['median_rank'][kind]:,}"])
    return [f"{facts['images']:,} images, {facts['texts']:,} captions", *table(rows)]


def zero_shot_lines(facts: Facts) -> list[str]:
    """Format accuracy by wording, calibration, and best and worst classes."""
    chance = facts["chance"]
    lines = [f"{facts['images']:,} images, {facts['classes']:,} classes"]
    for language, language_facts in facts["languages"].items():
        rows = [[f"names in {language}", "top-1", "top-5"]]
        for wording, accuracy in language_facts["wordings"].items():
            rows.append([f"  {wording}", percent(accuracy["top_1"]), percent(accuracy["top_5"])])
        rows.append(["  by chance", percent(chance["top_1"]), percent(chance["top_5"])])
        lines += [
            "",
            *table(rows),
            "",
            *_calibration_lines(language_facts),
            "",
            *_class_lines(language_facts),
        ]
    return lines


def _calibration_lines(facts: Facts) -> list[str]:
    by_label = {"all images, the model's scale": facts["calibration"]}
    if "held_out" in facts:
        by_label["held-out half, the model's scale"] = facts["held_out"]["own_scale"]
        by_label["held-out half, the scale best for the other"] = facts["held_out"]["best_scale"]
    rows = [["calibration of the ensemble", "logit scale", "confidence", "right", "ECE", "NLL"]]
    for label, figures in by_label.items():
        shares = [percent(figures["mean_confidence"]), percent(figures["accuracy"])]
        errors = [f"{figures['ece']:.4f}", f"{figures['nll']:.4f}"]
        rows.append([f"  {label}", f"{figures['logit_scale']:.2f}", *shares, *errors])
    return table(rows)


def _class_lines(facts: Facts) -> list[str]:
    ordered = sorted(facts["per_class"], key=lambda entry: -entry["top_1"])
    groups = [("best", ordered[:NAMED]), ("worst", ordered[-NAMED:])]
    if len(ordered) <= 2 * NAMED:
        groups = [("classes", ordered)]
    return [
        f"{label}: "
        + ", ".join(f"{entry['name']} {100 * entry['top_1']:.0f} %" for entry in entries)
        for label, entries in groups
    ]


def search_lines(facts: Facts) -> list[str]:
    """Format both kinds of precision, chance, and hits by query."""
    lines = [f"{facts['photos']:,} photos"]
    if facts["rows_left_out"]:
        lines.append(f"left out: {facts['rows_left_out']:,} rows without a text or relevant photo")
    for language, language_facts in facts["languages"].items():
        rows = [
            [f"queries in {language} ({len(language_facts['queries'])})", "", "by chance"],
            [
                f"  P@min({PLACES},relevant): right in as many places as can be right",
                f"{language_facts['precision_at_min_10_relevant']:.3f}",
                f"{language_facts['chance']:.3f}",
            ],
            [
                f"  P@{PLACES}: right in {PLACES} places, however many are relevant",
                f"{language_facts['precision_at_10']:.3f}",
                f"{language_facts['chance']:.3f}",
            ],
            [f"  queries with a hit in {PLACES} places", f"{language_facts['with_a_hit']}", ""],
        ]
        lines += ["", *table(rows), f"  right in {PLACES} places, of how many relevant:"]
        lines += [
            f"  {query['in_first_10']:>3} of {query['relevant']:<4} {query['text']}"
            for query in language_facts["queries"]
        ]
    if "against" in facts:
        lines += _against_lines(facts["against"])
    return lines


def _against_lines(other: Facts) -> list[str]:
    """Format which queries are better or worse than with another model."""
    lines = []
    for language, changes in other["changes"].items():
        precision = other["languages"][language]["precision_at_min_10_relevant"]
        name = f"{other['model_id']} (P@min({PLACES},relevant) {precision:.3f})"
        lines += ["", f"queries in {language}, against {name}"]
        for word in ("better", "worse"):
            lines.append(f"  {word}: {len(changes[word])}")
            lines += [
                f"    {row['before']:>2} -> {row['after']:>2} of {row['places']:<2} {row['query']}"
                for row in changes[word]
            ]
    return lines


def speed_lines(facts: Facts) -> list[str]:
    """Format images and queries a second by batch."""
    rows = [["batch", "decoded images/s", "JPEG files/s", "queries/s", "ms a query"]]
    rows += [
        [
            str(batch["batch"]),
            *(f"{batch[name]:,.1f}" for name in ("images_per_s", "jpegs_per_s", "queries_per_s")),
            f"{1000 / batch['queries_per_s']:.2f}",
        ]
        for batch in facts["batches"]
    ]
    width, height = facts["picture_px"]
    where = f"{facts['device']}, pictures of {width} x {height}, median of {facts['runs']} runs"
    return [where, *table(rows)]
