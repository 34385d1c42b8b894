"""Emoji as words.

The English words are the Unicode names of Python's `unicodedata`, shortened. Korean ones are those
of the everyday words. Neither needs a download.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from models.prompts import EVERYDAY_WORDS

EMOJI: Final = re.compile(
    "[\u231a\u231b\u23f0\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001f1e5\U0001f300-\U0001f3fa"
    "\U0001f400-\U0001faff]"
)
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_MODIFIERS = re.compile(
    "[\u200d\u20e3\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U0001f9b0-\U0001f9b3\U000e0020-\U000e007f]"
)
"""Joiners, variation selectors, skin tones and tags, which show nothing by themselves."""
_DECORATION = re.compile(
    "^(?:white|black|heavy|medium|large|small|slice of|chart with|steaming|open|wrapped) +"
    "| (?:face|symbol|sign|building|with umbrella|and hoop|ball|suit)$"
)
_NAMES: Final = {
    "car": "🚗🚘🚙",
    "hamburger": "🍔",
    "french fries": "🍟",
    "noodles": "🍜",
    "rice": "🍚🍙",
    "waves": "🌊",
    "beach": "🏖",
    "island": "🏝",
    "santa claus": "🎅",
    "snowman": "⛄☃",
    "snow": "❄🌨",
    "rain": "🌧",
    "sun": "☀🌞",
    "moon": "🌙🌛🌜🌝🌚",
    "night sky": "🌃🌌",
    "city at night": "🌉",
    "sunset": "🌇🌆",
    "mountain": "⛰🗻",
    "snowy mountain": "🏔",
    "autumn leaves": "🍁🍂",
    "tree": "🌲🌳",
    "coffee": "☕",
    "beer": "🍺🍻",
    "wine": "🍷",
    "cocktail": "🍸🍹",
    "apple": "🍎🍏",
    "cake": "🍰",
    "ice cream": "🍦🍨",
    "bread": "🍞🥖",
    "party": "🎉🎊🥳",
    "gift": "🎁",
    "graduation": "🎓",
    "wedding": "💒",
    "bride": "👰",
    "ring": "💍",
    "train": "🚂🚆🚄🚅",
    "fire engine": "🚒",
    "bicycle": "🚲🚴",
    "swimming": "🏊",
    "running": "🏃",
    "surfing": "🏄",
    "bee": "🐝",
    "chick": "🐣🐤🐥",
    "mobile phone": "📱",
    "laptop": "💻",
    "television": "📺",
    "house": "🏠🏡",
    "smiling face": "😀😃😄😁😆😊🙂☺😂🤣",
}
"""A word, and the emoji whose Unicode name is another."""
_OWN_WORDS: Final = {emoji: word for word, row in _NAMES.items() for emoji in row}
_KOREAN: Final = {
    **{english.lower(): korean for english, korean in EVERYDAY_WORDS},
    **{"dog": "강아지", "chick": "병아리", "heart": "하트", "sun": "해", "party": "파티"},
    **{"santa claus": "산타", "flag": "깃발", "star": "별"},
    **{"smiling face": "웃는 얼굴", "tropical fish": "열대어", "french fries": "감자튀김"},
}


def with_words(text: str, *, korean: bool) -> str:
    """Write each emoji of a text as words.

    Args:
        text: any text.
        korean: take Korean words where there are any.
    """
    if text.isascii():
        return text
    text = _FLAG.sub(" 깃발 " if korean else " flag ", text)
    text = EMOJI.sub(lambda match: f" {_word(match[0], korean=korean)} ", text)
    return _MODIFIERS.sub("", text)


@cache
def _word(emoji: str, *, korean: bool) -> str:
    word = _OWN_WORDS.get(emoji)
    if word is None:
        if unicodedata.category(emoji) != "So":
            return ""
        word = unicodedata.name(emoji, "").lower()
        word = _shortened(word)
    return _KOREAN.get(word, word) if korean else word


def _shortened(name: str) -> str:
    while (shorter := _DECORATION.sub("", name)) != name and shorter:
        name = shorter
    return name
