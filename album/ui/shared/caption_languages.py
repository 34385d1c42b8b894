"""The languages that captions are written in, as choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from album.ui.i18n.messages import i18n

LANGUAGES = {"ko": ("ko",), "en": ("en",), "ko,en": ("ko", "en")}


def caption_languages(speaks: Sequence[str]) -> list[tuple[Any, str]]:
    """Choices of a language to write captions in, each with its value.

    Args:
        speaks: the languages that the captioner writes.
    """
    words = {"ko": "한국어", "en": "English", "ko,en": i18n("language_both")}
    return [(words[key], key) for key, its in LANGUAGES.items() if set(its) <= set(speaks)]
