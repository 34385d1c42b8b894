"""The served page on disks that are full or read-only, and texts that are none, over HTTP."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest
from gradio_client import handle_file

from album.errors import DISK_FULL, HALF_CHARACTER
from tests.served_album import SAMPLES, ServedAlbum, served_album
from tests.service.disks import fill, read_only, small_disk


def call(served: ServedAlbum, name: str, data: list[object]) -> str:
    """What an endpoint answers, as the events of its stream."""
    # Python's own JSON writes half a character as an escape, as a program might.
    joined = httpx.post(
        f"{served.url}/gradio_api/call/{name}",
        content=json.dumps({"data": data}),
        headers={"content-type": "application/json"},
        timeout=60,
    )
    assert joined.status_code == 200, joined.text
    told = httpx.get(f"{served.url}/gradio_api/call/{name}/{joined.json()['event_id']}", timeout=60)
    return told.text


@pytest.mark.parametrize(("language", "sentence"), [("en", DISK_FULL), ("ko", "가득 찼습니다")])
def test_an_upload_to_a_full_disk_is_a_sentence(tmp_path, language, sentence):
    with small_disk(tmp_path / "disk", 60_000) as disk:
        data_dir = disk / "data"
        with served_album(tmp_path / "run", ALBUM_DATA_DIR=str(data_dir)) as served:
            filler = fill(disk)
            files = {"files": ("a.jpg", bytes(3_000_000), "image/jpeg")}
            asked = {"accept-language": language}

            answer = httpx.post(f"{served.url}/gradio_api/upload", files=files, headers=asked)

            assert answer.status_code == 507
            assert sentence in answer.text
            assert "Traceback" not in served.said()
            filler.unlink()
            answer = httpx.post(f"{served.url}/gradio_api/upload", files=files, headers=asked)
            assert answer.status_code == 200


def test_half_a_character_is_a_sentence_in_any_text(tmp_path):
    with served_album(tmp_path) as served:
        for name, data in (
            ("search_photos", ["red \ud800"]),
            ("caption_photo", [1, "\udfff"]),
            ("photo_details", ["\ud83d"]),
        ):
            told = call(served, name, [*data])
            assert "event: error" in told or HALF_CHARACTER in told
            assert "Traceback" not in served.said(), name
        upload = httpx.post(
            f"{served.url}/gradio_api/upload",
            files={"files": ("a\udce4.jpg".encode("utf-8", "surrogateescape"), b"x")}
            if False
            else {"files": ("a.jpg", b"x")},
        )
        assert upload.status_code == 200
        assert "event: complete" in call(served, "search_photos", ["red"])


def test_a_read_only_library_is_served_for_looking_and_searching(tmp_path):
    folder = tmp_path / "data"
    with served_album(tmp_path) as served:
        served.client().predict(
            files=[handle_file(SAMPLES / "lion.jpg")], api_name="/upload_photos"
        )
    for log in tmp_path.glob("data/album.db-*"):
        log.unlink()
    shutil.rmtree(folder / "temp", ignore_errors=True)
    before = sorted(Path(folder).rglob("*"))
    with read_only(folder):
        other = tmp_path / "run"
        with served_album(other, ALBUM_DATA_DIR=str(folder)) as served:
            client = served.client()
            assert client.predict(api_name="/album_status")["photos"] == 1
            found = client.predict("lion", api_name="/search_photos")
            assert len(found["hits"]) == 1
            assert "Traceback" not in served.said()
    assert sorted(Path(folder).rglob("*")) == before
