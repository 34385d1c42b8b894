"""Phrases as the encoder reads them: one spelling for all that mean the same.

A small model answers "dog", "dogs", "Dog!!" and 강아지를 differently, although nobody means another
photo. So a phrase is written in small letters, without marks and emoji, its English nouns in the
singular, and its Korean nouns without particles and with a blank between known words.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from album.domain.languages import HANGUL
from album.search.query import words as table
from album.search.query.emoji import with_words
from album.search.query.korean_words import NOUNS
from album.search.query.singular import singular
from album.search.query.text import fold
from album.search.query.words import alternatives, words
from models.prompts import EVERYDAY_WORDS

_WORD = re.compile(r"[^\W_]+(?:['.\-&/:+][^\W_]+)*[+#]*")
_HANGUL_WORD = re.compile("[가-힣]+")
_COUNTED: Final = frozenset(
    words(
        "two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, many, several, few,"
        " both, various, lots, group, groups, herd, flock, pair, pack, crowd, row, bunch, stack,"
        " pile, set, team"
    )
)
"""Behind these a plural means more than the singular."""
_ARTICLES: Final = frozenset(words("a, an, the"))
_SHOWN = "있는, 있던, 나온, 나오는, 보이는, 찍힌, 담긴, 들어간, 들어 있는"
_IS_SHOWN = re.compile(rf"(?<=[가-힣])(?:이|가|도)? ?{alternatives(words(_SHOWN))}$")
_PHOTO = re.compile(rf"(?<=[가-힣]) ?{alternatives(words('사진, 사진들, 이미지, 모습'))}$")
_WEATHER = re.compile(
    "(?<![가-힣])(눈|비|해|노을|바람|안개|꽃|단풍|벚꽃)(?:이|가)? ?"
    "(오는|내리는|뜨는|지는|부는|낀|핀|든|쌓인|온)(?: ?(날|밤|거리|길|산))?(?=[^가-힣]|$)"
)
_SUBJECTS = ("이", "가", "을", "를")
_LAST = ("이랑", "랑", "하고", "이나", "나", "은", "는", "도", "만", "와", "과", "의")
_ANYWHERE: Final = frozenset([*_SUBJECTS, "랑", "이랑"])
_AFTER_CONSONANT: Final = frozenset({"이", "을", "은", "이랑", "이나", "과"})
_AFTER_VOWEL: Final = frozenset({"가", "를", "는", "랑", "나", "와"})
_WHOLE_ENDS: Final = tuple(
    words(
        "걸이, 놀이, 볶이, 구이, 둥이, 쟁이, 팽이, 꽂이, 받이, 닫이, 떨이, 맞이, 잡이, 송이, 풀이,"
        " 살이, 먹이, 종이, 멍이, 옹이, 냥이, 가을, 마을, 노을, 번화가, 만화가, 곰팡이"
    )
)
"""Nouns with these ends carry no particle."""
_VOCABULARY: Final = frozenset(
    word
    for row in (
        *(korean for _, korean in EVERYDAY_WORDS),
        *(*table.WHOLE_NOUNS, *table.TRIPS, *table.THINGS_OF_PLACES, *NOUNS),
    )
    for word in row.split()
    if len(word) > 1
)
_LONGEST_RUN = 20  # syllables of a word that may be several


def plain(text: str) -> str:
    """Return a phrase in the spelling that is encoded.

    Phrases of equal meaning become equal: "Dogs!!" and "a dog" are "dog". A text without words
    stays as it is.
    """
    return _plain(text)


@lru_cache(maxsize=512)
def _plain(text: str) -> str:
    korean = HANGUL.search(text) is not None
    spoken = unicodedata.normalize("NFKC", with_words(fold(text).composed, korean=korean)).lower()
    spoken = spoken.replace("’", "'").replace(" & ", " and ")
    found = _WORD.findall(spoken)
    if not found:
        return text
    if len(found) > 1 and found[0] in _ARTICLES:
        del found[0]
    phrase = " ".join(_singulars(found))
    return _korean(phrase) if korean else phrase


def _singulars(found: list[str]) -> list[str]:
    """Write the nouns in the singular, those behind a number as they are."""
    counted = False
    written: list[str] = []
    for word in found:
        if word in _COUNTED or (word.isdecimal() and word != "1"):
            counted = True
        elif counted and word in table.STOPS | table.JOINS:
            counted = False
        written.append(word if counted or not word.isascii() else singular(word))
    return written


def _korean(phrase: str) -> str:
    phrase = _WEATHER.sub(lambda match: " ".join(filter(None, match.groups())), phrase)
    phrase = " ".join(_spaced(word) for word in phrase.split(" "))
    shorter = _PHOTO.sub("", phrase)
    phrase = _IS_SHOWN.sub("", shorter) or phrase
    *before, last = phrase.split(" ")
    return " ".join([*(_stem(word, _SUBJECTS) for word in before), _stem(last)])


def _spaced(word: str) -> str:
    """Put blanks between the known words of a run without any."""
    if not 4 <= len(word) <= _LONGEST_RUN or not _HANGUL_WORD.fullmatch(word) or _is_known(word):
        return word
    for at in range(2, len(word) - 1):
        before, behind = word[:at], word[at:]
        if not _is_known(behind):
            continue
        if _is_known(before) or behind in table.TRIPS or behind in table.THINGS_OF_PLACES:
            return " ".join((before, behind))
        if " " in (parts := _spaced(before)):
            return " ".join((parts, behind))
    return word


def _is_known(word: str) -> bool:
    return word in _VOCABULARY or _stem(word) in _VOCABULARY


def _stem(word: str, particles: tuple[str, ...] = (*_SUBJECTS, *_LAST)) -> str:
    """Return a Korean noun without its particle.

    Most particles could end a noun, such as 포도, and are taken from known nouns only.
    """
    if word in _VOCABULARY or word.endswith(_WHOLE_ENDS) or not _HANGUL_WORD.fullmatch(word):
        return word
    for particle in particles:
        stem = word.removesuffix(particle)
        if stem == word or len(stem) < 2 or not _fits(particle, stem):
            continue
        if particle in _ANYWHERE or stem in _VOCABULARY or _one_of(stem) in _VOCABULARY:
            return _one_of(stem)
    return _one_of(word)


def _one_of(noun: str) -> str:
    """Return the singular of a known Korean noun in 들."""
    one = noun.removesuffix("들")
    return one if one in _VOCABULARY and noun not in _VOCABULARY else noun


def _fits(particle: str, stem: str) -> bool:
    has_final = (ord(stem[-1]) - ord("가")) % 28 != 0
    return not (particle in _AFTER_CONSONANT and not has_final) and not (
        particle in _AFTER_VOWEL and has_final
    )
