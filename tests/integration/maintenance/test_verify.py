"""Every kind of damage is named by a check that changes nothing, and put right by a repair."""

from __future__ import annotations

import shutil

import pytest

from album.errors import AlbumError
from album.maintenance.repair import RepairReport, repair
from album.runtime.files import sha256_of
from album.service import Album
from album.storage.imports import ImportStore
from album.storage.view_cache import ViewCache
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import FakeEncoder
from tests.support.library import PlainDecoder, contents, library, photo
from tests.support.repairs import (
    LOGS,
    PHOTOS,
    damage,
    faults_of,
    original_of,
    repaired,
    thumbnail_of,
)


def test_sound_library_is_unchanged_by_repair(sound):
    assert faults_of(sound, deep=True) == []
    before = contents(sound.parent, "album.db", *LOGS)

    assert repaired(sound, deep=True) == RepairReport()

    assert contents(sound.parent, "album.db", *LOGS) == before


# Caches

BROKEN_THUMBNAILS = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "of one byte": lambda path: path.write_bytes(b"\xff"),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "zeroed": lambda path: path.write_bytes(bytes(len(path.read_bytes()))),
    "something else": lambda path: path.write_text("<html>"),
}


@pytest.mark.parametrize("how", BROKEN_THUMBNAILS)
def test_broken_thumbnail_is_reported_and_rebuilt(sound, how):
    for photo_id in (1, 2):
        BROKEN_THUMBNAILS[how](thumbnail_of(sound, photo_id))

    state = "missing" if how == "missing" else "broken"
    assert faults_of(sound) == [
        f"photo 1 (0.jpg): its thumbnail is {state}",
        f"photo 2 (1.jpg): its thumbnail is {state}",
    ]
    assert repaired(sound) == RepairReport(thumbnails=2)
    assert faults_of(sound) == []


@pytest.mark.parametrize("kind", ["large", "full"])
def test_broken_large_view_is_reported_and_removed(sound, kind):
    with library(sound) as opened:
        large = ViewCache(opened.originals).path(opened.store.get(1).sha256, kind)
    large.parent.mkdir(parents=True, exist_ok=True)
    large.write_bytes(b"")

    assert faults_of(sound) == ["photo 1 (0.jpg): its large view is broken"]
    assert repaired(sound) == RepairReport(large_views=1)
    assert not large.exists()
    assert faults_of(sound) == []


# Rows


def test_damaged_database_is_reported_and_blocks_repair(sound):
    with library(sound) as opened:
        opened.database.connection.execute("PRAGMA foreign_keys = OFF")
        opened.database.connection.execute(
            "INSERT INTO labels (photo_id, label) VALUES (999, 'lost')"
        )
    thumbnail_of(sound, 1).unlink()

    assert faults_of(sound) == ["album.db: a row of labels belongs to no photo"]
    with pytest.raises(AlbumError, match="restore a backup"):
        repaired(sound)


def test_garbage_database_pages_are_reported(sound):
    content = bytearray((sound / "album.db").read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xa5" * 8192
    (sound / "album.db").write_bytes(content)

    found = faults_of(sound)

    assert found
    assert all(fault.startswith("album.db: ") for fault in found)


# Originals


def test_missing_original_is_marked_and_reported(sound):
    kept, in_place = original_of(sound, 2), original_of(sound, 1)
    away = sound.parent / "away"
    away.mkdir()
    kept.rename(away / "kept")
    in_place.rename(away / "in place")

    assert faults_of(sound) == [
        "photo 1 (0.jpg): its original is gone",
        "photo 2 (1.jpg): its original is gone",
    ]
    report = repaired(sound)
    assert report.missing == 2
    assert [line.partition(";")[0] for line in report.left] == [
        f"photo 1 (0.jpg): its original is gone from {in_place}",
        f"photo 2 (1.jpg): its original is gone from {kept}",
    ]
    with library(sound) as opened:
        assert [opened.store.get(number).missing for number in (1, 2, 3)] == [True, True, False]
    assert repaired(sound).missing == 0

    (away / "kept").rename(kept)
    (away / "in place").rename(in_place)
    assert repaired(sound) == RepairReport(found=2)
    with library(sound) as opened:
        assert not opened.store.get(1).missing
    assert faults_of(sound, deep=True) == []


def test_original_with_other_bytes_is_reported_with_thumbnail(sound):
    longer, same_size = original_of(sound, 1), original_of(sound, 2)
    longer.write_bytes(longer.read_bytes() + b"more")
    content = bytearray(same_size.read_bytes())
    content[-10] ^= 1
    same_size.write_bytes(content)
    thumbnail_of(sound, 1).unlink()

    assert faults_of(sound) == [
        "photo 1 (0.jpg): its original has changed",
        "photo 1 (0.jpg): its thumbnail is missing",
    ]
    assert "photo 2 (1.jpg): its original has other bytes than at the import" in faults_of(
        sound, deep=True
    )
    report = repaired(sound, deep=True)
    assert (report.thumbnails, report.missing) == (0, 0)
    assert [line.partition(";")[0] for line in report.left] == [
        "photo 1 (0.jpg): its original has changed since the import",
        "photo 2 (1.jpg): its original has other bytes than at the import",
    ]


def test_repair_finds_the_album_copy_of_a_photo(sound):
    with library(sound) as opened:
        row = opened.store.get(1)
        kept = opened.originals.stored_path(row)
    kept.parent.mkdir(exist_ok=True)
    row.path.rename(kept)

    assert "photo 1 (0.jpg): its original is gone" in faults_of(sound)
    assert repaired(sound) == RepairReport(found=1)
    assert faults_of(sound, deep=True) == []
    with library(sound) as opened:
        assert opened.store.get(1).path is None


def test_misnamed_original_is_moved_to_its_place(sound):
    kept = original_of(sound, 2)
    stray = sound / "photos" / "zz" / "holiday.jpg"
    stray.parent.mkdir()
    kept.rename(stray)
    thumbnail_of(sound, 2).unlink()

    assert len(faults_of(sound)) == 3
    assert repaired(sound) == RepairReport(found=1, thumbnails=1)
    assert original_of(sound, 2) == kept
    assert faults_of(sound, deep=True) == []


def test_unowned_original_stays_and_can_be_imported(sound):
    stranger = photo(sound / "photos" / "zz" / "stray.jpg", 950)
    double = shutil.copy(original_of(sound, 2), sound / "photos" / "zz" / "double.jpg")

    assert faults_of(sound) == [
        "double.jpg: an original that no photo of the album owns",
        "stray.jpg: an original that no photo of the album owns",
    ]
    report = repaired(sound)
    assert report.to_import == [stranger]
    assert report.left == [
        f"{double}: it has the same bytes as photo 2 (1.jpg); delete it if you like."
    ]
    assert stranger.exists()


def test_sidecars_of_kept_originals_are_no_strangers(sound):
    kept = original_of(sound, 2)
    kept.with_name(kept.name + ".xmp").write_text("<x:xmpmeta/>")
    kept.with_name(kept.name + ".json").write_text("{}")
    assert faults_of(sound) == []

    stray = kept.with_name("0" * 64 + ".jpg.xmp")
    stray.write_text("<x:xmpmeta/>")
    assert faults_of(sound) == [f"{stray.name}: an original that no photo of the album owns"]
    assert repaired(sound).left == [f"{stray}: it describes no photo of the album; move it away."]


def test_a_repair_says_how_far_it_is(sound):
    calls = []
    with library(sound) as opened:
        opened.set_encoder()
        repair(
            opened.store,
            opened.originals,
            opened.active,
            opened.embeddings_dir,
            lambda *call: calls.append(call),
        )

    assert calls == [(number + 1, PHOTOS, f"{number}.jpg") for number in range(PHOTOS)]


def test_repair_finds_a_photo_marked_missing(sound):
    damage(sound, lambda it: ImportStore(it.database).mark_missing(3, True))

    assert repaired(sound) == RepairReport(found=1)
    with library(sound) as opened:
        assert not opened.store.get(3).missing


def test_unowned_original_becomes_photo_after_import(sound, tmp_path, captioner):
    stranger = photo(tmp_path / "stray.jpg", 950)
    sha256 = sha256_of(stranger)
    place = sound / "photos" / sha256[:2] / f"{sha256}.jpg"  # as after a loss of its row
    place.parent.mkdir(exist_ok=True)
    stranger.rename(place)
    album = Album(sound, DefaultClassifiers(), captioner, decoder=PlainDecoder())
    try:
        album.active.set_encoder(FakeEncoder(), fill=False)
        report = repair(album.store, album.originals, album.active, album.embeddings_dir)
        album.imports.run(report.to_import, "copy")

        assert album.store.count() == PHOTOS + 1
        assert album.store.by_sha256(sha256).path is None
        assert list(album.faults(deep=True)) == []
    finally:
        album.close()
