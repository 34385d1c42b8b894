"""The words of a search in another language, asked of the captioner and of nobody else."""

from __future__ import annotations

import pytest

from album.errors import QueryError
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.errors import CaptionerUnavailableError
from tests.support.fakes import DecodeHere, FakeCaptioner


@pytest.fixture
def captioner() -> FakeCaptioner:
    return FakeCaptioner("a puppy in the snow")


@pytest.fixture
def album(tmp_path, captioner):
    album = Album(tmp_path, DefaultClassifiers(), captioner, decoder=DecodeHere())
    yield album
    album.close()


def test_the_words_alone_are_given_away(album, captioner):
    assert album.translate("  눈 오는\n날 강아지 ") == "a puppy in the snow"
    assert captioner.words == [("눈 오는 날 강아지", "en")]
    assert captioner.calls == []


def test_another_language_can_be_asked_for(album, captioner):
    album.translate("a puppy", "ko")

    assert captioner.words == [("a puppy", "ko")]


def test_translation_without_key_is_refused_before_sending(album, captioner):
    assert album.can_translate
    captioner.missing = CaptionerUnavailableError("No key.")

    assert not album.can_translate
    with pytest.raises(CaptionerUnavailableError):
        album.translate("강아지")
    assert captioner.words == []


def test_nothing_is_asked_for_no_words(album, captioner):
    assert album.translate(" \n ") == ""
    assert captioner.words == []


def test_what_cannot_be_translated_is_said_in_words(album, captioner):
    with pytest.raises(QueryError, match="1000 characters at most"):
        album.translate("눈" * 1001)
    with pytest.raises(QueryError, match="into en or ko"):
        album.translate("눈", "xx")
    assert captioner.words == []


def test_half_a_character_is_translated_like_any_other(album, captioner):
    album.translate("\ud800 눈")

    assert captioner.words == [("? 눈", "en")]
