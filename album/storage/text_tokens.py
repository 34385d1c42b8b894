"""Words of captions, names and queries in one comparable spelling.

Korean adds particles to its words, and English adds an s. A photo and a query that mean the same
must match all the same. The forms of each language are listed here as tables to extend.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import chain, product

MAX_CHARACTERS = 10_000  # of one text
MAX_WORDS = 32  # of one query
MAX_WORD_LENGTH = 50  # characters
MOST_SPACED = 7  # syllables of a phrase whose spacings are all tried, 64 of them

_WORD = re.compile(r"[가-힣]+|\d+|[^\W\d_가-힣]+")
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NEEDS_NO_FOLDING = re.compile(r"[\x00-\x7f가-힣]*")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HANGUL = re.compile(r"[가-힣]")
_SPACELESS = re.compile(  # scripts that write words without blanks, or hang endings on them
    "[가-힣\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f\U00020000-\U0003ffff]"
)

_FILLERS = """
    a an the this that these those some any all no not and or of in on at by for from to with
    without into onto over under near next between behind beside is are was were be been being
    has have had do does did can could will would may might i me my mine we us our you your he him
    his she her it its they them their who what where when which while there here as if then than
    very more most other another each both show find photo photos picture pictures image images
    pic pics photograph photographs
    사진 사진들 그림 이미지 찾아줘 찾아 보여줘 보여 주세요 줘 있는 있다 있고 있습니다 없는 하는 한
    하고 된 되는 같은 그 이 저 것 수 등 및 또는 그리고 또 에서 에 을 를 은 는 가 의 로 으로 와 과 도
    나오는 찍은 찍힌
"""
STOP_WORDS = frozenset(_FILLERS.split())
"""Words of a query that describe no photo."""

_PARTICLE_LIST = """
    이 가 은 는 을 를 에 의 도 로 와 과 만 랑 들 에서 에는 들이 들을 들은 들과
    으로 까지 부터 처럼 하고 이랑
"""
PARTICLES = tuple(_PARTICLE_LIST.split())
"""What may follow a Korean noun."""

_STRIPPED_LIST = """
    에서는 으로는 에서 에게 으로 까지 부터 처럼 보다 한테 하고 이랑 들이 들을 들은
    들의 들과 에는 에도 이 가 은 는 을 를 에 의 도 로 와 과 만 랑 들 고 며
"""
_STRIPPED = tuple(_STRIPPED_LIST.split())
"""Endings removed from a word of a query: the longest that fits, then perhaps another one."""
_AFTER_CONSONANT = frozenset({"이", "은", "을", "과", "으로", "으로는", "이랑"})
_AFTER_VOWEL = frozenset({"가", "는", "를", "와", "랑"})

ONE_SYLLABLE = frozenset(
    "눈비개꽃산집밤강길물불새소말차배책옷빵밥술달별해문절성탑섬숲논밭들닭곰양뱀쥐벌손발귀코입몸낮봄돌"
    "풀잎콩떡국면컵칼공줄벽창방역탕병팀땅풍흙굴굽쌀껌연북종게꿀무파감귤밤"
)
"""Nouns whose particle may be removed: 눈이 is snow, but 노을 is no form of 노."""

_PLURALS = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "person": "people",
    "foot": "feet",
    "tooth": "teeth",
    "goose": "geese",
    "mouse": "mice",
    "ox": "oxen",
    "leaf": "leaves",
    "wolf": "wolves",
    "knife": "knives",
    "wife": "wives",
    "calf": "calves",
    "shelf": "shelves",
    "loaf": "loaves",
    "scarf": "scarves",
    "half": "halves",
    "life": "lives",
}
SINGULARS = {plural: singular for singular, plural in _PLURALS.items()}


def fold(text: str) -> str:
    """Fold case, accents and Unicode form: cafe for Café."""
    text = text[:MAX_CHARACTERS]
    if not _NEEDS_NO_FOLDING.fullmatch(text):
        text = unicodedata.normalize("NFKD", text).casefold()
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", text))
    return text.lower()


def words_of(text: str) -> list[str]:
    """Return the folded words, split between 가나다, abc and 123."""
    return _WORD.findall(fold(text))


def word_starts(text: str) -> list[int]:
    """Return the start of each word in the unfolded text."""
    return [match.start() for match in _WORD.finditer(text)]


def line(*texts: str, names: bool = False) -> str:
    """Join texts as the index stores them, with blanks that delimit words.

    A blank before each word, two after the last, a stroke between texts: " cat  | dog park  ".

    Args:
        texts: captions, keywords, names. Those without words are left out.
        names: they are names of files or folders, where MyCat may mean two words or one.
    """
    lines = []
    for text in texts:
        words = words_of(text)
        if names and _HUMP.search(text):
            words = [*words_of(_HUMP.sub(" ", text)), "|", *words]
        if words:
            lines.append(f" {' '.join(words)}  ")
    return "|".join(lines)


def phrase(text: str) -> str:
    """Return the substring of a `line` that matches a phrase, or "".

    Whole words of letters. Korean, Chinese and Japanese words also match inside longer ones. A
    number of four digits may continue, as the year of a date does.
    """
    words = words_of(text)
    if not words:
        return ""
    start = "" if _SPACELESS.match(words[0]) else " "
    may_go_on = _SPACELESS.match(words[-1][-1]) or (words[-1].isdecimal() and len(words[-1]) >= 4)
    return start + " ".join(words) + ("" if may_go_on else " ")


def spaced_phrases(text: str) -> list[str]:
    """Return the substrings of a `line` that match a phrase, however Korean is spaced.

    Blanks other than those of `text` match from the beginning of a word on. A phrase of many
    syllables has too many spellings: of those with more than one blank only its own matches.
    """
    own = phrase(text)
    words = words_of(text)
    joined = "".join(words)
    if not 2 <= len(joined) <= MAX_WORD_LENGTH or not all(map(_HANGUL.match, words)):
        return [own] if own else []
    if len(joined) <= MOST_SPACED:
        gaps = product(("", " "), repeat=len(joined) - 1)
        spellings = ["".join(chain(*zip(joined, (*gap, ""), strict=True))) for gap in gaps]
    else:
        spellings = [joined, *(f"{joined[:at]} {joined[at:]}" for at in range(1, len(joined)))]
    return list(dict.fromkeys([own, *(f" {spelling}" for spelling in spellings)]))


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """Word of a query, as substrings of a text's `line`."""

    word: str
    whole: tuple[str, ...] = ()
    """Any of these: the text has the word, in some form."""
    ends: tuple[str, ...] = ()
    """A word ends with it, perhaps before a particle.

    With one of `starts` it is the whole word, without it a part of a longer one.
    """
    starts: tuple[str, ...] = ()
    """A word begins with it."""
    starts_suffice: bool = False
    """Whether a match of `starts` by itself makes it a part of a longer word.

Not where it may have lost more than a particle: 고양 is left of 고양이, and begins a
town's name.
    """

    @property
    def patterns(self) -> tuple[str, ...]:
        """Substrings of which any means that the text has the word."""
        return (*self.whole, *self.ends, *(self.starts if self.starts_suffice else ()))


def query_terms(text: str) -> list[QueryTerm]:
    """Return the words of a query, each once, without stop words."""
    terms: dict[str, QueryTerm] = {}
    for token in _TOKEN.findall(unicodedata.normalize("NFC", text[:MAX_CHARACTERS])):
        words = words_of(re.sub(r"['’]s$", "", token))
        if words and (word := " ".join(words)) not in STOP_WORDS and word not in terms:
            terms[word] = _query_term(words)
            if len(terms) == MAX_WORDS:
                break
    return list(terms.values())


def _query_term(words: list[str]) -> QueryTerm:
    word = words[0]
    if len(words) == 2 and _HANGUL.match(words[1]) and words[1] in _STRIPPED:
        return _query_term(words[:1])  # iPhone으로
    if len(words) > 1:
        whole = " " + phrase(" ".join(words)).lstrip(" ")
        return QueryTerm(" ".join(words), (whole,))
    if _HANGUL.match(word) and len(word) <= MAX_WORD_LENGTH:
        return _korean_term(word)
    if _SPACELESS.match(word):
        return QueryTerm(word, (word,))
    if word.isdecimal():
        may_go_on = len(word) >= 4  # a year that begins a date
        return QueryTerm(word, (f" {word} ",), (), (f" {word}",) if may_go_on else (), may_go_on)
    return QueryTerm(word, tuple(f" {form} " for form in noun_forms(word)))


def _korean_term(word: str) -> QueryTerm:
    stems = _stems(word)
    # Of one syllable only as a word of its own: 눈 must not find 눈썹.
    standalone = tuple(
        f" {form} " for stem in (word, *stems) if len(stem) == 1 for form in _with_particles(stem)
    )
    if len(word) == 1:
        return QueryTerm(word, standalone)
    if word.endswith("는"):
        standalone += _verb_forms(word[:-1])
    long = [stem for stem in stems if len(stem) > 1]
    ends = tuple(ending for stem in long for ending in _ends(stem))
    if word.startswith(ends):  # what has the word has its stem with a particle
        starts = [
            stem
            for stem in long
            if not any(stem != other and stem.startswith(other) for other in long)
        ]
        return QueryTerm(word, standalone, ends, tuple(f" {stem}" for stem in starts))
    return QueryTerm(word, standalone, (*ends, *_ends(word)), (f" {word}",), starts_suffice=True)


def _verb_forms(stem: str) -> tuple[str, ...]:
    """Return other forms of a verb in 는: 달리고, 달린다 for 달리는."""
    last = ord(stem[-1])
    closed = (last - ord("가")) % 28
    plain = f"{stem}는다" if closed else f"{stem[:-1]}{chr(last + 4)}다"  # 4: with ㄴ below
    return (f" {stem}고 ", f" {plain} ")


def _ends(stem: str) -> tuple[str, ...]:
    bare, *with_particle = _with_particles(stem)
    return (f"{bare} ", *with_particle)


def _with_particles(stem: str) -> list[str]:
    return [stem, *(stem + particle for particle in PARTICLES if _may_follow(particle, stem[-1]))]


def _stems(word: str) -> list[str]:
    """Return the plausible stems of a Korean word without particles."""
    stems: list[str] = []
    remainder = word
    while True:
        for particle in _STRIPPED:
            stem = remainder.removesuffix(particle)
            if stem == remainder or not stem or not _may_follow(particle, stem[-1]):
                continue
            if len(stem) > 1 or stem in ONE_SYLLABLE:
                break
        else:
            return stems
        stems.append(stem)
        remainder = stem


def _may_follow(particle: str, syllable: str) -> bool:
    """Return whether a particle has the form that follows this syllable."""
    last_consonant = (ord(syllable) - ord("가")) % 28
    if particle == "로":
        return last_consonant in (0, 8)  # none, or ㄹ
    if particle in _AFTER_CONSONANT:
        return last_consonant != 0
    return particle not in _AFTER_VOWEL or last_consonant == 0


def noun_forms(word: str) -> list[str]:
    """Return an English word with its plural, and its possible singulars."""
    hisses = word.endswith(("s", "x", "z", "ch", "sh"))
    forms = [word, word + ("es" if hisses else "s")]
    if word.endswith("o"):
        forms.append(word + "es")
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        forms.append(word[:-1] + "ies")
    if word.endswith("ies") and len(word) > 4:
        forms.append(word[:-3] + "y")
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")) and len(word) > 4:
        forms.append(word[:-2])
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        forms.append(word[:-1])
    forms += [table[word] for table in (_PLURALS, SINGULARS) if word in table]
    return list(dict.fromkeys(forms))
