"""Work in the background fails once, of something nobody foresaw, and goes on all the same."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from album.captioning.captions import CaptionPace
from album.classification.label_sources import TextClasses
from album.domain.captions import CaptionSelection
from album.errors import AlbumError
from album.runtime import supervised_loop
from album.runtime.supervised_loop import SupervisedLoop, loop_problems
from album.service import Album
from album.ui.shared.status_line import status_line
from models.classifiers.factory import DefaultClassifiers
from models.errors import ModelError
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder, FakeModelState
from tests.support.images.make import make_photo
from tests.support.importing import ended, opened, take_in, wait_until


class SomeLibraryError(Exception):
    """A failure that the album has no name for."""


class Failing:
    """Stands in for a function: fails the first times, then does what the function does."""

    def __init__(self, function: Callable[..., Any], *errors: BaseException) -> None:
        self._function = function
        self._errors = list(errors)
        self.calls = 0

    def __call__(self, *given: Any, **how: Any) -> Any:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return self._function(*given, **how)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Failed work is tried again soon."""
    monkeypatch.setattr(supervised_loop, "FIRST_DELAY_S", 0.05)


@pytest.fixture
def fails(album, monkeypatch):
    """Makes a method of a part of the album fail once; the album is started by the test."""

    def fail(part: object, name: str, *errors: BaseException) -> Failing:
        failing = Failing(getattr(part, name), *(errors or (SomeLibraryError("once"),)))
        monkeypatch.setattr(part, name, failing)
        return failing

    return fail


# The primitive


def test_step_that_raises_is_called_again(caplog):
    done = threading.Event()
    step = Failing(lambda: done.set(), SomeLibraryError("first"), SystemExit("second"))
    loop = SupervisedLoop("captions", step)

    with caplog.at_level(logging.ERROR):
        loop.start()
        assert done.wait(30)

    assert loop.stop(30)
    assert loop.problem is None
    assert [type(it.exc_info[1]) for it in caplog.records] == [SomeLibraryError, SystemExit]


def test_problem_is_told_until_a_round_succeeds():
    go_on = threading.Event()

    def step() -> float:
        if not go_on.is_set():
            raise AlbumError("The disk of the album is full.")
        return 0.01

    loop = SupervisedLoop("encoding", step)
    loop.start()
    wait_until(lambda: loop.problem)

    assert [(it.work, it.sentence) for it in loop_problems([loop])] == [
        ("encoding", "The disk of the album is full.")
    ]
    go_on.set()
    wait_until(lambda: loop.problem is None)
    assert loop_problems([loop]) == ()
    assert loop.stop(30)


def test_failures_are_spaced_wider_and_logged_once(monkeypatch, caplog):
    monkeypatch.setattr(supervised_loop, "LONGEST_DELAY_S", 0.2)
    at: list[float] = []

    def step() -> float:
        at.append(time.monotonic())
        raise SomeLibraryError("always")

    loop = SupervisedLoop("texts", step)
    with caplog.at_level(logging.ERROR):
        loop.start()
        for _ in range(50):
            loop.wake()  # does not cut the delay short
            time.sleep(0.01)
        wait_until(lambda: len(at) >= 4)

    assert loop.stop(30)
    assert at[1] - at[0] >= 0.04
    assert at[2] - at[1] >= 0.09
    assert len(caplog.records) == 1


def test_wake_during_a_round_is_not_lost():
    rounds: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def step() -> float:
        rounds.append(1)
        begun.set()
        assert go_on.wait(30)
        return 3600.0

    loop = SupervisedLoop("captions", step)
    loop.start()
    assert begun.wait(30)
    loop.wake()
    go_on.set()

    wait_until(lambda: len(rounds) == 2)
    assert loop.stop(30)


# The loops of the album


def test_encoding_goes_on_after_a_full_disk(album, tmp_path, fails):
    take_in(album, [make_photo(tmp_path / f"{n}.png", (n, 0, 0)) for n in range(3)])
    failing = fails(album.store, "add_embeddings", OSError(28, "No space left on device"))

    album.active.set_encoder(FakeEncoder("another"))

    wait_until(lambda: album.active.model_id == "another")
    assert failing.calls == 2
    assert album.store.encoded_by()["another"] == 3


def test_texts_are_taken_in_after_a_failure(album, tmp_path, fails):
    failing = fails(album.texts, "sync")
    photo_id = take_in(album, [make_photo(tmp_path / "a.png", "red")]).added[0]
    album.captions.write(photo_id, "장미")
    album.start()

    wait_until(lambda: failing.calls > 1)
    wait_until(lambda: album.texts.sync(0) == 0)
    assert album.texts.exact("장미").tolist() == [photo_id]


def test_searches_are_prepared_after_model_failure(album, fails):
    failing = fails(album.search, "get_ready", ModelError("The model cannot be asked."))
    album.start()

    wait_until(lambda: failing.calls > 1)
    wait_until(lambda: album.status().problems == ())


def test_living_labels_are_given_after_a_failure(album, tmp_path, fails):
    take_in(album, [make_photo(tmp_path / "a.png", "red")])
    plan = album.labelling.plan(TextClasses("red\nblue"), only=["red"])
    album.labelling.apply(plan, living=True)
    failing = fails(album.labelling, "catch_up", *(SomeLibraryError(str(n)) for n in range(2)))

    report = take_in(album, [make_photo(tmp_path / "b.png", (250, 0, 0))])
    album.start()

    assert report.record.state == "done"  # the first failure is no reason to fail an import
    wait_until(lambda: failing.calls > 2)
    wait_until(lambda: album.labels_of(report.added[0]) == ["red"])


def test_thumbnails_are_made_after_a_failure(album, tmp_path, fails):
    photos = take_in(album, [make_photo(tmp_path / f"{n}.png", (n, 0, 0)) for n in range(3)]).added
    thumbnails = [album.originals.thumbnail(album.photo(it).sha256) for it in photos]
    for thumbnail in thumbnails:
        thumbnail.unlink()
    fails(album.originals, "write_cache", OSError(28, "No space left on device"))
    album.start()

    wait_until(lambda: all(it.exists() for it in thumbnails))


@pytest.mark.parametrize("error", [SomeLibraryError("once"), AlbumError("The disk is full.")])
def test_watched_folder_is_rescanned_after_failure(tmp_path, monkeypatch, error):
    make_photo(tmp_path / "mine" / "a.png", "red")
    album = opened(tmp_path / "data", folders=[tmp_path / "mine"])
    monkeypatch.setattr(album.imports, "start", Failing(album.imports.start, error))
    album.start()

    wait_until(lambda: album.store.count() == 1)  # though it would be due in 15 minutes only
    album.close()


def test_returned_folder_is_watched_again(tmp_path):
    folder = tmp_path / "mine"
    make_photo(folder / "a.png", "red")
    album = opened(tmp_path / "data", folders=[folder])
    album.start()
    wait_until(lambda: album.store.count() == 1 and album.imports.running is None)
    shutil.rmtree(folder)
    wait_until(lambda: not album.watched()[0].there)
    time.sleep(2.5)  # two looks
    make_photo(folder / "b.png", "blue")
    wait_until(lambda: album.store.count() == 2 and album.imports.running is None)
    time.sleep(2.5)

    make_photo(folder / "c.png", "green")

    wait_until(lambda: album.store.count() == 3)
    album.close()


def captioning(album: Album, captioner: FakeCaptioner) -> Album:
    """The album once more, with a captioner that may be asked as often as one likes."""
    album.close()
    pace = CaptionPace(per_minute=600, per_day=0, parallel=1, first_delay_s=0.01)
    return Album(
        album.data_dir, DefaultClassifiers(), captioner, decoder=DecodeHere(), caption_pace=pace
    )


def test_captions_continue_after_unexpected_error(album, captioner, tmp_path):
    ids = take_in(album, [make_photo(tmp_path / f"{n}.png", (n, 0, 0)) for n in range(3)]).added
    again = captioning(album, captioner)
    describe = captioner.describe
    captioner.describe = Failing(describe, SomeLibraryError("of an SDK"))
    job_id = again.captions.start_job(CaptionSelection(tuple(ids)), ["en"], share=False)
    again.captions.start()

    wait_until(lambda: again.captions.job(job_id).ended)
    assert again.captions.job(job_id).written == 3
    again.close()


def test_photo_failing_every_time_costs_few_requests(album, captioner, tmp_path, monkeypatch):
    monkeypatch.setattr("album.captioning.worker.random.uniform", lambda low, high: 0.0)
    (photo_id,) = take_in(album, [make_photo(tmp_path / "a.png", "red")]).added
    again = captioning(album, captioner)
    captioner.error = SomeLibraryError("always")
    job_id = again.captions.start_job(CaptionSelection((photo_id,)), ["en"])
    again.captions.start()

    wait_until(lambda: again.captions.job(job_id).ended)
    assert len(captioner.calls) == 5
    assert "failed unexpectedly" in str(again.captions.problem(photo_id))
    again.close()


def test_captions_go_on_after_the_queue_failed(album, captioner, tmp_path, monkeypatch):
    (photo_id,) = take_in(album, [make_photo(tmp_path / "a.png", "red")]).added
    again = captioning(album, captioner)
    job_id = again.captions.start_job(CaptionSelection((photo_id,)), ["en"])
    queue = again.captions._queue
    monkeypatch.setattr(queue, "claim", Failing(queue.claim, SomeLibraryError("once")))
    again.captions.start()

    wait_until(lambda: again.captions.job(job_id).written == 1)
    again.close()


def test_status_line_tells_what_is_tried_again(album, fails):
    fails(album.texts, "sync", *(OSError(5, f"Input/output error {n}") for n in range(500)))
    album.start()
    wait_until(lambda: album.status().problems)

    line = status_line(album, FakeModelState(), "en", None)
    assert "trouble with the index of texts, trying again" in line
    assert "the album&#39;s log says why" in line
    assert "글 찾아보기 문제" in status_line(album, FakeModelState(), "ko", None)


def test_unexpected_import_failure_is_logged_and_resumable(album, tmp_path, monkeypatch, caplog):
    make_photo(tmp_path / "mine" / "a.png", "red")
    monkeypatch.setattr(
        album.importer, "work", Failing(album.importer.work, SomeLibraryError("once"))
    )

    with caplog.at_level(logging.ERROR):
        import_id = album.imports.start([tmp_path / "mine"])
        assert ended(album, import_id).record.state == "failed"

    assert [it.exc_info[0] for it in caplog.records] == [SomeLibraryError]
    album.imports.resume(import_id)
    assert ended(album, import_id).record.state == "done"
