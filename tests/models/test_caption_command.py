"""`python -m album caption`: some photos now, many as a job, and how jobs are steered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from album.cli import captions as commands
from album.images.decoder_pool import DecodePool
from album.images.decoding import small_jpeg
from tests.models.commands import read, run
from tests.support.gemini_server import GeminiServer, blocks, error
from tests.support.images.make import make_photo

JOB_KEYS = {
    *("job_id", "languages", "state", "problem", "total", "written", "waiting", "failed"),
    *("left_out", "asked_at", "ended_at"),
}
REST_KEYS = {"resting_until", "why_resting", "requests_today", "per_day", "per_minute"}


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


@pytest.fixture
def env(server: GeminiServer) -> dict[str, str]:
    return {
        "GEMINI_API_KEY": "a-key-of-the-tests",
        "ALBUM_GEMINI_ENDPOINT": server.url,
        "ALBUM_CAPTIONS_PER_MINUTE": "100",
    }


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for colour in ("red", "green", "blue"):
        make_photo(tmp_path / "photos" / f"{colour}.png", colour)
    assert run(tmp_path / "library", "import", tmp_path / "photos").exit_code == 0
    return tmp_path / "library"


def test_dry_run_estimates_and_sends_nothing(library, server, env):
    told = read(run(library, "caption", "--lacking", "--dry-run", "--json", **env))

    assert set(told) == {
        *("photos", "requests", "shared", "locked", "sends", "tokens", "seconds", "days"),
    }
    assert (told["photos"], told["requests"], told["sends"]) == (3, 3, True)
    plain = run(library, "caption", "--lacking", "--dry-run", **env)
    assert "3 would be sent, as JPEGs of 1,024 px without EXIF" in plain.stdout
    assert server.requests == []
    assert read(run(library, "caption", "--jobs", "--json"))["jobs"] == []


def test_bilingual_job_completes_and_repeats_by_model(library, server, env):
    answer = read(run(library, "caption", "--lacking", "--language", "both", "--json", **env))

    assert set(answer) == {"job", "failed", *REST_KEYS}
    assert set(answer["job"]) == JOB_KEYS
    assert answer["job"]["languages"] == ["ko", "en"]
    assert (answer["job"]["state"], answer["job"]["written"], answer["failed"]) == ("done", 3, [])
    assert answer["requests_today"] == len(server.requests) == 3
    model = ["--by-model", "gemini-3.5-flash-lite"]
    again = run(library, "caption", *model, "--label", "none", "--json", **env)
    assert "There is no photo to caption" in again.stderr
    assert read(run(library, "caption", *model, "--json", **env))["job"]["written"] == 3
    assert "2: done, 3 of 3 photos have a caption" in run(library, "caption", "--jobs").stdout


def test_background_job_is_controlled_and_drained_later(library, server, env):
    queued = read(run(library, "caption", "--lacking", "--no-wait", "--json", **env))
    job = queued["job"]["job_id"]
    assert (queued["job"]["state"], queued["job"]["waiting"]) == ("running", 3)

    assert read(run(library, "caption", "--pause", job, "--json"))["jobs"][0]["state"] == "paused"
    assert read(run(library, "caption", "--pending", "--json", **env))["captions"] == []
    assert read(run(library, "caption", "--resume", job, "--json"))["jobs"][0]["state"] == "running"
    server.answers = [blocks("SAFETY")]
    done = run(library, "caption", "--pending", "--json", **env)
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert (len(said["captions"]), len(said["failed"])) == (2, 1)
    assert "declined this photo" in said["failed"][0]["reason"]
    assert read(run(library, "caption", "--retry", job, "--json"))["jobs"][0]["waiting"] == 1
    assert read(run(library, "caption", "--cancel", job, "--json"))["jobs"][0]["left_out"] == 1


def test_wrong_key_pauses_job_and_right_key_resumes(library, server, env):
    server.answers = [error(401, "API_KEY_INVALID")] * 2
    wrong = run(library, "caption", "--lacking", "--json", **env)
    assert wrong.exit_code == 1
    job = json.loads(wrong.stdout)["job"]
    assert (job["state"], job["failed"], job["waiting"]) == ("paused", 0, 3)
    assert "does not know this key" in job["problem"]

    server.answers = []
    assert len(read(run(library, "caption", "--pending", "--json", **env))["captions"]) == 3


def test_daily_quota_ends_waiting_with_resume_time(library, server, env, monkeypatch):
    few = {**env, "ALBUM_CAPTIONS_PER_DAY": "1"}
    monkeypatch.setattr(commands, "POLL_S", 0.01)

    def takes_a_while(pool: DecodePool, path: Path) -> bytes:
        time.sleep(1)  # the place is taken, and the request not sent yet
        return small_jpeg(path)

    monkeypatch.setattr(DecodePool, "small_jpeg", takes_a_while)

    told = read(run(library, "caption", "--lacking", "--json", **few))

    assert (told["job"]["state"], told["job"]["written"], told["job"]["waiting"]) == (
        "running", 1, 2,
    )  # fmt: skip
    assert told["resting_until"] > "2024"
    assert "1 requests of today are used up" in told["why_resting"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--jobs", "--pending"], "one thing at a time"),
        (["--pause", "1", "--retry", "1"], "one thing at a time"),
        (["--pause", "7"], "no such caption job"),
        (["--lacking", "--language", "fr"], "ko, en or both"),
        (["--pending", "--dry-run"], "--dry-run goes with"),
        (["--lacking"], "GEMINI_API_KEY"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(library, words, sentence):
    result = run(library, "caption", *words)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
