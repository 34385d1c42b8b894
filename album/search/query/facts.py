"""Facts at one place of a text: days, hours, file types, names.

The longest wins, and of equals days, then words of the table, then names. Words that belong to a
fact are part of it: "taken in the" before it, the particle and 찍은 behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache

from album.domain.filters import AtHours, Labelled
from album.search.query import words as table
from album.search.query.dates import Days, read_days
from album.search.query.names import NameIndex, NameMatch
from album.search.query.text import Folded
from album.search.query.tokens import Alone, Token
from album.search.query.words import alternatives, words, words_of

LACKS = alternatives(table.LACKING)
_FOLLOWS = rf"(?=[^가-힣]|$|사진|찍|촬영|보여|찾아|{LACKS}(?!기))"
_PARTICLE = re.compile(rf"{alternatives(table.PARTICLES)}?{_FOLLOWS}")
_OF_PLACE = re.compile(rf"{alternatives(table.OF_PLACE)}(?=[^가-힣]|$|찍|촬영)|에서")
_OPEN_PARTICLE = re.compile("에서(?:의|는|도)?")
_OF_CAMERA = re.compile("으로|로")
_PLACES_TAKE = re.compile(alternatives(words(table.PLACES_TAKE)))
_TRIP = re.compile(" ?" + alternatives(table.TRIPS) + "(?![가-힣])")
_THING_OF_PLACE = re.compile(alternatives(table.THINGS_OF_PLACES) + "(?![가-힣])")
GLUE_AFTER = re.compile("(?: ?" + alternatives(words(table.GLUE_AFTER)) + "){1,2}")
_TIME_AFTER = re.compile(" (?:때|쯤|무렵|즈음|동안|중|당시)(?:에|의)?(?![가-힣])")
_ARTICLE = "(?:the |an? |my |our )?"
_BEFORE = {
    kind: re.compile(
        rf"(?:{alternatives(words(table.GLUE_BEFORE))} )?{alternatives(words(row))} {_ARTICLE}|the "
    )
    for kind, row in table.PREPOSITIONS.items()
}
_MAY_BE_BEFORE = re.compile(
    alternatives({*words_of(table.PREPOSITIONS)} | {*words(table.GLUE_BEFORE), "the"}) + " "
)
_FILE_WORD = re.compile(" ?" + alternatives(table.FILE_WORDS) + r"(?![^\W_])")
_AMONG = re.compile(" 중(?:에서|에)?(?![가-힣])")
_FEAST_THING = re.compile(" ?" + alternatives(table.FEAST_THINGS) + r"(?![^\W_])")
_HOURS = {word.replace(" ", ""): hours for hours in table.HOURS for word in words(hours.phrases)}
_HOUR = re.compile(
    rf"(?:{alternatives(words(table.GLUE_BEFORE))} )?("
    + alternatives(w for hours in table.HOURS for w in words(hours.phrases))
    + ")"
    r"(?![^\W_가-힣])(?=[^가-힣]|$|찍|촬영)"
)
_CLOCK = re.compile(
    r"(?P<part>오전|아침|새벽|오후|저녁|밤) ?(?P<ko>[0-9]{1,2})시(?:에|쯤|경|쯤에|경에)?(?![가-힣])"
    r"|(?:at |around )?(?P<en>[0-9]{1,2})(?::00)? ?(?P<half>am|pm)(?![^\W_])"
)
_OPEN_DAYS = re.compile("[0-9년월해주달제일]$")
_STRONG = ("에", "마다", "때")


@cache
def _phrases() -> tuple[re.Pattern[str], dict[str, table.Phrase]]:
    meanings = {
        word.replace(" ", ""): phrase for phrase in table.PHRASES for word in words(phrase.phrases)
    }
    every = alternatives(word for phrase in table.PHRASES for word in words(phrase.phrases))
    return re.compile(rf"({every})(?![^\W가-힣])(?!-[^\W_])(?:{_PARTICLE.pattern})"), meanings


def fact_at(text: Folded, at: int, names: NameIndex, today: date) -> Token | None:
    """Return the longest fact at `at`, where a word begins, if any.

    Args:
        text: what was typed.
        at: an index into its folded form.
        names: what the album's photos are called.
        today: what "last summer" counts from.
    """
    best: Token | None = None
    for match in _facts(text, at, names, today):
        if best is None or match.end > best.end:
            best = match
    return best


def _facts(text: Folded, at: int, names: NameIndex, today: date) -> Iterator[Token]:
    folded = text.folded
    yield from _dates(folded, at, at, "", names, today)
    yield from _hours(folded, at)
    yield from _table(folded, at, at)
    yield from _names(text, at, at, "", names, today)
    if not _MAY_BE_BEFORE.match(folded, at):
        return
    for kind, pattern in _BEFORE.items():
        before = pattern.match(folded, at)
        if before is None or before.end() >= len(folded):
            continue
        word = before[0].strip() if before[0] != "the " else ""
        if kind == "date":
            yield from _dates(folded, at, before.end(), word, names, today)
        elif kind == "type":
            yield from _table(folded, at, before.end(), only="type")
        else:
            for match in _names(text, at, before.end(), word, names, today):
                if match.chip == kind:
                    yield match


def _dates(
    text: str, start: int, at: int, before: str, names: NameIndex, today: date
) -> Iterator[Token]:
    for days in read_days(text, at, today):
        if not isinstance(days, Days):
            if _ends_word(text, days.end):
                yield Token("word", start, days.end, notice=days.notice)
                return
            continue
        if days.asks_preposition and not before:
            continue
        if days.feast and _FEAST_THING.match(text, days.end):
            continue
        open_end = not days.alone and bool(
            days.first or days.last or _OPEN_DAYS.search(text[at : days.end])
        )
        open_end = open_end and not days.feast and not text.endswith("요일", at, days.end)
        end = _settle(text, days.end, names, today, open_end=open_end)
        if end is None:
            continue
        particle = text[days.end : end]
        if after := _TIME_AFTER.match(text, end):
            end = after.end()
        glued = GLUE_AFTER.match(text, end)
        end = glued.end() if glued else end
        alone: Alone = ""
        if days.alone and not glued and not after and not particle.startswith(_STRONG):
            alone = "right" if before else "both"
        yield Token("fact", start, end, "date", days.facts, days.first, days.last, alone=alone)
        return


def _hours(text: str, at: int) -> Iterator[Token]:
    if match := _HOUR.match(text, at):
        hours = _HOURS[match[1].replace(" ", "")]
        glued = GLUE_AFTER.match(text, match.end())
        end = glued.end() if glued else match.end()
        visible_words = match.span(1) if hours.shows else None
        yield Token("fact", at, end, "time", (hours.fact,), visible_words=visible_words)
    if match := _CLOCK.match(text, at):
        hour = int(match["ko"] or match["en"])
        if not 1 <= hour <= 12:
            return
        late = match["half"] == "pm" or match["part"] in ("오후", "저녁")
        late = late or (match["part"] == "밤" and 6 <= hour <= 11)
        hour = hour % 12 + 12 * late
        glued = GLUE_AFTER.match(text, match.end())
        end = glued.end() if glued else match.end()
        yield Token("fact", at, end, "time", (AtHours(hour, (hour + 1) % 24),))


def _table(text: str, start: int, at: int, only: str = "") -> Iterator[Token]:
    pattern, meanings = _phrases()
    match = pattern.match(text, at)
    if match is None:
        return
    phrase = meanings[match[1].replace(" ", "")]
    if only and phrase.kind != only:
        return
    end = match.end()
    filed = _FILE_WORD.match(text, end) if phrase.kind == "type" else None
    filed = filed or _AMONG.match(text, end)
    yield Token(
        "fact",
        start,
        filed.end() if filed else end,
        phrase.kind,
        (phrase.fact,),
        excluded=phrase.excluded,
        alone="both" if phrase.alone and not filed else "",
    )


def _names(
    text: Folded, start: int, at: int, before: str, names: NameIndex, today: date
) -> Iterator[Token]:
    settled: set[str] = set()
    for known in names.at(text.folded, at):
        kind = known.name.kind
        if kind in settled:
            continue
        match = _named(text, start, at, before, known, names, today)
        if match is not None:
            settled.add(kind)
            yield match


def _named(
    text: Folded, start: int, at: int, before: str, known: NameMatch, names: NameIndex, today: date
) -> Token | None:
    folded, kind = text.folded, known.name.kind
    end = _settle(folded, known.end, names, today)
    if end is None and kind == "place" and (takes := _PLACES_TAKE.match(folded, known.end)):
        end = _settle(folded, takes.end(), names, today)
    if end is None and kind == "place" and not known.name.doubtful:
        end = known.end if _THING_OF_PLACE.match(folded, known.end) else None
    if end is None:
        return None
    capital = text.composed[at].isupper() and at > 0
    alone: Alone = ""
    if known.name.doubtful:
        particle = folded[known.end : end]
        if kind == "place":
            sure = capital or bool(_OF_PLACE.match(particle) or _TRIP.match(folded, end))
            sure = sure or (end > known.end and not _PARTICLE.fullmatch(particle))  # 공주시
        else:
            sure = capital or bool(_OF_CAMERA.match(particle))
        if not sure:
            if not before or before.split()[-1] in ("of", "to", "the"):
                return None
            alone = "right"
    labels: tuple[str, ...] = ()
    if isinstance(known.name.fact, Labelled) and not before:
        alone, labels = "all", (known.name.fact.label,)
    elif kind != "label" and (glued := GLUE_AFTER.match(folded, end)):
        end = glued.end()
    return Token("fact", start, end, kind, (known.name.fact,), alone=alone, labels=labels)


def _settle(
    text: str, end: int, names: NameIndex, today: date, *, open_end: bool = False
) -> int | None:
    """Return where a fact ends with its particle.

    None where the word continues as something else.

    Korean may go on: with a particle that ends the word, with 에서 and anything, with another thing
    that is known, or, of sure days (`open_end`), with two syllables or more.
    """
    if not _ends_word(text, end):
        return None
    if text.startswith("'s", end):
        return end + 2
    if end >= len(text) or not "가" <= text[end] <= "힣":
        return end
    if match := _PARTICLE.match(text, end):
        return match.end()
    if match := _OPEN_PARTICLE.match(text, end):
        return match.end()
    if open_end and "가" <= text[end + 1 : end + 2] <= "힣":
        return end
    if any(isinstance(days, Days) for days in read_days(text, end, today)):
        return end
    if next(names.at(text, end), None) is not None or _phrases()[0].match(text, end):
        return end
    return None


_LATIN_GOES_ON = re.compile(r"[^\W가-힣]|[-./&_](?=[^\W_가-힣])|'(?!s(?![^\W_]))(?=[^\W_])")


def _ends_word(text: str, end: int) -> bool:
    """Return whether a word ends at `end`.

    A letter, a digit or a hyphen within a word continues it, Korean after Latin does not.
    """
    if "가" <= text[end - 1] <= "힣":
        return True
    return _LATIN_GOES_ON.match(text, end) is None
