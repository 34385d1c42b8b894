"""The real SDK against a local server that speaks Gemini's REST API."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator

import pytest
from PIL import Image

from models.errors import CaptionerUnavailableError, CaptionRefusedError
from models.gemini import GeminiCaptioner
from tests.gemini_server import Answer, GeminiServer, blocks, error, says

KEY = "a-key-for-tests"


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


@pytest.fixture
def captioner(server: GeminiServer) -> GeminiCaptioner:
    return GeminiCaptioner(KEY, "gemini-test", server.url, timeout_s=20)


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 48), "orange").save(written, "JPEG")
    return written.getvalue()


def test_the_request_holds_our_jpeg_as_it_is_and_the_key_in_a_header(server, captioner, jpeg):
    captioner.caption(jpeg, "en")

    (request,) = server.requests
    assert request.path.partition("?")[0] == "/v1beta/models/gemini-test:generateContent"
    assert request.headers["x-goog-api-key"] == KEY
    assert KEY not in request.path
    assert request.jpeg == jpeg
    assert not Image.open(io.BytesIO(request.jpeg)).getexif()


def test_the_caption_is_asked_for_in_the_language_of_the_person(server, captioner, jpeg):
    captioner.caption(jpeg, "ko")
    captioner.caption(jpeg, "en")

    korean, english = (request.text for request in server.requests)
    assert "한국어" in korean
    assert "English" in english


def test_the_caption_comes_back_as_one_stripped_line(server, captioner, jpeg):
    server.answers.append(says("  바위 위에서 쉬는\n\n 사자 두 마리. \n"))

    assert captioner.caption(jpeg, "ko") == "바위 위에서 쉬는 사자 두 마리."


def test_an_answer_cut_at_the_length_limit_is_still_a_caption(server, captioner, jpeg):
    server.answers.append(says("Two lions on a warm", finish_reason="MAX_TOKENS"))

    assert captioner.caption(jpeg, "en") == "Two lions on a warm"


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_it_says_how_to_set_one_and_sends_nothing(server, jpeg, key):
    captioner = GeminiCaptioner(key, "gemini-test", server.url)

    for ask in (captioner.check, lambda: captioner.caption(jpeg, "en")):
        with pytest.raises(CaptionerUnavailableError, match="set GEMINI_API_KEY"):
            ask()
    assert server.requests == []


def test_a_key_that_cannot_be_one_is_named_before_anything_is_sent(server, jpeg):
    captioner = GeminiCaptioner("열쇠", "gemini-test", server.url)

    with pytest.raises(CaptionerUnavailableError, match="copy the key once more"):
        captioner.caption(jpeg, "en")
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (error(400, reason="API_KEY_INVALID"), "does not know this key: set GEMINI_API_KEY"),
        (error(401), "does not know this key: set GEMINI_API_KEY"),
        (error(403), "may not use Gemini"),
        (error(404), "gemini-test is not served any more: set ALBUM_GEMINI_MODEL"),
        (error(400), r"refused the request \(400\): .*scripted 400"),
        (error(500), "fault of its own"),
        (error(504), "fault of its own"),
        (Answer(502, b"<html>bad gateway</html>", "text/html"), "fault of its own"),
        (Answer(200, b"<html>Welcome to the hotel</html>", "text/html"), "Something other than"),
        (Answer(400, b'{"error": "no such route"}'), "Something other than"),
    ],
)
def test_each_failure_becomes_a_sentence_that_says_what_to_do(
    server, captioner, jpeg, answer, sentence
):
    server.answers += [answer] * 3  # the SDK asks again after a 401

    with pytest.raises(CaptionerUnavailableError, match=sentence) as caught:
        captioner.caption(jpeg, "en")
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_used_up_quota_says_when_to_come_back(server, captioner, jpeg):
    server.answers.append(error(429, reason="RATE_LIMIT_EXCEEDED", retry_delay="37s"))

    with pytest.raises(CaptionerUnavailableError, match="try again in 37 seconds") as caught:
        captioner.caption(jpeg, "en")
    assert caught.value.retry_after_s == 37.0


def test_a_used_up_quota_without_a_time_says_later(server, captioner, jpeg):
    server.answers.append(error(429))

    with pytest.raises(CaptionerUnavailableError, match="try again later") as caught:
        captioner.caption(jpeg, "en")
    assert caught.value.retry_after_s is None


def test_an_overloaded_model_is_asked_again_within_the_same_caption(server, captioner, jpeg):
    server.answers += [error(503), says("Two lions.")]

    assert captioner.caption(jpeg, "en") == "Two lions."
    assert len(server.requests) == 2


def test_a_model_that_stays_overloaded_is_given_up_at_our_timeout(server, jpeg):
    server.answers += [error(503)] * 100
    captioner = GeminiCaptioner(KEY, "gemini-test", server.url, timeout_s=1.5)

    with pytest.raises(CaptionerUnavailableError, match=r"within 1\.5 seconds"):
        captioner.caption(jpeg, "en")
    assert len(server.requests) < 10


def test_a_server_that_never_answers_is_given_up_at_our_timeout(server, jpeg):
    server.answers.append(Answer(hang=True))
    captioner = GeminiCaptioner(KEY, "gemini-test", server.url, timeout_s=1)

    with pytest.raises(CaptionerUnavailableError, match="within 1 seconds"):
        captioner.caption(jpeg, "en")


def test_a_refused_connection_says_to_check_the_network(jpeg):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    captioner = GeminiCaptioner(KEY, "gemini-test", f"http://127.0.0.1:{port}", timeout_s=5)

    with pytest.raises(CaptionerUnavailableError, match="check the network"):
        captioner.caption(jpeg, "en")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (blocks("PROHIBITED_CONTENT"), "declined this photo"),
        (blocks(99), r"declined this photo \(99\)"),
        (says("", finish_reason="SAFETY"), r"declined this photo \(SAFETY\)"),
        (says("half of a", finish_reason=4), r"declined this photo \(RECITATION\)"),
        (says("", finish_reason=99), r"declined this photo \(99\)"),
        (says("", finish_reason="A_REASON_NEWER_THAN_THE_SDK"), "without a caption"),
        (says(""), "without a caption"),
        (says(" \n "), "without a caption"),
        (Answer(200, b"{}"), "without a caption"),
    ],
)
def test_a_declined_photo_is_told_apart_from_a_failure(server, captioner, jpeg, answer, sentence):
    server.answers.append(answer)

    with pytest.raises(CaptionRefusedError, match=sentence):
        captioner.caption(jpeg, "en")


def test_after_a_failure_the_next_caption_works(server, captioner, jpeg):
    server.answers += [error(500), says("Two lions.")]

    with pytest.raises(CaptionerUnavailableError):
        captioner.caption(jpeg, "en")
    assert captioner.caption(jpeg, "en") == "Two lions."


# Translation of what somebody searches for


def test_for_a_translation_nothing_but_the_words_leaves_the_machine(server, captioner):
    server.answers.append(says("a puppy on a snowy day"))

    assert captioner.translate("눈 오는 날 강아지", "en") == "a puppy on a snowy day"
    (request,) = server.requests
    instruction, words = (part["text"] for part in request.body["contents"][0]["parts"])
    assert words == "눈 오는 날 강아지"
    assert "English" in instruction
    assert {**request.body, "contents": []} == {"contents": [], "generationConfig": {}}


def test_the_language_of_a_translation_is_the_one_asked_for(server, captioner):
    captioner.translate("a puppy in the snow", "ko")

    assert "into natural Korean" in server.requests[0].text


@pytest.mark.parametrize(
    ("answer", "translation"),
    [
        ("  a puppy in the snow \n", "a puppy in the snow"),
        ('"a puppy in the snow"', "a puppy in the snow"),
        ("“A puppy in the snow.”", "A puppy in the snow"),
        ("a puppy's bowl", "a puppy's bowl"),
        ("x" * 300, "x" * 300),
    ],
)
def test_a_translation_comes_without_what_the_words_did_not_have(
    server, captioner, answer, translation
):
    server.answers.append(says(answer))

    assert captioner.translate("눈 오는 날 강아지", "en") == translation


def test_quotation_marks_and_a_full_stop_of_the_words_themselves_stay(server, captioner):
    server.answers.append(says('"happy birthday."'))

    assert captioner.translate('"생일 축하해."', "en") == '"happy birthday."'
    server.answers.append(says("Snow."))
    assert captioner.translate("눈.", "en") == "Snow."


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says("Here is the translation:\n\na puppy in the snow"), "other than a translation"),
        (says("```\na puppy\n```"), "other than a translation"),
        (says("a puppy\x1b[31m"), "other than a translation"),
        (says("x" * 301), "other than a translation"),
        (says(""), "other than a translation"),
        (says(' "" '), "other than a translation"),
        (says("a puppy in the", finish_reason="MAX_TOKENS"), r"not translate this \(MAX_TOKENS\)"),
        (says("", finish_reason="SAFETY"), r"not translate this \(SAFETY\)"),
        (blocks("PROHIBITED_CONTENT"), r"not translate this \(PROHIBITED_CONTENT\)"),
    ],
)
def test_an_answer_that_is_no_translation_is_refused(server, captioner, answer, sentence):
    server.answers.append(answer)

    with pytest.raises(CaptionRefusedError, match=sentence) as caught:
        captioner.translate("눈 오는 날 강아지", "en")
    assert "\n" not in str(caught.value)


def test_a_translation_fails_in_the_same_sentences_as_a_caption(server, captioner):
    server.answers.append(error(429, retry_delay="37s"))

    with pytest.raises(CaptionerUnavailableError, match="try again in 37 seconds"):
        captioner.translate("강아지", "en")
    with pytest.raises(CaptionerUnavailableError, match="set GEMINI_API_KEY"):
        GeminiCaptioner(None, "gemini-test", server.url).translate("강아지", "en")
    assert len(server.requests) == 1
