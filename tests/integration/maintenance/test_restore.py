"""A backup is restored completely or not at all, and a hostile one changes nothing."""

from __future__ import annotations

import errno
import os
import shutil
import time

import pytest

from album.errors import AlbumError
from album.maintenance.restore import restore
from album.service import Album
from album.storage.caption_queue import CaptionQueue
from album.storage.imports import ImportStore
from models.classifiers.factory import DefaultClassifiers
from tests.support.backups import LOGS, fail_with, faults, save
from tests.support.fakes import FakeEncoder
from tests.support.hostile_backups import HOSTILE, with_row
from tests.support.library import PlainDecoder, contents, library, rows


def paused(before):
    """The same rows with caption jobs that wait for a person to go on with them."""
    jobs = [
        tuple("paused" if it == "running" else it for it in row) for row in before["caption_jobs"]
    ]
    return before | {"caption_jobs": jobs}


def test_backup_without_originals_restores_rows_only(source, tmp_path):
    save(source, tmp_path / "rows.zip", with_originals=False)
    shutil.rmtree(tmp_path / "gone")
    before = rows(source.database)

    report = restore(tmp_path / "rows.zip", tmp_path / "elsewhere")

    assert (report.photos, report.originals, report.in_place) == (8, 0, 3)
    assert [problem.filename for problem in report.missing] == [f"{n}.jpg" for n in (1, 3, 5, 6, 7)]
    with library(tmp_path / "elsewhere") as restored:
        assert rows(restored.database) == paused(before)


def test_rows_come_back_to_originals_that_never_left(source, tmp_path):
    save(source, tmp_path / "rows.zip", with_originals=False)
    before = rows(source.database)
    source.close()
    for log in ("", "-wal", "-shm"):
        (tmp_path / "data" / f"album.db{log}").unlink(missing_ok=True)
    others = contents(tmp_path / "data")

    assert restore(tmp_path / "rows.zip", tmp_path / "data").missing == []

    assert contents(tmp_path / "data", "album.db") == others
    with library(tmp_path / "data") as restored:
        assert rows(restored.database) == paused(before)
        assert faults(restored) == []


def test_restore_replaces_in_place_original_when_bytes_differ(source, tmp_path):
    save(source, tmp_path / "album.zip")
    mine = tmp_path / "here" / "0.jpg"
    other = mine.read_bytes()[:-1] + b"?"
    mine.write_bytes(other)

    report = restore(tmp_path / "album.zip", tmp_path / "elsewhere")

    assert (report.in_place, report.kept_now, report.originals) == (5, 1, 3)
    assert mine.read_bytes() == other
    with library(tmp_path / "elsewhere") as restored:
        assert restored.store.get(1).path is None
        assert restored.store.get(3).path == tmp_path / "here" / "2.jpg"
        assert faults(restored) == []


def test_sidecars_of_kept_originals_come_along(source, tmp_path):
    kept = source.originals.find(source.store.get(8))
    kept.with_name(kept.name + ".xmp").write_text("<x:xmpmeta/>")
    save(source, tmp_path / "album.zip")

    restore(tmp_path / "album.zip", tmp_path / "elsewhere")

    with library(tmp_path / "elsewhere") as restored:
        kept = restored.originals.find(restored.store.get(8))
        assert kept.with_name(kept.name + ".xmp").read_text() == "<x:xmpmeta/>"
        assert faults(restored) == []


def test_running_import_is_ended_after_restore(source, tmp_path):
    imports = ImportStore(source.database)
    import_id = imports.begin("upload", [])
    imports.set_state(import_id, "running")
    save(source, tmp_path / "album.zip")

    restore(tmp_path / "album.zip", tmp_path / "elsewhere")

    with library(tmp_path / "elsewhere") as restored:
        assert ImportStore(restored.database).unfinished() == []
        assert "restored from a backup" in ImportStore(restored.database).get(import_id).problem
    assert imports.get(import_id).state == "running"


def test_an_album_is_never_restored_over(source, tmp_path):
    save(source, tmp_path / "album.zip")
    before = contents(tmp_path / "data", *LOGS)

    with pytest.raises(AlbumError, match="has an album in it already"):
        restore(tmp_path / "album.zip", tmp_path / "data")
    assert contents(tmp_path / "data", *LOGS) == before

    log = tmp_path / "elsewhere" / "album.db-wal"  # SQLite would take it for the new database's
    log.parent.mkdir()
    log.write_bytes(b"log")
    with pytest.raises(AlbumError, match="has an album in it already"):
        restore(tmp_path / "album.zip", tmp_path / "elsewhere")
    assert contents(tmp_path / "elsewhere") == {"album.db-wal": b"log"}


def test_restore_keeps_existing_files_and_refuses_other_bytes(source, tmp_path):
    save(source, tmp_path / "album.zip")
    elsewhere = tmp_path / "elsewhere"
    kept = source.originals.find(source.store.get(8)).relative_to(tmp_path / "data")
    (elsewhere / kept).parent.mkdir(parents=True)
    (elsewhere / kept).write_bytes(b"other")
    (elsewhere / "notes.txt").write_text("mine")
    before = contents(elsewhere)

    with pytest.raises(AlbumError, match="has other bytes than the backup"):
        restore(tmp_path / "album.zip", elsewhere)
    assert contents(elsewhere) == before

    shutil.copy2(tmp_path / "data" / kept, elsewhere / kept)
    report = restore(tmp_path / "album.zip", elsewhere)
    assert report.originals == 1  # the other is there
    assert (elsewhere / "notes.txt").read_text() == "mine"


def test_failed_restore_leaves_the_folder_unchanged(source, tmp_path, monkeypatch):
    save(source, tmp_path / "album.zip")
    full = fail_with(errno.ENOSPC)
    for name, broken in (("utime", full), ("sync", full), ("sync", interrupted)):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, broken)
            with pytest.raises((AlbumError, KeyboardInterrupt)) as refusal:
                restore(tmp_path / "album.zip", tmp_path / "new" / "data")
        if broken is full:
            assert "too small" in str(refusal.value)
        assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AlbumError, match="cannot be restored"):
        restore(tmp_path / "album.zip", tmp_path / "file" / "data")


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


WHY = {  # where another check would end it too, but later
    "a bomb": "absurd size",
    "a long manifest": "too long",
    "shared bytes": "more than it does",
    "a symbolic link": "not a plain file",
    "a name twice": "twice",
    "deflated photos": "not stored",
    "another size": "another size",
    "a photo missing": "missing",
    "a later format": "later version",
    "a later schema": "later version",
    "a way up": "no backup has",
    "a sha256 that leads out": "makes no sense",
    "a flipped bit": "cannot be unpacked",
    "another sum": "other bytes",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_backup_is_refused_and_changes_nothing(source, tmp_path, kind):
    file = tmp_path / "bad" / "album.zip"
    file.parent.mkdir()
    save(source, file)
    HOSTILE[kind](file)
    shutil.rmtree(tmp_path / "gone")
    (tmp_path / "elsewhere" / "photos").mkdir(parents=True)
    (tmp_path / "elsewhere" / "notes.txt").write_text("mine")
    before = contents(tmp_path, *LOGS)

    with pytest.raises(AlbumError) as refusal:
        restore(file, tmp_path / "elsewhere")

    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(".")
    assert WHY.get(kind, "") in str(refusal.value)
    assert contents(tmp_path, *LOGS) == before


def test_row_cannot_claim_a_foreign_file(source, tmp_path):
    secret = tmp_path / "secret.key"
    secret.write_bytes(b"s3cret")
    file = tmp_path / "album.zip"
    for with_originals in (True, False):
        save(source, file, with_originals=with_originals, overwrite=True)
        with_row(f"UPDATE photos SET path = '{secret}', size_bytes = 6 WHERE photo_id = 2")(file)
        target = tmp_path / f"restored {with_originals}"

        restore(file, target)

        with library(target) as restored:
            assert restored.store.get(2).path is None


def test_restored_caption_job_is_paused(source, tmp_path, captioner):
    queue = CaptionQueue(source.database)
    queue.start_job([[2]], ["ko"], time.time(), urgent=True, hidden=True)
    save(source, tmp_path / "album.zip")  # while they wait
    restore(tmp_path / "album.zip", tmp_path / "elsewhere")
    album = Album(tmp_path / "elsewhere", DefaultClassifiers(), captioner, decoder=PlainDecoder())
    try:
        album.captions.drain()
        assert captioner.calls == []
        (job,) = album.captions.progress().jobs
        assert (job.state, job.waiting) == ("paused", 1)
        album.captions.resume(job.job_id)
        album.captions.drain()
        assert len(captioner.calls) == 1
    finally:
        album.close()
    assert queue.job(1).state == "running"  # where it was saved, it goes on


def test_restored_album_rebuilds_its_caches(source, tmp_path, captioner):
    save(source, tmp_path / "album.zip")
    restore(tmp_path / "album.zip", tmp_path / "elsewhere")
    album = Album(tmp_path / "elsewhere", DefaultClassifiers(), captioner, decoder=PlainDecoder())
    try:
        assert all("thumbnail is missing" in fault for fault in album.faults(deep=True))
        album.active.set_encoder(FakeEncoder(), fill=False)
        album.importer.make_missing_thumbnails(lambda: False)

        assert list(album.faults(deep=True)) == []
        assert [hit.photo.filename for hit in album.search.find("blue", limit=1).hits] == ["2.jpg"]
    finally:
        album.close()
