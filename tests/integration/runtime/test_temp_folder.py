"""Uploads and downloads of one process: never another's, and never for good."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from album.runtime.temp_folder import KEPT_S, PARTIAL_KEPT_S, TempFolder
from tests.support.images.make import make_photo
from tests.support.served_album import ROOT, served_album

LIVES = """
import sys
from pathlib import Path
from album.runtime.temp_folder import TempFolder
print(TempFolder(Path(sys.argv[1])).path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temp(tmp_path: Path) -> Iterator[TempFolder]:
    folder = TempFolder(tmp_path / "temp")
    yield folder
    folder.close()


def aged(folder: TempFolder, path: Path, by_s: float) -> bool:
    """Whether a file is there after a sweep of so much later."""
    folder.sweep(path.stat().st_ctime + by_s)
    return path.exists()


def test_only_folders_of_dead_processes_go(tmp_path: Path) -> None:
    parent = tmp_path / "temp"
    process = subprocess.Popen(
        [sys.executable, "-c", LIVES, str(parent)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    folder = process.stdout.readline().strip()
    assert folder, "the process ended before it made its folder"
    file = Path(folder) / "upload.jpg"
    file.write_bytes(b"x")

    TempFolder(parent).close()
    there = file.exists()
    process.kill()
    process.communicate()
    second = TempFolder(parent)

    assert there
    assert {it.name for it in parent.iterdir() if it.is_dir()} == {second.path.name}
    second.close()
    assert [it.name for it in parent.iterdir()] == ["starting.lock"]


def test_leftovers_of_earlier_albums_go_at_start(tmp_path: Path) -> None:
    parent = tmp_path / "temp"
    (parent / "0a1b").mkdir(parents=True)
    (parent / "0a1b" / "photo.jpg").write_bytes(b"x")
    (parent / "tmp123").write_bytes(b"x")

    folder = TempFolder(parent)

    assert {it for it in parent.iterdir() if it.suffix != ".lock"} == {folder.path}
    folder.close()


def test_query_image_expires_with_folder_after_day(temp: TempFolder) -> None:
    picture = temp.path / "again" / "0a1b" / "photo.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"x")

    assert aged(temp, picture, KEPT_S - 60)
    assert not aged(temp, picture, KEPT_S + 60)
    temp.sweep(temp.path.stat().st_ctime + 3 * KEPT_S)
    temp.sweep(temp.path.stat().st_ctime + 3 * KEPT_S)
    assert list(temp.path.iterdir()) == []


def test_partial_upload_expires_after_hour(temp: TempFolder) -> None:
    partial, whole = temp.path / "tmpa1b2c3", temp.path / "0a1b" / "tmp.jpg"
    whole.parent.mkdir()
    for file in (partial, whole):
        file.write_bytes(b"x")

    assert aged(temp, partial, PARTIAL_KEPT_S - 60)
    assert not aged(temp, partial, PARTIAL_KEPT_S + 60)
    assert whole.exists()


def test_link_is_removed_but_not_its_target(temp: TempFolder, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    mine = tmp_path / "mine" / "photo.jpg"
    mine.write_bytes(b"x")
    (temp.path / "folder").symlink_to(tmp_path / "mine")
    (temp.path / "file").symlink_to(mine)

    temp.sweep(mine.stat().st_ctime + 2 * KEPT_S)

    assert list(temp.path.iterdir()) == []
    assert mine.exists()


def test_second_album_keeps_uploads_of_first(tmp_path: Path) -> None:
    photo = make_photo(tmp_path / "photo.jpg", "red")
    with served_album(tmp_path) as first:
        sent = httpx.post(
            f"{first.url}/gradio_api/upload", files={"files": ("photo.jpg", photo.read_bytes())}
        )
        (path,) = sent.raise_for_status().json()
        with served_album(tmp_path) as second:
            file = {"path": path, "meta": {"_type": "gradio.FileData"}}

            # Not by the client, which would look for a file of that name on this machine.
            call = f"{first.url}/gradio_api/call/upload_photos"
            event = httpx.post(call, json={"data": [[file]]}).raise_for_status().json()
            answer = httpx.get(f"{call}/{event['event_id']}", timeout=60).raise_for_status().text

            assert "event: complete" in answer
            assert '"added": 1' in answer
            assert second.client().predict(api_name="/album_status")["photos"] == 1
