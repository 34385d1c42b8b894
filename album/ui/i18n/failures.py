"""Failures in the reader's language, from the catalog `failures.ko.json`.

The id of a failure is its English template, as in gettext. An error carries the template and its
values. Rows of the database and answers of decoder processes hold the finished English sentence:
its template is found again in the catalog.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Final

from album.errors import AlbumError
from models.errors import ModelError

KOREAN: Final[dict[str, str]] = json.loads(
    Path(__file__).with_name("failures.ko.json").read_text("utf-8")
)
"""The Korean template of each English one, with placeholders of equal names."""
STAYS_QUEUED: Final = (" The photo stays in the queue.", " 사진은 차례를 기다립니다.")
"""What a caption job appends to another failure, in English and Korean."""
_PLACEHOLDER: Final = re.compile(r"{(\w+)[^{}]*}")


def translate_failure(language: str, failure: Exception | str) -> str:
    """Word a failure for a reader.

    Args:
        language: of the reader, "ko" or "en".
        failure: an error, or the English sentence of one.

    Returns:
        The sentence in that language, or in English where the catalog lacks it.
    """
    if language != "ko":
        return str(failure)
    if isinstance(failure, AlbumError | ModelError) and failure.message in KOREAN:
        return KOREAN[failure.message].format(**failure.values)
    sentence = str(failure)
    english, korean = STAYS_QUEUED
    if sentence.endswith(english):
        return translate_failure(language, sentence.removesuffix(english)) + korean
    for pattern, template in _patterns():
        if match := pattern.fullmatch(sentence):
            return template.format(**match.groupdict())
    return sentence


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compile what each English template can read as, those with the most fixed text first."""
    by_fixed_text = sorted(KOREAN, key=lambda template: len(_PLACEHOLDER.sub("", template)))
    return tuple(
        (_pattern(template), _PLACEHOLDER.sub(r"{\1}", KOREAN[template]))
        for template in reversed(by_fixed_text)
    )


def _pattern(template: str) -> re.Pattern[str]:
    fixed = [re.escape(part) for part in _PLACEHOLDER.split(template)[::2]]
    names = [f"(?P<{name}>.*)" for name in _PLACEHOLDER.findall(template)]
    parts = [part for pair in zip(fixed, [*names, ""], strict=True) for part in pair]
    return re.compile("".join(parts), re.DOTALL)
