"""Imports, folders and photos in words: counted, spelled out, and never a program."""

from __future__ import annotations

import dataclasses
import html
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from album.domain.photo import ImportFailure, ImportRecord, Photo, Place, WatchedFolder
from album.ui.imports.import_html import as_json, folders, older_reports, progress, report
from album.ui.shared.durations import duration
from album.ui.shared.photo_html import facts

HARM = "<img src=x onerror=alert(1)>"
NOTHING: dict[str, Any] = {"may_retry": False, "may_go_on": False, "language": "en"}


def record(**given: Any) -> ImportRecord:
    values: dict[str, Any] = {
        "import_id": 7, "kind": "in place", "sources": (Path("/secret/Family"),),
        "caption_language": None, "state": "done", "requested_state": "run", "total": 10,
        "done": 10,
        "added": 10, "already_here": 0, "updated": 0, "missing": 0, "failed": 0, "skipped": {},
        "current": "a.jpg", "problem": None, "seconds": 5.0,
        "asked_at": datetime(2026, 1, 2, 3, 4), "ended_at": datetime(2026, 1, 2, 3, 5),
    }  # fmt: skip
    return ImportRecord(**values | given)


def photo(**given: Any) -> Photo:
    values: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(Photo))
    values |= {
        "filename": "a.jpg", "file_type": "JPEG", "size_bytes": 1000, "width": 4, "height": 3,
        "taken_at": datetime(2019, 8, 3, 14, 2), "taken_from": "exif", "missing": False,
    }  # fmt: skip
    return Photo(**values | given)


def test_only_what_happened_is_counted():
    assert "10 added</strong></p>" in report(record(), [], **NOTHING)
    counts = {"already_here": 1, "updated": 2, "missing": 3, "failed": 4}
    assert (
        "10 added</strong> · 1 already here · 2 updated · 3 not there any more · 4 failed</p>"
    ) in report(record(**counts), [], **NOTHING)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Left out: 1 video, 1,200 documents, 3 other files."),
        ("ko", "넣지 않음: 동영상 1개, 문서 1,200개, 다른 파일 3개."),
    ],
)
def test_what_is_left_out_is_counted_by_kind(language, words):
    skipped = {"spreadsheet": 2, "document": 1200, "other": 1, "video": 1, "sound": 0}

    assert words in report(record(skipped=skipped), [], **NOTHING | {"language": language})


def test_failures_beyond_those_that_are_listed_are_counted():
    failures = [ImportFailure(Path(f"{n}.jpg"), "It is gone.") for n in range(3)]

    told = report(record(failed=43), failures, **NOTHING)

    assert told.count("<li>") == 3
    assert "and 40 more" in told


@pytest.mark.parametrize(
    ("sources", "english", "korean"),
    [
        (["a/bus.png", "a/lion.jpg"], "bus.png and 1 more photo", "bus.png 외 1장"),
        (["a/Family", "a/2019.08"], "Family and 1 more", "Family 외 1곳"),
        (["a/takeout.zip", "a/lion.jpg"], "takeout.zip and 1 more", "takeout.zip 외 1곳"),
        (["a/2019.08", "a/lion.jpg"], "2019.08 and 1 more", "2019.08 외 1곳"),
    ],
)
def test_photos_and_folders_have_counters_of_their_own(sources, english, korean):
    of_import = record(sources=tuple(map(Path, sources)), added=2, seconds=0.0)

    for language, words in (("en", english), ("ko", korean)):
        told = report(of_import, [], **NOTHING | {"language": language})
        assert f"{words}</p>" in told


def test_only_imports_with_photos_can_be_looked_at():
    assert 'class="see" data-number="7" data-what="see"' in report(record(added=1), [], **NOTHING)
    assert 'data-what="see"' not in report(record(added=0), [], **NOTHING)


def test_blocked_import_shows_problem_and_offers_resume():
    sentence = "The disk of the album is full: make room and try again; nothing is lost."
    broken = record(state="failed", problem=sentence)

    told = report(broken, [], **NOTHING | {"may_go_on": True, "language": "ko"})

    assert "디스크가 가득 찼습니다" in told
    assert 'data-number="7" data-what="resume"' in told


def test_earlier_imports_wait_behind_one_line():
    told = older_reports(["<i>old</i>"], ["<i>older</i>"], "en")

    assert told.index("old") < told.index("<details>") < told.index("older")
    assert "Earlier imports (1)" in told
    assert "<details>" not in older_reports(["<i>old</i>"], [], "en")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_names_and_reasons_are_text_whatever_they_say(language):
    harmful = record(
        sources=(Path(f"/{HARM}"),), failed=1, current=HARM, problem=HARM, state="failed"
    )
    failures = [ImportFailure(Path(HARM), f"{HARM} is no photo.")]
    folder = WatchedFolder(Path(f"/{HARM}"), 1, 1, there=True)
    place = Place(HARM, HARM, "KR", HARM, HARM)
    spoken = [
        report(harmful, failures, may_retry=True, may_go_on=True, language=language),
        progress(record(state="running", current=HARM), 1, model_ready=True, language=language),
        folders([folder], language),
        facts(photo(filename=HARM, camera=HARM), language, place=place, keywords=[HARM]),
    ]

    for told in spoken:
        assert "<img" not in told
        assert html.escape(HARM) in told


@pytest.mark.parametrize(
    ("given", "left", "right"),
    [
        ({}, "4 of 10", "2.0 photos a second · about 3 s left"),
        ({"seconds": 0.0}, "4 of 10", ""),
        ({"requested_state": "pause"}, "4 of 10", "pausing after the photos in hand…"),
        ({"requested_state": "cancel"}, "4 of 10", "stopping after the photos in hand…"),
        ({"state": "paused", "requested_state": "pause"}, "4 of 10", "paused"),
        ({"state": "waiting", "done": 0}, "waiting for its turn", ""),
        ({"total": 0, "done": 0}, "Looking for photos", ""),
    ],
)
def test_the_card_says_how_far_an_import_is(given, left, right):
    now = record(**{"state": "running", "done": 4, "seconds": 2.0} | given)

    told = progress(now, 0, model_ready=True, language="en")

    assert f"<span>{left}</span><span>{right}</span>" in told


def test_the_bar_is_never_longer_than_its_track():
    told = progress(record(done=12), 0, model_ready=True, language="en")

    assert 'aria-valuenow="100"' in told
    assert "width:100.0%" in told


def test_an_import_waits_for_the_model_in_words():
    now = record(state="running", total=0, done=0)

    assert "waiting for the model" in progress(now, 0, model_ready=False, language="en")


@pytest.mark.parametrize(
    ("seconds", "english", "korean"),
    [
        (0.0, "1 s", "1초"), (58.2, "59 s", "59초"), (59.2, "1 min", "1분"), (61, "2 min", "2분"),
        (3600, "1 h", "1시간"), (7500, "2 h 5 min", "2시간 5분"),
    ],
)  # fmt: skip
def test_durations_are_rounded_up(seconds, english, korean):
    assert (duration(seconds, "en"), duration(seconds, "ko")) == (english, korean)


def test_missing_folder_cannot_be_scanned():
    gone = WatchedFolder(Path("/media/Disk"), 1284, 3, there=False)

    told = folders([gone], "en")

    assert "1,284 photos · 3 not there any more" in told
    assert "not there now: plug its disk in" in told
    assert " disabled>Look now" in told


def test_programs_are_told_no_path():
    assert "secret" not in json.dumps(as_json(record()))


# What the panel says of a photo


def test_facts_leave_out_what_is_unknown():
    assert facts(photo(), "en").count("<dd") == 2  # when, and the file itself


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"exposure_s": 1 / 250, "f_number": 2.8, "iso": 200, "focal_mm": 35.0},
         "1/250 s · f/2.8 · ISO 200 · 35 mm"),
        ({"exposure_s": 1.3, "f_number": 11.0}, "1.3 s · f/11"),
        ({"exposure_s": 30.0, "focal_mm": 4.25}, "30 s · 4.2 mm"),
    ],
)  # fmt: skip
def test_exposures_are_written_as_photographers_do(given, words):
    assert f">{words}<" in facts(photo(**given), "en")


@pytest.mark.parametrize(
    ("taken_from", "words"),
    [
        ("exif", "2019-08-03 14:02<"),
        ("xmp", "2019-08-03 14:02<"),
        ("name", "(파일 이름에 적힌 날짜)"),
        ("takeout", "(Google 포토에 적힌 날짜)"),
        ("file", "(파일 날짜)"),
    ],
)
def test_facts_name_source_of_capture_time(taken_from, words):
    assert words in facts(photo(taken_from=taken_from), "ko")


def test_places_are_named_in_the_readers_language():
    place = Place("Busan", "부산", "KR", "South Korea", "대한민국")
    unknown = Place("Lyon", "", "FR", "France", "")

    assert "Busan, South Korea" in facts(photo(), "en", place=place)
    assert "대한민국 부산" in facts(photo(), "ko", place=place)
    assert "France Lyon" in facts(photo(), "ko", place=unknown)


@pytest.mark.parametrize(("rating", "stars"), [(None, 0), (0, 0), (3, 3), (5, 5), (-1, 0)])
def test_stars_are_shown_and_spoken(rating, stars):
    told = facts(photo(rating=rating), "en")

    assert told.count("★") == stars
    assert (f"{stars} of 5 stars" in told) == bool(stars)
    assert ("rejected" in told) == (rating == -1)


def test_a_missing_original_is_said_to_be():
    assert "원본이 지금 제자리에 없습니다." in facts(photo(missing=True), "ko")
