"""Which language a query is written in, as far as a model may not read it."""

from __future__ import annotations

import re
from collections.abc import Sequence

HANGUL = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uffa1-\uffdc]")


def unread_language(text: str, languages: Sequence[str]) -> str:
    """The language of `text` where it is one that the model does not read, else "".

    Only Korean is told: its script says which language it is, which Latin or Chinese letters do
    not.

    Args:
        text: the words that are to be seen.
        languages: what the model reads, as `Encoder.languages`: codes; empty for every language.
    """
    if not languages or "ko" in languages:
        return ""
    return "ko" if HANGUL.search(text) else ""
