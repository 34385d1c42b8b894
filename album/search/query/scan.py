"""Tokenizer of queries: facts, exact words, operators and plain words.

It reads from left to right, at each place where a word can begin: the longest that is known, else a
plain word. Korean words are also cut where a known one ends, since people leave blanks out:
작년여름, 부산에서찍은, 사람없는.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Final

from album.domain.filters import Labelled, Writes
from album.search.query import words as table
from album.search.query.emoji import EMOJI
from album.search.query.facts import GLUE_AFTER, LACKS, fact_at
from album.search.query.names import NameIndex
from album.search.query.text import Folded
from album.search.query.tokens import Token, TokenKind
from album.search.query.words import alternatives

_HANGUL = re.compile("[가-힣]+")
_LATIN = re.compile(r"[^\W가-힣]+(?:['.\-&/:][^\W가-힣]+)*")
_MARKS = re.compile(r"""[^\w\s,;()\[\]{}"'+「」『』«»#\-]+""")
_BREAKS = ",;()[]{}"
_OPENS: Final = frozenset(" ,;([{")
_PLAIN = re.compile(r"[^ ,;()\[\]{}\"+]+")
_LABEL = re.compile(rf"{alternatives(table.LABEL_MARKS)}: ?(?=[^ ])")
_WEIGHT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?|\.[0-9]{1,4}):(?=[^ 0-9:/])")
_WITHOUT = re.compile(alternatives(table.WITHOUT) + " (?=[^ ])")
_LATE = alternatives(table.LACKING_LATE)
_LACKING = re.compile(
    rf"(?:{alternatives(table.AT_ALL)} ?)?"
    rf"(?:{_LATE}(?![가-힣])|(?:아닌|뺀|없음|제외)(?![가-힣])|(?!아닌|뺀){LACKS}(?!기))"
)
_LACKING_WITHIN = re.compile("(?:없는|없이|말고|제외하고|제외한|제외|빼고)(?!기)")
_NOT_LACKING = re.compile(alternatives(table.NOT_LACKING))
_LOOK_PHRASE = re.compile(alternatives(table.LOOK_PHRASES) + r"(?![^\W_])")
_FILLER_ROWS: tuple[tuple[TokenKind, tuple[str, ...]], ...] = (
    ("opener", table.OPENERS),
    ("photos of", table.PHOTOS_OF),
    ("closer", table.CLOSERS),
    ("photos", table.PHOTOS),
)
_FILLERS = tuple(
    (kind, re.compile(alternatives(row) + r"(?![^\W_가-힣]|['-][^\W_])(?=[^가-힣]|$|보여|찾아)"))
    for kind, row in _FILLER_ROWS
)
_QUOTES: Final = {'"': '"', "「": "」", "『": "』", "«": "»", "'": "'"}
_LOWEST_WEIGHT, _HIGHEST_WEIGHT = 0.1, 10.0


class _Scanner:
    """A scanner that reads no character more than a few dozen times."""

    def __init__(self, text: Folded, names: NameIndex, today: date) -> None:
        self._text = text
        self._folded = text.folded
        self._names = names
        self._today = today
        self._unclosed: set[str] = set()

    def tokens(self) -> list[Token]:
        tokens: list[Token] = []
        at = 0
        while at < len(self._folded):
            if self._folded[at] == " ":
                at += 1
                continue
            token = self._token(at)
            tokens.append(token)
            at = token.end
        return tokens

    def _token(self, at: int) -> Token:
        folded = self._folded
        readers: list[Callable[[int], Token | None]] = [self._known]
        if at == 0 or folded[at - 1] in _OPENS:
            readers = [self._quoted, self._excluded, self._label, self._weighted, self._known]
        elif folded[at] in _QUOTES:
            readers = [self._quoted]
        for read in [*readers, self._mark]:
            token = read(at)
            if token is not None:
                return token
        return self._word(at)

    def _mark(self, at: int) -> Token | None:
        """Read a + between required looks, a comma, a bracket or a lone hyphen."""
        folded = self._folded
        if folded[at] in _BREAKS:
            return Token("break", at, at + 1)
        if (
            folded[at] == "-"
            and folded[at - 1 : at].strip() + folded[at + 1 : at + 2].strip() == ""
        ):
            return Token("filler", at, at + 1)
        if folded[at] != "+":
            return None
        before = folded[at - 1] if at else " "
        after = folded[at + 1] if at + 1 < len(folded) else " "
        if before == " " or before in _BREAKS:
            joins = after != "+"
        else:
            joins = before.isalpha() and (after.isalpha() or (after == " " and before >= "가"))
        return Token("plus", at, at + 1) if joins or before == "+" == after else None

    def _closing(self, at: int) -> int | None:
        """Return where the quote at `at` closes.

        None where it does not close, or holds nothing.
        """
        quote = self._folded[at]
        close = _QUOTES.get(quote)
        if close is None or quote in self._unclosed:
            return None
        if quote == "'":
            if at and self._folded[at - 1] not in _OPENS | {":", "-"}:
                return None
            end = -1
            if match := _SINGLE_CLOSES.search(self._folded, at + 1):
                end = match.start()
        else:
            end = self._folded.find(close, at + 1)
        if end < 0:
            self._unclosed.add(quote)
            return None
        return end if self._folded[at + 1 : end].strip() else None

    def _quoted(self, at: int) -> Token | None:
        """ "exact words", and the same behind a hyphen."""
        end = self._closing(at)
        if end is None:
            return None
        phrase = self._text.composed[at + 1 : end].strip()
        return Token("fact", at, end + 1, "words", (Writes(phrase),))

    def _excluded(self, at: int) -> Token | None:
        """-word, -2019, -"exact words", -label:name."""
        folded = self._folded
        if folded[at] != "-" or at + 1 >= len(folded):
            return None
        for read in (self._quoted, self._label, self._weighted, self._fact):
            token = read(at + 1)
            if token is not None and token.kind == "fact" and not token.notice:
                return replace(
                    token, start=at, excluded=not token.excluded, alone="", visible_words=None
                )
            if token is not None and token.kind == "weighted":
                return replace(token, kind="unwanted", start=at, excluded=True, chip="look")
        match = _PLAIN.match(folded, at + 1)
        if match is None or not (folded[at + 1].isalpha() or EMOJI.match(folded, at + 1)):
            return None
        end = at + 1 + len(match[0].rstrip(".!?:…"))
        return Token("unwanted", at, end, "look", excluded=True, inner=((at + 1, end),))

    def _label(self, at: int) -> Token | None:
        """label:name, 라벨:"two words", and #name of a label that is known."""
        folded = self._folded
        match = _LABEL.match(folded, at)
        start = match.end() if match else at + 1
        if match is None and (folded[at] != "#" or start >= len(folded)):
            return None
        for label in self._names.labels_at(folded, start):
            if label.end >= len(folded) or not folded[label.end].isalnum():
                return Token("fact", at, label.end, "label", (label.name.fact,))
        if match is None:
            return None
        if end := self._closing(start):
            name = self._text.composed[start + 1 : end].strip()
            return Token("fact", at, end + 1, "label", (Labelled(name),))
        plain = _PLAIN.match(folded, start)
        if plain is None:
            return None
        return Token(
            "fact", at, plain.end(), "label", (Labelled(self._text.composed[start : plain.end()]),)
        )

    def _weighted(self, at: int) -> Token | None:
        """Read 2:word or 0.5:"two words".

        The weight is clipped to [0.1, 10].
        """
        match = _WEIGHT.match(self._folded, at)
        if match is None:
            return None
        weight = min(max(float(match[1]), _LOWEST_WEIGHT), _HIGHEST_WEIGHT)
        start = match.end()
        if end := self._closing(start):
            inner, end = (start + 1, end), end + 1
        else:
            plain = _PLAIN.match(self._folded, start)
            if plain is None:
                return None
            end = start + (len(plain[0].rstrip(".!?…")) or len(plain[0]))
            inner = (start, end)
        return Token("weighted", at, end, "look", inner=(inner,), weight=weight)

    def _known(self, at: int) -> Token | None:
        """Read what the table, the calendar or the album's names know."""
        folded = self._folded
        if match := _LOOK_PHRASE.match(folded, at):
            return Token("word", at, match.end())
        token = self._fact(at)
        if token is not None:
            return token
        if "가" <= folded[at] <= "힣":
            if match := _NOT_LACKING.match(folded, at):
                return Token("word", at, match.end())
            if match := _LACKING.match(folded, at):
                glued = GLUE_AFTER.match(folded, match.end())
                return Token("lacking", at, glued.end() if glued else match.end())
        elif match := _WITHOUT.match(folded, at):
            return Token("without", at, match.end() - 1)
        for kind, pattern in _FILLERS:
            if match := pattern.match(folded, at):
                return Token(kind, at, match.end())
        return None

    def _fact(self, at: int) -> Token | None:
        return fact_at(self._text, at, self._names, self._today)

    def _word(self, at: int) -> Token:
        """Read a plain word with the marks behind it, or marks alone."""
        folded = self._folded
        if match := _HANGUL.match(folded, at):
            lacks = _LACKING_WITHIN.search(folded, at + 1, match.end())
            end = lacks.start() if lacks else match.end()
        elif match := _LATIN.match(folded, at):
            end = match.end()
        elif match := _MARKS.match(folded, at):
            return Token("word", at, match.end())
        else:
            return Token("word", at, at + 1)
        marks = _MARKS.match(folded, end)
        return Token("word", at, marks.end() if marks else end)


_SINGLE_CLOSES = re.compile(r"(?<=\S)'(?=[ ,;)가-힣]|$)")


def scan(text: Folded, names: NameIndex, today: date) -> list[Token]:
    """Split a text into tokens, in order.

    Every character that is no blank is in a token.

    Args:
        text: what was typed.
        names: what the album's photos are called.
        today: what "last summer" counts from.
    """
    return _Scanner(text, names, today).tokens()
