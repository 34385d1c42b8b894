"""Choices of the languages to write captions in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from album.ui.i18n.messages import i18n

LANGUAGES = {"ko": ("ko",), "en": ("en",), "ko,en": ("ko", "en")}


def caption_languages(speaks: Sequence[str]) -> list[tuple[Any, str]]:
    """List the choices as (label, value) pairs.

    Args:
        speaks: the languages that the captioner writes.
    """
    labels = {"ko": "한국어", "en": "English", "ko,en": i18n("language_both")}
    return [(labels[key], key) for key, codes in LANGUAGES.items() if set(codes) <= set(speaks)]
