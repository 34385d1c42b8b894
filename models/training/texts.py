"""English texts with Korean translations, for text tower and tokenizer.

A table is a CSV with the columns `en` and `ko`. A cell holds one text, or several of one meaning
separated by `|`. Either cell may be empty.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.datasets import open_table
from models.errors import ModelError
from models.prompts import ENGLISH_TEMPLATES, KOREAN_TEMPLATES

TEMPLATED_WORDS = 4  # longer names are phrases, which nobody puts into a template
SPACES_LEFT_OUT = 0.3  # share of the Korean sentences that are also learned with fewer spaces


@dataclass(frozen=True)
class Meaning:
    """Texts of one meaning in both languages."""

    en: tuple[str, ...]
    ko: tuple[str, ...]


def read_texts(paths: Iterable[Path]) -> list[Meaning]:
    """Read tables in their order.

    Raises:
        ModelError: one cannot be read, or lacks a column.
    """
    meanings = []
    for path in paths:
        with open_table(path) as reader:
            rows = list(reader)
        if rows and not {"en", "ko"} <= rows[0].keys():
            raise ModelError(f"{path} lacks the column en or ko.")
        meanings += [Meaning(_cell(row["en"]), _cell(row["ko"])) for row in rows]
    return meanings


def _cell(value: str | None) -> tuple[str, ...]:
    return tuple(text.strip() for text in (value or "").split("|") if text.strip())


def in_templates(names: Sequence[Meaning], rng: random.Random, times: int) -> list[Meaning]:
    """Put short names into `times` random templates of the album."""
    meanings = []
    for name in names:
        if not name.en or not name.ko or len(name.en[0].split()) > TEMPLATED_WORDS:
            continue
        for _ in range(times):
            english = rng.choice(ENGLISH_TEMPLATES).format(rng.choice(name.en))
            korean = rng.choice(KOREAN_TEMPLATES).format(rng.choice(name.ko))
            meanings.append(Meaning((english,), (korean,)))
    return meanings


def without_spaces(text: str, rng: random.Random) -> str:
    """Remove some or all spaces, as in Korean typed in a hurry."""
    share = rng.choice((0.4, 0.7, 1.0))
    first, *words = text.split(" ")
    return first + "".join(("" if rng.random() < share else " ") + word for word in words)


def hurried(meanings: Sequence[Meaning], rng: random.Random) -> list[Meaning]:
    """Repeat some Korean sentences with spaces left out."""
    return [
        Meaning(meaning.en, tuple(without_spaces(text, rng) for text in meaning.ko))
        for meaning in meanings
        if meaning.ko and " " in meaning.ko[0] and rng.random() < SPACES_LEFT_OUT
    ]
