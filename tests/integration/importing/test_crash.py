"""`kill -9` at random moments: the next start repairs the library, nothing lost, nothing doubled.

Half of the kills come at a random time, which may fall into a write of SQLite or of a file; the
other half before a random line of the album, which finds the narrow gaps between two steps.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from album.runtime.files import sha256_of
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.images.make import make_text, scene
from tests.support.import_process import NEVER, ImportProcess
from tests.support.importing import ended, upload

KILLS = 20
UPLOAD_KILLS = 10
PHOTOS = 200  # several groups that are stored one after the other
SEED = 20261121


def make_photos(folder: Path, count: int, first: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        scene((64, 48), seed=number).save(folder / f"{number:04}.jpg")
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A folder of photos, one of them twice, and a file that is none."""
    folder = make_photos(tmp_path_factory.mktemp("photos"), PHOTOS)
    shutil.copyfile(folder / "0003.jpg", folder / "0003 (copy).jpg")
    make_text(folder / "0020b.jpg")
    return folder


class Killer:
    """Kills imports at moments drawn over what an uninterrupted one takes."""

    def __init__(self, random_: random.Random, whole: dict) -> None:
        self._random = random_
        self._lines = whole["lines"]
        self._seconds = whole["seconds"] / 3  # which counting lines makes slow
        self._turn = itertools.count()

    def kill(self, data_dir: Path, mode: str, folder: Path) -> str:
        """How it was killed; it may have been too late."""
        if next(self._turn) % 2:
            line = self._random.randint(1, self._lines)
            ImportProcess(data_dir, mode, folder, line).join()
            return f"before line {line}"
        seconds = self._random.uniform(0, self._seconds)
        process = ImportProcess(data_dir, mode, folder)
        time.sleep(seconds)
        process.kill()
        return f"after {seconds:.3f} s"


@contextmanager
def opened(data_dir: Path) -> Iterator[Album]:
    album = Album(data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    album.active.set_encoder(FakeEncoder(), fill=False)
    yield album
    album.close()


def by_content(*folders: Path) -> dict[str, Path]:
    """The files of the folders, by the sha256 of their bytes."""
    return {
        sha256_of(path): path for folder in folders for path in folder.iterdir() if path.is_file()
    }


def wrongs(album: Album, wanted: dict[str, Path]) -> list[str]:
    """What is not as it must be after a kill, whatever has been imported by then."""
    if faults := list(album.faults(deep=True)):
        return faults
    found = []
    photos = list(album.store.all_photos())
    if len(photos) != len({photo.sha256 for photo in photos}):
        found.append("a photo is doubled")
    if len(photos) != len(album.active.current().index):
        found.append("the matrix has not one row for each photo")
    for photo in photos:
        if photo.sha256 not in wanted:
            found.append(f"{photo.filename} was never imported")
        elif album.originals.find(photo).read_bytes() != wanted[photo.sha256].read_bytes():
            found.append(f"{photo.filename} has other bytes than its source")
    return found


@pytest.mark.parametrize("mode", ["in-place", "copy"])
def test_killed_import_is_completed_by_next_one(tmp_path, source, mode):
    """The library is sound after the kill, and complete after the next import."""
    wanted = by_content(source)
    whole = ImportProcess(tmp_path / "whole", mode, source, NEVER).facts()
    assert (whole["added"], whole["already_here"], whole["failed"]) == (PHOTOS, 1, ["0020b.jpg"])
    killer = Killer(random.Random(f"{SEED} {mode}"), whole)
    libraries = (tmp_path / f"library {number}" for number in itertools.count())
    data_dir = next(libraries)
    story = []
    partly = 0  # kills that came when some photos were in and others not

    for _ in range(KILLS):
        how = killer.kill(data_dir, mode, source)
        with opened(data_dir) as album:
            story.append(f"{data_dir.name}, {how}: {album.store.count()} photos")
            assert wrongs(album, wanted) == [], story
            partly += 0 < album.store.count() < PHOTOS
            complete = album.store.count() == PHOTOS
        if complete:
            data_dir = next(libraries)
    final = ImportProcess(data_dir, mode, source).facts()

    assert partly >= KILLS / 10, story
    assert final["failed"] == ["0020b.jpg"]
    with opened(data_dir) as album:
        assert wrongs(album, wanted) == [], story
        assert album.store.count() == PHOTOS
    assert by_content(source) == wanted


def test_killed_import_is_interrupted_until_folder_is_finished(tmp_path, source):
    files = PHOTOS + 2
    for number in itertools.count():  # until one is killed in the middle
        data_dir = tmp_path / f"library {number}"
        process = ImportProcess(data_dir, "in-place", source)
        with opened(data_dir) as album:
            while process.runs() and not (album.imports.recent(1) and album.imports.get(1).done):
                time.sleep(0.001)
            process.kill()
            killed = album.imports.get(1)
            if not killed.ended:
                break
    with opened(data_dir) as album:
        assert (killed.state, album.imports.get(1).state) == ("interrupted", "interrupted")
        assert 0 < killed.done < files

        second = album.imports.run([source])

        assert (second.state, second.done, second.total) == ("done", files, files)
        first = album.imports.get(1)
        assert (first.state, first.done, first.total) == ("done", files, files)
        assert [it.state for it in album.imports.recent(5)] == ["done", "done"]
        again = album.imports.resume_here(1)
        assert (again.done, again.total, again.added) == (files, files, killed.added)
        assert again.added + again.already_here + again.failed == files


def test_killed_uploads_are_imported_at_next_start(tmp_path):
    """Among them photos that the album had in place and whose originals have gone since."""
    rng = random.Random(SEED)
    whole_uploads = make_photos(tmp_path / "whole uploads", 30)
    whole = ImportProcess(tmp_path / "whole", "upload", whole_uploads, NEVER).facts()
    assert whole["added"] == 30
    killer = Killer(rng, whole)
    story = []

    for number in range(UPLOAD_KILLS):
        data_dir = tmp_path / f"library {number}"
        lost = make_photos(tmp_path / f"lost {number}", 15)
        uploads = make_photos(tmp_path / f"uploads {number}", 30)
        kept = Path(shutil.copytree(uploads, tmp_path / f"kept {number}"))
        wanted = by_content(kept)
        ImportProcess(data_dir, "in-place", lost).facts()
        shutil.rmtree(lost)

        story.append(f"{number}: {killer.kill(data_dir, 'upload', uploads)}")
        if rng.random() < 0.5:
            story.append(f"{number}: again {killer.kill(data_dir, 'resume', uploads)}")

        with opened(data_dir) as album:
            album.start()
            while album.imports.running:
                time.sleep(0.01)
            received = wanted.keys() - by_content(uploads).keys()
            here = {photo.sha256 for photo in album.store.all_photos()}
            assert received <= here, story
            upload(album, [(path, path.name) for path in uploads.iterdir()])
            assert wrongs(album, wanted) == [], story
            assert album.store.count() == len(wanted), story
            assert album.originals.uploads() == [], story


def test_upload_survives_kills_of_several_starts(tmp_path):
    path = make_photos(tmp_path / "uploads", 1) / "0000.jpg"
    sha256 = sha256_of(path)
    with opened(tmp_path / "data") as album:
        import_id = album.import_store.begin("upload", [])
        waiting = album.originals.receive_upload(path, path.name, import_id=import_id)
        for _ in range(10):
            album.originals.note_identity(waiting, sha256)
            (waiting,) = album.originals.uploads(import_id)

        album.start()
        ended(album, import_id)

        assert [photo.sha256 for photo in album.store.all_photos()] == [sha256]
        assert album.originals.uploads() == []


def test_upload_loses_no_photo_when_album_closes(tmp_path):
    uploads = make_photos(tmp_path / "uploads", 160)
    wanted = by_content(make_photos(tmp_path / "kept", 160))
    with opened(tmp_path / "data") as album:
        first = album.upload([(path, path.name) for path in sorted(uploads.iterdir())[:150]])
        album.upload([(path, path.name) for path in sorted(uploads.iterdir())])  # waits its turn
        while not album.imports.get(first).done:
            time.sleep(0.001)
    with opened(tmp_path / "data") as album:
        assert 0 < album.store.count() < 150
        album.start()
        while album.imports.running:
            time.sleep(0.01)

        assert wrongs(album, wanted) == []
        assert album.store.count() == 160


def test_two_imports_share_library_while_others_start(tmp_path):
    data_dir = tmp_path / "data"
    source = make_photos(tmp_path / "photos", 200)
    wanted = by_content(source)
    imports = [ImportProcess(data_dir, "copy", source) for _ in range(2)]
    opened_meanwhile = 0
    while any(process.runs() for process in imports):
        with opened(data_dir) as album:
            album.start()
            assert album.imports.running_here is None  # takes nothing from those that are running
        opened_meanwhile += 1
    reports = [process.facts() for process in imports]

    assert opened_meanwhile
    assert "Traceback" not in imports[0].errors()  # they write to the same file
    assert [report["failed"] for report in reports] == [[], []]
    assert sum(report["added"] for report in reports) == len(wanted)
    with opened(data_dir) as album:
        assert wrongs(album, wanted) == []
        assert album.store.count() == len(wanted)


def test_unfinished_copies_expire_after_day_uploads_never(tmp_path):
    upload = make_photos(tmp_path / "photos", 1) / "0000.jpg"
    with opened(tmp_path / "data") as album:
        originals = album.originals
        new_copy = originals.new_folder(1)
        seen_copy = originals.new_folder(1) / "a.jpg"
        shutil.copyfile(upload, seen_copy)
        seen_copy, _ = originals.note_identity(seen_copy, sha256_of(upload))
        kept = originals.receive_upload(upload, upload.name, import_id=1)
    with opened(tmp_path / "data") as album:
        assert new_copy.exists()
        assert seen_copy.exists()
        assert album.originals.uploads() == [kept]
    for folder in (new_copy, seen_copy.parent, kept.parent):
        os.utime(folder, (0, time.time() - 2 * 86_400))
    with opened(tmp_path / "data") as album:
        assert not new_copy.exists()
        assert not seen_copy.parent.exists()
        assert album.originals.uploads() == [kept]
