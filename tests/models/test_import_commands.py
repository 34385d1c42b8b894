"""Imports on the command line: list, pause, go on, try again, and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.models.commands import read, run
from tests.support.images.make import make_photo, make_text, scene
from tests.support.importing import PATIENCE_S

CHECKOUT = Path(__file__).parents[2]
PHOTOS = 400


def test_import_is_listed_with_its_counts(tmp_path):
    make_photo(tmp_path / "mine" / "a.png", "red")
    make_text(tmp_path / "mine" / "broken.jpg")
    make_text(tmp_path / "mine" / "film.mp4")
    first = run(tmp_path / "data", "import", tmp_path / "mine")
    again = run(tmp_path / "data", "import", tmp_path / "mine")

    listed = read(run(tmp_path / "data", "imports", "--json"))["imports"]

    assert first.stdout == ("1 added, 0 already here, 1 failed, 1 other files left out (1 video)\n")
    assert again.stdout.startswith("0 added, 1 already here, 1 failed")
    assert [it["import_id"] for it in listed] == [2, 1]
    assert [it["state"] for it in listed] == ["done", "done"]
    assert listed[1]["skipped"] == {"video": 1}
    assert [Path(it["path"]).name for it in listed[1]["failed"]] == ["broken.jpg"]
    plain = run(tmp_path / "data", "imports").stdout.splitlines()
    assert plain[1].startswith("1: done, 2 of 2, 1 added")


def test_failed_files_can_be_tried_again(tmp_path):
    (tmp_path / "mine").mkdir()
    broken = make_text(tmp_path / "mine" / "broken.jpg")
    read(run(tmp_path / "data", "import", tmp_path / "mine", "--json"))
    broken.unlink()
    make_photo(broken, "red")

    assert read(run(tmp_path / "data", "retry", 1, "--json"))["added"] == 1


def test_missing_path_is_named_with_status_1(tmp_path):
    result = run(tmp_path / "data", "import", tmp_path / "nowhere")

    assert result.exit_code == 1
    assert f"{tmp_path / 'nowhere'}: There is no such file." in result.stderr


@pytest.mark.parametrize("command", ["pause", "cancel", "resume", "retry"])
def test_unknown_import_is_one_sentence(tmp_path, command):
    result = run(tmp_path / "data", command, 7)

    assert result.exit_code == 1
    assert result.stderr == "There is no import 7.\n"


def begun(tmp_path: Path) -> subprocess.Popen[str]:
    """An import in a process of its own that has looked at some of the photos."""
    (tmp_path / "mine").mkdir()
    for number in range(PHOTOS):
        scene((160, 120), seed=number).save(tmp_path / "mine" / f"{number}.jpg")
    process = subprocess.Popen(
        [sys.executable, "-m", "album", "import", tmp_path / "mine"],
        cwd=CHECKOUT,
        env={**os.environ, "ALBUM_DATA_DIR": str(tmp_path / "data"), "ALBUM_MODEL": "pocket"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    patience = time.monotonic() + PATIENCE_S
    while not list((tmp_path / "data" / "thumbnails").rglob("*.jpg")):
        assert time.monotonic() < patience
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_termination_signal_pauses_import_and_resume_continues(tmp_path, number):
    process = begun(tmp_path)

    process.send_signal(number)

    _, stderr = process.communicate(timeout=PATIENCE_S)
    # By force where the photos in hand take longer than the process is given.
    assert process.returncode in (0, 128 + number), stderr
    assert "Traceback" not in stderr
    (listed,) = read(run(tmp_path / "data", "imports", "--json"))["imports"]
    assert listed["state"] == "paused"
    resumed = read(run(tmp_path / "data", "resume", 1, "--json"))
    assert (resumed["state"], resumed["added"], resumed["done"]) == ("done", PHOTOS, PHOTOS)


def test_ctrl_c_pauses_import_and_resume_continues(tmp_path):
    process = begun(tmp_path)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to decoders, too
    stdout, stderr = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    assert "Paused: `python -m album resume 1` goes on with it." in stderr
    assert 0 < int(re.match(r"(\d+) added", stdout)[1]) < PHOTOS
    resumed = read(run(tmp_path / "data", "resume", 1, "--json"))
    assert (resumed["state"], resumed["added"], resumed["done"]) == ("done", PHOTOS, PHOTOS)
