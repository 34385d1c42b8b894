"""Text folding: letters composed, widths and case folded, blanks single.

The place of each original character is kept, so that chips can be cut out of the original.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

_LONGEST_CLUSTER = 30  # sorting the accents of one letter takes the square of their number
_INVISIBLE = frozenset("\u200b\u200e\u200f\u2060\ufeff\u3164\u115f\u1160\u061c") | frozenset(
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
_LOOKALIKES = {
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("～〜∼", "~"),
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("“”„″", '"'),
    "，": ",",
    "、": ",",
}


class Folded(NamedTuple):
    """A text in two spellings of equal length."""

    composed: str
    """Composed (NFC), each run of blanks and control characters one space, none at the ends."""
    folded: str
    """For comparing: lower case, half width, plain dashes and quotes, Latin without accents."""
    starts: list[int]
    ends: list[int]
    """The original's [start, end) of each character."""


def fold(text: str) -> Folded:
    """Fold a text for comparison.

    Characters that are no text (control, half surrogates) become blanks.
    """
    composed: list[str] = []
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        cluster = text[start:end]
        for character in unicodedata.normalize("NFC", cluster) if end - start > 1 else cluster:
            if _is_blank(character):
                if not composed or composed[-1] == " ":
                    continue
                character = " "
            composed.append(character)
            folded.append(_comparable(character))
            starts.append(start)
            ends.append(end)
    if composed and composed[-1] == " ":
        for each in (composed, folded, starts, ends):
            each.pop()
    return Folded("".join(composed), "".join(folded), starts, ends)


def _clusters(text: str) -> list[tuple[int, int]]:
    """Return [start, end) of each letter with its combining characters.

    These are, for instance, the jamo of a syllable.
    """
    clusters: list[tuple[int, int]] = []
    for at, character in enumerate(text):
        joins = character > "\u02ff" and (
            "\u1161" <= character <= "\u11ff" or unicodedata.combining(character) != 0
        )
        if joins and clusters and at - clusters[-1][0] < _LONGEST_CLUSTER:
            clusters[-1] = (clusters[-1][0], at + 1)
        else:
            clusters.append((at, at + 1))
    return clusters


def _is_blank(character: str) -> bool:
    if character.isascii():
        return character <= " " or character == "\x7f"
    return (
        character.isspace()
        or character in _INVISIBLE
        or unicodedata.category(character) in ("Cc", "Cs")
    )


def _comparable(character: str) -> str:
    if character.isascii():
        return character.lower()
    if "\uff01" <= character <= "\uff5e" and character not in _LOOKALIKES:
        return chr(ord(character) - 0xFEE0).lower()
    if character in _LOOKALIKES:
        return _LOOKALIKES[character]
    if character < "\u0250" or "\u1e00" <= character < "\u1f00":
        base = unicodedata.normalize("NFD", character)[0]
        if base.isascii():
            return base.lower()
    lower = character.lower()
    return lower if len(lower) == 1 else character
