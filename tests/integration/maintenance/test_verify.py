"""Every kind of damage is named by a check that changes nothing, and put right by a repair."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from album.errors import AlbumError
from album.maintenance.repair import RepairReport, repair
from album.maintenance.verify import find_faults
from album.runtime.files import sha256_of
from album.service import Album
from album.storage.imports import ImportStore
from album.storage.vector_index import TAIL_ROWS, VectorIndex
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import FakeEncoder
from tests.support.library import Library, PlainDecoder, contents, library, photo

PHOTOS = 8
LOGS = ("album.db-wal", "album.db-shm")  # SQLite's own; reading may touch them


@pytest.fixture
def sound(tmp_path):
    """The folder of a library of photos in place (odd ids) and kept (even ids)."""
    with library(tmp_path / "data") as made:
        for number in range(PHOTOS):
            path = photo(tmp_path / "photos" / f"{number}.jpg", number)
            made.add(path, keep=number % 2 == 1)
        made.originals.write_cache(
            made.originals.large_view(made.store.get(1).sha256), made_up_jpeg()
        )
        made.set_encoder()
    return tmp_path / "data"


def made_up_jpeg() -> bytes:
    return b"\xff\xd8\xff some picture \xff\xd9"


def faults_of(data_dir: Path, *, deep: bool = False) -> list[str]:
    """What a check of the library finds; it changes nothing, in the library or beside it."""
    before = contents(data_dir.parent, *LOGS)
    with library(data_dir) as checked:
        found = list(
            find_faults(checked.store, checked.originals, checked.embeddings_dir, deep=deep)
        )
    assert contents(data_dir.parent, *LOGS) == before
    return found


def repaired(data_dir: Path, *, deep: bool = False) -> RepairReport:
    """What a repair did; photos are after it what they were."""
    originals = by_content(data_dir)
    with library(data_dir) as broken:
        broken.set_encoder()
        report = repair(
            broken.store, broken.originals, broken.active, broken.embeddings_dir, deep=deep
        )
    assert by_content(data_dir) == originals
    return report


def by_content(data_dir: Path) -> list[str]:
    folders = (data_dir / "photos", data_dir / "incoming", data_dir.parent / "photos")
    return sorted(
        sha256_of(path) for folder in folders for path in folder.rglob("*") if path.is_file()
    )


def damage(data_dir: Path, do: Callable[[Library], object]) -> None:
    with library(data_dir) as opened:
        do(opened)


def thumbnail_of(data_dir: Path, photo_id: int) -> Path:
    with library(data_dir) as opened:
        return opened.originals.thumbnail(opened.store.get(photo_id).sha256)


def original_of(data_dir: Path, photo_id: int) -> Path:
    with library(data_dir) as opened:
        return opened.originals.find(opened.store.get(photo_id))


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


def test_broken_large_view_is_reported_and_removed(sound):
    with library(sound) as opened:
        large = opened.originals.large_view(opened.store.get(1).sha256)
    large.write_bytes(b"")

    assert faults_of(sound) == ["photo 1 (0.jpg): its large view is broken"]
    assert repaired(sound) == RepairReport(large_views=1)
    assert not large.exists()
    assert faults_of(sound) == []


def npy(array: np.ndarray) -> Callable[[Path], None]:
    return lambda path: np.save(path, array)


def zero_row(path: Path) -> None:
    matrix = np.load(path)
    matrix[1] = 0
    np.save(path, matrix)


def insert(at: int, junk: bytes) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        good = path.read_bytes()
        path.write_bytes(good[:at] + junk + good[at + len(junk) :])

    return change


def many_rows(path: Path) -> None:
    """A header that a number of bytes, as the processor counts, would be too small for."""
    good = path.read_bytes()
    claim = f"({2**60}, 16)".encode()
    bad = good.replace(b"(8, 16)", claim).replace(b" " * (len(claim) - 7) + b"\n", b"\n")
    assert len(bad) == len(good)
    path.write_bytes(bad)


ROWS = np.random.default_rng(3).standard_normal((PHOTOS, FakeEncoder.dim)).astype(np.float32)
BROKEN_MATRICES: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "zeroed": lambda path: path.write_bytes(bytes(4000)),
    "a zip": insert(0, b"PK\x03\x04"),
    "cut within a row": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[:300]),
    "half a header": lambda path: path.write_bytes(path.read_bytes()[:64]),
    "a bracket that never closes": insert(100, b"("),
    "absurdly many rows": many_rows,
    "another width": npy(ROWS[:, :8].copy()),
    "another type": npy(ROWS.astype(np.float64)),
    "another memory order": lambda path: np.save(path, np.asfortranarray(np.load(path))),
    "objects": lambda path: np.save(path, np.array([{}, 1], dtype=object), allow_pickle=True),
    "other rows": npy(ROWS),
    "an early row zeroed": zero_row,
    "more rows than the database": lambda path: np.save(
        path, np.concatenate([np.load(path), ROWS])
    ),
}


@pytest.mark.parametrize("how", BROKEN_MATRICES)
def test_broken_matrix_is_reported_and_rebuilt(sound, how):
    path = sound / "embeddings" / "fake.npy"
    good = path.read_bytes()
    BROKEN_MATRICES[how](path)

    (fault,) = faults_of(sound)
    assert fault.startswith("fake.npy: ")
    repaired(sound)
    assert faults_of(sound) == []
    assert path.read_bytes() == good


def test_unchecked_matrix_row_is_repaired(sound):
    def add_more(opened: Library) -> None:
        for number in range(PHOTOS, TAIL_ROWS + 6):
            path = photo(sound.parent / "photos" / f"{number}.jpg", number)
            opened.add(path, keep=False)
        opened.set_encoder()

    damage(sound, add_more)
    zero_row(sound / "embeddings" / "fake.npy")

    assert faults_of(sound) == ["fake.npy: rows from 0 on differ from the database"]
    assert repaired(sound) == RepairReport(matrices=["fake"])
    assert faults_of(sound) == []


@pytest.mark.parametrize("how", ["gone", "empty", "cut within a row", "a zip", "other rows"])
def test_broken_matrix_ids_are_reported_and_rebuilt(sound, how):
    path = sound / "embeddings" / "fake.ids.npy"
    good = path.read_bytes()
    BROKEN_MATRICES[how](path)

    assert len(faults_of(sound)) == 1
    repaired(sound)
    assert faults_of(sound) == []
    assert path.read_bytes() == good


def test_ids_in_another_order_are_named(sound):
    path = sound / "embeddings" / "fake.ids.npy"
    np.save(path, np.load(path)[::-1].copy())

    assert faults_of(sound) == ["fake.npy: its rows are not those of the database"]


@pytest.mark.parametrize("seed", range(3))
def test_check_survives_damaged_matrix_headers(sound, seed):
    rng = np.random.default_rng(seed)
    path = sound / "embeddings" / "fake.npy"
    good = path.read_bytes()
    with library(sound) as checked:
        for _ in range(60):
            bad = bytearray(good)
            for place in rng.integers(0, 128, rng.integers(1, 8)):
                bad[place] = rng.choice([*b"\0\n '(),019\xff", rng.integers(256)])
            path.write_bytes(bad)
            found = list(find_faults(checked.store, checked.originals, checked.embeddings_dir))
            assert [fault for fault in found if not fault.startswith("fake.npy: ")] == []


def test_missing_or_short_matrix_is_no_fault(sound):
    shutil.rmtree(sound / "embeddings")
    assert faults_of(sound) == []

    damage(sound, Library.set_encoder)
    damage(sound, lambda it: it.add(photo(sound.parent / "photos" / "new.jpg", 900), keep=True))
    assert faults_of(sound) == []


def test_check_reads_the_files_of_the_index(sound):
    with library(sound) as opened:
        vectors = np.eye(PHOTOS, 8, dtype=np.float32)
        ids = [it.photo_id for it in opened.store.all_photos()]
        opened.store.add_embeddings("ViT-B-32/o d d@1", ids, vectors)
        index = VectorIndex(opened.embeddings_dir, opened.store, "ViT-B-32/o d d@1", 8)
        index.path.write_bytes(b"")

    assert faults_of(sound) == [f"{index.path.name}: it is cut short or damaged"]
    assert repaired(sound).matrices == ["ViT-B-32/o d d@1"]
    assert faults_of(sound) == []


# Rows


def test_photos_without_a_vector_are_counted_and_encoded(sound):
    def add_unseen(opened: Library) -> None:
        for number in (900, 901):
            path = photo(sound.parent / "photos" / f"{number}.jpg", number)
            opened.add(path, keep=False, encode=False)

    damage(sound, add_unseen)

    assert faults_of(sound) == ["2 photos are not encoded by the model that has encoded the most"]
    assert repaired(sound) == RepairReport(encoded=2)
    assert faults_of(sound) == []


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


def test_a_vector_of_another_length_is_named(sound):
    with library(sound) as opened:
        opened.database.connection.execute("UPDATE embeddings SET vector = x'00' WHERE seq = 3")

    assert faults_of(sound) == ["album.db: a vector of fake has another length than the others"]


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
        kept = opened.originals.kept(row)
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
