"""What disks do to a library: pages that rot, folders that go, disks that are full or read-only."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from album import service
from album.errors import DAMAGED, DISK_FULL, HALF_CHARACTER, READ_ONLY, AlbumError
from album.search.request import SearchRequest
from album.service import Album
from album.storage.database import Database
from album.storage.labels import LabelStore
from album.ui.shared.alerts import alerts_on_failure, answer_full_disk
from models.classifiers.factory import DefaultClassifiers
from tests.support.captioning import set_caption
from tests.support.disks import fill, read_only, small_disk
from tests.support.fakes import FakeCaptioner, FakeEncoder
from tests.support.library import PlainDecoder, library, photo

PHOTOS = 8
COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "black")
PATIENCE_S = 60


def make_library(data_dir: Path, photos_dir: Path) -> Path:
    with library(data_dir) as made:
        for number, colour in enumerate(COLOURS):
            photo_id = made.add(photo(photos_dir / f"{number}.jpg", number, colour), keep=True)
            set_caption(made.database, photo_id, f"사진 {number}", "ko")
            LabelStore(made.database).set_by_person(photo_id, ["여행"])
        made.set_encoder()
    with opened(data_dir):  # makes the index of texts
        pass
    return data_dir


@pytest.fixture
def data_dir(tmp_path) -> Path:
    return make_library(tmp_path / "data", tmp_path / "photos")


@contextmanager
def opened(data_dir: Path) -> Iterator[Album]:
    album = Album(data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=PlainDecoder())
    try:
        album.texts.sync()
        album.active.set_encoder(FakeEncoder(), fill=False)
        yield album
    finally:
        album.close()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def look_around(album: Album) -> None:
    """All that somebody does who looks for photos."""
    for text in ("red", "사진 3", "여행"):
        album.search.find(SearchRequest(text, rest=True))
    album.search.find(SearchRequest())
    album.label_names()
    album.status()
    for number in range(1, PHOTOS + 1):
        album.photo(number)
        album.labels_of(number)
        album.captions.get(number)
        album.large_view(number)


# A database that is damaged


@pytest.mark.parametrize("junk", [b"\0", b"\xa5", None])
def test_damaged_page_error_names_restore(data_dir, junk):
    """Every other page of album.db in turn: zeroed, overwritten, or garbage."""
    path = data_dir / "album.db"
    good = path.read_bytes()
    told: list[str] = []
    for at in range(0, len(good), 2 * 4096):
        page = np.random.default_rng(at).bytes(4096) if junk is None else junk * 4096
        path.write_bytes(good[:at] + page + good[at + 4096 :])
        for log in ("-wal", "-shm"):
            path.with_name(f"album.db{log}").unlink(missing_ok=True)
        with suppress(AlbumError), noting(told), opened(data_dir) as album:
            faults = [it for it in album.faults() if it.startswith("album.db: ")]
            assert not faults or DAMAGED in faults[-1] or "the index of texts" in faults[-1]
            look_around(album)
    assert len(told) > len(good) / 4096 / 8
    assert set(told) == {DAMAGED}


@contextmanager
def noting(told: list[str]) -> Iterator[None]:
    try:
        yield
    except AlbumError as error:
        told.append(str(error))
        raise


def test_empty_database_beside_photos_is_damage(data_dir):
    for log in ("-wal", "-shm"):
        (data_dir / f"album.db{log}").unlink(missing_ok=True)
    (data_dir / "album.db").write_bytes(b"")

    with pytest.raises(AlbumError, match="python -m album restore"), opened(data_dir):
        pass

    assert (data_dir / "album.db").stat().st_size == 0


def test_interrupted_first_start_is_resumed(tmp_path):
    (tmp_path / "data" / "photos").mkdir(parents=True)
    (tmp_path / "data" / "album.db").write_bytes(b"")

    with opened(tmp_path / "data") as album:
        assert album.store.count() == 0


def test_cursor_reports_damage_while_iterating(data_dir):
    path = data_dir / "album.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'embeddings'").fetchone()
    db.close()
    content = bytearray(path.read_bytes())
    page = (root - 1) * 4096
    sixth = page + int.from_bytes(content[page + 18 : page + 20])  # a row that is not the first
    content[sixth : sixth + 9] = b"\xff" * 9  # longer than any file
    path.write_bytes(content)
    database = Database(path)
    try:
        for read in (
            lambda cursor: list(cursor),
            lambda cursor: cursor.fetchall(),
            lambda cursor: cursor.fetchmany(99),
            lambda cursor: [cursor.fetchone() for _ in range(99)],
        ):
            with pytest.raises(AlbumError, match="restore"):
                read(database.connection.execute("SELECT * FROM embeddings"))
    finally:
        database.close()


# Folders that go while the album is open


def test_deleted_thumbnails_come_back_while_the_album_runs(data_dir, monkeypatch):
    monkeypatch.setattr(service, "THUMBNAILS_EVERY_S", 0.05)
    with opened(data_dir) as album:
        small = [album.originals.thumbnail(it.sha256) for it in album.store.all_photos()]
        album.start()
        until(lambda: all(it.exists() for it in small))

        (data_dir / "thumbnails").rename(data_dir / "deleted")  # at once: they come back soon
        until(lambda: all(it.exists() for it in small))

        small[3].unlink()
        until(small[3].exists)


def test_thumbnails_return_when_deleted_during_backfill(data_dir, monkeypatch):
    monkeypatch.setattr(service, "THUMBNAILS_EVERY_S", 0.05)
    with opened(data_dir) as album:
        small = [album.originals.thumbnail(it.sha256) for it in album.store.all_photos()]
        make, rounds = album.importer.make_missing_thumbnails, []

        def make_and_lose_all(stopped):
            rounds.append(made := make(stopped))
            if len(rounds) == 1:
                (data_dir / "thumbnails").rename(data_dir / "deleted")
            return made

        monkeypatch.setattr(album.importer, "make_missing_thumbnails", make_and_lose_all)
        album.start()
        until(lambda: len(rounds) > 1 and all(it.exists() for it in small))


@pytest.mark.parametrize("gone", ["fake.npy", "fake.ids.npy", ""])
def test_deleted_matrices_come_back_while_the_album_runs(data_dir, gone):
    with opened(data_dir) as album:
        before = album.search.find(SearchRequest("red", rest=True)).hits[0].photo.photo_id
        album.start()
        lost = data_dir / "embeddings" / gone
        shutil.rmtree(lost) if not gone else lost.unlink()

        assert album.search.find(SearchRequest("red", rest=True)).hits[0].photo.photo_id == before

        matrix = data_dir / "embeddings" / "fake.npy"
        until(lambda: matrix.exists() and matrix.with_name("fake.ids.npy").exists())
        assert len(np.load(matrix)) == PHOTOS
        assert list(album.faults()) == []


@pytest.mark.parametrize("gone", ["embeddings", "incoming", "imports", "thumbnails"])
def test_import_succeeds_when_library_folder_was_deleted(data_dir, tmp_path, gone):
    with opened(data_dir) as album:
        shutil.rmtree(data_dir / gone)

        import_id = album.upload([(photo(tmp_path / "new" / "new.jpg", 77), "new.jpg")])
        until(lambda: album.imports.get(import_id).ended_at)

        assert album.imports.get(import_id).added == 1
        assert album.store.count() == PHOTOS + 1


# A disk that nothing can be written to


def test_read_only_library_can_be_browsed_and_searched(data_dir):
    with opened(data_dir) as album:
        look_around(album)
    with read_only(data_dir), opened(data_dir) as album:
        album.start()
        look_around(album)
        assert album.search.find(SearchRequest("red", rest=True)).hits[0].photo.filename == "0.jpg"
        assert [hit.photo.filename for hit in album.search.find("여행").hits]
        assert list(album.faults()) == []
        for write in (
            lambda: album.labels.set_by_person(1, ["바다"]),
            lambda: album.captions.write(1, "바다"),
            lambda: album.imports.start([data_dir]),
        ):
            with pytest.raises(AlbumError) as refusal:
                write()
            assert str(refusal.value) == READ_ONLY


@pytest.mark.parametrize("without", ["embeddings", "thumbnails", "incoming", "imports"])
def test_a_read_only_library_needs_no_cache(data_dir, without):
    shutil.rmtree(data_dir / without)
    with read_only(data_dir), opened(data_dir) as album:
        album.start()
        assert album.search.find(SearchRequest("red", rest=True)).hits[0].photo.filename == "0.jpg"
        assert album.search.find("사진 3").hits[0].photo.filename == "3.jpg"


def test_read_only_library_with_leftover_log_is_refused(data_dir, tmp_path):
    album = Album(data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=PlainDecoder())
    album.labels.set_by_person(1, ["바다"])
    shutil.copytree(data_dir, tmp_path / "copy")
    album.close()
    (tmp_path / "copy" / "album.db-shm").unlink()
    with (
        read_only(tmp_path / "copy"),
        pytest.raises(AlbumError, match="copy the album's folder"),
        opened(tmp_path / "copy"),
    ):
        pass


# A disk that is full


def test_a_photo_opens_on_a_full_disk(data_dir, tmp_path):
    with small_disk(tmp_path / "disk", 8_000) as disk:
        shutil.copytree(data_dir, disk / "data")
        with opened(disk / "data") as album:
            fill(disk)

            shown = album.large_view(2)

            assert shown == album.originals.thumbnail(album.photo(2).sha256)
            assert not list((disk / "data" / "thumbnails").rglob("*.part"))


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 no photo", b"Dear diary"])
def test_photo_with_damaged_original_opens_by_thumbnail(data_dir, content):
    with opened(data_dir) as album:
        album.originals.find(album.photo(2)).write_bytes(content)

        assert album.large_view(2) == album.originals.thumbnail(album.photo(2).sha256)

        album.originals.thumbnail(album.photo(2).sha256).unlink()
        with pytest.raises(AlbumError):
            album.large_view(2)


def test_matrix_stays_in_memory_when_disk_is_full(data_dir, tmp_path):
    with small_disk(tmp_path / "disk", 8_000) as disk:
        shutil.copytree(data_dir, disk / "data")
        shutil.rmtree(disk / "data" / "embeddings")
        with opened(disk / "data"):
            pass  # SQLite has made its files
        shutil.rmtree(disk / "data" / "embeddings")
        with library(disk / "data") as part:
            filler = fill(disk)
            part.set_encoder()
            ids, matrix = part.active.current().index.snapshot()
            assert (len(ids), matrix.shape) == (PHOTOS, (PHOTOS, FakeEncoder.dim))
            filler.unlink()
        with opened(disk / "data") as album:
            assert list(album.faults()) == []


@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT", "EROFS"])
def test_handler_reports_a_full_disk(code):
    @alerts_on_failure
    def keep(request: gr.Request | None) -> None:
        raise OSError(getattr(errno, code), "no")

    with pytest.raises(gr.Error) as refusal:
        keep(None)

    assert refusal.value.message == (READ_ONLY if code == "EROFS" else DISK_FULL).replace(
        "'", "&#x27;"
    )


@pytest.mark.parametrize(("language", "words"), [("en", DISK_FULL), ("ko", "가득 찼습니다")])
def test_request_reports_a_full_disk(language, words):
    def upload() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fail() -> None:
        raise OSError(errno.EIO, "Input/output error")

    app = FastAPI(exception_handlers={OSError: answer_full_disk})
    app.post("/upload")(upload)
    app.post("/fail")(fail)
    client = TestClient(app, raise_server_exceptions=False)

    answer = client.post("/upload", headers={"accept-language": language})

    assert (answer.status_code, words in answer.text) == (507, True)
    assert client.post("/fail").status_code == 500


def test_handler_raises_other_errors_unchanged():
    @alerts_on_failure
    def keep() -> None:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        keep()


# Half a character


@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", ["ok", "\ud83d"], {"k": ["\udc00"]}])
def test_lone_surrogate_is_refused_in_advance(value):
    called = []

    @alerts_on_failure
    def keep(said: object) -> None:
        called.append(said)

    @alerts_on_failure
    def step(said: object) -> Iterator[None]:
        called.append(said)
        yield

    for run in (keep, lambda it: list(step(it))):
        with pytest.raises(gr.Error) as refusal:
            run(value)
        assert refusal.value.message == HALF_CHARACTER
    keep("😀 한")
    assert called == ["😀 한"]


def test_lone_surrogate_in_text_is_refused_without_changes(data_dir):
    with opened(data_dir) as album:
        before = album.labels_of(1), album.captions.get(1)
        for write in (
            lambda: album.captions.write(1, "바다 \ud800"),
            lambda: album.labels.set_by_person(1, ["\ud800"]),
            lambda: album.store.move(1, None, "a\ud800.jpg"),
            lambda: album.labels.rule("\ud800"),
        ):
            with pytest.raises(AlbumError) as refusal:
                write()
            assert str(refusal.value) == HALF_CHARACTER or "“" in str(refusal.value)
        assert (album.labels_of(1), album.captions.get(1)) == before
        assert album.photo(1).filename == "0.jpg"
        album.search.find(SearchRequest("red \ud800", rest=True))
