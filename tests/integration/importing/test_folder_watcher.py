"""Folders and zips that are imported where they lie, again and again, while people change them."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from album.errors import AlbumError
from album.importing.scanner import Archive, Blocked, FileScanner
from album.service import Album
from tests.support.images.make import make_empty, make_photo, make_text
from tests.support.importing import Report, ended, opened, take_in, upload, wait_until


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with a photo of each of three colours."""
    for colour in ("red", "green", "blue"):
        make_photo(tmp_path / "mine" / colour / f"{colour}.jpg", colour)
    return tmp_path / "mine"


def photos_of(album: Album) -> dict[str, int]:
    return {photo.filename: photo.photo_id for photo in album.store.all_photos()}


def counts(report: Report) -> tuple[int, int, int, int]:
    record = report.record
    return record.added, record.already_here, record.updated, record.missing


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


class NeverDecodes:
    """A decoder that fails the test when it is asked."""

    def decode(self, path, encoder_px, sidecars=()):
        raise AssertionError(f"{path} was opened again")

    def close(self) -> None:
        pass


def forbid_reading(album: Album, monkeypatch) -> None:
    monkeypatch.setattr(album.importer, "_decoder", NeverDecodes())

    def read(path):
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("album.importing.file_inspector.sha256_of", read)


def test_folder_is_never_written_to(album, folder):
    before = contents(folder)

    take_in(album, [folder])
    take_in(album, [folder])

    assert contents(folder) == before


def test_unchanged_files_are_not_opened_again(album, folder, monkeypatch):
    take_in(album, [folder])
    forbid_reading(album, monkeypatch)

    assert counts(take_in(album, [folder])) == (0, 3, 0, 0)


def test_touched_file_stays_same_photo(album, folder):
    take_in(album, [folder])
    os.utime(folder / "red" / "red.jpg")

    assert counts(take_in(album, [folder])) == (0, 3, 0, 0)


def test_moved_file_keeps_caption_labels_and_vector(album, folder):
    take_in(album, [folder])
    red = photos_of(album)["red.jpg"]
    album.captions.write(red, "장미")
    album.labels.set_by_person(red, ["garden"])
    (folder / "red" / "red.jpg").rename(folder / "rose.jpg")

    report = take_in(album, [folder])

    assert counts(report) == (0, 3, 0, 0)
    photo = album.photo(red)
    assert (photo.filename, photo.path, photo.missing) == ("rose.jpg", folder / "rose.jpg", False)
    assert album.captions.get(red).text == "장미"
    assert album.labels_of(red) == ["garden"]
    assert album.search.find("red").hits[0].photo.photo_id == red
    assert list(album.faults()) == []


def test_missing_file_is_marked_until_it_returns(album, folder, monkeypatch):
    take_in(album, [folder])
    red = photos_of(album)["red.jpg"]
    away = shutil.move(folder / "red" / "red.jpg", folder.parent / "elsewhere.jpg")

    assert counts(take_in(album, [folder])) == (0, 2, 0, 1)
    assert album.photo(red).missing
    assert album.search.find("red").hits[0].photo.photo_id == red
    assert album.imports.get(2).missing == 1
    assert counts(take_in(album, [folder])) == (0, 2, 0, 0)  # said once

    shutil.move(away, folder / "red" / "red.jpg")
    forbid_reading(album, monkeypatch)
    assert counts(take_in(album, [folder])) == (0, 3, 0, 0)
    assert not album.photo(red).missing


def test_copy_becomes_original_when_original_goes(album, folder):
    shutil.copy2(folder / "red" / "red.jpg", folder / "twin.jpg")
    take_in(album, [folder])
    (first,) = [it for it in album.store.all_photos() if it.filename in ("red.jpg", "twin.jpg")]
    first.path.unlink()

    assert counts(take_in(album, [folder])) == (0, 3, 0, 0)

    photo = album.photo(first.photo_id)
    assert photo.path != first.path
    assert photo.path.is_file()
    assert not photo.missing


def test_edited_file_keeps_caption_and_gets_vector(album, folder):
    """A file edited in place stays the same photo with a new vector."""
    take_in(album, [folder])
    red = photos_of(album)["red.jpg"]
    album.captions.write(red, "장미")
    make_photo(folder / "red" / "red.jpg", "yellow", (80, 80))

    report = take_in(album, [folder])

    assert counts(report) == (0, 2, 1, 0)
    photo = album.photo(red)
    assert (photo.width, photo.height) == (80, 80)
    assert album.captions.get(red).text == "장미"
    assert album.search.find("yellow").hits[0].photo.photo_id == red
    assert len(album.active.current().index) == 3
    assert list(album.faults(deep=True)) == []


def test_later_sidecar_updates_photo(album, folder):
    take_in(album, [folder])
    red = photos_of(album)["red.jpg"]
    sidecar = folder / "red" / "red.xmp"
    sidecar.write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/>'
        "</rdf:RDF></x:xmpmeta>"
    )

    report = take_in(album, [folder])

    assert counts(report) == (0, 2, 1, 0)
    assert album.photo(red).rating == 4
    assert counts(take_in(album, [folder])) == (0, 3, 0, 0)


def test_unplugged_folder_changes_nothing_and_says_so(album, folder):
    take_in(album, [folder])
    folder.rename(folder.with_name("unplugged"))

    with pytest.raises(AlbumError, match="is not there: plug its disk in"):
        take_in(album, [folder])
    folder.mkdir()  # what is left of a disk is an empty folder
    with pytest.raises(AlbumError, match="is not there: plug its disk in"):
        take_in(album, [folder])

    assert not any(photo.missing for photo in album.store.all_photos())
    assert album.imports.recent(1)[0].state == "failed"
    folder.rmdir()
    folder.with_name("unplugged").rename(folder)
    assert counts(take_in(album, [folder])) == (0, 3, 0, 0)


def test_pulled_disk_fails_import_but_no_photo(album, folder, monkeypatch):
    def pulled(path, encoder_px, sidecars=()):
        if folder.exists():
            folder.rename(folder.with_name("pulled"))
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(album.decoder, "decode", pulled)

    with pytest.raises(AlbumError, match="is not there: plug its disk in"):
        take_in(album, [folder])

    (record,) = album.imports.recent(5)
    assert (record.state, record.failed) == ("failed", 0)
    monkeypatch.undo()
    folder.with_name("pulled").rename(folder)
    album.imports.resume(record.import_id)
    assert ended(album, record.import_id).record.added == 3


# Folders that the album watches


@pytest.fixture
def watching(tmp_path, folder):
    away = tmp_path / "away"
    album = opened(tmp_path / "data", folders=[folder, away], rescan_every_s=1.0)
    album.start()
    yield album
    album.close()


def test_watched_folder_is_kept_current_and_listed(watching, folder, tmp_path):
    wait_until(lambda: watching.store.count() == 3)
    make_photo(folder / "new.jpg", "pink")
    wait_until(lambda: watching.store.count() == 4)
    (folder / "new.jpg").unlink()
    wait_until(lambda: watching.watched()[0].missing == 1)

    here, away = watching.watched()

    assert (here.path, here.photos, here.missing, here.there) == (folder, 4, 1, True)
    assert (away.photos, away.there) == (0, False)
    make_photo(tmp_path / "away" / "far.jpg", "orange")  # its disk is plugged in
    wait_until(lambda: watching.watched()[1].photos == 1)


def test_rescan_leaves_no_report_when_nothing_changed(watching):
    wait_until(lambda: watching.store.count() == 3 and watching.imports.running is None)
    told = len(watching.imports.recent(50))
    time.sleep(2.5)
    assert len(watching.imports.recent(50)) == told


def written_by(album: Album) -> int:
    """Bytes of the log that every change of the database goes through first."""
    log = album.data_dir / "album.db-wal"
    return log.stat().st_size if log.exists() else 0


def emptied_log(album: Album) -> None:
    album.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert written_by(album) == 0


def many(folder: Path, count: int) -> None:
    """One photo and so many copies of it."""
    first = make_photo(folder / "first.jpg", "red")
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(first.read_bytes())


def rescan(album: Album, folder: Path) -> None:
    """Look through a folder as the watch does, and wait for what comes of it."""
    album._rescan_if_changed(folder)
    wait_until(lambda: album.imports.running is None)
    for thread in list(album.imports._threads.values()):
        thread.join()


def test_rescan_writes_nothing_when_nothing_changed(album, tmp_path):
    many(tmp_path / "mine", 300)
    (tmp_path / "mine" / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "mine" / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    take_in(album, [tmp_path / "mine"])
    told = album.imports.recent(50)
    emptied_log(album)

    for _ in range(3):
        rescan(album, tmp_path / "mine")

    assert written_by(album) == 0
    assert album.imports.recent(50) == told
    assert list((album.data_dir / "imports").glob("[0-9]*.lock")) == []


def test_rescan_writes_only_the_new_file(album, tmp_path):
    many(tmp_path / "mine", 3000)
    take_in(album, [tmp_path / "mine"])
    make_photo(tmp_path / "mine" / "new.jpg", "blue")
    emptied_log(album)

    rescan(album, tmp_path / "mine")

    assert album.store.count() == 2
    assert album.imports.recent(1)[0].added == 1
    assert album.imports.recent(1)[0].done == 3002
    assert written_by(album) < 500_000  # the rows of 3,000 files take more


@pytest.mark.parametrize("change", ["new", "edited", "gone", "came back", "sidecar", "touched"])
def test_every_change_of_a_folder_is_news(album, folder, change):
    red = folder / "red" / "red.jpg"
    take_in(album, [folder])
    if change == "came back":
        red.rename(folder.parent / "away.jpg")
        take_in(album, [folder])
    assert not album.importer.tracker.has_news(folder)
    match change:
        case "new":
            make_photo(folder / "new.jpg", "pink")
        case "edited":
            make_photo(red, "yellow", (80, 80))
        case "gone":
            red.unlink()
        case "came back":
            (folder.parent / "away.jpg").rename(red)
        case "sidecar":
            red.with_name("red.jpg.xmp").write_text("<x/>")
        case "touched":
            os.utime(red, (1, 1))

    assert album.importer.tracker.has_news(folder)
    rescan(album, folder)
    assert not album.importer.tracker.has_news(folder)


def test_copy_of_lost_original_is_news(album, folder):
    shutil.copy2(folder / "red" / "red.jpg", folder.parent / "z.jpg")
    take_in(album, [folder])
    (folder.parent / "others").mkdir()
    (folder.parent / "z.jpg").rename(folder.parent / "others" / "z.jpg")
    take_in(album, [folder.parent / "others"])
    assert not album.importer.tracker.has_news(folder.parent / "others")

    (folder / "red" / "red.jpg").unlink()

    assert album.importer.tracker.has_news(folder.parent / "others")


def test_interrupted_rescan_counts_each_file_once(album, tmp_path):
    many(tmp_path / "mine", 100)
    take_in(album, [tmp_path / "mine"])
    make_photo(tmp_path / "mine" / "new.jpg", "blue")
    import_id = album.import_store.begin("rescan", [tmp_path / "mine"])
    asked = iter([False] * 60)

    album.importer.work(import_id, closing=lambda: next(asked, True))
    assert album.imports.get(import_id).state == "waiting"
    (tmp_path / "mine" / "50.jpg").unlink()
    album.imports.resume_here(import_id)

    record = album.imports.get(import_id)
    assert (record.state, record.added, record.done) == ("done", 1, 101)
    assert record.already_here == 100


def test_broken_file_is_reported_again_only_on_request(watching, folder):
    make_text(folder / "broken.jpg")
    wait_until(lambda: any(it.failed for it in watching.imports.recent(50)))
    time.sleep(2.5)
    assert sum(it.failed for it in watching.imports.recent(50)) == 1

    report = ended(watching, watching.rescan(0))

    assert report.failed_names == ["broken.jpg"]
    with pytest.raises(AlbumError, match="not one that the album watches"):
        watching.rescan(2)


# Zips


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@pytest.fixture
def takeout(tmp_path) -> Path:
    """What Google Takeout gives: photos, JSON beside them, a film, and a page."""
    photos = {
        colour: make_photo(tmp_path / f"{colour}.jpg", colour).read_bytes()
        for colour in ("red", "blue")
    }
    told = {"photoTakenTime": {"timestamp": "1565000000"}, "geoData": {"latitude": 0.0}}
    return make_zip(
        tmp_path / "takeout-001.zip",
        {
            "Takeout/Google Photos/2019/IMG.jpg": photos["red"],
            "Takeout/Google Photos/2019/IMG.jpg.json": json.dumps(told).encode(),
            "Takeout/Google Photos/2020/b.jpg": photos["blue"],
            "Takeout/Google Photos/2020/film.mp4": b"film",
            "Takeout/archive_browser.html": b"<html>",
            "__MACOSX/Takeout/._b.jpg": b"no photo",
        },
    )


def test_zip_imports_like_folder_and_stores_photos(album, takeout):
    before = takeout.read_bytes()

    report = take_in(album, [takeout])

    assert len(report.added) == 2
    assert report.failed == []
    assert report.skipped == {"video": 1, "document": 1, "other": 1}
    for photo in album.store.all_photos():
        assert photo.path is None
        assert album.originals.find(photo).is_file()
    assert takeout.read_bytes() == before
    assert album.originals.uploads() == []
    assert list(album.faults(deep=True)) == []


def test_takeout_sidecar_in_zip_describes_photo(album, takeout):
    take_in(album, [takeout])

    photo = album.photo(photos_of(album)["IMG.jpg"])

    assert photo.taken_from == "takeout"
    assert photo.taken_at.year == 2019
    kept = album.originals.find(photo)
    assert kept.with_name(kept.name + ".json").is_file()


def test_second_import_of_zip_opens_no_photo(album, takeout, monkeypatch):
    take_in(album, [takeout])
    forbid_reading(album, monkeypatch)

    assert counts(take_in(album, [takeout])) == (0, 2, 0, 0)


def test_uploaded_zip_becomes_photos_and_is_deleted(album, takeout):
    report = upload(album, [(takeout, "takeout-001.zip")])

    assert (len(report.added), report.failed) == (2, [])
    assert not [it for it in album.originals.incoming_dir.rglob("*") if it.is_file()]


def test_uploaded_zip_with_broken_photo_can_be_retried(album, tmp_path):
    good = make_photo(tmp_path / "good.jpg", "red").read_bytes()
    zipped = make_zip(tmp_path / "x.zip", {"good.jpg": good, "a/bad.jpg": b"no photo"})

    report = upload(album, [(zipped, "x.zip")])

    assert (len(report.added), report.failed_names) == (1, ["bad.jpg"])
    again = ended(album, album.imports.retry(report.record.import_id))
    assert (again.already_here, again.failed_names) == (1, ["bad.jpg"])


@pytest.mark.parametrize("name", ["../../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg"])
def test_hostile_name_in_a_zip_leads_nowhere(album, tmp_path, name):
    photo = make_photo(tmp_path / "photo.jpg", "red").read_bytes()
    report = take_in(album, [make_zip(tmp_path / "in" / "evil.zip", {name: photo})])

    assert len(report.added) == 1
    assert photos_of(album) == {"evil.jpg": 1}
    assert [it.name for it in (tmp_path / "in").iterdir()] == ["evil.zip"]
    assert not list(tmp_path.rglob("evil.jpg"))


def test_old_korean_names_in_a_zip_are_read(album, tmp_path):
    photo = make_photo(tmp_path / "photo.jpg", "red").read_bytes()
    path = make_zip(tmp_path / "old.zip", {"AAAAAAAA.jpg": photo})
    korean = "가족사진".encode("cp949")
    path.write_bytes(path.read_bytes().replace(b"AAAAAAAA", korean))

    take_in(album, [path])

    assert list(photos_of(album)) == ["가족사진.jpg"]


def test_unreadable_zip_is_one_failure(album, tmp_path):
    broken = make_text(tmp_path / "broken.zip")
    photo = make_photo(tmp_path / "photo.jpg", "red").read_bytes()
    locked = make_zip(tmp_path / "locked.zip", {"a.jpg": photo})
    data = bytearray(locked.read_bytes())
    data[6] |= 1  # the flag of a password, in the head of the file and in the list
    data[data.index(b"PK\1\2") + 8] |= 1
    locked.write_bytes(data)
    damaged = make_zip(tmp_path / "damaged.zip", {"a.jpg": photo})
    data = bytearray(damaged.read_bytes())
    data[60] ^= 0xFF
    damaged.write_bytes(data)

    report = take_in(album, [broken, locked, damaged])

    assert [failure.reason.split(":")[0] for failure in report.failed] == [
        "The zip cannot be opened",
        "This file of the zip is damaged or packed in an unknown way",
        "This file of the zip has a password",
    ]
    assert album.originals.uploads() == []
    assert not [it for it in album.originals.incoming_dir.rglob("*") if it.is_file()]


def test_finder_counts_what_it_walks(tmp_path):
    for name in ("a.jpg", "b.png", "deep/c.heic"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        make_empty(path)
    (tmp_path / "in" / "film.mov").write_bytes(b"")
    (tmp_path / "in" / "a.xmp").write_bytes(b"")
    zipped = make_zip(tmp_path / "z.zip", {"d.jpg": b"", "e.pdf": b""})
    finder = FileScanner([tmp_path / "in", zipped, tmp_path / "named.txt"], tmp_path / "data")

    total, others = finder.count()
    walked = list(finder.walk())

    assert total == len(walked) == 5
    assert others == {"video": 1, "document": 1}
    assert not any(isinstance(it, Blocked) for it in walked)
    assert [it.name for it in walked] == ["a.jpg", "b.png", "c.heic", "d.jpg", "named.txt"]


def test_zip_members_are_unpacked_with_their_time(tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(zipfile.ZipInfo("a.jpg", (2009, 8, 7, 6, 5, 4)), b"bytes")

    Archive(path).write(f"{path}/a.jpg", tmp_path / "a.jpg")

    assert (tmp_path / "a.jpg").read_bytes() == b"bytes"
    assert time.localtime((tmp_path / "a.jpg").stat().st_mtime)[:6] == (2009, 8, 7, 6, 5, 4)
