"""Background: how every photo of an index answers to everyday words, whatever is being searched.

    embeddings/<model>.background.<wording>.npy   (n, 6) float32, and
    embeddings/<model>.words.<wording>.npy        (2, w, d) float32; made again when deleted

A photo that fits the query "kite" well may fit hundreds of other words as well. So the album asks
every photo about a few hundred everyday words once, and keeps for each language how high that
photo's cosines go by themselves. (The idea is that of querybank normalisation: Bogolin et al. 2022,
"Cross Modal Retrieval with Querybank Normalisation".)
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
PORTION = 2_048  # rows; times 500 words in float32: 4 MB
ASKED_AGAIN = 64  # last known rows: a photo replaced there leaves the ids as they were
SAVE_EACH = 0.02  # a file that lacks no larger share of the rows is not written anew
SMALLEST_SPREAD = 1e-6

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class QueryBankStats:
    """What n photos answer to the everyday words of one language."""

    level: Floats
    """(n,) the soft maximum of each photo's cosines with the words."""
    spread: float
    """How far the cosines of a photo with the words scatter: a standard deviation; of the median
    photo, above 0."""


class QueryBank:
    """The words of both languages as one model sees them, and what each photo answers to them.

    Safe to call from many threads.
    """

    def __init__(self, encoder: Encoder, index: VectorIndex, folder: Path) -> None:
        """Encode the words and read what `folder` has; no photo is asked yet."""
        self._index = index
        self._path = folder / f"{index.path.stem}.background.{_wording()}.npy"
        self._lock = threading.Lock()
        words = _embedded(encoder, folder / f"{index.path.stem}.words.{_wording()}.npy")
        self.words: dict[Language, Embeddings] = dict(zip(LANGUAGES, words, strict=True))
        """By language (w, d)."""
        self._ids, self._stats = _load(self._path)
        self._saved = len(self._ids)
        self._levels: dict[Language, QueryBankStats] = {}

    def levels(self, language: Language, n: int) -> QueryBankStats:
        """What the `n` rows of the index answer to the words of `language`.

        Asks the photos that are new, which costs about a second for 100,000 of them.
        """
        with self._lock:
            self._sync()
            known = self._levels.get(language)
            if known is None:
                column = LANGUAGES.index(language) * 2
                level = np.ascontiguousarray(self._stats[:, column])
                spreads = self._stats[:, column + 1]
                spread = float(np.median(spreads)) if len(spreads) else 0.0
                known = QueryBankStats(level, max(spread, SMALLEST_SPREAD))
                self._levels[language] = known
        if len(known.level) == n:
            return known
        # Photos are being added or removed at this very moment: the unknown count as usual ones.
        level = np.full(n, np.median(known.level) if len(known.level) else 0.0, np.float32)
        rows = min(n, len(known.level))
        level[:rows] = known.level[:rows]
        return QueryBankStats(level, known.spread)

    def answers_of(self, vectors: Embeddings) -> Floats:
        """What (b, d) pictures outside of the index answer to the words: (b, 4), the level and the
        spread of each in each of `LANGUAGES`."""
        return self._ask(vectors)

    def sync(self) -> None:
        """Ask the photos that are new, so that no search has to wait for it."""
        with self._lock:
            self._sync()

    def _sync(self) -> None:
        ids, matrix = self._index.snapshot()
        if np.array_equal(ids, self._ids) and self._levels:
            return
        known = min(len(self._ids), len(ids))
        if not np.array_equal(ids[:known], self._ids[:known]):
            known = self._saved = 0  # photos have gone: rows have moved
        known = max(0, known - ASKED_AGAIN)
        stats = np.concatenate([self._stats[:known], self._ask(matrix[known:])])
        self._ids, self._stats, self._levels = ids, stats, {}
        if len(ids) - self._saved > SAVE_EACH * len(ids):
            _save(self._path, self._ids, self._stats)
            self._saved = len(ids)

    def _ask(self, vectors: Embeddings) -> Floats:
        """(b, 4): level and spread of each photo's cosines in each language."""
        stats = np.empty((len(vectors), STATS), np.float32)
        for start in range(0, len(vectors), PORTION):
            part = slice(start, start + PORTION)
            rows = np.nan_to_num(vectors[part])  # a broken one would break the median of all
            for column, language in enumerate(LANGUAGES):
                cosines = rows @ self.words[language].T  # (b, w)
                level, spread = _level(cosines)
                stats[part, 2 * column] = level
                stats[part, 2 * column + 1] = spread
        return stats


_shared: WeakValueDictionary[int, QueryBank] = WeakValueDictionary()
_sharing = threading.Lock()


def background_of(encoder: Encoder, index: VectorIndex, folder: Path) -> QueryBank:
    """The one background of an index, so that each photo is asked once and its file has one
    writer, whoever needs it: searching or sorting into classes."""
    with _sharing:
        known = _shared.get(id(index))  # which holds its index: the id is of no other
        if known is None:
            known = _shared[id(index)] = QueryBank(encoder, index, folder)
        return known


def _level(cosines: Floats) -> tuple[Floats, Floats]:
    """(b,) soft maxima of the rows of (b, w) cosines, and (b,) their standard deviations.

    The soft maximum is m + s log(mean(exp((cosine - m) / s))) with the mean m and the standard
    deviation s of the row: in units of s, so that it means the same for every model. Works in the
    memory of `cosines`.
    """
    mean = cosines.mean(axis=1, keepdims=True)
    cosines -= mean
    spread = np.sqrt(np.einsum("bw,bw->b", cosines, cosines) / cosines.shape[1])[:, None]
    cosines /= np.maximum(spread, SMALLEST_SPREAD)
    np.exp(cosines, out=cosines)
    level = mean + spread * np.log(cosines.mean(axis=1, keepdims=True))
    return level[:, 0], spread[:, 0]


def _wording() -> str:
    """Names the words, so that statistics of other words are not taken for those of these."""
    return hashlib.sha256(repr(EVERYDAY_WORDS).encode()).hexdigest()[:8]


def _embedded(encoder: Encoder, path: Path) -> Embeddings:
    """(languages, w, d) the everyday words; kept, since a large model takes half a minute."""
    shape = (len(LANGUAGES), len(EVERYDAY_WORDS), encoder.dim)
    kept = _array(path)
    if kept is not None and kept.shape == shape and np.isfinite(kept).all():
        return kept
    languages = zip(*EVERYDAY_WORDS, strict=True)
    words = np.stack([encoder.encode_texts(language) for language in languages])
    _write(path, words)
    return words


def _array(path: Path) -> Floats | None:
    """The float32 array in a file; None for anything else."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if isinstance(array, np.ndarray) and array.dtype == np.float32 else None


def _load(path: Path) -> tuple[Ids, Floats]:
    """(n,) ids and (n, 4) statistics as they were saved; none for anything else."""
    table = _array(path)
    if (
        table is None
        or table.shape[1:] != (STATS + ID_BITS,)
        or not np.isfinite(table[:, :STATS]).all()
    ):
        table = np.empty((0, STATS + ID_BITS), np.float32)
    ids = np.ascontiguousarray(table[:, STATS:]).view(np.int64)[:, 0]
    return ids, np.ascontiguousarray(table[:, :STATS])


def _save(path: Path, ids: Ids, stats: Floats) -> None:
    """Put the table in place in one step; ids beside statistics, so that they always agree."""
    bits = np.ascontiguousarray(ids).view(np.float32).reshape(len(ids), ID_BITS)
    _write(path, np.concatenate([stats, bits], axis=1))


def _write(path: Path, array: Floats) -> None:
    """Put an array in place in one step, and take away those of other words."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # somebody may have deleted it
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
