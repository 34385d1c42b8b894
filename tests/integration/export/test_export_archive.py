"""An export as one file holds what an export into a folder writes, and nothing half done."""

from __future__ import annotations

import errno
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from album.errors import AlbumError
from album.export import archive as module
from album.export import exporter
from album.export.archive import export_zip, verify_zip
from album.export.exporter import PhotoExport
from album.export.plan import plan_export
from album.service import Album
from tests.integration.export.test_exporter import FOREIGN
from tests.support.captioning import set_caption
from tests.support.images.make import make_photo
from tests.support.importing import take_in, upload


def out_of(album: Album) -> PhotoExport:
    return PhotoExport(album.store, album.labels, album.originals)


def in_folder(folder: Path) -> dict[str, str]:
    return {it.name: hashlib.sha256(it.read_bytes()).hexdigest() for it in folder.iterdir()}


def in_zip(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as zipped:
        names = zipped.namelist()
        assert len(names) == len(set(names))
        return {it: hashlib.sha256(zipped.read(it)).hexdigest() for it in names}


@pytest.fixture
def mixed(album: Album, tmp_path: Path) -> Album:
    """Photos in place and uploaded ones, two of one name, one of a name that is no file's."""
    mine = tmp_path / "mine"
    for folder, colour in (("a", "red"), ("b", "blue")):
        make_photo(mine / folder / "x.jpg", colour)
    (mine / "a" / "x.jpg.xmp").write_text(FOREIGN)
    make_photo(mine / "quiet.jpg", "yellow")
    added = take_in(album, [mine]).added
    sent = make_photo(tmp_path / "in" / "s.png", "green")
    added += upload(album, [(sent, "..\\바다: 1.png")]).added
    for photo_id in added:
        if album.photo(photo_id).filename != "quiet.jpg":
            set_caption(album.database, photo_id, f"사진 {photo_id}", "ko")
            album.labels.set_by_person(photo_id, [f"l{photo_id}", "여행"])
    return album


@pytest.mark.parametrize("with_photos", [False, True])
def test_a_zip_holds_what_a_folder_would(mixed, tmp_path, with_photos):
    into = out_of(mixed).export(tmp_path / "folder", with_photos=with_photos)
    report = export_zip(out_of(mixed), tmp_path / "all.zip", with_photos=with_photos)

    names = in_zip(tmp_path / "all.zip")
    assert names == in_folder(tmp_path / "folder")
    assert (report.new, report.copied, report.nothing) == (into.new, into.copied, into.nothing)
    assert report.failed == []
    assert sum(name.endswith(".xmp") for name in names) == 3
    assert len(names) == (7 if with_photos else 3)
    assert not [name for name in names if set(name) & set('/\\:"<>|?*')]
    assert "crs:Exposure2012" in next(
        text for text in _texts(tmp_path / "all.zip") if "Exposure" in text
    )
    assert sorted(it.name for it in tmp_path.glob("*.zip*")) == ["all.zip"]


def _texts(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as zipped:
        return [zipped.read(it).decode() for it in zipped.namelist() if it.endswith(".xmp")]


def test_user_file_named_like_partial_zip_stays(mixed, tmp_path):
    (tmp_path / "all.zip.part").write_text("mine")

    export_zip(out_of(mixed), tmp_path / "all.zip")

    assert (tmp_path / "all.zip.part").read_text() == "mine"
    assert (tmp_path / "all.zip").is_file()


def test_what_is_in_a_zip_comes_back(mixed, tmp_path):
    told = [it.photo_id for it in mixed.store.all_photos() if it.filename != "quiet.jpg"]
    export_zip(out_of(mixed), tmp_path / "all.zip", told)
    of_album = (mixed.store, mixed.labels, mixed.originals)

    report = verify_zip(*of_album, tmp_path / "all.zip", told)
    set_caption(mixed.database, told[0], "다른 말", "ko")
    after = verify_zip(*of_album, tmp_path / "all.zip", told)

    assert (report.photos, report.same) == (3, 3)
    assert [(it.photo_id, it.what) for it in after.differences] == [(told[0], "caption (ko)")]
    (tmp_path / "all.zip").unlink()
    with pytest.raises(AlbumError, match="make it again"):
        verify_zip(*of_album, tmp_path / "all.zip", told)


def test_photo_older_than_zip_dates_is_archived(album, tmp_path):
    photo = make_photo(tmp_path / "mine" / "old.jpg", "red")
    os.utime(photo, (0, 0))
    take_in(album, [photo])

    report = export_zip(out_of(album), tmp_path / "all.zip", with_photos=True)

    assert (report.copied, list(in_zip(tmp_path / "all.zip"))) == (1, ["old.jpg"])


def test_stopped_zip_is_valid_and_counts_the_remainder(mixed, tmp_path):
    told: list[int] = []

    report = export_zip(
        out_of(mixed),
        tmp_path / "all.zip",
        with_photos=True,
        on_progress=lambda done, total, name: told.append(done),
        stopped=lambda: len(told) == 3,
    )

    assert (report.copied, report.not_reached) == (3, 1)
    assert len(in_zip(tmp_path / "all.zip")) == 3 + report.new


@pytest.mark.parametrize(
    ("code", "sentence"), [(errno.ENOSPC, "disk of the album is full"), (errno.EIO, "zip could")]
)
def test_unwritable_zip_leaves_no_file(mixed, tmp_path, monkeypatch, code, sentence):
    def refuse(zipped: zipfile.ZipFile, folder: Path) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module, "_archive_files", refuse)

    with pytest.raises(AlbumError, match=sentence):
        export_zip(out_of(mixed), tmp_path / "all.zip")
    assert list(tmp_path.glob("*.zip*")) == []


def test_copied_photo_is_archived_when_disk_fills(mixed, tmp_path, monkeypatch):
    def refuse(*of_sidecar: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(exporter, "write_sidecar", refuse)

    report = export_zip(out_of(mixed), tmp_path / "all.zip", with_photos=True)

    assert len(in_zip(tmp_path / "all.zip")) == report.copied > 0
    assert (len(report.failed), report.new) == (1, 0)


def test_plan_counts_sidecars_and_their_places(mixed):
    photos = list(mixed.store.all_photos())
    ids = [it.photo_id for it in photos]

    plan = plan_export(mixed.store, None)

    assert plan.photo_ids == tuple(ids)
    assert plan.in_place == tuple(it.photo_id for it in photos if it.path is not None)
    assert (plan.sidecars, plan.sidecars_in_place) == (3, 2)
    assert plan.size_bytes == sum(it.size_bytes for it in photos)
    some = plan_export(mixed.store, [ids[-1], 999, ids[0], ids[0]])
    assert some.photo_ids == (ids[0], ids[-1])
    assert plan_export(mixed.store, []).photo_ids == ()
