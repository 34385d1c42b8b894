"""Answers of a language model are text of a stranger: what is let through keeps its form."""

from __future__ import annotations

import json
import unicodedata

import pytest

from models.captioners.response_parsing import (
    MalformedAnswerError,
    lines,
    one_line,
    parse_answer,
    parse_description,
    salvage_description,
)
from models.errors import CaptionRefusedError
from models.prompts import describe_instruction, describe_schema

BOTH = ("ko", "en")


def answer(**fields: object) -> str:
    return json.dumps({"caption_ko": "개.", "caption_en": "A dog.", **fields}, ensure_ascii=False)


def test_description_is_parsed_field_by_field():
    said = answer(keywords=["개", "dog", "공원"], text_in_photo="개 조심\nBeware of the dog")

    description = parse_description(said, BOTH)

    assert description.captions == {"ko": "개.", "en": "A dog."}
    assert description.keywords == ("개", "dog", "공원")
    assert description.text_in_photo == "개 조심\nBeware of the dog"


def test_only_the_captions_asked_for_are_taken():
    assert parse_description(answer(), ("en",)).captions == {"en": "A dog."}


@pytest.mark.parametrize(
    "said",
    [
        f"```json\n{answer()}\n```",
        f"```\n{answer()}```\n",
        f"  {answer()}\n",
        answer(keywords=None, text_in_photo=None),
        answer(mood="happy"),
        '{"caption_ko": "개.", "caption_en": "A\ndog."}',
    ],
)
def test_clear_answer_is_accepted_despite_its_form(said):
    assert parse_description(said, BOTH).captions == {"ko": "개.", "en": "A dog."}


@pytest.mark.parametrize(
    "said",
    [
        "",
        "A dog.",
        '{"caption_ko": "개',
        "null",
        '"A dog."',
        f"[{answer()}]",
        "[" * 100_000,
        '{"caption_ko": ' + "9" * 5000 + "}",
        answer(caption_ko=None),
        answer(caption_ko=""),
        answer(caption_ko=" \u200b\x00 "),
        answer(caption_ko=["개."]),
        answer(caption_ko={"text": "개."}),
        answer(caption_en=7),
        answer(keywords="dog, park"),
        answer(keywords=["dog", 7]),
        answer(keywords={"a": "dog"}),
        answer(text_in_photo=["a"]),
        answer(text_in_photo=7),
    ],
)
def test_an_answer_of_another_form_is_told_apart(said):
    with pytest.raises(MalformedAnswerError):
        parse_description(said, BOTH)


def test_everything_is_cut_at_its_length():
    said = answer(
        caption_en="word " * 1000,
        keywords=[*(f"word {n}" for n in range(40)), "x" * 61],
        text_in_photo="line\n" * 5000,
    )

    description = parse_description(said, BOTH)

    assert len(description.captions["en"]) == 1999  # of 2,000 the last one is a blank
    assert description.keywords == tuple(f"word {n}" for n in range(30))
    assert 9_990 <= len(description.text_in_photo) <= 10_000


def test_keywords_come_without_marks_doubles_and_sentences():
    words = [" #Beach ", "beach", "BEACH", "", "  ", "#", "밤바다.", "“New\nYork”", "x" * 61]

    assert parse_description(answer(keywords=words), BOTH).keywords == (
        "Beach",
        "밤바다",
        "New York",
    )


@pytest.mark.parametrize("hidden", ["\x00", "\x1b", "\x7f", "\u200b", "\u202e", "\ufeff", "\ud800"])
def test_hidden_and_unstorable_characters_are_removed(hidden):
    said = json.dumps(
        {
            "caption_en": f"A {hidden}dog.",
            "keywords": [f"do{hidden}g"],
            "text_in_photo": f"EX{hidden}IT\nnow",
        }
    )

    description = parse_description(said, ("en",))

    assert description.captions == {"en": "A dog."}
    assert description.keywords == ("dog",)
    assert description.text_in_photo == "EXIT\nnow"


def test_decomposed_korean_is_composed_and_joined_emoji_stay():
    apart = unicodedata.normalize("NFD", "강아지")
    family = "👨\u200d👩\u200d👧"

    assert one_line(apart, 100) == "강아지"
    assert one_line(family, 100) == family


def test_one_line_joins_and_lines_keeps_lines():
    assert one_line(" a\tb\r\n c\u2028d ", 100) == "a b c d"
    assert lines("\n\n a  b \r\n\n\n\n\nc\u2028d\n", 100) == "a b\n\nc\nd"


@pytest.mark.parametrize(
    ("said", "captions"),
    [
        ("Two lions\non a rock.", {"": "Two lions on a rock."}),
        ("```\nTwo lions.\n```", {"": "Two lions."}),
        ("```text\nTwo lions.", {"": "Two lions."}),
        ('"Two lions."', {"": '"Two lions."'}),
        (
            '{"caption_ko": "사자 두 마리", "caption_en": "Two li',
            {"ko": "사자 두 마리", "en": "Two li"},
        ),
        ('{"caption_ko": "사자", "caption_en": 7}', {"ko": "사자"}),
        ('{"caption_en": "He said \\"no\\"", "keywords": "x"', {"en": 'He said "no"'}),
        ('[{"caption_en": "Two lions."}]', {"en": "Two lions."}),
        ('{"caption_en": "Two lions\\', {"en": "Two lions"}),
    ],
)
def test_readable_parts_of_malformed_answer_are_kept(said, captions):
    assert salvage_description(said, BOTH).captions == captions


@pytest.mark.parametrize(
    "said", ["", "```\n```", "...", "\x00\x00", "{}", "[[[", '{"caption": "Two lions."}', "```json"]
)
def test_malformed_answer_without_words_is_refused(said):
    with pytest.raises(CaptionRefusedError, match="something other than a description"):
        salvage_description(said, BOTH)


def test_chat_answer_keeps_lines_up_to_a_limit():
    assert parse_answer("Two.\n\nOne is asleep.\x1b") == "Two.\n\nOne is asleep."
    assert len(parse_answer("word " * 2000)) <= 4000


def test_answer_of_a_megabyte_is_refused_quickly():
    for said in ("```" * 300_000, '{"caption_ko": "' + "\\" * 500_001, "a\n" * 500_000):
        try:
            description = salvage_description(said, BOTH)
        except CaptionRefusedError:
            continue
        assert len(description.captions.get("", "")) <= 2000


# What is asked for


@pytest.mark.parametrize("languages", [("ko",), ("en",), ("ko", "en"), ("en", "ko")])
def test_schema_and_instruction_hold_requested_captions_only(languages):
    schema, instruction = describe_schema(languages), describe_instruction(languages)

    captions = {f"caption_{language}" for language in languages}
    assert set(schema["properties"]) == {*captions, "keywords", "text_in_photo"}
    assert set(schema["required"]) == set(schema["properties"])
    for name in ("caption_ko", "caption_en"):
        assert (name in instruction) == (name in captions)


def test_caption_instructions_ask_to_begin_with_the_subject():
    instruction = describe_instruction(BOTH)

    for beginning in ("'이 사진은'", "'이미지에는'", "'This image'", "'A photo of'"):
        assert beginning in instruction
    assert "never something to do" in instruction
