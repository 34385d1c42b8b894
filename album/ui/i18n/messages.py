"""Messages of the page in English and Korean, from the catalogs `en.json` and `ko.json`.

`i18n(key)` gives a component text that the browser translates. `say(language, key)` words what a
handler returns, in the language that the browser asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import gradio as gr
from gradio.i18n import I18nData

LANGUAGES: Final = ("en", "ko")
_CATALOGS: Final[dict[str, dict[str, str]]] = {
    language: json.loads(Path(__file__).with_name(f"{language}.json").read_text("utf-8"))
    for language in LANGUAGES
}
TEXTS: Final = {
    key: tuple(_CATALOGS[language][key] for language in LANGUAGES) for key in _CATALOGS["en"]
}
"""The English and the Korean text of each key."""

_COOKIE: Final = re.compile(r"(?:^|;\s*)album-language=(ko|en)(?:;|$)")
_LACKING: Final = {"common.complete": "완료"}
"""What Gradio says to screen readers after an event, and has no Korean for."""
_REPLACED: Final = {
    "upload_text.drop_file": "drop_photos",
    "upload_text.click_to_upload": "or_choose",
}
"""Texts of Gradio by its keys, and the keys of the album's own words for them."""
_OWN: Final = {
    language: catalog | {key: catalog[own] for key, own in _REPLACED.items()}
    for language, catalog in _CATALOGS.items()
}
_I18N = gr.I18n(en=_OWN["en"], ko=_OWN["ko"] | _LACKING)


def translations() -> gr.I18n:
    """Return the table for `launch(i18n=...)`."""
    return _I18N


def i18n(key: str) -> I18nData:
    """Return a component text that the browser shows in its own language."""
    if key not in TEXTS:
        raise KeyError(key)
    return I18nData(key)


def language_of(request: gr.Request | None) -> str:
    """Return "ko" or "en", as the reader chose, or else as the browser prefers."""
    return "en" if request is None else reader_language(request.headers)


def reader_language(headers: Mapping[str, str]) -> str:
    """Return "ko" or "en" from the headers of a request.

    The cookie of `early_head.html` comes before what the browser prefers.
    """
    by_hand = _COOKIE.search(headers.get("cookie", ""))
    return by_hand[1] if by_hand else preferred_language(headers.get("accept-language", ""))


def preferred_language(accept_language: str) -> str:
    """Return "ko" or "en", as an Accept-Language header prefers."""
    for part in accept_language.lower().split(","):
        tag = part.split(";")[0].strip()[:2]
        if tag in LANGUAGES:
            return tag
    return "en"


def say(language: str, key: str, **values: object) -> str:
    """Word the message `key` in `language`, with its values filled in."""
    return _CATALOGS[language][key].format(**values)


def say_count(language: str, key: str, n: int, **values: object) -> str:
    """Word the message `one_<key>` for one, else `<key>_count`, with `n` filled in."""
    return say(language, f"one_{key}" if n == 1 else f"{key}_count", n=n, **values)
