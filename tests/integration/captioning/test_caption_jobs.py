"""Captions as jobs: priced before, paused, resumed, cancelled, retried; nobody's words are lost."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import pytest

from album.captioning import worker
from album.captioning.captions import MAX_QUESTION_LENGTH, CaptionPace
from album.domain.captions import CaptionSelection
from album.errors import AlbumError, QueryError
from album.service import Album
from album.storage.caption_queue import CaptionQueue
from models.classifiers.factory import DefaultClassifiers
from models.errors import CaptionerUnavailableError, CaptionRefusedError
from models.interfaces import CaptionResult, Turn
from tests.support.fakes import DecodeHere
from tests.support.images.make import make_exif, make_photo
from tests.support.importing import take_in, wait_until

BOTH = ("ko", "en")


@pytest.fixture
def photo_ids(album, tmp_path):
    """Four photos of different colours; the ids rise."""
    paths = [
        make_photo(tmp_path / f"{n}.jpg", colour)
        for n, colour in enumerate(("red", "blue", "green", "white"))
    ]
    return sorted(take_in(album, paths).added)


@pytest.fixture
def burst(album, tmp_path):
    """Three photos of one moment that look the same, and one that does not."""
    ids = []
    for n, colour in enumerate(((250, 0, 0), (251, 0, 0), (252, 0, 0), (0, 0, 250))):
        when = datetime(2024, 5, 1, 12) + timedelta(seconds=n)
        exif = make_exif(shot={0x9003: f"{when:%Y:%m:%d %H:%M:%S}"})
        path = make_photo(tmp_path / f"burst{n}.jpg", colour, exif=exif)
        ids += take_in(album, [path]).added
    return ids


def unavailable(sentence: str, **facts: object) -> CaptionerUnavailableError:
    error = CaptionerUnavailableError(sentence)
    for name, value in facts.items():
        setattr(error, name, value)
    return error


def asked(captioner) -> int:
    return len({jpeg for jpeg, _ in captioner.calls})


# What a job is, before and after


def test_estimate_counts_photos_and_sends_nothing(album, captioner, photo_ids, burst):
    album.captions.write(photo_ids[0], "mine")

    it = album.captions.estimate(CaptionSelection(), BOTH)

    assert (it.photos, it.shared, it.requests, it.locked) == (7, 2, 5, 1)
    assert it.sends
    assert it.tokens > 5 * 1000
    assert it.days == 1
    assert album.captions.estimate(CaptionSelection(lacking=True), BOTH, share=False).shared == 0
    assert captioner.calls == []
    assert album.caption_store.counts() == (1, 0, 0)


def test_estimate_tells_days_when_over_daily_limit(album, captioner, photo_ids):
    pace = CaptionPace(per_minute=1, per_day=2)
    album.close()
    slow = Album(
        album.data_dir, DefaultClassifiers(), captioner, decoder=DecodeHere(), caption_pace=pace
    )

    it = slow.captions.estimate(CaptionSelection(), ["en"])

    assert (it.days, it.seconds) == (2, 180.0)
    slow.close()


def test_one_request_gives_both_languages_keywords_and_text(album, captioner, photo_ids):
    captioner.keywords, captioner.text_in_photo = ("영수증", "receipt"), "합계 12,000원\nCASH"

    job_id = album.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), BOTH)
    album.captions.drain()

    assert asked(captioner) == 1
    captions = album.captions.captions_by_language(photo_ids[0])
    assert set(captions) == {"ko", "en"}
    assert captions["ko"].prompt_version == "fake-prompt"
    assert album.caption_store.keywords_of(photo_ids[0]) == ["receipt", "영수증"]
    assert album.caption_store.read_text(photo_ids[0]) == "합계 12,000원\nCASH"
    job = album.captions.job(job_id)
    assert (job.state, job.total, job.written, job.ended) == ("done", 1, 1, True)
    for words, kind in (("12,000원", "text in the picture"), ("receipt", "keyword")):
        hits = album.search.find(f'"{words}"').hits
        assert [hit.photo.photo_id for hit in hits] == photo_ids[:1]
        (reason,) = album.texts.why(photo_ids[:1], words).values()
        assert reason.field == kind


def test_readers_see_their_own_language_and_searches_both(album, captioner, photo_ids):
    describes(captioner, {"ko": "빨간 장미", "en": "A red rose"})
    album.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), BOTH)
    album.captions.drain()

    assert album.captions.get(photo_ids[0], "en").text == "A red rose"
    assert album.captions.get(photo_ids[0], "ko").text == "빨간 장미"
    for words in ('"빨간 장미"', '"red rose"'):
        (hit,) = album.search.find(words, language="en").hits
        assert hit.caption.text == "A red rose"


def describes(captioner, captions: dict[str, str], **more) -> None:
    captioner.describe = lambda jpeg, languages: CaptionResult(captions, **more)


def test_plain_answer_is_stored_under_its_language(album, captioner, photo_ids):
    first, second, third, _ = photo_ids
    describes(captioner, {"": "Two lions."})
    album.captions.start_job(CaptionSelection((first,)), ["ko"])
    album.captions.start_job(CaptionSelection((second,)), BOTH)
    album.captions.drain()
    describes(captioner, {"": "사자 두 마리."})
    album.captions.start_job(CaptionSelection((third,)), BOTH)
    album.captions.drain()

    assert [set(album.captions.captions_by_language(it)) for it in (first, second, third)] == [
        {"ko"}, {"en"}, {"ko"},
    ]  # fmt: skip
    assert not any(album.captions.get(it).by_hand for it in (first, second, third))


def test_selection_by_lacking_label_or_model(album, captioner, photo_ids):
    first, second, third, fourth = photo_ids
    album.labels.set_by_person(first, ["여행"])
    album.labels.set_by_person(third, ["여행"])
    album.captions.start_job(CaptionSelection(label="여행"), ["ko"])
    album.captions.drain()
    assert set(album.caption_store.get_many(photo_ids)) == {first, third}

    album.captions.start_job(CaptionSelection(lacking=True), ["ko"])
    with pytest.raises(QueryError, match="no photo to caption"):
        album.captions.start_job(CaptionSelection(lacking=True), ["ko"])  # they wait already
    assert album.caption_store.counts() == (2, 2, 0)
    album.captions.drain()
    album.captions.write(second, "mine")
    captioner.model_id = "another-model"
    captioner.says = "Another."
    album.captions.start_job(CaptionSelection(by_model="fake-captioner"), ["ko"])
    album.captions.drain()

    texts = [album.captions.get(it).text for it in photo_ids]
    assert texts == ["Another.", "mine", "Another.", "Another."]
    assert album.caption_store.models() == {"another-model": 3}
    (past,) = album.captions.history(first)
    assert (past.caption.text, past.caption.model_id) == ("A photo.", "fake-captioner")
    (past,) = album.captions.history(second)
    assert past.caption.model_id == "fake-captioner"
    assert album.captions.history(fourth)[0].replaced_at.year >= 2024


def test_caption_written_during_request_is_not_counted(album, captioner, photo_ids):
    captioner.meanwhile = lambda: album.captions.write(photo_ids[0], "Mine")
    captioner.keywords = ("heron",)
    job_id = album.captions.start_job(CaptionSelection(tuple(photo_ids[:2])), ["en"])
    album.captions.drain()

    job = album.captions.job(job_id)
    assert (job.state, job.written, job.left_out) == ("done", 1, 1)
    assert album.captions.get(photo_ids[0]).text == "Mine"
    assert album.captions.history(photo_ids[0]) == []


# Photos that look the same


def test_what_looks_the_same_is_sent_once(album, captioner, burst):
    job_id = album.captions.start_job(CaptionSelection(tuple(burst)), ["en"])
    album.captions.drain()

    assert asked(captioner) == 2
    assert len(album.caption_store.get_many(burst)) == 4
    job = album.captions.job(job_id)
    assert (job.total, job.written, job.state) == (4, 4, "done")


def test_next_of_group_is_sent_after_failure(album, captioner, burst):
    refused = []

    def refuse_two(jpeg, languages):
        if len(refused) < 2:
            refused.append(jpeg)
            raise CaptionRefusedError("Gemini declined this photo (SAFETY).")
        return CaptionResult({"en": "Fine."})

    captioner.describe = refuse_two
    job_id = album.captions.start_job(CaptionSelection(tuple(burst[:3])), ["en"])
    album.captions.drain()

    assert len(refused) == 2
    assert [album.captions.get(it) is not None for it in burst[:3]] == [False, False, True]
    assert [it.photo_id for it in album.captions.failures(job_id)] == burst[:2]
    job = album.captions.job(job_id)
    assert (job.state, job.written, job.failed) == ("done", 1, 2)


@pytest.mark.parametrize("act", ["by hand", "gone", "asked for alone"])
def test_group_is_captioned_when_first_leaves_queue(album, captioner, burst, act):
    album.captions.start_job(CaptionSelection(tuple(burst[:3])), ["en"])
    if act == "by hand":
        album.captions.write(burst[0], "Mine")
    elif act == "gone":
        album.database.connection.execute("DELETE FROM photos WHERE photo_id = ?", burst[:1])
    else:
        album.captions.ask_now(burst[0], "ko")
    album.captions.drain()

    assert set(album.caption_store.get_many(burst[1:3])) == set(burst[1:3])
    assert album.caption_store.counts()[1:] == (0, 0)


# Steering


def test_paused_job_sends_nothing_until_resumed(album, captioner, photo_ids):
    job_id = album.captions.start_job(CaptionSelection(), ["en"])
    album.captions.pause(job_id)
    assert album.captions.drain() == 0
    assert captioner.calls == []
    assert album.captions.job(job_id).state == "paused"

    album.captions.resume(job_id)
    assert album.captions.drain() == 4
    assert album.captions.job(job_id).state == "done"


def test_job_stopped_between_claim_and_request_sends_nothing(album, captioner, photo_ids):
    queue = CaptionQueue(album.database)
    job_id = album.captions.start_job(CaptionSelection(), ["en"])
    task = queue.claim(time.time(), 60)
    album.captions.pause(job_id)
    assert queue.renew(task, time.time() + 60) is None

    album.captions.resume(job_id)
    longer = queue.renew(task, time.time() + 60)
    assert longer is not None
    assert queue.renew(task, time.time() + 99) is None  # that claim is an old one
    album.captions.cancel(job_id)
    assert queue.renew(longer, time.time() + 60) is None


@pytest.mark.parametrize("act", ["pause", "cancel", "by hand", "delete"])
def test_photo_is_not_sent_when_no_longer_wanted(album, captioner, photo_ids, act):
    album.close()
    pace = CaptionPace(per_minute=1, window_s=1.0, margin_s=0.0)
    again = Album(
        album.data_dir, DefaultClassifiers(), captioner, decoder=DecodeHere(), caption_pace=pace
    )
    sent = []

    def ask_twice(jpeg, languages):  # as for a malformed answer
        captioner.before_request()
        sent.append(jpeg)
        threading.Timer(0.2, change_of_mind).start()
        captioner.before_request()
        sent.append(jpeg)
        return CaptionResult({"en": "Late."})

    def change_of_mind():
        if act == "by hand":
            again.captions.write(photo_ids[0], "Mine")
        elif act == "delete":
            again.database.connection.execute(
                "DELETE FROM photos WHERE photo_id = ?", photo_ids[:1]
            )
        else:
            getattr(again.captions, act)(job_id)

    captioner.describe = ask_twice
    job_id = again.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), ["en"])
    again.captions.drain()

    assert len(sent) == 1
    assert again.captions.progress().today == 1
    again.close()


def test_cancelled_job_keeps_captions_and_allows_another(album, captioner, photo_ids):
    first = album.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), ["en"])
    album.captions.drain()
    second = album.captions.start_job(CaptionSelection(tuple(photo_ids)), ["en"])
    album.captions.cancel(second)
    album.captions.drain()

    assert (asked(captioner), album.caption_store.counts()) == (1, (1, 0, 0))
    job = album.captions.job(second)
    assert (job.state, job.left_out, job.ended) == ("cancelled", 4, True)
    album.captions.resume(second)  # of no effect
    assert album.captions.job(second).state == "cancelled"
    assert album.captions.job(first).state == "done"
    with pytest.raises(QueryError, match="no such caption job"):
        album.captions.pause(99)


def test_next_job_skips_photo_of_cancelled_job(album, captioner, photo_ids):
    """The photo was being captioned when its job was cancelled."""
    wanted = CaptionSelection(tuple(photo_ids[:1]))
    first = album.captions.start_job(wanted, ["en"])
    later = []

    def cancel_and_start_another():
        captioner.meanwhile = lambda: None
        album.captions.cancel(first)
        later.append(album.captions.start_job(wanted, ["en"]))
        album.captions.drain()  # as another worker does

    captioner.meanwhile = cancel_and_start_another
    album.captions.drain()

    assert len(captioner.calls) == 1
    assert album.captions.get(photo_ids[0], "en").text == "A photo."
    job = album.captions.job(later[0])
    assert (job.state, job.written, job.waiting) == ("done", 1, 0)
    assert album.captions.job(first).state == "cancelled"


def test_photo_of_cancelled_job_leaves_queue_when_failed(album, captioner, photo_ids):
    captioner.error = unavailable("Gemini is busy.")
    job_id = album.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), ["en"])
    captioner.meanwhile = lambda: album.captions.cancel(job_id)
    album.captions.drain()

    assert album.caption_store.counts() == (0, 0, 0)
    job = album.captions.job(job_id)
    assert (job.state, job.waiting, job.left_out) == ("cancelled", 0, 1)


def test_request_dropped_at_closing_is_not_counted(album, captioner, photo_ids, monkeypatch):
    def closes_meanwhile(path):
        album.captions.stop()
        return b"a picture"

    monkeypatch.setattr(album.decoder, "small_jpeg", closes_meanwhile)
    album.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), ["en"])
    album.captions.drain()

    assert captioner.calls == []
    assert album.captions.progress().today == 0
    assert album.caption_store.counts() == (0, 1, 0)


def test_last_request_of_day_is_waited_for(album, captioner, photo_ids, monkeypatch):
    album.close()
    again = Album(
        album.data_dir,
        DefaultClassifiers(),
        captioner,
        decoder=DecodeHere(),
        caption_pace=CaptionPace(per_day=1),
    )
    captioner.meanwhile = lambda: time.sleep(3 * worker.NEWS_S)
    again.captions.start()

    assert again.captions.ask_now(photo_ids[0], "en").text == "A photo."
    with pytest.raises(CaptionerUnavailableError, match=r"1 requests of today are used up"):
        again.captions.ask_now(photo_ids[1], "en")
    again.close()


def test_paused_job_stays_paused_when_retried(album, captioner, photo_ids):
    captioner.error = CaptionRefusedError("No.")
    job_id = album.captions.start_job(CaptionSelection(), ["en"])
    album.captions.drain(lambda photo_id: album.captions.pause(job_id))
    captioner.error = None

    assert album.captions.retry(job_id) == 1
    assert album.captions.drain() == 0
    assert (album.captions.job(job_id).state, album.captions.job(job_id).waiting) == ("paused", 4)
    album.captions.resume(job_id)
    assert album.captions.drain() == 4


def test_failed_photos_are_sent_again_on_retry(album, captioner, photo_ids):
    captioner.error = CaptionRefusedError("No.")
    job_id = album.captions.start_job(CaptionSelection(), ["en"])
    album.captions.drain()
    job = album.captions.job(job_id)
    assert (job.failed, job.state) == (4, "done")
    assert {it.failure for it in album.captions.failures(job_id)} == {"No."}

    captioner.error = None
    assert album.captions.retry(job_id) == 4
    assert album.captions.drain() == 4
    job = album.captions.job(job_id)
    assert (job.written, job.failed, job.left_out) == (4, 0, 0)


# When the other side is in trouble


def test_quota_pauses_all_jobs_without_a_try(album, captioner, photo_ids):
    captioner.error = unavailable("Quota.", retry_after_s=37.0, is_quota=True)
    album.captions.start_job(CaptionSelection(), ["en"])

    assert album.captions.drain() == 0
    assert album.captions.drain() == 0

    assert asked(captioner) == 1
    progress = album.captions.progress()
    assert progress.why_resting == "Quota."
    left = progress.resting_until - datetime.now()
    assert timedelta(seconds=20) < left <= timedelta(seconds=38)
    tries = album.database.connection.execute("SELECT max(tries) FROM caption_queue").fetchone()[0]
    assert tries == 0
    captioner.error = None
    with pytest.raises(CaptionerUnavailableError, match=r"Quota\. The photo stays in the queue"):
        album.captions.ask_now(photo_ids[3], "en", wait_s=5)  # nobody breaks a quota
    assert asked(captioner) == 1


def test_wrong_setting_pauses_job_without_failures(album, captioner, photo_ids):
    captioner.error = unavailable("Set GEMINI_API_KEY to a valid one.", needs_setting=True)
    job_id = album.captions.start_job(CaptionSelection(), ["en"])
    album.captions.drain()

    job = album.captions.job(job_id)
    assert (job.state, job.problem, job.waiting, job.failed) == (
        "paused", "Set GEMINI_API_KEY to a valid one.", 4, 0,
    )  # fmt: skip
    assert asked(captioner) == 1
    with pytest.raises(AlbumError, match="Set GEMINI_API_KEY"):
        album.captions.ask_now(photo_ids[0], "en")

    captioner.error = None
    assert album.captions.drain() == 3  # the album was started again with another key
    assert album.captions.ask_now(photo_ids[0], "en").text == captioner.says
    assert album.captions.job(job_id).state == "done"


def test_job_paused_by_hand_stays_paused_at_start(album, captioner, photo_ids):
    job_id = album.captions.start_job(CaptionSelection(), ["en"])
    album.captions.pause(job_id)
    album.captions.start()

    time.sleep(0.1)
    assert album.captions.job(job_id).state == "paused"
    assert captioner.calls == []


def test_server_error_with_retry_time_is_a_try(album, captioner, photo_ids, monkeypatch):
    monkeypatch.setattr(worker.random, "uniform", lambda low, high: 0.0)
    captioner.error = unavailable("Fault.", retry_after_s=0.001)
    job_id = album.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), ["en"])
    wait_until(lambda: album.captions.drain() or album.captions.job(job_id).ended)

    assert len(captioner.calls) == worker.MAX_TRIES
    assert album.captions.problem(photo_ids[0]) == "Fault."


def test_full_disk_keeps_paid_answer(album, captioner, photo_ids, monkeypatch):
    monkeypatch.setattr(worker, "LOOK_AGAIN_S", 0.01)
    full = [AlbumError("The disk is full."), AlbumError("The disk is full.")]
    write = album.caption_store.write_by_model

    def write_later(*what):
        if full:
            raise full.pop()
        return write(*what)

    monkeypatch.setattr(album.caption_store, "write_by_model", write_later)
    album.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), ["en"])
    album.captions.drain()

    assert len(captioner.calls) == 1
    assert album.captions.get(photo_ids[0]).text == captioner.says


# Many at once


def test_parallel_limit_holds_and_photos_go_once(album, captioner, tmp_path):
    paths = [make_photo(tmp_path / f"{n}.png", (10 * n, 0, 0)) for n in range(20)]
    ids = take_in(album, paths).added
    album.close()
    pace = CaptionPace(per_minute=6, per_day=0, parallel=3, window_s=0.3, margin_s=0.1)
    again = Album(
        album.data_dir, DefaultClassifiers(), captioner, decoder=DecodeHere(), caption_pace=pace
    )
    at_once: list[int] = []
    lock, thinking = threading.Lock(), [0]

    def think() -> None:
        with lock:
            thinking[0] += 1
            at_once.append(thinking[0])
        time.sleep(0.02)
        with lock:
            thinking[0] -= 1

    captioner.meanwhile = think
    job_id = again.captions.start_job(CaptionSelection(tuple(ids)), ["en"], share=False)
    again.captions.start()
    wait_until(lambda: again.captions.job(job_id).ended)

    assert again.captions.job(job_id).written == len(captioner.calls) == 20
    assert max(at_once) <= 3
    again.close()


def test_idle_workers_use_no_processor(album, monkeypatch):
    looks = []
    is_due = CaptionQueue.is_due
    monkeypatch.setattr(
        CaptionQueue, "is_due", lambda queue, at: looks.append(at) or is_due(queue, at)
    )
    album.captions.start()
    time.sleep(1)

    assert len(looks) <= 4  # two workers, which look again after two seconds


def test_language_added_meanwhile_is_captioned_too(album, captioner, photo_ids):
    queue = CaptionQueue(album.database)
    once = []

    def ask_more() -> None:
        if not once:
            once.append(queue.start_job([photo_ids[:1]], ["en"], time.time()))

    captioner.meanwhile = ask_more
    album.captions.start_job(CaptionSelection(tuple(photo_ids[:1])), ["ko"])
    album.captions.drain()

    assert [language for _, language in captioner.calls] == ["ko", "en"]
    assert set(album.captions.captions_by_language(photo_ids[0])) == {"ko", "en"}


def test_urgent_request_goes_before_job(album, captioner, photo_ids):
    album.captions.start_job(CaptionSelection(), ["en"])

    album.captions.ask_now(photo_ids[3], "en")

    first, _ = captioner.calls[0]
    assert album.captions.problem(photo_ids[3]) is None
    captioner.calls.clear()
    album.captions.request(photo_ids[3:], ["ko"])
    album.captions.drain()
    assert captioner.calls[0][0] == first


# Questions


def test_question_sends_the_photo_and_stores_nothing(album, captioner, photo_ids):
    captioner.says = "Two."
    turns = (Turn("person", "How many lions?"),)

    assert album.captions.answer(photo_ids[0], turns, "en") == "Two."

    ((jpeg, sent, language),) = captioner.asked
    assert jpeg.startswith(b"\xff\xd8")
    assert (sent, language) == (turns, "en")
    assert album.captions.get(photo_ids[0]) is None
    assert album.captions.progress().today == 1  # it counts as a request


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        ((), "Write a question"),
        ((Turn("person", " "),), "Write a question"),
        ((Turn("model", "Hello."), Turn("person", "Who?")), "Write a question"),
        ((Turn("person", "x" * (MAX_QUESTION_LENGTH + 1)),), "1000 characters"),
        ((Turn("person", "a"), Turn("model", "b")) * 11 + (Turn("person", "c"),), "too long"),
    ],
)
def test_question_that_is_none_is_not_sent(album, captioner, photo_ids, turns, why):
    with pytest.raises(QueryError, match=why):
        album.captions.answer(photo_ids[0], turns, "en")

    assert captioner.asked == []


def test_translation_and_question_respect_rate_limit(album, captioner, photo_ids):
    album.close()
    pace = CaptionPace(per_minute=2, per_day=3, window_s=0.2, margin_s=0.0)
    again = Album(
        album.data_dir, DefaultClassifiers(), captioner, decoder=DecodeHere(), caption_pace=pace
    )
    for _ in range(3):
        again.translate("강아지")

    with pytest.raises(CaptionerUnavailableError, match="3 requests of today"):
        again.captions.answer(photo_ids[0], (Turn("person", "Who?"),), "en")
    with pytest.raises(CaptionerUnavailableError, match="3 requests of today"):
        again.captions.ask_now(photo_ids[0], "en")
    assert captioner.asked == captioner.calls == []
    again.close()


# A captioner on this machine


def test_local_captioner_has_no_rate_limit(album, captioner, photo_ids):
    captioner.sends, captioner.speaks = False, ("en",)
    captioner.describe = lambda jpeg, languages: CaptionResult({"en": " ".join(languages)})

    it = album.captions.estimate(CaptionSelection(), BOTH)
    assert (it.sends, it.tokens) == (False, 0)
    album.captions.start_job(CaptionSelection(), BOTH)
    album.captions.drain()
    assert album.captions.get(photo_ids[0]).text == "en"
    assert album.captions.ask_now(photo_ids[0], "ko").language == "en"
    with pytest.raises(QueryError, match="in en only"):
        album.captions.start_job(CaptionSelection(), ["ko"])
    assert album.captions.progress().today == 0
