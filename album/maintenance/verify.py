"""Read-only check that rows, originals, thumbnails and matrices agree.

Photos are checked one by one, so memory grows by only a few bytes per photo.
"""

from __future__ import annotations

import os
import struct
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from album.domain.photo import Photo
from album.errors import PhotoNotFoundError
from album.images.file_types import file_kind
from album.runtime.files import sha256_of
from album.storage.originals import Originals, is_half
from album.storage.photos import PhotoStore
from album.storage.vector_index import matrix_files
from album.storage.view_cache import ViewCache

# What NumPy raises for a damaged header, beside OSError.
_NPY_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    SyntaxError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
    struct.error,
)


def find_faults(
    store: PhotoStore, originals: Originals, embeddings_dir: Path, *, deep: bool = False
) -> Iterator[str]:
    """Yield one line for each fault of a library.

    A missing matrix, or one with fewer rows than the database, is no fault, as the next start
    completes it.

    Args:
        store: the rows.
        originals: the files.
        embeddings_dir: the folder of the matrices.
        deep: read every original and compare its sha256.
    """
    if broken := database_faults(store):
        yield from broken
        return  # other checks need sound rows
    views = ViewCache(originals)
    for photo in store.all_photos():
        name = photo_title(photo)
        match original_state(originals, photo, deep):
            case "gone":
                yield f"{name}: its original is gone"
            case "changed":
                yield f"{name}: its original has changed"
            case "other bytes":
                yield f"{name}: its original has other bytes than at the import"
        match jpeg_state(originals.thumbnail(photo.sha256)):
            case "missing":
                yield f"{name}: its thumbnail is missing"
            case "broken":
                yield f"{name}: its thumbnail is broken"
        if any(jpeg_state(view) == "broken" for view in views.paths(photo.sha256)):
            yield f"{name}: its large view is broken"
    for file in unowned_originals(store, originals):
        yield f"{file.name}: an original that no photo of the album owns"
    yield from _lacking_vectors(store)
    for model_id in store.encoded_by():
        if fault := matrix_fault(store, embeddings_dir, model_id):
            yield fault


# Rows and originals

_Original = Literal["sound", "gone", "changed", "other bytes"]


def database_faults(store: PhotoStore) -> list[str]:
    """List the faults of the database itself."""
    try:
        return store.database.faults()
    except store.database.connection.Error as error:
        return [f"album.db: {error}"]


def original_state(originals: Originals, photo: Photo, deep: bool) -> _Original:
    """Classify the original of a photo.

    "other bytes" is only detected when `deep` reads the file.
    """
    try:
        original = originals.find(photo)
        if original.stat().st_size != photo.size_bytes:
            return "changed"
        if deep and sha256_of(original) != photo.sha256:
            return "other bytes"
    except (PhotoNotFoundError, OSError):  # OSError: an unplugged disk
        return "gone"
    return "sound"


def unowned_originals(store: PhotoStore, originals: Originals) -> Iterator[Path]:
    """Yield the files among the album's own originals that no row owns."""
    for folder, below, names in os.walk(originals.photos_dir):
        below.sort()
        for name in sorted(names):
            file = Path(folder) / name
            if is_half(file):
                continue
            photo = store.by_sha256(name.partition(".")[0])
            owners = [file, file.with_suffix("")] if file_kind(name) == "sidecar" else [file]
            if photo is None or originals.stored_path(photo) not in owners:
                yield file


def photo_title(photo: Photo) -> str:
    """Name a photo in reports."""
    return f"photo {photo.photo_id} ({photo.filename})"


# Thumbnails


def jpeg_state(path: Path) -> Literal["sound", "missing", "broken"]:
    """Classify a JPEG by its first and last bytes.

    A power cut leaves an empty or a truncated file.
    """
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(3)
            file.seek(-2, os.SEEK_END)
            return "sound" if head + file.read(2) == b"\xff\xd8\xff\xff\xd9" else "broken"
    except FileNotFoundError:
        return "missing"
    except OSError:  # shorter than two bytes, no file, or unreadable
        return "broken"


# Vectors


def _lacking_vectors(store: PhotoStore) -> Iterator[str]:
    counts, photos = store.encoded_by(), store.count()
    if not counts and photos:
        yield "no photo has been encoded by any model"
    elif counts and photos > (most := max(counts.values())):
        yield f"{photos - most} photos are not encoded by the model that has encoded the most"


def matrix_fault(store: PhotoStore, embeddings_dir: Path, model_id: str) -> str | None:
    """Describe how the files of a matrix differ from their rows."""
    path, ids_path = matrix_files(embeddings_dir, model_id)
    if not path.exists() and not ids_path.exists():
        return None
    if not path.exists() or not ids_path.exists():
        return f"{path.name}: half of it is missing"
    try:
        return _disagreement(store, model_id, path, ids_path)
    except (ValueError, TypeError):  # NumPy cannot stack vectors of different lengths
        return f"album.db: a vector of {model_id} has another length than the others"


def _disagreement(store: PhotoStore, model_id: str, path: Path, ids_path: Path) -> str | None:
    d = embedding_width(store, model_id)
    ids, matrix = _mapped(ids_path, (), "<i8"), _mapped(path, (d,), "<f4")
    if ids is None or matrix is None:
        return f"{path.name}: it is cut short or damaged"
    truth = store.embedded_ids(model_id)
    rows = min(len(ids), len(matrix))
    if max(len(ids), len(matrix)) > len(truth) or not np.array_equal(ids[:rows], truth[:rows]):
        return f"{path.name}: its rows are not those of the database"
    row = 0
    for _, vectors in store.vectors(model_id, 0, d):
        stored = matrix[row : min(row + len(vectors), rows)]
        if stored.tobytes() != vectors[: len(stored)].tobytes():
            return f"{path.name}: rows from {row} on differ from the database"
        row += len(stored)
        if row == rows:
            break
    return None


def embedding_width(store: PhotoStore, model_id: str) -> int:
    """Return d, the length of the vectors of a model.

    The model must have vectors.
    """
    _, first = next(store.vectors(model_id, 0, -1, portion=1))
    return int(first.shape[1])


def _mapped(path: Path, row: tuple[int, ...], kind: str) -> npt.NDArray[Any] | None:
    """Map the rows of a file, or None for another shape or type."""
    try:
        with np.errstate(over="ignore"):  # a forged number of rows
            array = np.lib.format.open_memmap(path, mode="r")
    except (OSError, *_NPY_ERRORS):
        return None
    if array.dtype != np.dtype(kind) or array.ndim != 1 + len(row) or array.shape[1:] != row:
        return None
    return array if array.flags.c_contiguous else None
