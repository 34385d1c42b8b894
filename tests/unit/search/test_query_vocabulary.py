"""Every word of the query language's tables has its meaning."""

from __future__ import annotations

from datetime import date

import pytest

from album.domain.filters import Filter
from album.domain.known_names import KnownNames
from album.search.query import day_words, parse, words

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("phrase", "row"),
    [(phrase, row) for row in words.PHRASES for phrase in words.words(row.phrases)],
)
def test_every_phrase_of_the_table_is_its_fact(phrase, row):
    query = parse(phrase, KnownNames(), TODAY)

    assert query.conditions == (Filter(row.fact, row.excluded),)
    assert [(chip.kind, chip.start, chip.end) for chip in query.chips] == [
        (row.kind, 0, len(phrase))
    ]


@pytest.mark.parametrize(
    "word",
    [
        word
        for rows in (
            *(day_words.SEASONS, day_words.ENDS_OF_YEARS, day_words.WEEKDAYS),
            *(day_words.FEASTS_OF_THE_SUN, day_words.FEASTS_OF_THE_MOON),
            *(day_words.FEASTS_OF_A_WEEKDAY, day_words.YEARS, day_words.DAYS),
            *(day_words.WEEKS, day_words.MONTHS_AGO),
        )
        for row in rows.values()
        for word in words.words(row)
    ],
)
def test_every_day_of_the_table_is_a_date(word):
    query = parse(word, KnownNames(), TODAY)

    assert [(chip.kind, chip.start, chip.end) for chip in query.chips] == [("date", 0, len(word))]
    assert query.groups == ()


@pytest.mark.parametrize(
    ("hours", "phrase"),
    [(hours, phrase) for hours in words.HOURS for phrase in words.words(hours.phrases)],
)
def test_each_time_of_day_is_parsed(hours, phrase):
    query = parse(phrase, KnownNames(), TODAY)

    assert query.conditions == (Filter(hours.fact),)
    assert query.groups == ()


@pytest.mark.parametrize("word", words.LACKING + words.LACKING_LATE)
def test_every_korean_word_of_exclusion_excludes(word):
    query = parse(f"바다 사람 {word} 사진", KnownNames(), TODAY)

    assert (query.visual, query.unwanted) == ("바다", ("사람",))


@pytest.mark.parametrize("word", words.WITHOUT)
def test_every_english_word_of_exclusion_excludes(word):
    query = parse(f"beach {word} red cars in snow", KnownNames(), TODAY)

    assert (query.visual, query.unwanted) == ("beach in snow", ("red cars",))


@pytest.mark.parametrize("word", sorted(words.NOT_LACKING))
def test_words_that_lack_nothing_exclude_nothing(word):
    query = parse(f"강아지 {word} 바다", KnownNames(), TODAY)

    assert query.unwanted == ()
