"""Journey 1 with real files and a real database: what goes in, what is reported, what is kept."""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from album.errors import ModelLoadingError
from album.importing.zip_archive import MAX_SIDECAR_BYTES
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import FakeCaptioner
from tests.support.images.make import (
    make_dng,
    make_empty,
    make_exif,
    make_photo,
    make_text,
    make_truncated,
    quarters,
)
from tests.support.importing import ended, opened, take_in, upload, wait_until


def only_photo(album: Album):
    (photo,) = album.store.all_photos()
    return photo


def test_photo_imported_in_place_keeps_its_file(album, tmp_path):
    path = make_photo(tmp_path / "mine" / "rose.jpg", "red")
    before = path.read_bytes(), path.stat().st_mtime_ns

    report = take_in(album, [path])

    assert len(report.added) == 1
    assert report.failed == []
    assert only_photo(album).path == path
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert album.search.find("red").hits[0].photo.filename == "rose.jpg"
    assert not list(album.originals.photos_dir.rglob("*.jpg"))


def test_copied_original_is_stored_under_its_sha256(album, tmp_path):
    path = make_photo(tmp_path / "rose.jpg", "red")

    take_in(album, [path], copy=True)

    photo = only_photo(album)
    assert photo.path is None
    kept = album.originals.find(photo)
    assert kept.name == f"{photo.sha256}.jpg"
    assert kept.read_bytes() == path.read_bytes()
    assert path.exists()
    assert album.originals.uploads() == []


def test_same_bytes_are_already_here_under_any_name(album, tmp_path):
    first = make_photo(tmp_path / "a.jpg", "red")
    second = tmp_path / "b.jpg"
    second.write_bytes(first.read_bytes())

    report = take_in(album, [first, second])
    again = take_in(album, [first, second])

    assert (len(report.added), report.already_here) == (1, 1)
    assert (len(again.added), again.already_here) == (0, 2)
    assert album.store.count() == 1


def test_duplicate_in_upload_leaves_one_photo(album, tmp_path):
    uploads = []
    for folder in ("one", "two"):
        path = make_photo(tmp_path / folder / "same.jpg", "red")
        uploads.append((path, path.name))

    report = upload(album, uploads)

    assert (len(report.added), report.already_here) == (1, 1)
    assert album.originals.find(only_photo(album)).exists()
    assert album.originals.uploads() == []
    left = [file for file in album.originals.incoming_dir.rglob("*") if file.is_file()]
    assert left == []


@pytest.mark.parametrize("copy", [False, True])
def test_bad_files_are_reported_and_stop_nothing(album, tmp_path, copy):
    good = make_photo(tmp_path / "good.png", "blue")
    bad = [
        make_text(tmp_path / "text.jpg"),
        make_truncated(tmp_path / "cut.jpg"),
        make_empty(tmp_path / "empty.png"),
        tmp_path / "gone.jpg",
    ]

    report = take_in(album, [bad[0], good, *bad[1:]], copy=copy)

    assert len(report.added) == 1
    assert [failure.path for failure in report.failed] == sorted(bad)
    for failure in report.failed:
        assert failure.reason.endswith(".")
        assert str(tmp_path) not in failure.reason
    assert album.originals.uploads() == []
    assert list(album.faults()) == []


def test_failed_upload_is_kept_and_can_be_retried(album, tmp_path):
    path = make_text(tmp_path / "text.jpg")

    report = upload(album, [(path, path.name)])

    assert report.failed_names == ["text.jpg"]
    assert album.originals.uploads() == []
    again = ended(album, album.imports.retry(report.record.import_id))
    assert again.record.state == "done"
    assert again.failed_names == ["text.jpg"]
    (kept,) = [it for it in album.originals.incoming_dir.rglob("*") if it.is_file()]
    os.utime(kept.parent, (0, 0))
    album.importer.repair()
    assert not kept.exists()


RESERVED = [
    "photo.part", "0123456789abcdef0123456789abcdef.part", ".hidden.jpg", ".part", "photo.album",
    ".album", "photo.lock", "photo.tmp", "new", "failed", "half", "copy-1-0123.jpg", "album.db",
    "photo.crdownload", "x~", "사진.part",
]  # fmt: skip


@pytest.mark.parametrize("name", RESERVED)
def test_upload_may_have_name_the_album_uses(album, tmp_path, name):
    path = make_photo(tmp_path / "photo.jpg", "red")

    report = upload(album, [(path, name)])

    assert (len(report.added), report.failed) == (1, [])
    assert only_photo(album).filename == name
    assert album.originals.find(only_photo(album)).is_file()
    assert list(album.faults(deep=True)) == []


@pytest.mark.parametrize("name", [*RESERVED, "photo.thm", "photo.json", "photo.xmp"])
def test_copy_may_have_name_the_album_uses(album, tmp_path, name):
    path = make_photo(tmp_path / "in" / "photo.jpg", "red").rename(tmp_path / "in" / name)

    report = take_in(album, [path], copy=True)

    assert (len(report.added), report.failed) == (1, [])
    assert album.originals.find(only_photo(album)).read_bytes() == path.read_bytes()
    assert list(album.faults(deep=True)) == []


@pytest.mark.parametrize("ending", [".part", ".한글", ".with blank", f".{'x' * 200}", ".json"])
def test_raw_photo_with_any_suffix_is_backed_up(album, tmp_path, ending):
    path = make_dng(tmp_path / "in.dng", quarters((64, 48)), None)
    path = path.rename(tmp_path / f"a{ending}")
    copy = take_in(album, [path], copy=True)

    assert (len(copy.added), copy.failed) == (1, [])
    assert list(album.faults(deep=True)) == []
    kept = album.originals.find(only_photo(album))
    assert re.fullmatch(r"[0-9a-f]{64}(\.[a-z0-9]{1,8})?", kept.name)


def test_upload_is_found_after_crash_by_any_name(tmp_path):
    path = make_photo(tmp_path / "photo.jpg", "red")
    album = opened(tmp_path / "data")
    import_id = album.import_store.begin("upload", [])
    album.originals.receive_upload(path, "photo.part", import_id=import_id)
    album.close()

    album = opened(tmp_path / "data")
    album.start()

    assert len(ended(album, import_id).added) == 1
    album.close()


def test_upload_from_another_disk_is_moved_atomically(album, tmp_path, monkeypatch):
    path = make_photo(tmp_path / "photo.jpg", "red")
    rename, seen = Path.replace, []

    def from_another_disk(self: Path, target: Path) -> Path:
        if self == path:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        seen.append(self.relative_to(album.originals.incoming_dir).parts[0])
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", from_another_disk)
    album.originals.receive_upload(path, "photo.jpg", import_id=1)

    assert seen == ["half"]
    assert [it.name for it in album.originals.uploads(1)] == ["photo.jpg"]
    assert not path.exists()


def test_partial_file_of_crash_expires_after_day(album, monkeypatch):
    half = album.originals.new_half()
    half.write_bytes(b"half a photo")
    os.utime(half, (0, 0))  # a copy of an old photo, about to be moved to its place
    album.importer.repair()
    assert half.exists()
    tomorrow = time.time() + 2 * 86_400
    monkeypatch.setattr("album.storage.originals.time.time", lambda: tomorrow)
    album.importer.repair()
    assert not half.exists()


def test_uploaded_sidecar_describes_raw_and_jpeg(album, tmp_path):
    jpeg = make_photo(tmp_path / "a.jpg", "red")
    raw = make_dng(tmp_path / "a.dng", quarters((64, 48)), None)
    sidecar = tmp_path / "a.xmp"
    sidecar.write_text("<x/>")

    report = upload(album, [(it, it.name) for it in (jpeg, raw, sidecar)])

    assert (len(report.added), report.failed) == (2, [])
    assert not sidecar.exists()


@pytest.mark.parametrize("name", ["a.xmp", "a.json", "a.aae", "a.thm"])
def test_sidecar_without_photo_is_reported(album, tmp_path, name):
    (tmp_path / name).write_text("about a photo")

    report = upload(album, [(tmp_path / name, name)])

    assert (report.added, report.failed_names) == ([], [name])
    assert "send both at once" in report.failed[0].reason


def test_unread_file_beside_photo_is_counted(album, tmp_path):
    photo = make_photo(tmp_path / "a.jpg", "red")
    (tmp_path / "a.aae").write_text("edits")

    report = upload(album, [(photo, "a.jpg"), (tmp_path / "a.aae", "a.aae")])

    assert (len(report.added), report.failed, report.skipped) == (1, [], {"other": 1})


@pytest.mark.parametrize("how", ["upload", "copy", "in place"])
def test_too_large_sidecar_is_dropped_photo_stored(album, tmp_path, how):
    photo = make_photo(tmp_path / "in" / "a.jpg", "red")
    sidecar = photo.with_name("a.jpg.xmp")
    sidecar.write_bytes(b" " * (MAX_SIDECAR_BYTES + 1))

    if how == "upload":
        report = upload(album, [(it, it.name) for it in (photo, sidecar)])
    else:
        report = take_in(album, [photo.parent], copy=how == "copy")

    assert len(report.added) == 1
    assert report.failed_names == ([] if how == "in place" else ["a.jpg.xmp"])
    assert all("larger than 4 MB" in failure.reason for failure in report.failed)
    assert not list(album.data_dir.rglob("*.xmp"))
    assert sidecar.exists() == (how != "upload")
    assert list(album.faults(deep=True)) == []


def test_named_pipe_is_reported_and_never_blocks(album, tmp_path):
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)

    report = take_in(album, [pipe])

    assert [failure.path for failure in report.failed] == [pipe]


def test_capture_time_comes_from_exif_or_file(album, tmp_path):
    taken = make_photo(
        tmp_path / "a.jpg", "red", exif=make_exif(shot={0x9003: "2019:08:03 14:02:05"})
    )
    unknown = make_photo(tmp_path / "b.jpg", "blue")
    os.utime(unknown, (1_000_000_000, 1_000_000_000))

    take_in(album, [taken, unknown], copy=True)

    known, guessed = sorted(album.store.all_photos(), key=lambda photo: photo.filename)
    assert (known.taken_at, known.taken_from) == (datetime(2019, 8, 3, 14, 2, 5), "exif")
    assert guessed.taken_at == datetime.fromtimestamp(1_000_000_000)
    assert guessed.taken_from == "file"


def test_scan_skips_hidden_other_and_album_files(album, tmp_path):
    make_photo(tmp_path / "2019" / "a.jpg", "red")
    make_photo(tmp_path / "2020" / "deep" / "B.JPG", "blue")
    make_photo(tmp_path / ".trash" / "c.jpg", "green")
    make_photo(tmp_path / "2019" / "._a.jpg", "pink")
    make_photo(tmp_path / "@eaDir" / "d.jpg", "orange")
    (tmp_path / "2019" / "notes.txt").write_text("not a photo")
    (tmp_path / "2019" / "film.MP4").write_text("not a photo")
    make_photo(album.originals.thumbnails_dir / "zz" / "t.jpg", "black")

    report = take_in(album, [tmp_path])

    assert sorted(photo.filename for photo in album.store.all_photos()) == ["B.JPG", "a.jpg"]
    assert report.skipped == {"document": 1, "video": 1}
    assert report.failed == []


def test_unreadable_folder_is_reported_by_name(album, tmp_path, monkeypatch):
    closed = tmp_path / "photos" / "closed"
    make_photo(closed / "a.jpg", "red")
    make_photo(tmp_path / "photos" / "b.jpg", "blue")
    scandir = os.scandir

    def refuse(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    report = take_in(album, [tmp_path / "photos"])

    assert len(report.added) == 1
    assert [(it.path, it.reason) for it in report.failed] == [
        (closed, "The album may not look into this folder.")
    ]


def test_progress_names_each_file_up_to_total(album, tmp_path):
    paths = [make_photo(tmp_path / f"{n}.png", (n * 8, 0, 0)) for n in range(20)]
    seen: list[tuple[int, int, str]] = []

    take_in(album, [*paths, tmp_path / "gone.jpg"], on_progress=lambda *at: seen.append(at))

    assert [done for done, _, _ in seen] == list(range(1, 22))
    assert {total for _, total, _ in seen} == {21}
    assert sorted(name for _, _, name in seen) == sorted([*(p.name for p in paths), "gone.jpg"])


def test_cancelled_upload_keeps_photos_and_leaves_nothing(album, tmp_path, monkeypatch):
    decode = album.decoder.decode
    quick = threading.Event()

    def decode_slowly(path, encoder_px, sidecars=()):
        quick.wait(0.02)
        return decode(path, encoder_px, sidecars)

    monkeypatch.setattr(album.decoder, "decode", decode_slowly)
    paths = [make_photo(tmp_path / f"{n}.png", (n, 0, 0)) for n in range(250)]

    import_id = album.upload([(path, path.name) for path in paths])
    wait_until(lambda: album.imports.get(import_id).done)
    album.imports.cancel(import_id)

    report = ended(album, import_id)
    assert report.record.state == "cancelled"
    assert 0 < len(report.added) < 250
    assert album.store.count() == len(report.added)
    assert album.originals.uploads() == []
    assert list(album.faults()) == []


def test_moved_photo_is_found_at_new_path(album, tmp_path):
    old = make_photo(tmp_path / "old" / "a.jpg", "red")
    take_in(album, [old])
    new = tmp_path / "new.jpg"
    old.rename(new)

    report = take_in(album, [new])

    assert report.already_here == 1
    assert album.originals.find(only_photo(album)) == new


def test_upload_replaces_an_original_that_was_lost(album, tmp_path):
    path = make_photo(tmp_path / "a.jpg", "red")
    take_in(album, [path])
    content = path.read_bytes()
    path.unlink()
    again = tmp_path / "again.jpg"
    again.write_bytes(content)

    upload(album, [(again, "again.jpg")])

    photo = only_photo(album)
    assert photo.path is None
    assert album.originals.find(photo).read_bytes() == content
    assert list(album.faults()) == []


def test_cp949_file_name_is_read_and_found(album, tmp_path):
    source = make_photo(tmp_path / "plain.jpg", "red")
    old = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + "가족사진.jpg".encode("cp949")))
    source.rename(old)

    take_in(album, [old])

    photo = only_photo(album)
    assert photo.filename == "가족사진.jpg"
    assert album.originals.find(photo).read_bytes() == old.read_bytes()


def test_thumbnail_that_was_deleted_is_made_again(album, tmp_path):
    take_in(album, [make_photo(tmp_path / "a.jpg", "red", (900, 600))])
    thumbnail = album.originals.thumbnail(only_photo(album).sha256)
    assert Image.open(thumbnail).size == (480, 320)
    thumbnail.unlink()
    assert list(album.faults()) != []

    album.importer.make_missing_thumbnails(lambda: False)

    assert list(album.faults()) == []


def test_import_without_model_fails_and_imports_nothing(tmp_path):
    album = Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner())
    album.active.stop()
    path = make_photo(tmp_path / "a.jpg", "red")

    with pytest.raises(ModelLoadingError):
        take_in(album, [path])

    assert album.store.count() == 0
    album.close()


def test_upload_reports_counts_and_queues_captions(album, tmp_path):
    path = make_photo(tmp_path / "a.jpg", "red")

    report = upload(album, [(path, "여름.jpg")], caption_language="ko")

    assert len(report.added) == 1
    assert only_photo(album).filename == "여름.jpg"
    assert not path.exists()
    assert album.caption_store.counts() == (0, 1, 0)


def test_uploaded_folder_counts_other_files_without_failing(album, tmp_path):
    uploads = [
        (make_photo(tmp_path / "a.jpg", "red"), "a.jpg"),
        (make_text(tmp_path / "notes.txt"), "notes.txt"),
        (make_text(tmp_path / "film.mov"), "film.mov"),
        (make_text(tmp_path / "broken.jpg"), "broken.jpg"),
    ]

    report = upload(album, uploads, whole_folder=True)

    assert (len(report.added), report.skipped) == (1, {"document": 1, "video": 1})
    assert report.failed_names == ["broken.jpg"]


def test_imports_run_one_at_a_time(album, tmp_path):
    jobs = [
        album.imports.start([make_photo(tmp_path / colour / "a.png", colour)])
        for colour in ("red", "blue")
    ]

    assert [ended(album, job).record.state for job in jobs] == ["done", "done"]
    assert album.store.count() == 2
    assert album.imports.running is None


def test_simultaneous_imports_of_files_duplicate_nothing(album, tmp_path):
    paths = [make_photo(tmp_path / f"{n}.png", (0, n * 5, 0)) for n in range(40)]
    threads = [
        threading.Thread(target=take_in, args=(album, paths), kwargs={"copy": True})
        for _ in range(3)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert album.store.count() == 40
    assert len(album.active.current().index) == 40
    assert list(album.faults(deep=True)) == []


def test_uploads_are_imported_at_start_after_crash(tmp_path):
    album = opened(tmp_path / "data")
    path = make_photo(tmp_path / "a.jpg", "red")
    import_id = album.import_store.begin("upload", [])
    album.originals.receive_upload(path, "a.jpg", import_id=import_id)
    album.close()

    album = opened(tmp_path / "data")
    album.start()
    ended(album, import_id)

    assert only_photo(album).filename == "a.jpg"
    assert only_photo(album).path is None
    album.close()


def test_stray_upload_is_imported(tmp_path):
    album = opened(tmp_path / "data")
    path = make_photo(tmp_path / "a.jpg", "red")
    album.originals.receive_upload(path, "a.jpg", import_id=77)

    album.start()
    (record,) = album.imports.recent(2)
    ended(album, record.import_id)

    assert only_photo(album).filename == "a.jpg"
    album.close()
