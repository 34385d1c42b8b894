"""Chips: what was understood, shown and taken away."""

from __future__ import annotations

import re
from datetime import date

import pytest
from markupsafe import escape

from album.domain.known_names import KnownNames
from album.search.query import Chip, parse, without_chip
from album.ui.search.chips import cut_from, meaning, toggled_in, word_chips

TODAY = date(2026, 11, 21)


def chips_of(text: str) -> tuple[Chip, ...]:
    return parse(text, KnownNames(), TODAY).chips


@pytest.mark.parametrize(
    ("text", "chip", "left"),
    [
        ("작년 여름 바닷가", Chip("date", 0, 5), "바닷가"),
        ("a  dog last summer in snow", Chip("date", 7, 18), "a dog in snow"),
        ("dog + cat", Chip("look", 0, 3), "cat"),
        ("dog + cat", Chip("look", 6, 9), "dog"),
        ("dog + cat + bus", Chip("look", 6, 9), "dog + bus"),
        ("dog", Chip("look", 0, 3), ""),
    ],
)
def test_chip_removal_takes_blanks_and_plus(text: str, chip: Chip, left: str) -> None:
    assert without_chip(text, chip) == left


def test_idle_exclusion_says_so() -> None:
    chips = chips_of("car -red -blue")

    red, blue = word_chips("car -red -blue", chips, "en", idle=[chips[0]])

    assert "<small>left nothing out</small>" in red
    assert "left nothing out" not in blue


LABELS = KnownNames(labels=frozenset({"dog", "강아지", "Hot Dog", 'my "best"'}))


@pytest.mark.parametrize(
    ("text", "strict"),
    [
        ("dog", "label:dog"),
        ("hot dog 2019", 'label:"Hot Dog" 2019'),
        ("cat -dog", "cat -label:dog"),
        ("cat without my dog", "cat -label:dog"),
        ("작년강아지사진", "작년 label:강아지 사진"),
        ('my "best"', 'label:「my "best"」'),
    ],
)
def test_label_becomes_strict_and_a_word_again(text: str, strict: str) -> None:
    label = next(chip for chip in parse(text, LABELS, TODAY).chips if chip.label)
    assert toggled_in(text, text, label, "en") == strict

    back = next(chip for chip in parse(strict, LABELS, TODAY).chips if chip.label)
    assert (back.label, back.excluded, back.strict) == (label.label, label.excluded, True)
    loose = parse(toggled_in(strict, strict, back, "ko"), LABELS, TODAY)
    assert [(chip.label, chip.strict) for chip in loose.chips if chip.label] == [
        (label.label, False)
    ]


def test_korean_page_writes_the_korean_label_mark() -> None:
    (chip,) = parse("강아지가", LABELS, TODAY).chips

    assert toggled_in("강아지가", "강아지가", chip, "ko") == "이름표:강아지"
    assert parse("이름표:강아지", LABELS, TODAY).chips[0].strict


def test_label_switch_keeps_later_text() -> None:
    (chip,) = parse("dog", LABELS, TODAY).chips

    assert toggled_in("my dog", "dog", chip, "en") == "my label:dog"
    assert toggled_in("cat", "dog", chip, "en") == "cat"


def test_label_chip_says_label_and_has_a_switch() -> None:
    loose, strict = (
        word_chips(text, parse(text, LABELS, TODAY).chips, "en")[0] for text in ("dog", "label:dog")
    )

    for html, pressed in ((loose, "false"), (strict, "true")):
        assert "label: dog" in html
        assert f'aria-pressed="{pressed}"' in html
    assert "aria-pressed" not in word_chips("2019", parse("2019", LABELS, TODAY).chips, "en")[0]


def test_chip_removal_keeps_later_text() -> None:
    chip = Chip("date", 0, 5)

    assert cut_from("작년 여름 바닷가 노을", "작년 여름 바닷가", chip) == "바닷가 노을"
    assert cut_from("작년 여름 바닷가", "작년 여름 바닷가", chip) == "바닷가"
    assert cut_from("산", "작년 여름 바닷가", chip) == "산"


@pytest.mark.parametrize(
    ("first", "last", "english", "korean"),
    [
        ((2025, 6, 1), (2025, 8, 31), "June–August 2025", "2025년 6월–8월"),
        ((2019, 1, 1), (2019, 12, 31), "2019", "2019년"),
        ((2018, 1, 1), (2020, 12, 31), "2018–2020", "2018–2020년"),
        ((2019, 2, 1), (2019, 2, 28), "February 2019", "2019년 2월"),
        (
            (2024, 12, 1),
            (2025, 2, 28),
            "December 2024 – February 2025",
            "2024년 12월 – 2025년 2월",
        ),
        ((2025, 12, 24), (2025, 12, 25), "24–25 December 2025", "2025년 12월 24–25일"),
        ((2019, 8, 3), (2019, 8, 3), "3 August 2019", "2019년 8월 3일"),
        (
            (2025, 12, 30),
            (2026, 1, 2),
            "30 December 2025 – 2 January 2026",
            "2025년 12월 30일 – 2026년 1월 2일",
        ),
        ((2019, 1, 1), None, "since 2019", "2019년부터"),
        ((2019, 8, 3), None, "since 3 August 2019", "2019년 8월 3일부터"),
        (None, (2019, 12, 31), "until 2019", "2019년까지"),
        (None, (2019, 8, 2), "until 2 August 2019", "2019년 8월 2일까지"),
        (None, None, "", ""),
    ],
)
def test_days_are_told_as_one_says_them(
    first: tuple[int, int, int] | None,
    last: tuple[int, int, int] | None,
    english: str,
    korean: str,
) -> None:
    days = [None if it is None else date(*it) for it in (first, last)]

    assert meaning(*days, "en") == english
    assert meaning(*days, "ko") == korean


def test_chip_shows_words_and_open_dates() -> None:
    (summer,) = word_chips("작년 여름", chips_of("작년 여름"), "ko")
    (year,) = word_chips("2019년", chips_of("2019년"), "ko")
    (since,) = word_chips("since 2019", chips_of("since 2019"), "en")

    assert re.sub("<button.*", "", summer) == (
        '<span class="chip"><span>작년 여름 <small>2025년 6월–8월</small></span>'
    )
    assert "<small>" not in year
    assert "<small>" not in since


def test_excluded_chip_is_announced_to_screen_readers() -> None:
    (chip,) = word_chips("-dog", chips_of("-dog"), "en")

    assert 'class="chip excluded"' in chip
    assert '−</span><span class="sr-only">left out:</span>dog</span>' in chip
    (phrase,) = word_chips("without dogs", chips_of("without dogs"), "en")
    assert "−" not in phrase  # its words say so


def test_no_words_in_a_chip_become_a_program() -> None:
    text = "\"<img src=x onerror='x'>\""

    (chip,) = word_chips(text, (Chip("words", 0, len(text)),), "en")

    assert "<img" not in chip
    assert chip.count(escape("onerror='x'>\"")) == 3  # itself and twice in its button
