"""The lines that tell in sidecars who wrote a caption and who gave a label."""

from __future__ import annotations

from datetime import datetime

import pytest

from album.domain.photo import Caption
from album.metadata.provenance import (
    format_label_source,
    format_writer,
    parse_caption,
    parse_label_sources,
)

AT = datetime(2026, 11, 21, 10, 30, 5)
READ_AT = datetime(2027, 1, 1)


@pytest.mark.parametrize(
    "caption",
    [
        Caption("개", "ko", "gemini-3.5-flash-lite", AT, "a1b2c3"),
        Caption("dog", "en", "coca_ViT-B-32/laion2b_s13b_b90k", AT, ""),
        Caption("dog", "en", "a model with blanks", AT, "none"),
        Caption("내 강아지", "", None, AT),
        Caption("내 강아지", "ko", None, AT),
    ],
)
def test_caption_writer_survives_round_trip(caption):
    assert parse_caption(caption.text, caption.language, format_writer(caption), READ_AT) == caption


@pytest.mark.parametrize(
    "line",
    ["", "x", "yesterday 1 gemini", "2026-99-99 1 gemini", "2026-11-21T10:30:05 gemini", "\n",
     "2026-11-21T10:30:05 1 " + "g" * 300],
)  # fmt: skip
def test_invalid_line_makes_caption_by_hand(line):
    assert parse_caption("dog", "en", line, READ_AT) == Caption("dog", "en", None, READ_AT)


def test_caption_without_language_is_by_hand():
    line = format_writer(Caption("dog", "en", "gemini", AT))

    assert parse_caption("dog", "", line, READ_AT) == Caption("dog", "", None, AT)


def test_caption_time_drops_its_zone():
    caption = parse_caption("dog", "en", "2026-11-21T10:30:05+09:00", READ_AT)

    assert caption.written_at == AT


@pytest.mark.parametrize("label", ["dog", "words 0.5000 x", "a, b | c / d", "가족 👨‍👩‍👧"])
def test_label_source_survives_round_trip(label):
    lines = [
        format_label_source(label, "examples", 0.93124),
        format_label_source("sure", "model", 1.0),
    ]

    assert parse_label_sources(lines) == {label: ("examples", 0.9312), "sure": ("model", 1.0)}


def test_invalid_label_source_lines_are_ignored():
    lines = ["", "dog", "person 0.5000 dog", "words 7 dog", "words nan dog", "words 0.5000 "]

    assert parse_label_sources(lines) == {}
    assert parse_label_sources([format_label_source("x", "words", None)]) == {"x": ("words", 0.0)}
