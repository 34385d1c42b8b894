"""The list of classes, as people type and paste it."""

from __future__ import annotations

import unicodedata

import pytest

from album.classification.class_list import (
    LONGEST_LIST,
    LONGEST_NAME,
    MOST_CLASSES,
    MOST_NAMES,
    parse_classes,
    split_classes,
)
from album.errors import QueryError
from models.interfaces import ClassName, ClassSpec


def names_of(text: str) -> list[list[str]]:
    return [[name.text for name in each.names] for each in parse_classes(text, least=1)]


def refused(text: str, least: int = 2) -> str:
    with pytest.raises(QueryError, match=r"\.$") as raised:
        parse_classes(text, least)
    return str(raised.value)


def test_synonyms_blanks_and_doubled_names_are_understood():
    assert names_of(" 고양이 | cat|kitten \n\n\t dog \n|\n  \ncow |  cow|Cow||소\r\n") == [
        ["고양이", "cat", "kitten"], ["dog"], ["cow", "소"],
    ]  # fmt: skip


def test_the_first_name_is_the_label():
    assert [each.label for each in parse_classes("고양이 | cat\n2:dog (pet) * 3")] == [
        "고양이",
        "dog",
    ]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("crane (bird)", ClassName("crane", "bird")),
        ("crane(bird)", ClassName("crane", "bird")),
        ("배（과일）", ClassName("배", "과일")),
        ("2:kitten", ClassName("kitten", weight=2)),
        ("0.5: kitten", ClassName("kitten", weight=0.5)),
        ("2 : crane (large bird)", ClassName("crane", "large bird", 2)),
        ("(bird)", ClassName("(bird)")),
        ("f(x) curve", ClassName("f(x) curve")),
        ("M*A*S*H", ClassName("M*A*S*H")),
        ("at 10:30", ClassName("at 10:30")),
        ("a {red} {0} thing", ClassName("a {red} {0} thing")),
        ("🐱 cat", ClassName("🐱 cat")),
        ("7", ClassName("7")),
        ("2:", ClassName("2:")),
    ],
)
def test_name_may_have_kind_and_weight(part, name):
    assert parse_classes(part, least=1) == [ClassSpec((name,))]


@pytest.mark.parametrize("end", [" * 3", "*3", " ×3", " × 3.0"])
def test_a_class_can_be_more_common_than_others(end):
    (found,) = parse_classes(f"개 | dog (pet){end}", least=1)

    assert found == ClassSpec((ClassName("개"), ClassName("dog", "pet")), 3.0)


def test_name_of_two_kinds_stays_two_names():
    (found,) = parse_classes("crane (bird) | crane (machine)", least=1)

    assert len(found.names) == 2


def test_letters_are_composed_and_unwritable_ones_dropped():
    decomposed = unicodedata.normalize("NFD", "고양이")

    assert names_of(f"\ufeff{decomposed}\x00 |c\x07at\ud800") == [["고양이", "c at?"]]


def test_a_class_that_stands_there_twice_is_named():
    assert "“Cat”" in refused("cat | 고양이\ndog\nCat | kitten")
    assert "“고양이”" in refused(unicodedata.normalize("NFD", "고양이") + "\n고양이")
    assert "“crane”" in refused("crane (bird)\ncrane (machine)")


def test_the_same_name_may_help_two_classes():
    assert names_of("고양이 | cat\ncat | tiger") == [["고양이", "cat"], ["cat", "tiger"]]


def test_too_few_classes_are_one_sentence():
    assert "two classes" in refused("")
    assert "two classes" in refused("cat")
    assert "two classes" in refused(" \n|\n* 3")
    assert "called" in refused("", least=1)


def test_too_long_list_is_not_read():
    said = refused("a" * (LONGEST_LIST + 1))

    assert said == f"The list of classes has more than {LONGEST_LIST} characters; cut it."


def test_too_many_classes_or_names_tell_both_numbers():
    most = "\n".join(f"thing {n}" for n in range(MOST_CLASSES))
    assert len(parse_classes(most)) == MOST_CLASSES
    said = refused(f"{most}\none more")
    assert str(MOST_CLASSES + 1) in said
    assert str(MOST_CLASSES) in said
    line = " | ".join(f"name {n}" for n in range(MOST_NAMES))
    assert str(MOST_NAMES + 1) in refused(f"{line}\ndog")


@pytest.mark.parametrize("name", ["🐱", "!!", "고양이 | ❤️‍🔥", "2:🐶 (🐾)", "…"])
def test_name_without_letters_is_refused_by_name(name):
    said = refused(f"{name}\ndog")

    assert "letter" in said
    assert any(letter in said for letter in "🐱!❤🐶…")


def test_too_long_name_is_one_short_sentence():
    assert names_of("a" * LONGEST_NAME) == [["a" * LONGEST_NAME]]
    for name in ("a" * (LONGEST_NAME + 1), f"crane ({'b' * (LONGEST_NAME + 1)})"):
        said = refused(f"{name}\ndog")
        assert len(said) < 200
        assert str(LONGEST_NAME) in said


@pytest.mark.parametrize("line", ["0:cat", "cat * 0", "1000:cat", "cat * 1" + "0" * 400])
def test_unusable_number_is_one_sentence(line):
    said = refused(f"{line}\ndog")

    assert "0.01 to 100" in said
    assert len(said) < 200


def test_hostile_lists_are_read_in_no_time():
    for text in ("(" * 300_000, "* 1" * 300_000, " " * 10**6 + "a", "1:" * 200_000, "|" * 10**6):
        with pytest.raises(QueryError):
            parse_classes(text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("dogs, food,beach", ["dogs", "food", "beach"]),
        ("강아지、음식，바다\r\n산", ["강아지", "음식", "바다", "산"]),
        (" , ,\n", []),
        ("dog, Dog,  DOG ", ["dog"]),
        ("pear (a, b), 배 （가, 나） | pear", ["pear (a, b)", "배 （가, 나） | pear"]),
        ("pear (a, b\ndog", ["pear (a, b", "dog"]),
        ("f(x), g) , h", ["f(x)", "g)", "h"]),
    ],
)  # fmt: skip
def test_commas_outside_brackets_separate_classes(text: str, lines: list[str]) -> None:
    assert split_classes(text).splitlines() == lines
    assert split_classes(split_classes(text)) == split_classes(text)
