"""Signals that end a process: it ends cleanly and in time, whatever it is at."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.images.make import scene
from tests.support.importing import wait_until
from tests.support.served_album import served_album

ROOT = Path(__file__).parents[3]
IN_TIME_S = 5.0
PHOTOS = 300

PROGRAM = """
import hashlib, sys, time
from pathlib import Path
from album.runtime.shutdown import closing_s, interrupt_on_signals, wait_for_end

said = Path(sys.argv[1])
def say(words):
    with said.open("a") as file:
        file.write(words + "\\n")

def wait():
    wait_for_end()

def sleep():
    time.sleep(3600)

def compute():  # without a moment for a signal handler
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2 * 10**9)

with interrupt_on_signals(lambda: say("put down")):
    try:
        print("ready", flush=True)
        globals()[sys.argv[2]]()
    except KeyboardInterrupt:
        say("interrupted")
    finally:
        say(f"closing in {closing_s():.0f} s")
        time.sleep(float(sys.argv[3]))
        say("closed")
"""


def started(tmp_path: Path, work: str, closing_takes_s: float = 0.0) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path / "said", work, str(closing_takes_s)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def said(tmp_path: Path) -> list[str]:
    return (tmp_path / "said").read_text().splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("work", ["wait", "sleep"])
def test_process_closes_before_it_ends(tmp_path, number, work):
    process = started(tmp_path, work)

    process.send_signal(number)

    process.wait(60)
    assert process.returncode == 0
    *before, closing, closed = said(tmp_path)
    assert (closing, closed) == ("closing in 3 s", "closed")
    assert before == ["interrupted"] or (work == "wait" and not before)  # where it waited already


def test_process_that_is_asked_twice_closes_once(tmp_path):
    process = started(tmp_path, "sleep", closing_takes_s=0.5)

    process.send_signal(signal.SIGTERM)
    wait_until(lambda: (tmp_path / "said").exists())
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)

    process.wait(60)
    assert said(tmp_path) == ["interrupted", "closing in 3 s", "closed"]


@pytest.mark.parametrize(("work", "closing_takes_s"), [("compute", 0.0), ("wait", 3600.0)])
def test_hanging_process_is_ended_in_time(tmp_path, work, closing_takes_s):
    process = started(tmp_path, work, closing_takes_s)
    time.sleep(0.5)  # it computes by then, without a look at signals
    asked_at = time.monotonic()

    process.send_signal(signal.SIGTERM)

    process.wait(60)
    assert time.monotonic() - asked_at < 2 * IN_TIME_S  # a busy machine
    assert process.returncode == 128 + signal.SIGTERM
    assert said(tmp_path)[-1] == "put down"


def test_signal_that_is_ignored_stays_ignored(tmp_path):
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", ignoring + PROGRAM, tmp_path / "said", "wait", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)

    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_album_ends_in_time_during_import(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for number in range(PHOTOS):
        scene((320, 240), seed=number).save(folder / f"{number}.jpg")
    with (  # noqa: PT012  # it ends in the middle, which is what is tested
        # 143: on a busy machine the photos in hand can take longer than a signal leaves them.
        pytest.raises(RuntimeError, match=r"ended by itself, (0|143)"),
        served_album(tmp_path, warm=False, ALBUM_FOLDERS=str(folder)) as served,
        urlopen(f"{served.url}/gradio_api/heartbeat/abc", timeout=60) as heart,
        closing(sqlite3.connect(served.data_dir / "album.db")) as db,
    ):
        assert heart.read(1)
        state = "SELECT state FROM imports"
        wait_until(lambda: db.execute(state).fetchone() not in (None, ("waiting",)))
        assert db.execute(state).fetchone() == ("running",)
        asked_at = time.monotonic()

        served.process.terminate()

        wait_until(lambda: served.process.poll() is not None)
        assert time.monotonic() - asked_at < 2 * IN_TIME_S
        assert db.execute("SELECT state, wish FROM imports").fetchall() == [("waiting", "run")]
        assert "Traceback" not in served.said()
