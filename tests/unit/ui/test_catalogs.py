"""The catalogs of the page's messages agree with each other and with the code."""

from __future__ import annotations

import json
from pathlib import Path

import album.ui.i18n
from album.domain.captions import TOKENS_A_PHOTO
from album.ui.i18n.messages import LANGUAGES, TEXTS

CATALOGS = Path(album.ui.i18n.__file__).parent


def test_catalogs_have_equal_keys():
    english, korean = (
        json.loads((CATALOGS / f"{language}.json").read_text("utf-8")) for language in LANGUAGES
    )

    assert list(english) == list(korean)


def test_tokens_of_a_photo_are_as_counted():
    about = f"{round(TOKENS_A_PHOTO, -2):,}"

    assert all(about in text for text in TEXTS["ask_sends"])
