"""Words of questions and of texts meet where a person means the same."""

from __future__ import annotations

import unicodedata

import pytest

from album.storage.text_tokens import (
    MAX_CHARACTERS,
    MAX_WORDS,
    fold,
    line,
    phrase,
    query_terms,
    spaced_phrases,
    words_of,
)


def meets(question: str, text: str) -> bool:
    """Whether a text has the one word of a question, as itself."""
    (word,) = query_terms(question)
    folded = line(text)
    whole = any(it in folded for it in word.whole)
    begun = any(it in folded for it in word.starts)
    return whole or (begun and any(it in folded for it in word.ends))


def touches(question: str, text: str) -> bool:
    """Whether a text has the one word of a question, at least as a part of a longer one."""
    (word,) = query_terms(question)
    return any(it in line(text) for it in word.patterns)


SAME = [
    ("cat", "A black CAT."),
    ("cat", "two cats"),
    ("cats", "a cat"),
    ("cat", "the cat's tail"),
    ("cat's", "a cat"),
    ("city", "cities at night"),
    ("cities", "a city"),
    ("beach", "beaches"),
    ("boxes", "a box"),
    ("box", "two boxes"),
    ("bus", "three buses"),
    ("glasses", "a glass"),
    ("boy", "boys"),
    ("tomato", "tomatoes"),
    ("child", "children play"),
    ("children", "a child"),
    ("women", "one woman"),
    ("cafe", "Café de Flore"),
    ("CAFÉ", "a cafe"),
    ("ｃａｔ", "a cat"),
    ("strasse", "Straße"),
    ("iphone", "iPhone으로 찍은 사진"),
    ("iPhone으로", "an iPhone"),
    ("mp3", "MP3 player"),
    ("2019", "in 2019"),
    ("2019년", "2019년 여름"),
    ("부산", "부산 해운대"),
    ("부산", "부산에서"),
    ("부산에서", "부산 바다"),
    ("부산에서", "부산은 항구다"),
    ("부산에서는", "부산"),
    ("강아지가", "강아지를 안은 아이"),
    ("강아지", "강아지들이 논다"),
    ("강아지들이", "강아지 한 마리"),
    ("고양이", "고양이가 잔다"),
    ("고양이를", "고양이"),
    ("고양이", "고양이"),
    ("제주도에서", "제주 바다"),
    ("제주도", "제주도의 돌"),
    ("달리는", "말이 달린다"),
    ("달리는", "말이 달리고 있다"),
    ("뛰는", "아이가 뛴다"),
    ("먹는", "밥을 먹는다"),
    ("달리는", "달리는 말"),
    ("아이", "아이가 웃는다"),
    ("눈", "눈이 온다"),
    ("눈이", "눈을 치운다"),
    ("눈", "첫 눈"),
    ("산에서", "산"),
    ("가을", "가을"),
    ("가을에", "가을이 왔다"),
    ("노을", "저녁 노을"),
    ("휴가를", "여름 휴가"),
]
OTHERS = [
    ("cat", "category"),
    ("cat", "concat"),
    ("cat", "cattle"),
    ("glass", "glas"),
    ("bus", "bu"),
    ("is2", "is"),
    ("아이", "아이스크림"),
    ("고양이", "고양시"),
    ("강아지가", "강아지풀"),
    ("노을", "노는 아이"),
    ("마을", "마는"),
    ("눈", "눈썹"),
    ("눈", "눈물이 난다"),
    ("개", "개나리"),
    ("부산", "부천"),
    ("도로", "도는 바퀴"),
    ("2019", "in 12019"),
]


@pytest.mark.parametrize(("question", "text"), SAME)
def test_a_word_finds_its_own_forms(question, text):
    assert meets(question, text)


@pytest.mark.parametrize(("question", "text"), OTHERS)
def test_word_does_not_match_similar_words(question, text):
    assert not meets(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("바다", "밤바다"),
        ("바다", "밤바다가 보인다"),
        ("바다가", "밤바다"),
        ("아이", "아이스크림"),
        ("해수욕장", "해운대해수욕장에서"),
        ("2019", "IMG_20190803.jpg"),
    ],
)
def test_word_part_differs_from_whole_word(question, text):
    assert touches(question, text)
    assert not meets(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("cat", "category"),
        ("눈", "눈썹"),
        ("고양이", "고양시"),
        ("강아지가", "강아지풀"),
        ("123", "1234"),
    ],
)
def test_short_stem_does_not_match_inside_words(question, text):
    assert not touches(question, text)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("a photo of the dog on a beach", ["dog", "beach"]),
        ("강아지가 있는 사진 찾아줘", ["강아지가"]),
        ("dog, dog & DOG", ["dog"]),
        ("the of in", []),
        ("", []),
        ("!?*()\"'", []),
        ("AND OR NOT NEAR(", []),
        ("눈 오는 날", ["눈", "오는", "날"]),
    ],
)
def test_a_question_is_what_is_left_without_fillers(question, words):
    assert [it.word for it in query_terms(question)] == words


def test_file_name_splits_into_visible_words():
    assert words_of("IMG_20190803_cat.jpg") == ["img", "20190803", "cat", "jpg"]
    assert " my cat jpg " in line("MyCat.jpg", names=True)
    assert " mycat jpg " in line("MyCat.jpg", names=True)
    assert line("McDonald") == " mcdonald  "
    assert words_of("2019년여름trip") == ["2019", "년여름", "trip"]


def test_texts_are_kept_apart():
    assert line("dog", "park") == " dog  | park  "
    assert phrase("dog park") not in line("dog", "park")
    assert line("", "...") == ""


def test_decomposed_korean_is_the_same_korean():
    assert fold(unicodedata.normalize("NFD", "부산 바다")) == "부산 바다"
    assert [it.word for it in query_terms(unicodedata.normalize("NFD", "부산"))] == ["부산"]


@pytest.mark.parametrize(
    ("text", "found_in", "not_in"),
    [
        ("dog park", ["the Dog-Park!", "dog  park"], ["dog parks", "hotdog park", "park dog"]),
        ("해수욕장", ["해운대해수욕장에서"], ["해수욕"]),
        ("눈", ["눈썹", "첫눈"], ["논"]),
        ("IMG_2019", ["IMG_20190803.jpg"], ["IMG_2020.jpg", "xIMG_2019"]),
        ("no 12", ["no. 12"], ["no. 123"]),
        ("카페 dog", ["브런치카페 Dog"], ["카페 dogs"]),
    ],
)
def test_a_phrase_is_found_as_written(text, found_in, not_in):
    assert [it for it in found_in if phrase(text) not in line(it)] == []
    assert [it for it in not_in if phrase(text) in line(it)] == []


def test_a_question_or_text_without_end_is_cut():
    assert len(
        query_terms(" ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(99)))
    ) == (MAX_WORDS)
    assert len(line("가" * 10 * MAX_CHARACTERS)) <= MAX_CHARACTERS + 3


def test_spellings_of_a_phrase_are_few():
    assert len(spaced_phrases("눈 오는 날")) == 1 + 2**3
    assert len(spaced_phrases("가나다라마바사")) == 1 + 2**6
    assert len(spaced_phrases("해운대해수욕장불꽃축제")) == 1 + 11
    assert spaced_phrases("가" * 1_000) == ["가" * 1_000]
    assert spaced_phrases("dog park") == [" dog park "]
    assert spaced_phrases("!") == []
