"""Journey 4: a queue that survives, a person's words that stay, one small JPEG that leaves."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from album.captioning import worker
from album.errors import AlbumError, PhotoNotFoundError
from album.service import Album
from album.storage.caption_queue import CaptionQueue
from models.classifiers.factory import DefaultClassifiers
from models.errors import CaptionerUnavailableError, CaptionRefusedError
from tests.support.fakes import DecodeHere
from tests.support.images.make import make_exif, make_photo
from tests.support.importing import take_in


@pytest.fixture
def photo_ids(album, tmp_path):
    exif = make_exif(main={0x010F: "Canon"}, gps={1: "N", 2: (37.0, 30.0, 0.0)})
    paths = [
        make_photo(tmp_path / f"{colour}.jpg", colour, (2000, 1500), exif=exif)
        for colour in ("red", "blue", "green")
    ]
    return take_in(album, paths).added


def at_once(monkeypatch) -> None:
    """No time passes between the tries of a photo."""
    monkeypatch.setattr(worker.random, "uniform", lambda low, high: 0.0)


def test_caption_has_language_model_and_time(album, captioner, photo_ids):
    captioner.says = "빨간 장미 한 송이"

    caption = album.captions.ask_now(photo_ids[0], "ko")

    assert (caption.text, caption.language) == ("빨간 장미 한 송이", "ko")
    assert caption.model_id == "fake-captioner"
    assert caption.written_at.year >= 2026
    assert not caption.by_hand


def test_what_leaves_is_a_small_jpeg_without_exif(album, captioner, photo_ids):
    album.captions.ask_now(photo_ids[0], "en")

    ((jpeg, language),) = captioner.calls
    image = Image.open(io.BytesIO(jpeg))
    assert language == "en"
    assert max(image.size) == 1024
    assert not image.getexif()
    assert b"Canon" not in jpeg


def test_caption_by_hand_is_never_overwritten_unasked(album, captioner, photo_ids):
    album.captions.write(photo_ids[0], " Our garden ")

    with pytest.raises(AlbumError, match="yourself"):
        album.captions.ask_now(photo_ids[0], "en")
    queued = album.captions.request(photo_ids, ["en"])
    album.captions.drain()

    assert queued == 2
    assert album.captions.get(photo_ids[0]).text == "Our garden"
    assert album.captions.get(photo_ids[0]).by_hand
    assert album.captions.get(photo_ids[1]).text == captioner.says


def test_words_written_while_gemini_was_thinking_win(album, captioner, photo_ids):
    album.captions.request(photo_ids[:1], ["en"])
    captioner.meanwhile = lambda: album.captions.write(photo_ids[0], "Mine")

    assert album.captions.drain() == 0

    assert len(captioner.calls) == 1
    assert album.captions.get(photo_ids[0]).text == "Mine"


def test_cleared_caption_may_be_written_by_gemini(album, captioner, photo_ids):
    album.captions.write(photo_ids[0], "Mine")
    album.captions.write(photo_ids[0], "")

    assert album.captions.get(photo_ids[0]) is None
    assert album.captions.ask_now(photo_ids[0], "en").text == captioner.says


def test_unchanged_gemini_caption_stays_geminis(album, photo_ids):
    caption = album.captions.ask_now(photo_ids[0], "en")

    album.captions.write(photo_ids[0], caption.text)

    assert not album.captions.get(photo_ids[0]).by_hand


def test_request_without_key_queues_nothing_with_reason(album, captioner, photo_ids):
    captioner.missing = CaptionerUnavailableError("Set GEMINI_API_KEY.")

    with pytest.raises(CaptionerUnavailableError, match="GEMINI_API_KEY"):
        album.captions.request(photo_ids, ["en"])

    assert album.caption_store.counts() == (0, 0, 0)


def test_photo_stays_queued_without_answer(album, captioner, photo_ids):
    captioner.error = CaptionerUnavailableError("Gemini did not answer.")

    with pytest.raises(CaptionerUnavailableError, match=r"did not answer.*queue"):
        album.captions.ask_now(photo_ids[0], "en")

    assert album.caption_store.counts() == (0, 1, 0)


def test_photo_fails_after_five_tries(album, captioner, photo_ids, monkeypatch):
    at_once(monkeypatch)
    captioner.error = CaptionerUnavailableError("Gemini did not answer.")
    album.captions.request(photo_ids[:1], ["en"])

    album.captions.drain()

    assert len(captioner.calls) == worker.MAX_TRIES
    assert album.caption_store.counts() == (0, 0, 1)
    assert album.captions.problem(photo_ids[0]) == "Gemini did not answer."
    captioner.error = None
    assert album.captions.ask_now(photo_ids[0], "en").text == captioner.says


def test_refusal_is_final_at_once(album, captioner, photo_ids):
    captioner.error = CaptionRefusedError("Gemini will not describe this picture.")
    album.captions.request(photo_ids[:1], ["en"])

    album.captions.drain()

    assert len(captioner.calls) == 1
    assert album.captions.problem(photo_ids[0]) == "Gemini will not describe this picture."


def test_missing_original_does_not_stop_queue(album, captioner, photo_ids):
    album.originals.find(album.photo(photo_ids[0])).unlink()
    album.captions.request(photo_ids, ["en"])

    assert album.captions.drain() == 2
    assert "original" in album.captions.problem(photo_ids[0])


def test_queue_survives_a_restart_and_pays_once(album, captioner, photo_ids):
    album.captions.request(photo_ids, ["ko"])
    CaptionQueue(album.database).claim(time.time(), 300)  # at work when the machine went down
    album.close()
    reopened = Album(album.data_dir, DefaultClassifiers(), captioner, decoder=DecodeHere())

    reopened.captions.drain()

    assert len(captioner.calls) == 2  # the third is free again after its lease
    assert reopened.caption_store.counts() == (2, 1, 0)
    reopened.close()


def test_worker_captions_queue_while_album_runs(album, captioner, photo_ids):
    album.captions.start()
    for photo_id in photo_ids:
        album.captions.ask_now(photo_id, "en")

    assert album.caption_store.counts() == (3, 0, 0)
    assert len(captioner.calls) == 3


def test_captions_of_unknown_photos_and_languages_are_refused(album, photo_ids):
    with pytest.raises(PhotoNotFoundError):
        album.captions.ask_now(999, "en")
    with pytest.raises(PhotoNotFoundError):
        album.captions.write(999, "x")
    with pytest.raises(AlbumError, match="ko or en"):
        album.captions.request(photo_ids, ["fr"])
    with pytest.raises(AlbumError, match="2000"):
        album.captions.write(photo_ids[0], "x" * 2001)


def test_endless_answer_is_cut(album, captioner, photo_ids):
    captioner.says = "a" * 5000

    caption = album.captions.ask_now(photo_ids[0], "en")

    assert len(caption.text) == worker.MAX_CAPTION_LENGTH


def test_failures_pause_all_but_urgent_photos(album, captioner, photo_ids, tmp_path):
    more = [make_photo(tmp_path / f"{n}.jpg", (n, 0, 0)) for n in range(3)]
    captioner.error = CaptionerUnavailableError("Gemini did not answer.")
    album.captions.request([*photo_ids, *take_in(album, more).added], ["en"])

    album.captions.drain()
    album.captions.drain()

    assert len(captioner.calls) == worker.PAUSE_AFTER  # not once for each of the six
    assert album.captions.progress().why_resting == "Gemini did not answer."
    captioner.error = None
    assert album.captions.ask_now(photo_ids[2], "en").text == captioner.says


def test_saving_empty_caption_keeps_photo_queued(album, photo_ids):
    album.captions.request(photo_ids[:1], ["en"])

    album.captions.write(photo_ids[0], "  ")

    assert album.caption_store.counts() == (0, 1, 0)
