"""Which words a model does not read."""

from __future__ import annotations

import pytest

from album.domain.languages import unread_language


@pytest.mark.parametrize("text", ["강아지", "a 강아지 in snow", "ㅋㅋ", "\u1100\u1161", "ﾡ"])
def test_korean_is_unread_by_english_model(text):
    assert unread_language(text, ("en",)) == "ko"


@pytest.mark.parametrize("languages", [(), ("en", "ko"), ("ko",)])
def test_no_language_is_unread_by_multilingual_model(languages):
    assert unread_language("강아지", languages) == ""


@pytest.mark.parametrize("text", ["", "a dog", "犬", "собака", "2019 🐶", "\ud800"])
def test_text_without_hangul_is_never_unread(text):
    assert unread_language(text, ("en",)) == ""
