"""Which words a model does not read."""

from __future__ import annotations

import pytest

from album.domain.languages import unread_language


@pytest.mark.parametrize("text", ["강아지", "a 강아지 in snow", "ㅋㅋ", "\u1100\u1161", "ﾡ"])
def test_korean_is_told_to_be_unread_by_a_model_that_reads_english(text):
    assert unread_language(text, ("en",)) == "ko"


@pytest.mark.parametrize("languages", [(), ("en", "ko"), ("ko",)])
def test_nothing_is_told_where_the_model_reads_korean_or_everything(languages):
    assert unread_language("강아지", languages) == ""


@pytest.mark.parametrize("text", ["", "a dog", "犬", "собака", "2019 🐶", "\ud800"])
def test_nothing_is_told_of_words_that_are_not_korean(text):
    assert unread_language(text, ("en",)) == ""
