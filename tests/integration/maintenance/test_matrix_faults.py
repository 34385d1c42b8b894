"""Damaged matrices are reported and rebuilt."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from album.maintenance.repair import RepairReport
from album.maintenance.verify import find_faults
from album.storage.vector_index import TAIL_ROWS, VectorIndex
from tests.support.fakes import FakeEncoder
from tests.support.library import Library, library, photo
from tests.support.repairs import (
    PHOTOS,
    damage,
    faults_of,
    repaired,
)


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


def test_photos_without_a_vector_are_counted_and_encoded(sound):
    def add_unseen(opened: Library) -> None:
        for number in (900, 901):
            path = photo(sound.parent / "photos" / f"{number}.jpg", number)
            opened.add(path, keep=False, encode=False)

    damage(sound, add_unseen)

    assert faults_of(sound) == ["2 photos are not encoded by the model that has encoded the most"]
    assert repaired(sound) == RepairReport(encoded=2)
    assert faults_of(sound) == []


def test_a_vector_of_another_length_is_named(sound):
    with library(sound) as opened:
        opened.database.connection.execute("UPDATE embeddings SET vector = x'00' WHERE seq = 3")

    assert faults_of(sound) == ["album.db: a vector of fake has another length than the others"]
