"""Captions, labels and stars out of an album into sidecars, and back through the importer."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path

import pytest

from album.errors import AlbumError, QueryError
from album.export import files
from album.export.exporter import PhotoExport
from album.export.files import read_sidecar, safe_name
from album.export.verification import verify_export
from album.metadata import xmp
from album.service import Album
from tests.support.captioning import set_caption
from tests.support.images.make import make_dng, make_photo, quarters
from tests.support.importing import opened, take_in, upload

FOREIGN = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmp:Rating="4" xmp:CreateDate="2011-02-03T04:05:06" crs:Exposure2012="+1.00">
<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>
"""


def out_of(album: Album) -> PhotoExport:
    return PhotoExport(album.store, album.labels, album.originals)


def verified(album: Album, folder: Path | None) -> list[str]:
    report = verify_export(album.store, album.labels, album.originals, folder)
    return [f"{it.filename}: {it.what}" for it in report.differences]


def describe(album: Album, photo_id: int, caption: str = "", labels: tuple[str, ...] = ()) -> None:
    set_caption(album.database, photo_id, caption, "ko")
    album.labels.set_by_person(photo_id, labels)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with two photos of the person's own."""
    for colour in ("red", "blue"):
        make_photo(tmp_path / "mine" / f"{colour}.jpg", colour)
    return tmp_path / "mine"


def test_sidecars_beside_photos_hold_the_album_metadata(album, mine):
    blue, red = sorted(take_in(album, [mine]).added, key=lambda it: album.photo(it).filename)
    describe(album, red, "빨간 사진", ("꽃", "a|b"))
    photo_before = (mine / "red.jpg").read_bytes()

    report = out_of(album).export(None)

    assert (report.photos, report.new, report.nothing, report.failed) == (2, 1, 1, [])
    facts = xmp.read((mine / "red.jpg.xmp").read_bytes())
    assert (facts.captions, facts.labels) == ({"ko": "빨간 사진"}, ("a|b", "꽃"))
    assert not (mine / "blue.jpg.xmp").exists()
    assert (mine / "red.jpg").read_bytes() == photo_before
    assert sorted(it.name for it in mine.iterdir()) == ["blue.jpg", "red.jpg", "red.jpg.xmp"]
    assert verified(album, None) == []
    describe(album, blue, "파란 사진")
    assert verified(album, None) == ["blue.jpg: caption (ko)"]


def test_export_changes_nothing_at_the_next_import(album, mine):
    (mine / "red.jpg.xmp").write_text(FOREIGN)
    take_in(album, [mine])
    red = next(it.photo_id for it in album.store.all_photos() if it.filename == "red.jpg")
    describe(album, red, "바다", ("sea", "sun"))
    before = album.photo(red)
    out_of(album).export(None)

    again = take_in(album, [mine])
    third = take_in(album, [mine])

    assert (again.record.updated, third.record.updated) == (1, 0)
    assert album.photo(red) == before
    assert album.store.keywords_of(red) == ["sea"]
    assert album.labels_of(red) == ["sea", "sun"]
    assert out_of(album).export(None).unchanged == 1
    album.labels.set_by_person(red, [])
    out_of(album).export(None)
    take_in(album, [mine])
    assert album.store.keywords_of(red) == ["sea"]
    assert "crs:Exposure2012" in (mine / "red.jpg.xmp").read_text()


def test_label_stays_no_keyword_in_another_album(album, mine, tmp_path):
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "", ("sun", "x/y"))
    out_of(album).export(tmp_path / "out", with_photos=True)

    other = opened(tmp_path / "other")
    try:
        added = take_in(other, [tmp_path / "out"]).added
        assert len(added) == 2
        assert [other.store.keywords_of(it) for it in added] == [[], []]
    finally:
        other.close()


def test_up_to_date_sidecar_keeps_its_mtime(album, mine):
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")
    out_of(album).export(None)
    os.utime(mine / "red.jpg.xmp", (1, 1))

    report = out_of(album).export(None)

    assert (report.unchanged, report.new, report.extended) == (2, 0, 0)
    assert (mine / "red.jpg.xmp").stat().st_mtime == 1


def test_unshared_lightroom_sidecar_is_extended(album, mine):
    (mine / "red.xmp").write_text(FOREIGN)
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")

    report = out_of(album).export(None)

    assert (report.extended, report.new) == (1, 1)
    assert not (mine / "red.jpg.xmp").exists()
    assert "crs:Exposure2012" in (mine / "red.xmp").read_text()


def test_raw_and_jpeg_keep_their_common_sidecar(album, tmp_path):
    folder = tmp_path / "pair"
    folder.mkdir()
    make_dng(folder / "x.dng", quarters(), quarters())
    make_photo(folder / "x.jpg", "green")
    (folder / "x.xmp").write_text(FOREIGN)
    for photo_id in take_in(album, [folder]).added:
        describe(album, photo_id, f"사진 {photo_id}", (f"label {photo_id}",))
    before = list(album.store.all_photos())

    assert out_of(album).export(None).failed == []
    take_in(album, [folder])

    assert sorted(it.name for it in folder.iterdir()) == ["x.dng", "x.jpg", "x.jpg.xmp", "x.xmp"]
    assert list(album.store.all_photos()) == before
    assert [album.store.keywords_of(it.photo_id) for it in before] == [["sea"], ["sea"]]
    assert verified(album, None) == []
    assert out_of(album).export(None).unchanged == 2


def test_jpeg_never_writes_into_the_raw_sidecar(album, tmp_path):
    folder = tmp_path / "pair"
    make_photo(folder / "x.jpg", "green")
    make_dng(folder / "x.dng", quarters(), quarters())
    (folder / "x.xmp").write_text(FOREIGN)
    jpeg = take_in(album, [folder / "x.jpg"]).added
    describe(album, jpeg[0], "사진")

    out_of(album).export(None)

    assert (folder / "x.xmp").read_text() == FOREIGN
    assert xmp.read((folder / "x.jpg.xmp").read_bytes()).captions == {"ko": "사진"}


def test_raw_files_of_one_name_stay_apart(album, tmp_path):
    folder = tmp_path / "pair"
    folder.mkdir()
    make_dng(folder / "x.dng", quarters(), quarters())
    make_dng(folder / "x.nef", quarters((96, 64)), quarters((96, 64)))
    (folder / "x.xmp").write_text(FOREIGN)
    for photo_id in take_in(album, [folder]).added:
        describe(album, photo_id, f"사진 {photo_id}")

    assert out_of(album).export(None).failed == []
    assert out_of(album).export(None).unchanged == 2
    assert verified(album, None) == []


def test_names_in_folder_are_unique_and_stable(album, tmp_path):
    for folder, colour in (("a", "red"), ("b", "blue"), ("c", "green")):
        make_photo(tmp_path / "mine" / folder / "IMG_1.jpg", colour)
    for photo_id in take_in(album, [tmp_path / "mine"]).added:
        describe(album, photo_id, f"사진 {photo_id}")
    out = tmp_path / "out"

    report = out_of(album).export(out, with_photos=True)
    names = sorted(it.name for it in out.iterdir())
    again = out_of(album).export(out, list(reversed(out_of(album).ids(None))), with_photos=True)

    assert (report.new, report.copied, report.failed) == (3, 3, [])
    assert (again.unchanged, again.copied, again.failed) == (3, 0, [])
    assert sorted(it.name for it in out.iterdir()) == names
    assert len(names) == 6
    assert verified(album, out) == []


def test_zip_and_upload_photos_export_only_into_folders(album, tmp_path):
    make_photo(tmp_path / "in.png", "red")
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.write(tmp_path / "in.png", "in/zipped.png")
    make_photo(tmp_path / "up.png", "blue")
    added = [
        *take_in(album, [tmp_path / "some.zip"]).added,
        *upload(album, [(tmp_path / "up.png", "올린 것.png")]).added,
    ]
    for photo_id in added:
        describe(album, photo_id, "사진")

    beside = out_of(album).export(None)
    folder = out_of(album).export(tmp_path / "out")

    assert [it.reason for it in beside.failed] == [
        "The album keeps this photo itself: export it into a folder instead."
    ] * 2
    assert folder.new == 2
    assert {it.name for it in (tmp_path / "out").iterdir()} == {
        "zipped.png.xmp", "올린 것.png.xmp",
    }  # fmt: skip


def test_folder_export_copies_existing_sidecar_content(album, mine, tmp_path):
    (mine / "red.jpg.xmp").write_text(FOREIGN)
    (mine / "blue.jpg.xmp").write_text("<broken")
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")

    report = out_of(album).export(tmp_path / "out")

    assert "crs:Exposure2012" in (tmp_path / "out" / "red.jpg.xmp").read_text()
    assert (mine / "red.jpg.xmp").read_text() == FOREIGN
    assert report.new == 2
    assert len(report.notes) == 1
    assert "blue.jpg.xmp says could not be taken along" in report.notes[0].reason


def test_unwritable_sidecar_is_reported_and_left_unchanged(album, mine, tmp_path):
    names = ("broken", "link", "locked", "folder", "long", "gone")
    for number, name in enumerate(names):
        make_photo(mine / f"{name}.jpg", (number * 40, 0, 0))
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")
    (mine / "broken.jpg.xmp").write_text("<x:xmpmeta")
    (tmp_path / "elsewhere.xmp").write_text(FOREIGN)
    (mine / "link.jpg.xmp").symlink_to(tmp_path / "elsewhere.xmp")
    (mine / "locked.jpg.xmp").write_text(FOREIGN)
    (mine / "locked.jpg.xmp").chmod(0o444)
    (mine / "folder.jpg.xmp").mkdir()
    (mine / "long.jpg.xmp").write_bytes(FOREIGN.encode() + b" " * xmp.MAX_BYTES)
    (mine / "gone.jpg").unlink()

    report = out_of(album).export(None)

    reasons = {it.filename.partition(".")[0]: it.reason for it in report.failed}
    assert report.new == 2
    assert reasons.keys() == set(names)
    assert "damaged" in reasons["broken"]
    assert "link" in reasons["link"]
    assert "protected" in reasons["locked"]
    assert "no file" in reasons["folder"]
    assert "too long" in reasons["long"]
    assert "not where it was" in reasons["gone"]
    assert (mine / "broken.jpg.xmp").read_text() == "<x:xmpmeta"
    assert (tmp_path / "elsewhere.xmp").read_text() == FOREIGN
    assert not [it for it in mine.iterdir() if it.name.startswith(".")]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_more_loses_nothing(album, mine, monkeypatch, number):
    for name in ("red", "blue"):
        (mine / f"{name}.jpg.xmp").write_text(FOREIGN)
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", refuse)
    report = out_of(album).export(None)

    full = number == errno.ENOSPC
    assert (len(report.failed), report.not_reached) == ((1, 1) if full else (2, 0))
    assert ("full" in report.failed[0].reason) == full
    assert (mine / "red.jpg.xmp").read_text() == FOREIGN
    assert len(list(mine.iterdir())) == 4


def test_sidecar_is_left_when_another_program_changes_it(album, mine, monkeypatch):
    (mine / "red.jpg.xmp").write_text(FOREIGN)
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")
    theirs = FOREIGN.replace("+1.00", "+2.00")
    fsync = os.fsync

    def meanwhile(descriptor: int) -> None:
        fsync(descriptor)
        (mine / "red.jpg.xmp").write_text(theirs + " ")

    monkeypatch.setattr(files.os, "fsync", meanwhile)
    report = out_of(album).export(None)

    assert ["meanwhile" in it.reason for it in report.failed if it.filename == "red.jpg"] == [True]
    assert (mine / "red.jpg.xmp").read_text() == theirs + " "


def test_foreign_files_in_the_folder_stay_untouched(album, mine, tmp_path):
    out = tmp_path / "out"
    make_photo(out / "red.jpg", "white")
    (out / "blue.jpg.xmp").write_text(FOREIGN)
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")
    before = (out / "red.jpg").read_bytes()

    report = out_of(album).export(out, with_photos=True)

    assert (report.new, report.copied) == (2, 2)
    assert (out / "red.jpg").read_bytes() == before
    assert (out / "blue.jpg.xmp").read_text() == FOREIGN
    assert verified(album, out) == []


def test_foreign_file_is_not_mistaken_for_exported_photo(album, mine, tmp_path):
    out = tmp_path / "out"
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")
    assert out_of(album).export(out).new == 2
    before = make_photo(out / "red.jpg", "white", size=(50, 40)).read_bytes()

    report = out_of(album).export(out, with_photos=True)

    assert (report.new, report.copied, report.failed) == (1, 2, [])
    assert (out / "red.jpg").read_bytes() == before
    assert verified(album, out) == []


def test_export_refuses_album_folder_and_missing_target(album, tmp_path):
    with pytest.raises(AlbumError, match="own folder"):
        out_of(album).export(tmp_path / "data" / "photos")
    with pytest.raises(QueryError, match="name one"):
        out_of(album).export(None, with_photos=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(AlbumError, match="cannot be made"):
        out_of(album).export(tmp_path / "file" / "in")


def test_somebody_may_end_an_export(album, mine):
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진")
    told: list[int] = []

    report = out_of(album).export(
        None, on_progress=lambda done, total, name: told.append(done), stopped=lambda: bool(told)
    )

    assert (report.new, report.not_reached, told) == (1, 1, [1])


def test_read_back_reports_sidecars_changed_outside(album, mine):
    for photo_id in take_in(album, [mine]).added:
        describe(album, photo_id, "사진", ("sun",))
    out_of(album).export(None)
    red, blue = mine / "red.jpg.xmp", mine / "blue.jpg.xmp"
    red.write_text(red.read_text().replace("사진", "그림"))
    blue.unlink()

    assert verified(album, None) == [
        *("blue.jpg: caption (ko)", "blue.jpg: labels"),
        "red.jpg: caption (ko)",
    ]


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("IMG_1.jpg", "IMG_1.jpg"), ("가족 사진.jpg", "가족 사진.jpg"),
        ("../../x.jpg", "_.._x.jpg"),
        ("a\0b\n.jpg", "a_b_.jpg"), ("CON.jpg", "_CON.jpg"), (".hidden.jpg", "hidden.jpg"),
        ("noending", "noending.jpg"), ("", "photo.jpg"), ("x.jpg. ", "x.jpg"),
        ("가" * 200 + ".jpg", "가" * 65 + ".jpg"),
    ],
)  # fmt: skip
def test_names_in_folder_are_valid_on_every_system(filename, expected):
    assert safe_name(filename, ".jpg") == expected


def test_pipe_named_like_a_sidecar_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "x.xmp")

    with pytest.raises(AlbumError, match="no file"):
        read_sidecar(tmp_path / "x.xmp")
