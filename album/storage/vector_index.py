"""VectorIndex: the cached embedding matrix of one model.

    embeddings/<model>.npy       (n, d) float32, L2-normalised rows; a plain `np.load` reads it
    embeddings/<model>.ids.npy   (n,) int64, the photo of each row

Both follow the rows of the database, in their order, and never lead: a file that is behind gets
the missing rows appended, one that disagrees or is gone is made again. Where the disk takes none,
the matrix is held in memory.
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
    """The matrix of one model; reading is lock-free on a snapshot, growing is one at a time."""

    def __init__(self, folder: Path, store: PhotoStore, model_id: str, d: int) -> None:
        """Open the matrix in `folder`, or make it, and bring it up to the rows of `store`.

        Vectors that are not finite are forgotten, so that their photos are encoded again.
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
        """Take in the vectors that were added to the database, by this process or another.

        Files that went meanwhile come back.
        """
        if self._store.last_seq(self.model_id) == self._seq and self._has_files():
            return
        with self._lock, self._alone():
            self._snapshot = self._made(self._catch_up)
            self._seq = self._store.last_seq(self.model_id)

    def snapshot(self) -> tuple[npt.NDArray[np.int64], Embeddings]:
        """All (n,) ids and (n, d) vectors as they are now; the arrays are not to be changed."""
        self.sync()
        return self._snapshot

    def vectors_of(self, photo_ids: npt.NDArray[np.int64]) -> Embeddings:
        """(m, d) vectors of those of `photo_ids` that are in the index, in the index's order."""
        self.sync()
        ids, matrix = self._snapshot
        return np.asarray(matrix[np.flatnonzero(is_in(ids, photo_ids))])

    def blocks(self) -> Iterator[tuple[npt.NDArray[np.int64], Embeddings]]:
        """The whole index as (b,) ids and (b, d) vectors, a block at a time."""
        self.sync()
        ids, matrix = self._snapshot
        for start in range(0, len(ids), BLOCK_ROWS):
            yield ids[start : start + BLOCK_ROWS], matrix[start : start + BLOCK_ROWS]

    def faults(self) -> list[str]:
        """Where the files and the database disagree, one line each."""
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
        """Map the files if they agree with the database as far as they go; else make them again."""
        with self._alone():
            return self._map() if self._agrees() else self._made(self._rebuild)

    def _alone(self) -> AbstractContextManager[object]:
        """The database's write lock, which also keeps other processes off the files."""
        return nullcontext() if self._store.database.read_only else self._store.writing()

    def _made(self, make: Callable[[], None]) -> tuple[npt.NDArray[np.int64], Embeddings]:
        """The matrix as `make` leaves its files; in memory where they cannot be written."""
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

    def _catch_up(self) -> None:
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
        """Ids (b,) and sound vectors (b, d) of the database from row `first` on, in its order."""
        unsound = self._store.ids_of_other_length(self.model_id, first, self.d)
        self._forget(unsound)
        for ids, vectors in self._store.vectors(self.model_id, first, self.d, only_d=True):
            sound = are_finite(vectors)
            if not sound.all():
                self._forget(ids[~sound].tolist())
                ids, vectors = ids[sound], vectors[sound]
            yield ids, vectors

    def _forget(self, photo_ids: list[int]) -> None:
        if photo_ids and not self._store.database.read_only:
            log.warning("%d photos are to be encoded by %s again", len(photo_ids), self.model_id)
            self._store.forget_vectors(self.model_id, photo_ids)

    def _agrees(self) -> bool:
        ids, matrix = self._load()
        if ids is None or matrix is None:
            return False
        rows = min(len(ids), len(matrix))
        truth = self._store.embedded_ids(self.model_id)
        if max(len(ids), len(matrix)) > len(truth) or not np.array_equal(ids[:rows], truth[:rows]):
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
    """Where the vectors and the ids of a model are kept."""
    name = re.sub(r"[^\w.@-]+", "--", model_id)
    return folder / f"{name}.npy", folder / f"{name}.ids.npy"


def _load(path: Path, row: tuple[int, ...], kind: np.dtype[Any]) -> npt.NDArray[Any] | None:
    """The rows, each of shape `row`, that `_append` wrote, mapped; None for anything else.

    NumPy's own reader guesses, and fails in ways of its own on a header that is damaged.
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
    """The head of an .npy file; of one length for any number of rows, so it can be rewritten."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": kind.str, "fortran_order": False, "shape": shape}
    )
    return head.getvalue()


def _append(path: Path, array: npt.NDArray[Any], rows: int) -> None:
    """Put `array` behind the first `rows` rows; the header, last, makes the rows count."""
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
    """(b,) whether each of (b, d) vectors is finite; a sum, which a NaN or infinity spoils."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.isfinite(vectors @ np.ones(vectors.shape[1], np.float32))


def is_in(ids: npt.NDArray[np.int64], allowed: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(n,) whether each id is allowed, by a table: ids are small whole numbers."""
    table = np.zeros(max(ids.max(initial=0), allowed.max(initial=0)) + 1, dtype=bool)
    table[allowed] = True
    return table[ids]
