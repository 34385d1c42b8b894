"""The sentences of named failures in Korean; the English ones are written where they are raised.

Each pattern is the English sentence with its values as named groups; a test holds the table against
every `raise` of a named failure in the code, so none can be forgotten.
"""

from __future__ import annotations

import re
from typing import Final

KOREAN: Final[tuple[tuple[str, str], ...]] = ()


def in_language(language: str, sentence: str) -> str:
    """`sentence` in the reader's language, or as it is where no translation fits."""
    if language != "ko":
        return sentence
    for pattern, korean in KOREAN:
        if match := re.fullmatch(pattern, sentence, re.DOTALL):
            return korean.format(**match.groupdict())
    return sentence
