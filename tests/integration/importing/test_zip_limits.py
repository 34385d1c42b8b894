"""Zips that anybody may have made: what they may become on the disk, and how that is told."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from album.errors import AlbumError, UnreadableImageError
from album.importing import zip_archive
from album.importing.zip_archive import MAX_SIDECAR_BYTES, Archive
from album.service import Album
from tests.support.images.make import make_photo
from tests.support.importing import Report, take_in, upload
from tests.support.zips import declare, make_zip

BLANK = 40  # MB of a member that is packed a thousand times as small


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    return make_photo(tmp_path / "photo.jpg", "red").read_bytes()


def on_disk(album: Album) -> int:
    """Bytes of all that the album keeps, but for its database and the towns."""
    kept = (album.originals.photos_dir, album.originals.incoming_dir)
    return sum(it.stat().st_size for folder in kept for it in folder.rglob("*") if it.is_file())


def reasons(report: Report) -> dict[str, str]:
    return {failure.path.name: failure.reason for failure in report.failed}


@pytest.mark.parametrize(
    "way", [take_in, lambda album, paths: upload(album, [(paths[0], "z.zip")])]
)
def test_zip_bomb_is_refused(
    album: Album, tmp_path: Path, photo: bytes, way: Callable[..., Report]
) -> None:
    """Ten blank pictures of 30 MB each, out of some hundred kilobytes."""
    members: dict[str, bytes | int] = {f"{n}.bmp": 29 for n in range(10)}
    zipped = make_zip(tmp_path / "z.zip", {**members, "good.jpg": photo})
    size = zipped.stat().st_size

    report = way(album, [zipped])

    assert report.added == []
    assert "The zip would become 304 MB" in reasons(report)["z.zip"]
    assert on_disk(album) <= size  # an upload is kept for some days, to be tried again
    assert not list(album.originals.photos_dir.rglob("*.*"))


def test_member_with_huge_ratio_is_left_out(album: Album, tmp_path: Path, photo: bytes) -> None:
    zipped = make_zip(tmp_path / "z.zip", {"bomb.bmp": BLANK, "good.jpg": photo})

    report = take_in(album, [zipped])

    assert len(report.added) == 1
    assert list(reasons(report)) == ["bomb.bmp"]
    assert "becomes too large" in reasons(report)["bomb.bmp"]
    assert on_disk(album) == len(photo)


def test_large_sidecar_in_zip_is_dropped(album: Album, tmp_path: Path, photo: bytes) -> None:
    members = {"a.jpg": photo, "a.jpg.json": BLANK, "a.jpg.xmp": MAX_SIDECAR_BYTES >> 20}
    zipped = make_zip(tmp_path / "z.zip", members)

    report = take_in(album, [zipped])

    assert len(report.added) == 1
    assert list(reasons(report)) == ["a.jpg.json"]
    assert "larger than 4 MB" in reasons(report)["a.jpg.json"]
    assert on_disk(album) == len(photo) + MAX_SIDECAR_BYTES


@pytest.mark.parametrize("size", [0, 1000, (BLANK << 20) - 1, 2**32 - 2])
def test_member_never_exceeds_its_declared_size(
    album: Album, tmp_path: Path, photo: bytes, size: int
) -> None:
    zipped = make_zip(tmp_path / "z.zip", {"liar.bmp": BLANK, "good.jpg": photo})
    declare(zipped, "liar.bmp", size=size)

    report = take_in(album, [zipped])

    assert len(report.added) == 1
    assert list(reasons(report)) == ["liar.bmp"]
    assert on_disk(album) == len(photo)


def test_member_packed_larger_than_zip_is_damaged(
    album: Album, tmp_path: Path, photo: bytes
) -> None:
    zipped = make_zip(tmp_path / "z.zip", {"liar.bmp": BLANK, "good.jpg": photo})
    declare(zipped, "liar.bmp", size=BLANK << 20, packed=BLANK << 20)

    report = take_in(album, [zipped])

    assert "damaged" in reasons(report)["liar.bmp"]


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_without_streaming_is_refused(
    album: Album, tmp_path: Path, packing: int
) -> None:
    zipped = make_zip(tmp_path / "z.zip", {"a.bmp": 8}, packing)
    declare(zipped, "a.bmp", size=100)

    report = take_in(album, [zipped])

    assert "packed in a way" in reasons(report)["a.bmp"]


def test_zip_of_too_many_files_is_refused(
    album: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before the files are listed."""
    zipped = make_zip(tmp_path / "z.zip", {f"{n}.jpg": b"" for n in range(101)})
    monkeypatch.setattr(zip_archive, "MAX_MEMBERS", 100)

    report = take_in(album, [zipped])

    assert reasons(report) == {
        "z.zip": "The zip holds more than 100 files: divide it into smaller ones."
    }


def test_too_long_zip_directory_is_not_read(
    album: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped = make_zip(tmp_path / "z.zip", {"x" * 60_000 + f"{n}.jpg": b"" for n in range(3)})
    monkeypatch.setattr(zip_archive, "MAX_DIRECTORY_BYTES", 100_000)

    assert "divide it" in reasons(take_in(album, [zipped]))["z.zip"]


def test_zip_is_refused_when_disk_is_small(
    album: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [make_photo(tmp_path / f"{it}.jpg", it).read_bytes() for it in ("red", "blue")]
    zipped = make_zip(tmp_path / "z.zip", {"a.jpg": photos[0], "b.jpg": photos[1]})
    most = sum(map(len, photos)) + 100_000_000
    disk = FullDisk(monkeypatch, most)
    with pytest.raises(AlbumError, match="no room for what is in the zip: it needs about 0 MB"):
        take_in(album, [zipped])
    assert on_disk(album) == 0

    disk.free += 1
    assert len(take_in(album, [zipped]).added) == 2
    disk.free = 0  # the same zip again needs nothing
    assert take_in(album, [zipped]).already_here == 2


def test_disk_full_while_unpacking_gives_a_sentence(
    album: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: bytes
) -> None:
    zipped = make_zip(tmp_path / "z.zip", {"a.jpg": photo})
    disk = FullDisk(monkeypatch, 10**12)
    refuse = album.importer._refuse_small_disk

    def others_fill_it(*args: object) -> None:
        refuse(*args)
        disk.free = 1000

    monkeypatch.setattr(album.importer, "_refuse_small_disk", others_fill_it)
    with pytest.raises(AlbumError, match="The disk of the album is full"):
        take_in(album, [zipped])

    assert on_disk(album) == 0
    monkeypatch.undo()
    album.imports.resume(1)
    album.imports.wait(1)
    assert album.store.count() == 1


class FullDisk:
    """A disk with so many bytes left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
        self.free = free
        usage = shutil.disk_usage("/")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=self.free))


def test_archives_in_a_zip_stay_closed(album: Album, tmp_path: Path, photo: bytes) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"a.jpg": photo}).read_bytes()
    zipped = make_zip(tmp_path / "z.zip", {"inner.zip": inner, "b.jpg": inner})

    report = take_in(album, [zipped])

    assert (report.added, report.skipped) == ([], {"archive": 1})
    assert list(reasons(report)) == ["b.jpg"]


def test_link_in_a_zip_leads_nowhere(album: Album, tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "secret.jpg").write_bytes(photo)
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as zipped:
        zipped.writestr(link, str(tmp_path / "secret.jpg"))

    report = take_in(album, [tmp_path / "z.zip"])

    assert (report.added, list(reasons(report))) == ([], ["link.jpg"])
    assert not [it for it in album.data_dir.rglob("*") if it.is_symlink() and it.name != "places"]


def test_name_too_long_for_disks_is_stored(album: Album, tmp_path: Path, photo: bytes) -> None:
    """A Korean name of 120 letters has 360 bytes: Windows and macOS take it, Linux does not."""
    name = "가족" * 60 + ".jpg"
    zipped = make_zip(tmp_path / "z.zip", {name: photo, f"{name}.json": b"{}"})

    report = take_in(album, [zipped])

    assert (len(report.added), report.failed) == (1, [])
    assert [it.filename for it in album.store.all_photos()] == [name]


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "a\\b.jpg", "a\nb.jpg", "\u202egpj.jpg", "a//b.jpg", "/", "a/"]
)
def test_odd_names_in_a_zip_end_no_import(
    album: Album, tmp_path: Path, photo: bytes, name: str
) -> None:
    zipped = make_zip(tmp_path / "z.zip", {name: photo, "good.png": photo + b" "})

    report = take_in(album, [zipped])

    assert report.record.state == "done"
    assert "good.png" in {it.filename for it in album.store.all_photos()}


def test_every_damage_of_a_zip_is_a_sentence(tmp_path: Path, photo: bytes) -> None:
    """Each byte outside the photo, changed one by one."""
    path = make_zip(tmp_path / "z.zip", {"a.jpg": photo})
    whole = path.read_bytes()
    end = whole.index(b"PK\1\2")
    sentences = set()
    for at in [*range(36), *range(end, len(whole))]:
        data = bytearray(whole)
        data[at] ^= 0xFF
        path.write_bytes(data)
        try:
            opened = Archive(path)
            for name in opened.names():
                opened.write(name, tmp_path / "out")
        except UnreadableImageError as error:
            sentences.add(str(error))
        except OSError:
            continue  # told as a file that cannot be taken in
    assert len(sentences) > 2
    assert all(it.endswith(".") for it in sentences)


def test_pipe_called_zip_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "z.zip")

    with pytest.raises(UnreadableImageError, match="cannot be opened"):
        Archive(tmp_path / "z.zip")
