"""ClassEmbeddings: text embeddings of class names by one model, cached on disk.

    embeddings/<model>.names.npy    (m, d) float32, one row for each name
    embeddings/<model>.names.json   which names these are, and a checksum of the matrix

Both are a cache: what is damaged or does not match is ignored and encoded again.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.interfaces import Classifiers, ClassName, ClassSpec, Embeddings, Encoder, Wording
from models.prompts import KIND_TEMPLATES, TEMPLATES

log = logging.getLogger(__name__)

MOST_KEPT = 20_000  # names: with a width of 768 they take 61 MB
NAMES_AT_ONCE = 32  # between two steps of the progress
SAVE_EACH = 2_000  # new names, so that an interrupted long list keeps most of its work

Floats = npt.NDArray[np.float32]
Key = tuple[str, str, str]
"""Text, kind and wording of a name."""


class ClassEmbeddings:
    """A small vector store of class names for one model, safe to call from many threads.

    Two processes may share the files: the one that writes last decides what they hold.
    """

    def __init__(self, encoder: Encoder, classifiers: Classifiers, path: Path) -> None:
        """Set up the store, without reading or encoding yet.

        Args:
            encoder: its text tower encodes the names.
            classifiers: puts names into templates.
            path: the .npy file. The names of its rows are in a file beside it.
        """
        self._encoder = encoder
        self._classifiers = classifiers
        self._path = path
        self._lock = threading.Lock()
        self._rows: dict[Key, Floats] | None = None  # (d,) each, in the order of their last use
        self._unsaved = 0

    def directions(
        self,
        classes: Sequence[ClassSpec],
        wording: Wording = "ensemble",
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Embeddings:
        """Return a unit direction for each class, the weighted mean over its names.

        Args:
            classes: with their names. A name of several classes is encoded once.
            wording: the templates that names are put into.
            on_progress: called with (done, total) of the new names, not called for none.

        Returns:
            (c, d) float32, rows of L2 norm 1.
        """
        if not classes:
            return np.zeros((0, self._encoder.dim), np.float32)
        names = [name for spec in classes for name in spec.names]
        rows = self._rows_of(names, wording, on_progress)  # (m, d)
        weights = np.array([name.weight for name in names], np.float32)
        starts = np.cumsum([0, *(len(spec.names) for spec in classes[:-1])])
        means = np.add.reduceat(rows * weights[:, None], starts, axis=0)  # (c, d)
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return np.asarray(means, np.float32)

    def _rows_of(
        self,
        names: Sequence[ClassName],
        wording: Wording,
        on_progress: Callable[[int, int], None] | None,
    ) -> Floats:
        wanted = {_key(name, wording): name for name in names}
        rows: dict[Key, Floats] = {}
        with self._lock:
            known = self._known()
            for key in wanted:
                if key in known:
                    rows[key] = known[key] = known.pop(key)  # now the most recently used
        missing = [key for key in wanted if key not in rows]
        try:
            for start in range(0, len(missing), NAMES_AT_ONCE):
                part = missing[start : start + NAMES_AT_ONCE]
                rows.update(self._encode(part, wanted, wording))
                if on_progress is not None:
                    on_progress(start + len(part), len(missing))
        finally:
            self._save(least=1)
        return np.stack([rows[_key(name, wording)] for name in names])

    def _encode(
        self, keys: Sequence[Key], names: dict[Key, ClassName], wording: Wording
    ) -> dict[Key, Floats]:
        """Encode a few names under the lock, so that two threads do not encode the same ones."""
        with self._lock:
            known = self._known()
            new = [key for key in keys if key not in known]
            rows = self._classifiers.name_directions(
                self._encoder, [names[key] for key in new], wording
            )
            known.update(zip(new, rows, strict=True))
            self._unsaved += len(new)
            encoded = {key: known[key] for key in keys}
            while len(known) > MOST_KEPT:
                del known[next(iter(known))]
        self._save(least=SAVE_EACH)
        return encoded

    def _known(self) -> dict[Key, Floats]:
        """Return the rows by name, read from the files at the first call."""
        if self._rows is None:
            self._rows = _load(self._path, self._encoder.dim)
        return self._rows

    def _save(self, least: int) -> None:
        """Write the files if at least `least` names are new."""
        with self._lock:
            if self._rows is not None and self._unsaved >= least:
                self._unsaved = 0
                _write(self._path, self._rows)


def _key(name: ClassName, wording: Wording) -> Key:
    return name.text, name.kind, wording


def _templates() -> str:
    """Return a checksum of the templates, which tells rows of other templates apart."""
    return hashlib.sha256(repr((TEMPLATES, KIND_TEMPLATES)).encode()).hexdigest()[:8]


def _load(path: Path, d: int) -> dict[Key, Floats]:
    """Read the rows, none where the files are damaged or of other templates."""
    try:
        table: Any = json.loads(path.with_suffix(".json").read_bytes())
        matrix = path.read_bytes()
    except (OSError, ValueError, RecursionError):
        return {}
    if (
        not isinstance(table, dict)
        or table.get("templates") != _templates()
        or table.get("checksum") != zlib.crc32(matrix)
        or not isinstance(names := table.get("names"), list)
        or not all(isinstance(key, list) and list(map(type, key)) == [str] * 3 for key in names)
    ):
        return {}
    rows = np.load(io.BytesIO(matrix), allow_pickle=False)
    if rows.shape != (len(names), d) or rows.dtype != np.float32 or not np.isfinite(rows).all():
        return {}
    return {(key[0], key[1], key[2]): row for key, row in zip(names, rows, strict=True)}


def _write(path: Path, rows: dict[Key, Floats]) -> None:
    """Replace both files, each in one step: a checksum tells whether they are a pair."""
    matrix = io.BytesIO()
    np.save(matrix, np.stack(list(rows.values())))
    checksum = zlib.crc32(matrix.getbuffer())
    table = {"templates": _templates(), "checksum": checksum, "names": list(rows)}
    keys = path.with_suffix(".json")
    # Another process may be writing the same files, so the parts have names of their own.
    parts = [path.with_suffix(f".{os.getpid()}.part"), keys.with_suffix(f".{os.getpid()}.part2")]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # people may have deleted it
        parts[0].write_bytes(matrix.getbuffer())
        parts[1].write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
        parts[0].replace(path)
        parts[1].replace(keys)
    except OSError as error:
        log.warning("%s could not be kept: %s", path.name, error.strerror)
        for part in parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)
