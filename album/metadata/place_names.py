"""Names of countries and towns, in English and Korean."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence

from babel import Locale

_HANGUL = re.compile(r"[가-힣]+(?:[ -][가-힣]+)*")
_RANK = re.compile(r"(?<=[가-힣]{2})(?:특별시|광역시|직할시|시|군|읍)")
# Revised Romanization of the 19 initials, 21 vowels and 28 finals of Unicode's Hangul syllables.
_INITIALS, _VOWELS, _FINALS = (
    letters.split(",")
    for letters in (
        "g,kk,n,d,tt,r,m,b,pp,s,ss,,j,jj,ch,k,t,p,h",
        "a,ae,ya,yae,eo,e,yeo,ye,o,wa,wae,oe,yo,u,wo,we,wi,yu,eu,ui,i",
        ",k,k,ks,n,nj,nh,t,l,lk,lm,lb,ls,lt,lp,lh,m,p,ps,t,t,ng,t,t,k,t,p,t",
    )
)


def country_names(code: str) -> tuple[str, str]:
    """Return the common English and Korean name of a country, or its code if unknown."""
    english, korean = (
        Locale.parse(language).territories.get(code, code) for language in ("en", "ko")
    )
    # "Hong Kong SAR China", "홍콩(중국 특별행정구)"
    return (
        re.sub(r" SAR China$| \(.*\)$", "", english),
        re.sub(r"\(.*\)$", "", korean),
    )


def korean_name(name: str, country_code: str, alternatives: Sequence[str]) -> str:
    """Choose the Korean name of a town, "" if no alternative is in Hangul.

    Alternatives of one town differ in origin (도쿄 by sound, 동경 by characters) and administrative
    rank (서울, 서울특별시). The one that sounds most like `name` wins. Its rank is removed after a
    space, where the bare name is an alternative too, and in Korea, where nobody says it.
    """
    hangul = [text for text in alternatives if text >= "가" and _HANGUL.fullmatch(text)]
    candidates = sorted({_without_rank(text, country_code, hangul) for text in hangul})
    sound = _letters(name)

    def similarity(candidate: str) -> tuple[float, int]:
        matcher = difflib.SequenceMatcher(None, _letters(_romanize(candidate)), sound)
        return round(matcher.ratio(), 2), -len(candidate)

    return max(candidates, key=similarity, default="")


def _without_rank(name: str, country_code: str, alternatives: Sequence[str]) -> str:
    name = re.sub(r" [시주정촌]$", "", name)
    bare = next((name[: end.start()] for end in _RANK.finditer(name) if end.end() == len(name)), "")
    return bare if bare and (bare in alternatives or country_code == "KR") else name


def _romanize(hangul: str) -> str:
    """Transliterate by the Revised Romanization, syllable by syllable."""
    letters = []
    for syllable in hangul:
        number = ord(syllable) - ord("가")
        if 0 <= number < 19 * 21 * 28:
            initial, vowel_and_final = divmod(number, 21 * 28)
            vowel, final = divmod(vowel_and_final, 28)
            letters += [_INITIALS[initial], _VOWELS[vowel], _FINALS[final]]
    return "".join(letters)


def _letters(name: str) -> str:
    """Return the plain letters of a name, without accents, spaces and a word for city."""
    name = re.sub(r"[- ](?:si|gun|up|ŭp|City)$", "", name)
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", name).casefold() if "a" <= letter <= "z"
    )
