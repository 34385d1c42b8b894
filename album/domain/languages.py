"""Language of a query that a model may not read."""

from __future__ import annotations

import re
from collections.abc import Sequence

HANGUL = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uffa1-\uffdc]")


def unread_language(text: str, languages: Sequence[str]) -> str:
    """Return the language of `text` if the model lacks it, else "".

    Only Korean is detected: its script identifies the language, which Latin or Chinese letters do
    not.

    Args:
        text: the words to encode.
        languages: codes that the model reads, as `Encoder.languages`. Empty for every language.
    """
    if not languages or "ko" in languages:
        return ""
    return "ko" if HANGUL.search(text) else ""
