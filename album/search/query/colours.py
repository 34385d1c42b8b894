"""Exclusions by colour: "cars, but not red ones".

Whether a car is red shows only beside the other colours that it could have: a model finds "red"
by itself in poppies, not in cars. So the phrase is asked for in every colour.
"""

from __future__ import annotations

from typing import Final

from album.search.query.phrases import plain
from album.search.query.words import words

_COLOURS: Final = tuple(
    (english, words(korean))
    for english, korean in (
        ("red", "빨간, 빨강, 빨간색, 붉은, 붉은색"),
        ("orange", "주황색, 주황"),
        ("yellow", "노란, 노랑, 노란색"),
        ("green", "초록색, 초록, 녹색, 푸른"),
        ("blue", "파란, 파랑, 파란색"),
        ("purple", "보라색, 보라"),
        ("pink", "분홍색, 분홍"),
        ("brown", "갈색"),
        ("black", "검은, 검정, 검은색, 까만, 검정색"),
        ("white", "하얀, 흰, 흰색, 하얀색, 하양"),
        ("grey", "회색, 잿빛"),
    )
)
"""English and Korean words of each colour. The first Korean one stands before a noun."""
_PLACE: Final = {
    **{word: (i, "ko") for i, (_, row) in enumerate(_COLOURS) for word in row},
    **{english: (i, "en") for i, (english, _) in enumerate(_COLOURS)},
    "gray": (len(_COLOURS) - 1, "en"),
}
_PRONOUNS: Final = frozenset(words("one, ones, 것, 거, 색, 색깔"))


def colour_phrases(unwanted: str, wanted: str) -> tuple[str, ...]:
    """Return what is wanted in each colour, that of `unwanted` first, and in none.

    A photo that looks most like the first one is left out. Empty where `unwanted` is no colour, or
    already says of what.

    Args:
        unwanted: what the photo must not show.
        wanted: what it must show.
    """
    colour, *things = plain(unwanted).split(" ")
    if colour not in _PLACE or not wanted or not _PRONOUNS.issuperset(things):
        return ()
    place, language = _PLACE[colour]
    names = [korean[0] if language == "ko" else english for english, korean in _COLOURS]
    names.insert(0, names.pop(place))
    thing = plain(wanted)
    return (*(f"{name} {thing}" for name in names), thing)
