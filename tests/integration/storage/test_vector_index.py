"""The matrix: its rows are those of the database, however its files can be wrong."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from album.domain.photo import ImageFacts
from album.storage.database import Database
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore
from album.storage.vector_index import TAIL_ROWS, VectorIndex, _append, _load

MODEL = "fake/model"
D = 16
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def store(tmp_path):
    store = PhotoStore(Database(tmp_path / "album.db"))
    yield store
    store.database.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "embeddings"


def unit_rows(n: int, seed: int = 0, d: int = D) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def add(store: PhotoStore, vectors: np.ndarray, *, skip_ids: int = 0) -> np.ndarray:
    """Photos with these vectors, whose ids leave gaps of `skip_ids`: (n,) ids."""
    ids = []
    serial = itertools.count(store.count() * (skip_ids + 1))
    with store.writing():
        for vector in vectors:
            for _ in range(skip_ids):
                store.add(new_photo(next(serial)))
            ids.append(store.add(new_photo(next(serial)), MODEL, vector))
    return np.array(ids)


def new_photo(number: int) -> NewPhoto:
    facts = ImageFacts("JPEG", 4, 3)
    time = datetime(2024, 1, 1)
    return NewPhoto(f"{number:064x}", f"{number}.jpg", Path(f"/{number}.jpg"), 1, facts, time)


def opened(folder: Path, store: PhotoStore) -> VectorIndex:
    return VectorIndex(folder, store, MODEL, D)


def saved(folder: Path, store: PhotoStore, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """An index of `rows` photos on disk: their ids and vectors."""
    vectors = unit_rows(rows)
    ids = add(store, vectors)
    opened(folder, store)
    return ids, vectors


def files_of(folder: Path) -> dict[str, Path]:
    return {
        "matrix": folder / "fake--model.npy",
        "ids": folder / "fake--model.ids.npy",
    }


def assert_sound(index: VectorIndex, ids: np.ndarray, vectors: np.ndarray) -> None:
    """In memory and on disk, the index is exactly these rows."""
    assert index.faults() == []
    paths = files_of(index.path.parent)
    np.testing.assert_array_equal(np.load(paths["matrix"], mmap_mode="r"), vectors)
    np.testing.assert_array_equal(np.load(paths["ids"]), ids)
    held = index.snapshot()
    np.testing.assert_array_equal(held[0], ids)
    np.testing.assert_array_equal(held[1], vectors)


# Reading


def test_an_empty_album_has_an_empty_matrix(store, folder):
    ids, matrix = opened(folder, store).snapshot()

    assert (ids.shape, matrix.shape) == ((0,), (0, D))
    assert np.load(files_of(folder)["matrix"]).shape == (0, D)


def test_vectors_of_skips_unindexed_photos(store, folder):
    vectors = unit_rows(5)
    ids = add(store, vectors)
    unencoded = store.add(new_photo(99))

    found = opened(folder, store).vectors_of(np.array([ids[3], unencoded, 10_000]))

    np.testing.assert_array_equal(found, vectors[3:4])


def test_vectors_come_back_by_id_and_in_blocks(store, folder):
    vectors = unit_rows(20)
    ids = add(store, vectors, skip_ids=2)
    index = opened(folder, store)

    np.testing.assert_array_equal(index.vectors_of(ids[[7, 3]]), vectors[[3, 7]])
    blocks = list(index.blocks())
    np.testing.assert_array_equal(np.concatenate([block for block, _ in blocks]), ids)
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in blocks]), vectors)


# Growing


def test_files_are_plain_npy_in_database_order(store, folder):
    first, more = unit_rows(10), unit_rows(7, seed=1)
    ids = add(store, first)
    index = opened(folder, store)
    inode = files_of(folder)["matrix"].stat().st_ino

    ids = np.concatenate([ids, add(store, more)])
    index.sync()

    assert_sound(index, ids, np.concatenate([first, more]))
    assert files_of(folder)["matrix"].stat().st_ino == inode  # grown, not made again


def test_snapshot_is_stable_when_matrix_grows(store, folder):
    vectors = unit_rows(10)
    ids = add(store, vectors)
    index = opened(folder, store)
    blocks = index.blocks()
    held_ids, held = next(blocks)

    add(store, unit_rows(5000, seed=1))
    index.sync()

    np.testing.assert_array_equal(held, vectors)
    np.testing.assert_array_equal(held_ids, ids)
    assert len(index) == 5010


def test_models_do_not_share_a_matrix(store, folder):
    ids = add(store, unit_rows(4))
    store.add_embeddings("other", ids[:2].tolist(), unit_rows(2, d=8))

    assert len(opened(folder, store)) == 4
    other = VectorIndex(folder, store, "other", 8)
    assert len(other) == 2
    assert other.faults() == []


# Files that are wrong


def garbage(size: int) -> bytes:
    return np.random.default_rng(5).bytes(size)


def npy(array: np.ndarray, folder: Path) -> bytes:
    path = folder / "other.npy"
    np.save(path, array)
    content = path.read_bytes()
    path.unlink()
    return content


DAMAGE = {
    "gone": lambda good, folder: None,
    "empty": lambda good, folder: b"",
    "zeroed": lambda good, folder: bytes(len(good)),
    "garbage": lambda good, folder: garbage(len(good)),
    "garbage behind a good header": lambda good, folder: good[:128] + garbage(len(good) - 128),
    "half a header": lambda good, folder: good[:64],
    "a header alone": lambda good, folder: good[:128],
    "cut within a row": lambda good, folder: good[:-5],
    "cut in half": lambda good, folder: good[: len(good) // 2],
    "its last rows zeroed": lambda good, folder: good[:-100] + bytes(100),
    "a bracket that never closes": lambda good, folder: good[:100] + b"(" + good[101:],
    "a zip file": lambda good, folder: b"PK\x03\x04" + good[4:],
    "absurdly many rows": lambda good, folder: good.replace(b"(100,", b"(9" + b"9" * 17 + b","),
    "another width": lambda good, folder: npy(unit_rows(100, d=D + 1), folder),
    "another type": lambda good, folder: npy(unit_rows(100).astype(np.float64), folder),
    "another byte order": lambda good, folder: npy(unit_rows(100).astype(">f4"), folder),
    "another memory order": lambda good, folder: npy(np.asfortranarray(unit_rows(100)), folder),
    "other rows": lambda good, folder: npy(unit_rows(100, seed=9), folder),
    "rows in another order": lambda good, folder: npy(unit_rows(100)[::-1].copy(), folder),
    "more rows than the database": lambda good, folder: npy(unit_rows(150), folder),
    "ids in another order": lambda good, folder: npy(np.arange(100, 0, -1), folder),
    "more ids than the database": lambda good, folder: npy(np.arange(1, 151), folder),
    "ids of another type": lambda good, folder: npy(np.arange(1, 101, dtype=np.int32), folder),
    "a table of ids": lambda good, folder: npy(np.arange(1, 101).reshape(50, 2), folder),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", ["matrix", "ids"])
def test_wrong_file_is_repaired_on_open(store, folder, which, damage):
    ids, vectors = saved(folder, store, 100)
    path = files_of(folder)[which]
    content = DAMAGE[damage](path.read_bytes(), folder)
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    assert_sound(opened(folder, store), ids, vectors)


@pytest.mark.parametrize("seed", range(5))
def test_index_opens_when_header_is_damaged(store, folder, seed):
    ids, vectors = saved(folder, store, 10)
    rng = np.random.default_rng(seed)
    path = files_of(folder)["matrix"]
    good = path.read_bytes()
    for _ in range(100):
        bad = bytearray(good)
        for place in rng.integers(0, 128, rng.integers(1, 8)):
            bad[place] = rng.choice([*b"\0\n '(),019\xff", rng.integers(256)])
        path.write_bytes(bad)
        loaded = _load(path, (D,), np.dtype(np.float32))
        assert loaded is None or np.array_equal(loaded, vectors)
    assert_sound(opened(folder, store), ids, vectors)


def test_matrix_ahead_of_database_is_rebuilt(store, folder, tmp_path):
    ids, vectors = saved(folder, store, 100)
    ahead = {path: path.read_bytes() for path in files_of(folder).values()}
    store.database.close()
    for file in tmp_path.glob("album.db*"):  # a backup of the database, but not of the caches
        file.unlink()
    restored = PhotoStore(Database(tmp_path / "album.db"))
    add(restored, vectors[:60])
    for path, content in ahead.items():
        path.write_bytes(content)

    assert_sound(opened(folder, restored), ids[:60], vectors[:60])
    restored.database.close()


def test_matrix_of_another_library_is_rebuilt(store, folder):
    ids, vectors = saved(folder, store, 100)
    foreign = vectors.copy()
    foreign[-TAIL_ROWS:] = unit_rows(TAIL_ROWS, seed=8)
    np.save(files_of(folder)["matrix"], foreign)

    assert_sound(opened(folder, store), ids, vectors)


def test_faults_report_differences_missed_on_open(store, folder):
    _, vectors = saved(folder, store, 100)
    vectors[10] = unit_rows(1, seed=8)
    np.save(files_of(folder)["matrix"], vectors)

    assert opened(folder, store).faults() == [
        "fake--model.npy: rows from 0 on differ from the database"
    ]


@pytest.mark.parametrize("lost", ["matrix", "ids"])
def test_deleted_file_returns_with_the_next_photo(store, folder, lost):
    """It was deleted while the album is open."""
    ids, vectors = saved(folder, store, 10)
    index = opened(folder, store)
    files_of(folder)[lost].unlink()

    more = unit_rows(3, seed=1)
    ids = np.concatenate([ids, add(store, more)])
    index.sync()

    assert_sound(index, ids, np.concatenate([vectors, more]))


# Rows that are no vectors

SPOILT = {
    "not a number": lambda vector: vector * np.nan,
    "one value of many": lambda vector: np.where(np.arange(D) == 3, np.float32(np.nan), vector),
    "infinite": lambda vector: np.full_like(vector, -np.inf),
    "of both signs": lambda vector: np.where(np.arange(D) % 2, np.inf, -np.inf),
    "too short": lambda vector: vector[:1],
    "too long": lambda vector: np.append(vector, 0),
    "empty": lambda vector: vector[:0],
}


def spoil(store: PhotoStore, photo_id: int, vector: np.ndarray) -> None:
    with store.writing() as db:
        db.execute(
            "UPDATE embeddings SET vector = ? WHERE photo_id = ?",
            (vector.astype("<f4").tobytes(), int(photo_id)),
        )


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("place", [0, 5, 250, 299])
def test_invalid_vector_is_forgotten_at_any_row(store, folder, how, place):
    """Its photo lacks a vector then, and is encoded again."""
    vectors = unit_rows(300)
    ids = add(store, vectors)
    spoil(store, ids[place], SPOILT[how](vectors[place]))

    index = opened(folder, store)

    assert_sound(index, np.delete(ids, place), np.delete(vectors, place, axis=0))
    assert [photo.photo_id for photo in store.lacking(MODEL, 0, 9)] == [ids[place]]


@pytest.mark.parametrize("how", SPOILT)
def test_invalid_vector_is_forgotten_on_sync(store, folder, how):
    ids, vectors = saved(folder, store, 20)
    index = opened(folder, store)
    more = unit_rows(3, seed=2)
    new = add(store, more)
    spoil(store, new[1], SPOILT[how](more[1]))

    index.sync()

    assert_sound(index, np.append(ids, np.delete(new, 1)), np.append(vectors, more[[0, 2]], axis=0))


@pytest.mark.parametrize("place", [0, 5, 250, 299])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_damaged_row_is_restored_from_database(store, folder, place, value):
    ids, vectors = saved(folder, store, 300)
    broken = vectors.copy()
    broken[place, 7] = value
    np.save(files_of(folder)["matrix"], broken)

    assert_sound(opened(folder, store), ids, vectors)


def test_a_row_spoilt_in_both_is_forgotten(store, folder):
    """As when a model itself made it, and an earlier version kept it."""
    ids, vectors = saved(folder, store, 300)
    broken = vectors.copy()
    broken[7] = np.nan
    np.save(files_of(folder)["matrix"], broken)
    spoil(store, ids[7], broken[7])

    assert_sound(opened(folder, store), np.delete(ids, 7), np.delete(vectors, 7, axis=0))


@pytest.mark.parametrize("lost", ["matrix", "ids", "folder"])
def test_deleted_files_return_on_next_read(store, folder, lost):
    """They were deleted while the album is open."""
    ids, vectors = saved(folder, store, 10)
    index = opened(folder, store)
    if lost == "folder":
        shutil.rmtree(folder)
    else:
        files_of(folder)[lost].unlink()

    index.snapshot()

    assert_sound(index, ids, vectors)


# A kill between any two writes of an append


class Killed(BaseException):
    pass


class DyingFile:
    """A file whose owner is killed after `left` more bytes have been written."""

    left = 0

    def __init__(self, file):
        self._file = file

    def write(self, data):
        whole = len(data)
        cut = data[: DyingFile.left]
        DyingFile.left -= len(cut)
        self._file.write(cut)
        self._file.flush()
        if len(cut) < whole:
            raise Killed
        return whole

    def truncate(self):
        if not DyingFile.left:
            raise Killed
        return self._file.truncate()

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize(
    "left", [0, 1, 63, 64, 65, 5 * 64, 5 * 64 + 1, 5 * 64 + 60, 448, 449, 470, 488, 489, 550, 615]
)
def test_kill_during_append_loses_no_row(store, folder, monkeypatch, left, ahead):
    """5 new rows: 320 bytes and a header of 128 for the matrix, 40 and 128 for the ids."""
    vectors = unit_rows(10)
    ids = add(store, vectors)
    index = opened(folder, store)
    if ahead:  # an earlier kill left rows behind those that count
        _append(files_of(folder)["matrix"], unit_rows(20, seed=4), 10)
    more = unit_rows(5, seed=1)
    ids = np.concatenate([ids, add(store, more)])
    real_open = Path.open
    DyingFile.left = left

    def dying_open(path, mode="r"):
        file = real_open(path, mode)
        return DyingFile(file) if mode == "r+b" else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", dying_open)
        with pytest.raises(Killed):
            index.sync()

    assert_sound(opened(folder, store), ids, np.concatenate([vectors, more]))


@pytest.mark.parametrize("replaced", [0, 1])
def test_kill_during_rebuild_loses_no_row(store, folder, monkeypatch, replaced):
    ids, vectors = saved(folder, store, 10)
    for path in files_of(folder).values():
        path.write_bytes(b"garbage")
    real_replace = Path.replace
    done = []

    def replace(path, target):
        if len(done) == replaced:
            raise Killed
        done.append(target)
        return real_replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(Killed):
            opened(folder, store)

    assert_sound(opened(folder, store), ids, vectors)


# Several processes

WRITER = """
import sys
from pathlib import Path
import numpy as np
from album.storage.database import Database
from album.storage.photos import PhotoStore
from tests.integration.storage.test_vector_index import MODEL, D, add, new_photo, opened, unit_rows

folder, first = Path(sys.argv[1]), int(sys.argv[2])
store = PhotoStore(Database(folder.parent / "album.db"))
index = opened(folder, store)
for number, vector in enumerate(unit_rows(200, seed=first), start=first):
    store.add(new_photo(number), MODEL, vector)
    if number % 4 == 0:
        index.sync()
index.sync()
"""


def test_processes_write_one_matrix_concurrently(store, folder):
    index = opened(folder, store)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(first)],
            cwd=CHECKOUT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first in (0, 1000)
    ]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        ids, matrix = index.snapshot()
        assert len(ids) == len(matrix) >= seen
        np.testing.assert_array_equal(index.vectors_of(ids), matrix)
        seen = len(ids)
    assert [(writer.wait(), writer.communicate()[1]) for writer in writers] == [(0, ""), (0, "")]

    rows = {}
    for photo in store.all_photos():
        number = int(photo.sha256, 16)
        rows[photo.photo_id] = unit_rows(200, seed=number // 1000 * 1000)[number % 1000]
    index.sync()
    ids = store.embedded_ids(MODEL)
    assert sorted(ids.tolist()) == sorted(rows)
    assert len(ids) == 400
    assert_sound(index, ids, np.array([rows[photo_id] for photo_id in ids.tolist()]))
