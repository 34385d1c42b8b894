"""An album goes into one file and comes out of it elsewhere; a hostile file changes nothing."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import resource
import shutil
import threading
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from album.errors import AlbumError
from album.maintenance.backup_archive import BackupReader
from album.maintenance.restore import restore
from album.runtime.files import sha256_of
from album.search.search import PhotoSearch, SearchRequest
from album.storage.captions import CaptionStore
from album.storage.database import MIGRATIONS
from album.storage.text_index import TextIndex
from tests.support.backups import COLOURS, LOGS, fail_with, faults, save
from tests.support.hostile_backups import rewritten
from tests.support.library import Library, PlainDecoder, contents, library, photo, rows


def ranking(of: Library, text: str) -> list[tuple[int, float | None]]:
    search = PhotoSearch(
        of.store,
        CaptionStore(of.database),
        TextIndex(of.database),
        of.active,
        of.embeddings_dir,
        PlainDecoder(),
    )
    hits = search.find(SearchRequest(text, rest=True)).hits
    return [(hit.photo.photo_id, hit.score) for hit in hits]


# There and back


def test_backup_during_import_restores_the_same_album(source, tmp_path):
    before = rows(source.database)
    rankings = {colour: ranking(source, colour) for colour in COLOURS}
    saved, going = threading.Event(), threading.Event()

    def import_more() -> None:
        number = 100
        while not saved.is_set():
            source.add(photo(tmp_path / "more" / f"{number}.jpg", number), keep=number % 2 == 0)
            number += 1
            going.set()

    importing = threading.Thread(target=import_more)
    importing.start()
    going.wait()
    during = source.store.count()
    try:
        report = save(source, tmp_path / "album.zip")
    finally:
        saved.set()
        importing.join()

    assert during <= report.photos <= source.store.count()
    assert report.originals == report.photos
    assert report.left_out == report.changed == []
    assert report.size_bytes == (tmp_path / "album.zip").stat().st_size
    kept = {photo.photo_id: photo for photo in source.store.all_photos()}
    originals = {key: source.originals.find(it).read_bytes() for key, it in kept.items()}
    times = {key: source.originals.find(it).stat().st_mtime_ns for key, it in kept.items()}
    shutil.rmtree(tmp_path / "gone")

    back = restore(tmp_path / "album.zip", tmp_path / "elsewhere" / "data")

    assert back.photos == report.photos
    assert back.missing == []
    with library(tmp_path / "elsewhere" / "data") as restored:
        assert faults(restored) == []
        after = rows(restored.database)
        for table in ("embeddings", "captions", "labels", "caption_queue", "photos"):
            those = {row[1] if table == "embeddings" else row[0] for row in before[table]}
            column = 1 if table == "embeddings" else 0
            same = [row for row in after[table] if row[column] in those]
            if table == "photos":
                paths = [row[3] for row in before[table]]
                assert [row[3] for row in same] == [
                    None if path is None or "gone" in path else path for path in paths
                ]
                before[table] = [row[:3] + row[4:] for row in before[table]]
                same = [row[:3] + row[4:] for row in same]
            assert [row for row in same if row in before[table]] == before[table]
        for it in restored.store.all_photos():
            original = restored.originals.find(it)
            assert original.read_bytes() == originals[it.photo_id]
            assert original.stat().st_mtime_ns == times[it.photo_id]
        restored.set_encoder()
        for colour in COLOURS:
            here = [hit for hit in ranking(restored, colour) if hit[0] <= len(COLOURS)]
            assert here == rankings[colour]


def test_backup_manifest_is_checkable_by_any_program(source, tmp_path):
    calls = []

    report = save(source, tmp_path / "album.zip", on_progress=lambda *call: calls.append(call))

    with zipfile.ZipFile(tmp_path / "album.zip") as zip_file:
        manifest = json.loads(zip_file.read("manifest.json"))
        assert manifest["format"] == 1
        assert manifest["schema"] == len(MIGRATIONS)
        assert manifest["with_originals"] is True
        assert manifest["counts"] == {
            "photos": 8, "vectors": 8, "captions": 8, "caption_jobs": 1, "labels": 9,
            "originals": 8,
        }  # fmt: skip
        assert set(zip_file.namelist()) == {*manifest["members"], "manifest.json"}
        for name, member in manifest["members"].items():
            content = zip_file.read(name)
            assert len(content) == member["size"]
            assert hashlib.sha256(content).hexdigest() == member["sha256"]
            stored = zip_file.getinfo(name).compress_type == zipfile.ZIP_STORED
            assert stored == name.startswith("photos/")
    assert calls == [(number + 1, 8, f"{number}.jpg") for number in range(8)]
    assert report.photos == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["album.zip", "data", "gone", "here"]


def test_vanished_or_changed_original_is_reported(source, tmp_path):
    (tmp_path / "gone" / "1.jpg").unlink()
    kept = source.originals.find(source.store.get(8))
    kept.write_bytes(kept.read_bytes() + b"more")

    report = save(source, tmp_path / "album.zip")

    assert [it.filename for it in report.left_out] == ["1.jpg"]
    assert [it.filename for it in report.changed] == ["7.jpg"]
    assert report.originals == 7
    back = restore(tmp_path / "album.zip", tmp_path / "elsewhere")
    assert [it.filename for it in back.missing] == ["1.jpg"]
    with library(tmp_path / "elsewhere") as restored:
        changed = restored.originals.find(restored.store.get(8))
        assert changed.read_bytes().endswith(b"more")


def test_disk_failure_within_a_photo_loses_only_it(source, tmp_path, monkeypatch):
    real_open = Path.open

    class Unplugged(io.BytesIO):
        def __init__(self, file):
            super().__init__()
            self._file = file

        def fileno(self):
            return self._file.fileno()

        def read(self, size=-1):
            if self.tell():
                raise OSError(errno.EIO, "Input/output error")
            self.write(b"half")
            return b"half"

    def open_(path, *args, **kwargs):
        file = real_open(path, *args, **kwargs)
        return Unplugged(file) if path.name == "2.jpg" else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_)
        report = save(source, tmp_path / "album.zip")

    assert [it.filename for it in report.left_out] == ["2.jpg"]
    back = restore(tmp_path / "album.zip", tmp_path / "elsewhere")
    assert back.missing == []  # it is where it always was
    assert back.in_place == 6


def test_incoming_original_is_saved(source, tmp_path):
    row = source.store.get(8)
    kept = source.originals.find(row)
    waiting = source.originals.incoming_dir / f"{row.sha256}.7-token" / "7.jpg"
    waiting.parent.mkdir()
    kept.rename(waiting)

    assert save(source, tmp_path / "album.zip").left_out == []


# Where a backup may be written


def refused(source: Library, file: Path, **options) -> str:
    """The sentence that refuses a backup, which leaves everything as it was."""
    folder = file.parent if file.parent.is_dir() else source.data_dir.parent
    before = contents(folder, *LOGS)
    with pytest.raises(AlbumError) as refusal:
        save(source, file, **options)
    assert contents(folder, *LOGS) == before
    sentence = str(refusal.value)
    assert "\n" not in sentence
    return sentence


def test_earlier_backup_is_overwritten_only_by_whole_one(source, tmp_path, monkeypatch):
    file = tmp_path / "out" / "album.zip"
    file.parent.mkdir()
    file.write_bytes(b"an earlier one")

    assert "is there already" in refused(source, file)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail_with(errno.EIO))
        assert "cannot be written" in refused(source, file, overwrite=True)
    save(source, file, overwrite=True)
    assert zipfile.is_zipfile(file)


def test_unwritable_place_is_refused_in_one_sentence(source, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be written" in refused(source, tmp_path / "file" / "album.zip")
    assert "cannot be written" in refused(source, tmp_path / "nowhere" / "album.zip")
    assert "is a folder" in refused(source, tmp_path / "here")
    assert "own folder" in refused(source, tmp_path / "data" / "album.zip")
    assert "own folder" in refused(source, tmp_path / "here" / ".." / "data" / "photos" / "a.zip")


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be written by root")
def test_folder_without_write_permission_is_refused(source, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)

    assert "cannot be written" in refused(source, tmp_path / "closed" / "album.zip")


@contextmanager
def no_file_larger_than(size_bytes: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_raises_and_leaves_no_file(source, tmp_path):
    for number in range(200):  # more than the database alone
        source.add(photo(tmp_path / "in" / f"{number}.png", number + 500), keep=False)
    big = tmp_path / "in" / "0.png"
    big.write_bytes(big.read_bytes() + bytes(2_000_000))
    (tmp_path / "out").mkdir()

    with no_file_larger_than(1_500_000):
        sentence = refused(source, tmp_path / "out" / "album.zip")

    assert "album.zip" in sentence
    assert list((tmp_path / "out").iterdir()) == []
    save(source, tmp_path / "out" / "album.zip")


def test_too_small_disk_is_refused_in_advance(source, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage)
        assert "make room" in refused(source, tmp_path / "out" / "album.zip")


def test_concurrent_and_killed_backups_do_not_mix(source, tmp_path):
    file = tmp_path / "out" / "album.zip"
    part = tmp_path / "out" / "album.zip.part"
    part.mkdir(parents=True)
    (part / "whole.zip").write_bytes(b"half")
    assert "going on" in refused(source, file)

    long_ago = time.time() - 2 * 3600
    for path in (part / "whole.zip", part):
        os.utime(path, (long_ago, long_ago))
    save(source, file)
    assert list(file.parent.iterdir()) == [file]

    part.mkdir()
    (part / "diary.txt").write_text("not a backup's")
    for path in (part / "diary.txt", part):
        os.utime(path, (long_ago, long_ago))
    assert "going on" in refused(source, file, overwrite=True)


# What may be restored, and to where


def test_unfinished_member_is_no_part_of_backup(source, tmp_path):
    save(source, tmp_path / "album.zip")
    sha256 = "ab" + "0" * 62
    rewritten(tmp_path / "album.zip", extra={f"photos/ab/{sha256}.jpg": b"half"})

    restore(tmp_path / "album.zip", tmp_path / "elsewhere")

    with library(tmp_path / "elsewhere") as restored:
        assert faults(restored) == []
        assert sha256_of(restored.originals.find(restored.store.get(8)))


def test_backup_never_loads_a_whole_photo(source, tmp_path, monkeypatch):
    sizes = []
    real_write = zipfile._ZipWriteFile.write

    def write(member, data):
        sizes.append(len(data))
        return real_write(member, data)

    big = source.originals.find(source.store.get(8))
    big.write_bytes(big.read_bytes() + os.urandom(5_000_000))
    with monkeypatch.context() as patch:
        patch.setattr(zipfile._ZipWriteFile, "write", write)
        save(source, tmp_path / "album.zip")

    assert max(sizes) <= 1 << 20
    with BackupReader(tmp_path / "album.zip") as reader:
        assert reader.manifest.counts["photos"] == 8
