"""Cached embedding matrix of one model.

    embeddings/<model>.npy       (n, d) float32, L2-normalised rows, readable by `np.load`
    embeddings/<model>.ids.npy   (n,) int64, the photo of each row

Both follow the rows of the database, in their order, and never lead. A file that is behind gets
the missing rows appended, one that disagrees or is missing is rebuilt. Where the disk is full or
read-only, the matrix is held in memory.
"""

from __future__ import annotations

import io
import logging
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from album.storage.photos import PhotoStore
from models.interfaces import Embeddings

log = logging.getLogger(__name__)

TAIL_ROWS = 64  # compared with the database when a matrix is opened: what a power cut may tear
BLOCK_ROWS = 65_536


class VectorIndex:
    """Matrix of one model, with lock-free reads and serial writes."""

    def __init__(self, folder: Path, store: PhotoStore, model_id: str, d: int) -> None:
        """Open or create the matrix in `folder`, and sync it with `store`.

        Embeddings that are not finite are deleted, so that their photos are encoded again.
        """
        self.model_id = model_id
        self.d = d
        self.path, self._ids_path = matrix_files(folder, model_id)
        self._store = store
        self._lock = threading.Lock()
        self._seq = -1
        self._in_memory = False
        self._snapshot = self._open()
        self.sync()

    def __len__(self) -> int:
        return len(self._snapshot[0])

    def sync(self) -> None:
        """Append the embeddings that any process added to the database.

        Deleted files are rebuilt.
        """
        if self._store.last_seq(self.model_id) == self._seq and self._has_files():
            return
        with self._lock, self._write_lock():
            self._snapshot = self._matrix_from(self._append_missing)
            self._seq = self._store.last_seq(self.model_id)

    def snapshot(self) -> tuple[npt.NDArray[np.int64], Embeddings]:
        """Return all (n,) ids and (n, d) embeddings, not to be changed."""
        self.sync()
        return self._snapshot

    def vectors_of(self, photo_ids: npt.NDArray[np.int64]) -> Embeddings:
        """Return (m, d) embeddings of indexed `photo_ids`, in the index's order."""
        self.sync()
        ids, matrix = self._snapshot
        return np.asarray(matrix[np.flatnonzero(is_in(ids, photo_ids))])

    def blocks(self) -> Iterator[tuple[npt.NDArray[np.int64], Embeddings]]:
        """Yield the whole index as (b,) ids and (b, d) embeddings."""
        self.sync()
        ids, matrix = self._snapshot
        for start in range(0, len(ids), BLOCK_ROWS):
            yield ids[start : start + BLOCK_ROWS], matrix[start : start + BLOCK_ROWS]

    def faults(self) -> list[str]:
        """List where the files and the database disagree."""
        ids, matrix = self._snapshot
        if not np.array_equal(ids, self._store.embedded_ids(self.model_id)):
            return [f"{self.path.name}: its rows are not those of the database"]
        row = 0
        for _, vectors in self._store.vectors(self.model_id, 0, self.d):
            if not np.array_equal(matrix[row : row + len(vectors)], vectors):
                return [f"{self.path.name}: rows from {row} on differ from the database"]
            row += len(vectors)
        return []

    def _open(self) -> tuple[npt.NDArray[np.int64], Embeddings]:
        """Map the files if they agree with the database, else rebuild them."""
        with self._write_lock():
            return self._map() if self._matches_database() else self._matrix_from(self._rebuild)

    def _write_lock(self) -> AbstractContextManager[object]:
        """Take the database's write lock, which also excludes other processes."""
        return nullcontext() if self._store.database.read_only else self._store.writing()

    def _matrix_from(self, make: Callable[[], None]) -> tuple[npt.NDArray[np.int64], Embeddings]:
        """Return the matrix that `make` writes, else one in memory."""
        try:
            make()
            self._in_memory = False
            return self._map()
        except OSError as error:
            log.warning("the matrix of %s is held in memory: %s", self.model_id, error)
        self._in_memory = True
        rows = list(self._rows(0))
        ids = [np.empty(0, np.int64), *(ids for ids, _ in rows)]
        vectors = [np.empty((0, self.d), np.float32), *(vectors for _, vectors in rows)]
        return np.concatenate(ids), np.concatenate(vectors)

    def _has_files(self) -> bool:
        return self._in_memory or (self.path.exists() and self._ids_path.exists())

    def _append_missing(self) -> None:
        ids, matrix = self._load()
        if ids is None or matrix is None:
            self._rebuild()
            return
        rows = min(len(ids), len(matrix))
        for new_ids, vectors in self._rows(rows):
            _append(self.path, vectors, rows)
            _append(self._ids_path, new_ids, rows)
            rows += len(new_ids)

    def _rows(self, first: int) -> Iterator[tuple[npt.NDArray[np.int64], Embeddings]]:
        """Yield ids (b,) and valid embeddings (b, d) from row `first` on."""
        invalid = self._store.ids_of_other_length(self.model_id, first, self.d)
        self._forget(invalid)
        for ids, vectors in self._store.vectors(self.model_id, first, self.d, only_d=True):
            valid = are_finite(vectors)
            if not valid.all():
                self._forget(ids[~valid].tolist())
                ids, vectors = ids[valid], vectors[valid]
            yield ids, vectors

    def _forget(self, photo_ids: list[int]) -> None:
        if photo_ids and not self._store.database.read_only:
            log.warning("%d photos are to be encoded by %s again", len(photo_ids), self.model_id)
            self._store.forget_vectors(self.model_id, photo_ids)

    def _matches_database(self) -> bool:
        ids, matrix = self._load()
        if ids is None or matrix is None:
            return False
        rows = min(len(ids), len(matrix))
        stored_ids = self._store.embedded_ids(self.model_id)
        if max(len(ids), len(matrix)) > len(stored_ids) or not np.array_equal(
            ids[:rows], stored_ids[:rows]
        ):
            return False
        if not all(
            are_finite(matrix[start : start + BLOCK_ROWS]).all()
            for start in range(0, rows, BLOCK_ROWS)
        ):
            return False
        first = max(0, rows - TAIL_ROWS)
        for _, vectors in self._store.vectors(
            self.model_id, first, self.d, portion=TAIL_ROWS, only_d=True
        ):
            return np.array_equal(matrix[first:rows], vectors[: rows - first])
        return True

    def _rebuild(self) -> None:
        rows = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for path, d, kind in ((self.path, (self.d,), np.float32), (self._ids_path, (), np.int64)):
            with path.with_suffix(".part").open("wb") as file:
                file.write(_header((0, *d), np.dtype(kind)))
        for ids, vectors in self._rows(0):
            _append(self.path.with_suffix(".part"), vectors, rows)
            _append(self._ids_path.with_suffix(".part"), ids, rows)
            rows += len(ids)
        for path in (self.path, self._ids_path):
            path.with_suffix(".part").replace(path)
        if rows:
            log.info("made the embedding matrix of %s again: %d rows", self.model_id, rows)

    def _map(self) -> tuple[npt.NDArray[np.int64], Embeddings]:
        ids, matrix = self._load()
        assert ids is not None  # under the lock, just opened or made
        assert matrix is not None
        rows = min(len(ids), len(matrix))
        return np.array(ids[:rows]), matrix[:rows]

    def _load(self) -> tuple[npt.NDArray[np.int64] | None, Embeddings | None]:
        return _load(self._ids_path, (), np.dtype(np.int64)), _load(
            self.path, (self.d,), np.dtype(np.float32)
        )


def matrix_files(folder: Path, model_id: str) -> tuple[Path, Path]:
    """Return the paths of a model's embeddings and ids."""
    name = re.sub(r"[^\w.@-]+", "--", model_id)
    return folder / f"{name}.npy", folder / f"{name}.ids.npy"


def _load(path: Path, row: tuple[int, ...], kind: np.dtype[Any]) -> npt.NDArray[Any] | None:
    """Map the rows of shape `row` that `_append` wrote, or return None.

    NumPy's own reader guesses, and fails in various ways on a damaged header.
    """
    try:
        with path.open("rb") as file:
            header = file.read(len(_header((0, *row), kind)))
            size_bytes = file.seek(0, io.SEEK_END)
    except OSError:
        return None
    rows = re.search(rb"'shape': \((\d{1,18}),", header)
    if rows is None or header != _header(shape := (int(rows[1]), *row), kind):
        return None
    if size_bytes < len(header) + math.prod(shape) * kind.itemsize:
        return None
    if not shape[0]:
        return np.empty(shape, kind)  # nothing cannot be mapped
    # A plain array over the map: slices of np.memmap cost a Python call each.
    return np.memmap(path, kind, "r", len(header), shape).view(np.ndarray)


def _header(shape: tuple[int, ...], kind: np.dtype[Any]) -> bytes:
    """Return an .npy header, equally long for any number of rows.

    So it can be rewritten in place.
    """
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": kind.str, "fortran_order": False, "shape": shape}
    )
    return head.getvalue()


def _append(path: Path, array: npt.NDArray[Any], rows: int) -> None:
    """Write `array` after the first `rows` rows.

    The header is written last and makes the rows count.
    """
    header = _header((rows + len(array), *array.shape[1:]), array.dtype)
    with path.open("r+b") as file:
        file.seek(len(header) + rows * array[:1].nbytes)
        _write_all(file, np.ascontiguousarray(array))
        file.truncate()
        file.seek(0)
        file.write(header)


def _write_all(file: IO[bytes], array: npt.NDArray[Any]) -> None:
    file.write(array.tobytes())
    file.flush()


def are_finite(vectors: Embeddings) -> npt.NDArray[np.bool_]:
    """Return (b,) whether each of (b, d) vectors is finite.

    By its sum, which a NaN or infinity spoils.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return np.isfinite(vectors @ np.ones(vectors.shape[1], np.float32))


def is_in(ids: npt.NDArray[np.int64], allowed: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return (n,) whether each id is allowed.

    By a table, since ids are small whole numbers.
    """
    table = np.zeros(max(ids.max(initial=0), allowed.max(initial=0)) + 1, dtype=bool)
    table[allowed] = True
    return table[ids]
