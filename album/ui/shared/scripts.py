"""Scripts of components, with the words that they show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from album.ui.i18n.messages import LANGUAGES, TEXTS

ROVING = Path(__file__).with_name("roving.js").read_text("utf-8")
"""Defines `album.rove`, for scripts of grids."""


def worded_script(beside: str, name: str, keys: Sequence[str]) -> str:
    """Return a script that knows some messages as `WORDS`, by language and key.

    Args:
        beside: a file of the folder of the script.
        name: of the script.
        keys: of the messages.
    """
    words = {
        language: {key: TEXTS[key][column] for key in keys}
        for column, language in enumerate(LANGUAGES)
    }
    script = Path(beside).with_name(name).read_text("utf-8")
    return f"const WORDS = {json.dumps(words)};\n{script}"
