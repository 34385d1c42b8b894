"""The running album on disks that fail it, and texts that are none: a sentence each time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError

from album.errors import DISK_FULL, HALF_CHARACTER, READ_ONLY
from tests.support.disks import fill, read_only, small_disk
from tests.support.event_loop import run
from tests.support.served_album import SAMPLES, ServedAlbum, served_album
from tests.support.visitor import RefusedError, Visitor, load_page

DISK_KB = 60_000
SENT = ("lion.jpg", "tower.jpg")
HALF = "half \ud800"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an album that has two photos and was closed."""
    folder = tmp_path_factory.mktemp("made")
    with served_album(folder) as made:
        files = [handle_file(SAMPLES / name) for name in SENT]
        made.client().predict(files=files, api_name="/upload_photos")
    return folder / "data"


def sentence_of(said: str) -> str:
    return said.replace("&#x27;", "'")


async def visit(served: ServedAlbum, *steps: tuple[str, str, dict[str, Any]]) -> list[str]:
    """Open the first photo, then type into components and press; what each press is answered."""
    told: list[str] = []
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as http:
        visitor = Visitor(http, await load_page(http))
        await visitor.arrive()
        await visitor.open(1)
        for elem_id, event, typed in steps:
            for box, value in typed.items():
                visitor.type(box, value)
            try:
                await visitor.fire(elem_id, event)
                told.append("")
            except RefusedError as refused:
                told.append(sentence_of(str(refused)))
        await visitor.leave()
    return told


async def call(served: ServedAlbum, name: str, *values: Any) -> Any:
    """Call an endpoint with files that are on the server already."""
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as http:
        return await Visitor(http, await load_page(http)).call(name, *values)


def assert_sound(served: ServedAlbum) -> None:
    """No traceback, and no file that nobody knows of."""
    assert "Traceback" not in served.said(), served.said()
    incoming = served.data_dir / "incoming"
    assert [it for it in incoming.rglob("*") if it.is_file()] == []
    assert list((served.data_dir / "photos").rglob("*.part")) == []


# A full disk


def test_an_upload_to_a_full_disk_loses_nothing(library: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", DISK_KB) as disk:
        shutil.copytree(library, disk / "data")
        with served_album(disk) as served:
            client = served.client()
            photo = (SAMPLES / "cheetah1.jpg").read_bytes()
            before = client.predict(api_name="/album_status")["photos"]
            for left in (0, len(photo) // 2):  # no room at all, or for a part of the file
                filler = fill(disk, left)
                temporary = set((served.data_dir / "temp").rglob("*"))

                sent = httpx.post(
                    f"{served.url}/gradio_api/upload", files={"files": ("new.jpg", photo)}
                )

                assert (sent.status_code, sent.text) == (507, DISK_FULL)
                left_behind = set((served.data_dir / "temp").rglob("*")) - temporary
                assert [it for it in left_behind if it.is_file()] == []
                filler.unlink()
            arrived = httpx.post(
                f"{served.url}/gradio_api/upload", files={"files": ("new.jpg", photo)}
            ).json()
            filler = fill(disk)
            handed = {"path": arrived[0], "meta": {"_type": "gradio.FileData"}}

            with pytest.raises(RefusedError) as refused:
                run(call(served, "upload_photos", [handed]))

            assert str(refused.value) == DISK_FULL
            _, *kept = Path(arrived[0]).parts  # in the temporary folder, by another name
            assert served.temp_dir.joinpath(*kept).read_bytes() == photo
            assert client.predict(api_name="/album_status")["photos"] == before
            assert client.predict(query="a big cat", api_name="/search_photos")["hits"]
            filler.unlink()

            again = handle_file(SAMPLES / "cheetah1.jpg")
            client.predict(files=[again], api_name="/upload_photos")

            assert client.predict(api_name="/album_status")["photos"] == before + 1
            assert_sound(served)


# A disk that nothing can be written to


def test_a_read_only_library_is_served_for_looking(library: Path, tmp_path: Path) -> None:
    shutil.copytree(library, tmp_path / "album" / "data")
    for log in ("album.db-wal", "album.db-shm"):
        (tmp_path / "album" / "data" / log).unlink(missing_ok=True)
    settings = {"ALBUM_TEMP_DIR": str(tmp_path / "temp"), "TMPDIR": str(tmp_path)}
    with (
        read_only(tmp_path / "album" / "data"),
        served_album(tmp_path / "album", warm=False, **settings) as served,
    ):
        client = served.client()
        found = client.predict(query="a big cat", api_name="/search_photos")
        assert {hit["file_name"] for hit in found["hits"]} & set(SENT)
        with pytest.raises(AppError) as refused:
            client.predict(files=[handle_file(SAMPLES / "bus.png")], api_name="/upload_photos")
        assert sentence_of(str(refused.value)) == READ_ONLY
        told = run(
            visit(
                served,
                ("favourite", "click", {}),
                ("save-caption", "click", {"caption": "the sea"}),
                ("labels", "change", {"labels": ["sea"]}),
            )
        )
        assert told == [READ_ONLY] * 3
        assert "Traceback" not in served.said(), served.said()


# Half a character


@pytest.fixture(scope="module")
def served(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("half")
    shutil.copytree(library, folder / "data")
    with served_album(folder) as album:
        yield album


def test_half_a_character_is_answered_on_the_page(served: ServedAlbum) -> None:
    told = run(
        visit(
            served,
            ("save-caption", "click", {"caption": HALF}),
            ("labels", "change", {"caption": "", "labels": [HALF]}),
            ("query", "submit", {"labels": [], "query": HALF}),
        )
    )

    assert told == [HALF_CHARACTER] * 3
    assert_sound(served)


@pytest.mark.parametrize("name", ["half \ud800.jpg", "\udfff.jpg"])
def test_half_a_character_in_a_name_is_answered(served: ServedAlbum, name: str) -> None:
    photo = (SAMPLES / "bus.png").read_bytes()
    raw = name.encode("utf-8", "surrogatepass")
    body = b"".join(
        (
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="', raw, b'"\r\n',
            b"Content-Type: image/png\r\n\r\n", photo, b"\r\n--x--\r\n",
        )
    )  # fmt: skip
    kind = {"content-type": "multipart/form-data; boundary=x"}
    sent = httpx.post(f"{served.url}/gradio_api/upload", content=body, headers=kind)

    assert sent.status_code < 500, sent.text
    data = {"path": f"{served.temp_dir}/{name}", "orig_name": name}
    call = httpx.post(
        f"{served.url}/gradio_api/call/upload_photos",
        content=json.dumps({"data": [[{**data, "meta": {"_type": "gradio.FileData"}}]]}),
        headers={"content-type": "application/json"},
    )
    assert (call.status_code, "half a character" in call.text) == (400, True), call.text
    assert_sound(served)
