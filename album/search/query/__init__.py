"""Query parser: filters and visual parts of a typed sentence."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, cast

from album.domain.filters import AtHours, Fact, Filter, Labelled, TakenBetween
from album.domain.known_names import KnownNames
from album.errors import QueryError
from album.search.query.names import index_of
from album.search.query.scan import scan
from album.search.query.sentence import labels_of, understand
from album.search.query.text import Folded, fold
from album.search.query.tokens import Token
from album.search.query.yearly import together

ChipKind = Literal[
    "date",
    "time",
    "place",
    "camera",
    "lens",
    "type",
    "shape",
    "screenshot",
    "favourite",
    "label",
    "caption",
    "words",
    "look",
]
"""Kinds of a chip. "look": a visual part that is excluded, weighted or required beside others.
"words": exact words."""

MOST_LOOKS = 16
"""Things to look for, and as many to leave out: each costs a pass over the album."""
LONGEST_DAY = 100  # characters
DAY = re.compile(
    r"(?P<year>\d{4})\s*(?:년|[-./])?\s*"
    r"(?:(?P<month>\d{1,2})\s*(?:월|[-./])?\s*(?:(?P<day>\d{1,2})\s*일?\.?)?)?"
)


@dataclass(frozen=True, slots=True)
class Look:
    """Something that the photo shows, in words for the encoder."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Chip:
    """One parsed part of the query and its place in the text.

    Cutting [start, end) out of the text, and blanks that are left double, removes it.
    """

    kind: ChipKind
    start: int
    end: int
    excluded: bool = False
    first: date | None = None
    """Of a date, for the page, since "last summer" moves."""
    last: date | None = None
    label: str = ""
    """Of a label, its name."""
    strict: bool = False
    """Whether only the label counts, and not what looks like it."""
    unwanted: tuple[str, ...] = ()
    """Of an exclusion: those of `Query.unwanted` that it asks for."""


@dataclass(frozen=True, slots=True)
class Query:
    """The parsed text: each character is chip, look or filler."""

    text: str
    """As typed."""
    chips: tuple[Chip, ...] = ()
    """In the order of the text."""
    conditions: tuple[Filter, ...] = ()
    groups: tuple[tuple[Look, ...], ...] = ()
    """Visual parts. All groups ("a + b") are required, and looks of a group are a weighted sum."""
    unwanted: tuple[str, ...] = ()
    """Visual parts that must not match."""
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(text, labels): visual parts that name labels of the album and nothing else."""
    notices: tuple[str, ...] = ()
    """One sentence for each part that is no valid date, such as a 30th of February. It stays in
    the look."""

    @property
    def visual(self) -> str:
        """Join all visual parts into one text, "" without any."""
        return " ".join(look.text for group in self.groups for look in group)


def parse(text: str, names: KnownNames, today: date) -> Query:
    """Parse a typed sentence.

    What is no filter is searched visually, as it stands. Never raises, needs time in proportion to
    the length, and is deterministic.

    Args:
        text: a sentence in Korean or English, or both.
        names: what the album's own photos are called.
        today: what "last summer" counts from.
    """
    folded = fold(text)
    known = index_of(
        *(names.places, names.cameras, names.lenses),
        *(names.labels, names.label_synonyms, names.keywords),
    )
    tokens = understand(folded.folded, scan(folded, known, today))
    visible = _visible_facts(tokens)
    labels: dict[str, tuple[str, ...]] = {}
    groups: tuple[tuple[Look, ...], ...] = ()
    for group in _groups(tokens):
        if looks := _looks(folded.composed, tokens, group, visible):
            groups += (looks,)
            if group_labels := labels_of(folded.folded, [tokens[i] for i in group]):
                labels[looks[0].text] = group_labels
    conditions = _conditions(tokens, visible)
    unwanted: list[str] = []
    for token in tokens:
        texts = _unwanted(folded.composed, token)
        labels.update(
            (text, (name,)) for text, name in zip(texts, token.labels, strict=False) if name
        )
        unwanted += texts
    asks = set(folded.folded.split()) - {"-"}  # a hyphen waits for what to leave out
    if asks and not (groups or conditions or unwanted):
        groups = ((Look(folded.composed),),)
    notices = [token.notice for token in tokens if token.notice]
    few, unwanted = _first_looks(groups), list(dict.fromkeys(unwanted))
    if few != groups or len(unwanted) > MOST_LOOKS:
        notices.append(_too_many(MOST_LOOKS))
    return Query(
        text,
        chips=tuple(_chips(folded, tokens)),
        conditions=conditions,
        groups=few,
        unwanted=tuple(unwanted[:MOST_LOOKS]),
        labels=tuple(labels.items()),
        notices=tuple(dict.fromkeys(notices)),
    )


def without_chip(text: str, chip: Chip) -> str:
    """Cut a chip out of the text.

    Leaves no double blanks, and no + that lost what it joins.
    """
    return without_chips(text, (chip,))


def without_chips(text: str, chips: Sequence[Chip]) -> str:
    """Cut several chips out of the text, as `without_chip` cuts one."""
    for chip in sorted(chips, key=lambda chip: chip.start, reverse=True):
        text = f"{text[: chip.start]} {text[chip.end :]}"
    words: list[str] = []
    for word in text.split():
        if word != "+" or (words and words[-1] != "+"):
            words.append(word)
    return " ".join(words[:-1] if words[-1:] == ["+"] else words)


def _unwanted(text: str, token: Token) -> tuple[str, ...]:
    """Return the looks that a token excludes."""
    inner = token.inner if token.kind == "unwanted" else ()
    return tuple(text[start:end].strip() for start, end in inner)


def _too_many(most: int) -> str:
    """Return the notice for more things than one search looks for."""
    return f"A search looks for {most} things at most; those behind are passed over."


def _first_looks(groups: tuple[tuple[Look, ...], ...]) -> tuple[tuple[Look, ...], ...]:
    """Return the groups with `MOST_LOOKS` looks at most, the first ones."""
    few: list[tuple[Look, ...]] = []
    room = MOST_LOOKS
    for group in groups:
        few.append(group[:room])
        room -= len(few[-1])
    return tuple(group for group in few if group)


def toggle_strict(text: str, chip: Chip, mark: str) -> str:
    """Make a label chip strict (dog: label:dog), or a strict one a word again.

    Args:
        text: the text that the chip was parsed from.
        chip: one of its chips with a label.
        mark: the word before the colon, one of `words.LABEL_MARKS`.
    """
    name = chip.label
    if not chip.strict:
        opening, closing = ("「", "」") if '"' in name else ('"', '"')
        name = f"{mark}:{name}" if name.isalnum() else f"{mark}:{opening}{name}{closing}"
    before, after = text[: chip.start], text[chip.end :]
    gaps = [" " if side[:1].strip() else "" for side in (before[::-1], after)]  # 작년강아지사진
    minus = "-" if chip.excluded else ""
    return f"{before}{gaps[0]}{minus}{name}{gaps[1]}{after}"


def _groups(tokens: Sequence[Token]) -> list[range]:
    """Split tokens at each +."""
    signs = [i for i, token in enumerate(tokens) if token.kind == "plus"]
    return [
        range(start + 1, end)
        for start, end in zip([-1, *signs], [*signs, len(tokens)], strict=True)
    ]


def _looks(text: str, tokens: Sequence[Token], group: range, visible: set[int]) -> tuple[Look, ...]:
    """Collect the looks of a group.

    Its plain words together are one look, in the place of the first of them.

    Words of a time that shows ("at night") are looked for beside others, never alone.
    """
    looks: list[Look] = []
    words = ""
    place = -1
    comma = False
    last = -2
    for i in group:
        token = tokens[i]
        if token.kind == "weighted":
            ((start, end),) = token.inner
            looks.append(Look(text[start:end].strip(), token.weight))
        elif token.kind == "word" or i in visible:
            place = len(looks) if place < 0 else place
            start, end = token.visible_words or (token.start, token.end)
            if last != i - 1 or token.visible_words:
                words += ", " if comma else " " if words else ""
            else:
                words += text[tokens[last].end : start]
            words += text[start:end]
            last, comma = i, False
        elif token.kind == "break" and text[token.start] in ",;，、":
            comma = bool(words)
    if words:
        looks.insert(place, Look(words))
    return tuple(looks)


def _visible_facts(tokens: Sequence[Token]) -> set[int]:
    """Return indexes of facts that are visible too.

    They are such as "at night", and are searched visually beside other words.
    """
    return {
        i
        for group in _groups(tokens)
        if any(tokens[i].kind in ("word", "weighted") for i in group)
        for i in group
        if tokens[i].visible_words is not None and not tokens[i].excluded
    }


def _chips(folded: Folded, tokens: Sequence[Token]) -> Iterator[Chip]:
    """Yield a chip for each parsed token.

    Where + requires several looks, each of them gets one.
    """
    required = sum(
        any(tokens[i].kind in ("word", "weighted") for i in group) for group in _groups(tokens)
    )
    last_end = 0
    for i, token in enumerate(tokens):
        end = token.end
        if token.kind == "word" and not token.labels and required > 1:
            if i and _is_plain_word(tokens[i - 1]):
                continue
            while i + 1 < len(tokens) and _is_plain_word(tokens[i + 1]):
                i += 1
                end = tokens[i].end
        elif token.kind not in ("fact", "unwanted", "weighted") and not token.labels:
            continue
        start = max(folded.starts[token.start], last_end)  # an accent may stand on a closing quote
        last_end = folded.ends[end - 1]
        yield Chip(
            cast(ChipKind, token.chip or "look"),
            start,
            last_end,
            token.excluded,
            token.first,
            token.last,
            *_label_of(token),
            _unwanted(folded.composed, token),
        )


def _is_plain_word(token: Token) -> bool:
    return token.kind == "word" and not token.labels


def _label_of(token: Token) -> tuple[str, bool]:
    """Return the label that a chip is about, "" for none, and whether it is strict."""
    if len(token.inner) > 1 or token.chip != "label":
        return "", False
    facts = [fact.label for fact in token.facts if isinstance(fact, Labelled)]
    return (facts[0], not any(token.labels)) if len(token.facts) == 1 and facts else ("", False)


def _conditions(tokens: Sequence[Token], visible: set[int]) -> tuple[Filter, ...]:
    """Collect the filters, each once, with days brought together."""
    wanted: list[Fact] = []
    unwanted: list[Fact] = []
    days: list[tuple[TakenBetween, ...]] = []
    for i, token in enumerate(tokens):
        if token.kind not in ("fact", "unwanted"):
            continue
        if token.excluded:
            unwanted += token.facts
            continue
        stretches = tuple(fact for fact in token.facts if isinstance(fact, TakenBetween))
        if stretches:
            days.append(stretches)
        wanted += [
            replace(fact, or_unknown=True) if i in visible and isinstance(fact, AtHours) else fact
            for fact in token.facts
            if not isinstance(fact, TakenBetween)
        ]
    return tuple(
        dict.fromkeys(
            [Filter(fact) for fact in (*together(days), *wanted)]
            + [Filter(fact, excluded=True) for fact in unwanted]
        )
    )


def parse_day(text: str, *, last: bool = False) -> date | None:
    """Parse a day, month or year: `2019-08-03`, `2019.8.3`, `2019년 8월`, `2019`.

    None for blank.

    Args:
        text: a day, a month or a year.
        last: take the last day of a month or year rather than the first, for an upper bound.

    Raises:
        QueryError: it names no day.
    """
    text = text.strip()
    if not text:
        return None
    match = DAY.fullmatch(text) if len(text) <= LONGEST_DAY else None  # blanks cost their square
    if match is None:
        raise QueryError(
            "“{text}” is no date; write it as 2019-08-03, 2019-08 or 2019.", text=text[:100]
        )
    year = int(match["year"])
    month = int(match["month"] or (12 if last else 1))
    try:
        final = calendar.monthrange(year, month)[1]
        return date(year, month, int(match["day"] or (final if last else 1)))
    except (ValueError, calendar.IllegalMonthError) as error:
        raise QueryError("There is no such day as “{text}”.", text=text) from error
