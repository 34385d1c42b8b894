"""Sentence rules: exclusions, doubtful facts and filler words.

`understand` takes the tokens of a text and gives as many or fewer, in the same order, each of one
of these kinds: fact, unwanted, word, weighted, plus, break, filler. The rules are those of the
table, `words.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from album.domain.filters import Fact
from album.search.query import words as table
from album.search.query.tokens import Token

_CARRIES_ON = re.compile("(?:이랑|랑|하고|과|와)$")
_SUBJECT = re.compile("(?:이|가|은|는|을|를)$")
_KEEPS_PHOTO = (
    table.DETERMINERS | table.STOPS | frozenset(["taking", "take", "takes", "hold", "holds"])
)


def understand(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Decide the kind of each token in its sentence.

    Args:
        text: folded.
        tokens: of that text, in order.
    """
    sentence = _without_doubt(text, tokens)
    sentence = _exclusions(text, sentence)
    sentence = [replace(token, kind="word") if _is_bare(token) else token for token in sentence]
    sentence = _fillers(text, sentence)
    return _edges(text, sentence)


def is_adjective(word: str) -> bool:
    """Return whether a Korean word ends like an adjective: 빨간, 뛰는, 아이의, 흰색."""
    return word.endswith(table.ADJECTIVE_ENDINGS) and word not in table.NO_ADJECTIVES


def labels_of(text: str, group: Sequence[Token]) -> tuple[str, ...]:
    """Return the labels that a group of tokens names, if it looks for nothing else."""
    labels: tuple[str, ...] = ()
    for token in group:
        if token.kind == "word" and token.labels:
            labels += token.labels
        elif token.kind == "weighted" or _is_plain(text, token, table.BESIDE_LABELS):
            return ()
    return labels


# ---- facts that need room ------------------------------------------------------------------


def _without_doubt(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Turn facts beside a plain word into words: "spring water"."""
    sure: list[Token] = []
    crowded = _labels_beside_words(text, tokens)
    for i, token in enumerate(tokens):
        if token.alone:
            before = sure[-1] if sure and token.alone == "both" else None
            behind = tokens[i + 1] if i + 1 < len(tokens) and token.alone != "all" else None
            if (
                i in crowded
                or (before and _is_plain(text, before, table.JOINS))
                or (behind and _is_plain(text, behind, table.JOINS | table.STOPS))
            ):
                token = Token("word", token.start, token.end)
            else:
                token = replace(token, alone="")
        sure.append(token)
    return sure


def _labels_beside_words(text: str, tokens: Sequence[Token]) -> set[int]:
    """Return the labels that stand in a sentence: "black dog", but not "a dog and my cat"."""
    crowded: set[int] = set()
    start = 0
    while start < len(tokens):
        end = start
        unwanted = start > 0 and tokens[start - 1].kind == "without"
        joins = table.JOINS | table.DETERMINERS if unwanted else table.BESIDE_LABELS
        while end < len(tokens) and (
            tokens[end].alone == "all" or _is_word(text, tokens[end], joins)
        ):
            end += 1
        beside = [*tokens[max(start - 1, 0) : start], *tokens[end : end + 1]]
        if any(_is_plain(text, token, _NONE) for token in beside):
            crowded.update(i for i in range(start, end) if tokens[i].alone == "all")
        start = max(end, start + 1)
    return crowded


def _is_plain(text: str, token: Token, but: frozenset[str]) -> bool:
    return (
        token.kind in ("word", "weighted")
        and _first_word(text, token) not in but
        and not _is_marks(text, token)
    )


def _first_word(text: str, token: Token) -> str:
    return text[token.start : token.end].split(" ", 1)[0]


def _is_marks(text: str, token: Token) -> bool:
    return token.kind == "word" and not text[token.start : token.end].strip(table.PUNCTUATION)


# ---- exclusion -----------------------------------------------------------------------------


def _exclusions(text: str, tokens: Sequence[Token]) -> list[Token]:
    sentence: list[Token] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        i += 1
        if token.kind == "without":
            unwanted, i = _behind(text, tokens, i)
            sentence.append(
                _unwanted(text, unwanted, token.start, tokens[i - 1].end)
                if unwanted
                else replace(token, kind="word")
            )
        elif token.kind == "lacking":
            unwanted = _before(text, sentence)
            sentence.append(
                _unwanted(text, unwanted, unwanted[0].start, token.end)
                if unwanted
                else replace(token, kind="word")
            )
        elif token.kind == "fact" and token.excluded and _is_bare(token):
            wanted = replace(token, excluded=False)
            sentence.append(_unwanted(text, [wanted], token.start, token.end))
        else:
            sentence.append(token)
    return sentence


def _behind(text: str, tokens: Sequence[Token], at: int) -> tuple[list[Token], int]:
    """Collect what "without" excludes, and the index behind it."""
    phrase: list[Token] = []
    while True:
        start = at
        while start < len(tokens) and _is_word(text, tokens[start], table.DETERMINERS):
            start += 1
        if start >= len(tokens):
            return phrase, at
        if tokens[start].kind == "fact":
            phrase.append(tokens[start])
            at = start + 1
        else:
            end = start
            while end < len(tokens) and _goes_on(text, tokens[end]):
                end += 1
            if end == start:
                return phrase, at
            phrase.append(Token("word", tokens[start].start, tokens[end - 1].end))
            at = end
        joined = at
        while joined < len(tokens) and _is_word(text, tokens[joined], table.JOINS):
            joined += 1
        follows = tokens[joined] if joined < len(tokens) else None
        if (
            joined == at
            or follows is None
            or not (follows.kind == "fact" or _goes_on(text, follows))
        ):
            return phrase, at
        at = joined


def _is_word(text: str, token: Token, among: frozenset[str]) -> bool:
    return token.kind == "word" and text[token.start : token.end] in among


def _goes_on(text: str, token: Token) -> bool:
    """Return whether a noun phrase continues with this token."""
    return token.kind == "word" and _first_word(text, token) not in table.STOPS | table.JOINS


def _before(text: str, sentence: list[Token]) -> list[Token]:
    """Remove what 없는 excludes from the end of `sentence`."""
    phrase: list[Token] = []
    while sentence:
        last = sentence[-1]
        if last.kind == "photos" and sentence[-2:-1] and sentence[-2].kind in ("fact", "word"):
            sentence.pop()  # 음식 사진 말고
            continue
        if last.kind == "fact":
            phrase.append(sentence.pop())
        elif last.kind == "word" and not _is_marks(text, last):
            sentence.pop()
            start, end = last.start, _stem_end(text, last, first=not phrase)
            while (
                sentence
                and sentence[-1].kind == "word"
                and is_adjective(text[sentence[-1].start : sentence[-1].end])
            ):
                start = sentence.pop().start
            phrase.append(replace(last, start=start, end=end))
        else:
            break
        if sentence and _is_word(text, sentence[-1], table.JOINS):
            if len(sentence) < 2 or sentence[-2].kind not in ("word", "fact"):
                break
            sentence.pop()
        elif not (sentence and _CARRIES_ON.search(text, sentence[-1].start, sentence[-1].end)):
            break
    return phrase[::-1]


def _stem_end(text: str, token: Token, *, first: bool) -> int:
    """Return where a noun before 없는 ends, without its particle.

    The last syllable tells which fits: 이, 은, 을 follow a final consonant, 가, 는, 를 do not.
    """
    word = text[token.start : token.end]
    if not first and (match := _CARRIES_ON.search(word)) and match.start():
        return token.start + match.start()
    match = _SUBJECT.search(word)
    if match is None or match.start() < 1 or not "가" <= word[match.start() - 1] <= "힣":
        return token.end
    has_final = (ord(word[match.start() - 1]) - ord("가")) % 28 != 0
    if has_final != (match[0] in "이은을") or word in table.WHOLE_NOUNS:
        return token.end
    return token.start + match.start()


def _unwanted(text: str, tokens: Sequence[Token], start: int, end: int) -> Token:
    """Build one exclusion of facts, looks or both.

    A bare label excludes the look as well.
    """
    facts: tuple[Fact, ...] = ()
    inner: tuple[tuple[int, int], ...] = ()
    labels: tuple[str, ...] = ()
    for token in tokens:
        # What is excluded as a whole would be two exclusions: of the evening of yesterday, the day.
        facts += token.facts if len({type(fact) for fact in token.facts}) < 2 else token.facts[:1]
        if _is_bare(token):
            labels += token.labels
            start_of_word = token.start + text.startswith("-", token.start)
            inner += ((start_of_word, _stem_end(text, token, first=False)),)
        elif token.kind == "word":
            labels += ("",)
            inner += ((token.start, token.end),)
    head = tokens[0]
    if len(tokens) == 1 and head.excluded:  # "except uncaptioned", 설명 없는 사진 말고
        return replace(head, start=start, end=end, excluded=False)
    one = len(tokens) == 1
    return Token(
        "unwanted",
        start,
        end,
        head.chip or "look",
        facts,
        head.first if one else None,
        head.last if one else None,
        excluded=True,
        inner=inner,
        labels=labels,
    )


def _is_bare(token: Token) -> bool:
    """Return whether a fact is a label's name alone: dog, but not label:dog or #dog."""
    return token.kind == "fact" and bool(token.labels)


# ---- filling -------------------------------------------------------------------------------


def _fillers(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Drop ways to ask ("show me", 보여줘) and words for photos.

    They stay where they do more than surround.
    """
    sentence = list(tokens)
    before = False  # a word to look for stands before, in this group
    befores = []
    for i, token in enumerate(sentence):
        befores.append(before)
        if token.kind in ("opener", "photos of"):
            sentence[i] = replace(token, kind="word" if before else "filler")
        before = token.kind != "plus" and (before or _is_plain(text, sentence[i], table.JOINS))
    behind = False
    for i in range(len(sentence) - 1, -1, -1):
        token = sentence[i]
        if token.kind == "plus":
            behind = False
        elif token.kind == "closer":
            sentence[i] = replace(token, kind="word" if behind else "filler")
        elif token.kind == "photos":
            kept = _photo_is_visible(text, sentence, i, behind=behind, before=befores[i])
            sentence[i] = replace(token, kind="word" if kept else "filler")
        behind = behind or _is_plain(text, sentence[i], table.JOINS)
    return sentence


def _photo_is_visible(
    text: str, tokens: Sequence[Token], at: int, *, behind: bool, before: bool
) -> bool:
    """Return whether a word for photos is a look: "holding a photo".

    사진 찍는 사람 is one too.
    """
    token = tokens[at]
    if behind:
        follows = tokens[at + 1]
        with_preposition = follows.kind == "word" and _first_word(text, follows) in table.STOPS
        plural = text[token.start : token.end].endswith("s")
        return before or not (plural and with_preposition)
    last = tokens[at - 1] if at else None
    if last is None or last.kind != "word":
        return False
    word = text[last.start : last.end].rsplit(" ", 1)[-1]
    return word in _KEEPS_PHOTO or is_adjective(word)


def _edges(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Drop single marks, and joining words at either end of a group."""
    sentence = list(tokens)
    for i, token in enumerate(sentence):
        if _is_marks(text, token):
            beside = [*sentence[max(i - 1, 0) : i], *sentence[i + 1 : i + 2]]
            touches = any(
                other.kind in ("word", "weighted")
                and token.start <= other.end
                and other.start <= token.end
                for other in beside
            )
            if not touches and not all(other.kind == "word" for other in beside):
                sentence[i] = replace(token, kind="filler")
    for order in (range(len(sentence)), range(len(sentence) - 1, -1, -1)):
        at_edge = True
        for i in order:
            token = sentence[i]
            if token.kind == "plus":
                at_edge = True
            elif at_edge and _is_word(text, token, _JOINING):
                sentence[i] = replace(token, kind="filler")
            elif token.kind in ("word", "weighted"):
                at_edge = False
    return sentence


_NONE: frozenset[str] = frozenset()
_JOINING = table.JOINS | {"of"}
