"""Query bank: cosines of every photo with everyday words.

They are independent of any search and kept in two files, which are rebuilt when deleted:

    embeddings/<model>.background.<wording>.npy   (n, 6) float32
    embeddings/<model>.words.<wording>.npy        (2, w, d) float32

A photo that fits the query "kite" well may fit hundreds of other words as well. So the album
compares every photo with a few hundred everyday words once, and keeps for each language how high
that photo's cosines are by themselves. (The idea is that of querybank normalisation: Bogolin et
al. 2022, "Cross Modal Retrieval with Querybank Normalisation".)
"""

from __future__ import annotations

import glob
import hashlib
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from album.storage.vector_index import VectorIndex
from models.interfaces import Embeddings, Encoder
from models.prompts import EVERYDAY_WORDS

log = logging.getLogger(__name__)

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
STATS = 2 * len(LANGUAGES)  # level and spread in each language
ID_BITS = 2  # float32 columns that hold the bits of a row's id
PORTION = 2_048  # rows, times 500 words in float32: 4 MB
RECOMPUTED_ROWS = 64  # last known rows: a photo replaced there leaves the ids as they were
SAVE_EACH = 0.02  # a file that lacks no larger share of the rows is not rewritten
SMALLEST_SPREAD = 1e-6

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class QueryBankStats:
    """Statistics of n photos' cosines with the everyday words of one language."""

    level: Floats
    """(n,) the soft maximum of each photo's cosines with the words."""
    spread: float
    """Standard deviation of a photo's cosines with the words, of the median photo, above 0."""


class QueryBank:
    """The everyday words of both languages, and their statistics for each photo.

    Safe to call from many threads.
    """

    def __init__(self, encoder: Encoder, index: VectorIndex, folder: Path) -> None:
        """Encode the words and read the cache in `folder`.

        No photo is compared yet.
        """
        self._index = index
        self._path = folder / f"{index.path.stem}.background.{_wording()}.npy"
        self._lock = threading.Lock()
        words = _encode_words(encoder, folder / f"{index.path.stem}.words.{_wording()}.npy")
        self.words: dict[Language, Embeddings] = dict(zip(LANGUAGES, words, strict=True))
        """By language (w, d)."""
        self._ids, self._table = _load(self._path)
        self._saved = len(self._ids)
        self._stats: dict[Language, QueryBankStats] = {}

    def stats(self, language: Language, n: int) -> QueryBankStats:
        """Return statistics of the `n` rows of the index for one language.

        Compares new photos first, which costs about a second for 100,000 of them.
        """
        with self._lock:
            self._sync()
            stats = self._stats.get(language)
            if stats is None:
                column = LANGUAGES.index(language) * 2
                level = np.ascontiguousarray(self._table[:, column])
                spreads = self._table[:, column + 1]
                spread = float(np.median(spreads)) if len(spreads) else 0.0
                stats = QueryBankStats(level, max(spread, SMALLEST_SPREAD))
                self._stats[language] = stats
        if len(stats.level) == n:
            return stats
        # Photos are being added or removed at this moment: the unknown count as usual ones.
        level = np.full(n, np.median(stats.level) if len(stats.level) else 0.0, np.float32)
        rows = min(n, len(stats.level))
        level[:rows] = stats.level[:rows]
        return QueryBankStats(level, stats.spread)

    def image_stats(self, vectors: Embeddings) -> Floats:
        """Return (b, 4): level and spread of images in each language.

        The images are (b, d) embeddings. Columns are in the order of `LANGUAGES`.
        """
        table = np.empty((len(vectors), STATS), np.float32)
        for start in range(0, len(vectors), PORTION):
            part = slice(start, start + PORTION)
            rows = np.nan_to_num(vectors[part])  # a broken one would break the median of all
            for column, language in enumerate(LANGUAGES):
                level, spread = _level(rows @ self.words[language].T)
                table[part, 2 * column] = level
                table[part, 2 * column + 1] = spread
        return table

    def _sync(self) -> None:
        ids, matrix = self._index.snapshot()
        if np.array_equal(ids, self._ids) and self._stats:
            return
        known = min(len(self._ids), len(ids))
        if not np.array_equal(ids[:known], self._ids[:known]):
            known = self._saved = 0  # photos were deleted, so rows have moved
        known = max(0, known - RECOMPUTED_ROWS)
        table = np.concatenate([self._table[:known], self.image_stats(matrix[known:])])
        self._ids, self._table, self._stats = ids, table, {}
        if len(ids) - self._saved > SAVE_EACH * len(ids):
            _save(self._path, self._ids, self._table)
            self._saved = len(ids)


_shared: WeakValueDictionary[int, QueryBank] = WeakValueDictionary()
_sharing = threading.Lock()


def shared_query_bank(encoder: Encoder, index: VectorIndex, folder: Path) -> QueryBank:
    """Return the one query bank of an index.

    Searches and classifications share it, so each photo is compared once and its file has one
    writer.
    """
    with _sharing:
        bank = _shared.get(id(index))  # the bank holds its index, so no other has this id
        if bank is None:
            bank = _shared[id(index)] = QueryBank(encoder, index, folder)
        return bank


def _level(cosines: Floats) -> tuple[Floats, Floats]:
    """Return (b,) soft maxima and (b,) standard deviations of (b, w) cosines.

    The soft maximum is m + s log(mean(exp((cosine - m) / s))) with the mean m and the standard
    deviation s of the row: in units of s, so that it is comparable across models. Overwrites
    `cosines`.
    """
    mean = cosines.mean(axis=1, keepdims=True)
    cosines -= mean
    spread = np.sqrt(np.einsum("bw,bw->b", cosines, cosines) / cosines.shape[1])[:, None]
    cosines /= np.maximum(spread, SMALLEST_SPREAD)
    np.exp(cosines, out=cosines)
    level = mean + spread * np.log(cosines.mean(axis=1, keepdims=True))
    return level[:, 0], spread[:, 0]


def _wording() -> str:
    """Return a hash of the words.

    It tells statistics of other words apart.
    """
    return hashlib.sha256(repr(EVERYDAY_WORDS).encode()).hexdigest()[:8]


def _encode_words(encoder: Encoder, path: Path) -> Embeddings:
    """Return the (languages, w, d) everyday words, cached.

    A large model takes half a minute to encode them.
    """
    shape = (len(LANGUAGES), len(EVERYDAY_WORDS), encoder.dim)
    cached = _read(path)
    if cached is not None and cached.shape == shape and np.isfinite(cached).all():
        return cached
    languages = zip(*EVERYDAY_WORDS, strict=True)
    words = np.stack([encoder.encode_texts(language) for language in languages])
    _write(path, words)
    return words


def _read(path: Path) -> Floats | None:
    """Read a float32 array. None for anything else."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if isinstance(array, np.ndarray) and array.dtype == np.float32 else None


def _load(path: Path) -> tuple[Ids, Floats]:
    """Read (n,) ids and (n, 4) statistics.

    Both are empty if the file is no such table.
    """
    table = _read(path)
    if (
        table is None
        or table.shape[1:] != (STATS + ID_BITS,)
        or not np.isfinite(table[:, :STATS]).all()
    ):
        table = np.empty((0, STATS + ID_BITS), np.float32)
    ids = np.ascontiguousarray(table[:, STATS:]).view(np.int64)[:, 0]
    return ids, np.ascontiguousarray(table[:, :STATS])


def _save(path: Path, ids: Ids, stats: Floats) -> None:
    """Write ids and statistics into one file, so that they always agree."""
    bits = np.ascontiguousarray(ids).view(np.float32).reshape(len(ids), ID_BITS)
    _write(path, np.concatenate([stats, bits], axis=1))


def _write(path: Path, array: Floats) -> None:
    """Replace a cached array atomically, and delete those of other words."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # it may have been deleted
        with part.open("wb") as file:
            np.save(file, array)
        part.replace(path)
    except OSError as error:
        log.warning("%s could not be kept: %s", path.name, error.strerror)
        return
    stem, kind, _ = path.name.removesuffix(".npy").rsplit(".", 2)
    for other in path.parent.glob(f"{glob.escape(f'{stem}.{kind}')}.????????.npy"):
        if other != path:
            other.unlink(missing_ok=True)
