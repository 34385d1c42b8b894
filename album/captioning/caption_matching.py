"""Ranking of captions for a photo (image-to-text retrieval).

The texts are the captions of the album, or any list. Their vectors are cached, so that the next
photo encodes only captions written since.

The order is that of the cosines. How well a text fits does not depend on the other texts: it is
told by the log-odds that the photo shows it (score_calibration.py), in words, because a caption
says more than a photo must show. On 200 held-out photos of Flickr8k, half of the captions that
people wrote for a photo fit well, and 2 % of those for other photos.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from album.domain.languages import HANGUL
from album.domain.photo import Fit, TextScore
from album.encoding.active_encoder import Active, ActiveEncoder
from album.encoding.score_calibration import MAYBE, SURE, ScoreCalibrator
from album.errors import EmptyQueryError, QueryError
from album.images.decoder import Decoder
from album.storage.captions import CaptionStore
from album.storage.photos import PhotoStore
from models.interfaces import Encoder

BEST = 5
MOST_TEXTS = 50_000
"""Compared at once, and kept encoded: 100 MB for d = 768, in half precision."""
BATCH = 16  # b: other searches wait for one of these at most
PAUSE_S = 0.005  # between batches: a lock released and taken at once never reaches a waiter
BLOCK_ROWS = 4096

HalfRow: TypeAlias = npt.NDArray[np.float16]
OnProgress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CaptionRanking:
    """The texts that fit one photo best."""

    best: list[TextScore]
    """Best first. Equal ones stay in the order of the input."""
    total: int
    """Number of different texts that were compared."""
    model_id: str | None
    """The model that compared them. None if there was nothing to compare."""


class CaptionRanker:
    """Ranks texts against photos of the album and against image files."""

    def __init__(
        self,
        store: PhotoStore,
        captions: CaptionStore,
        active: ActiveEncoder,
        decoder: Decoder,
        relevance: Callable[[Active], ScoreCalibrator],
    ) -> None:
        self._store = store
        self._captions = captions
        self._active = active
        self._decoder = decoder
        self._relevance = relevance
        self._vectors = TextVectors(MOST_TEXTS)

    def read(self, texts: Sequence[str] | None = None) -> Iterator[tuple[int, int]]:
        """Encode the new texts, one batch a step.

        It makes the ranking quick, shows progress, and may be stopped at any step without loss. The
        ranking does not need it.

        Args:
            texts: None for the captions of the album.

        Yields:
            (done, total) of the new ones, after each batch.

        Raises:
            QueryError: too many texts.
            ModelLoadingError: no model came in time.
        """
        lines = list(self._candidates(texts))
        active: Active | None = None
        new: list[str] = []
        done = 0
        while lines:
            current = self._active.current()
            if current is not active:  # the first round, or the album has changed its model
                active, done = current, 0
                new = self._vectors.lacking(active.encoder.model_id, lines)
            if done >= len(new):
                return
            self._vectors.encode(active.encoder, new[done : done + BATCH])
            done = min(done + BATCH, len(new))
            yield done, len(new)

    def describe_photo(
        self, photo_id: int, texts: Sequence[str] | None = None, limit: int = BEST
    ) -> CaptionRanking:
        """Rank texts for a photo of the album by its stored vector.

        Args:
            photo_id: the photo.
            texts: candidates in any language that the model reads. Blanks and duplicates are
                dropped. None for all captions of the album, those of this photo included.
            limit: the most texts to return.

        Raises:
            PhotoNotFoundError: there is no such photo.
            EmptyQueryError: it has not been encoded yet.
            QueryError: too many texts.
        """
        photo = self._store.get(photo_id)
        lines = self._candidates(texts)
        if not lines:
            return CaptionRanking([], 0, None)
        active = self._active.current()
        vectors = active.index.vectors_of(np.array([photo_id], dtype=np.int64))  # (0 or 1, d)
        if not len(vectors):
            raise EmptyQueryError(
                "{filename} is still being looked at; try again soon.", filename=photo.filename
            )
        return self._rank(active, vectors[0], lines, limit, lambda done, total: None)

    def describe_file(
        self,
        file: Path,
        texts: Sequence[str] | None = None,
        limit: int = BEST,
        on_progress: OnProgress = lambda done, total: None,
    ) -> CaptionRanking:
        """Rank texts for an image file, which is not stored.

        Args:
            file: any image that the album reads.
            texts: candidates, see `describe_photo`.
            limit: the most texts to return.
            on_progress: called with (done, total) of the new texts after each batch.

        Raises:
            UnreadableImageError: `file` is no image.
            QueryError: too many texts.
        """
        lines = self._candidates(texts)
        if not lines:
            return CaptionRanking([], 0, None)
        active = self._active.current()
        image = self._decoder.image(file, active.encoder.image_size)
        return self._rank(
            active, active.encoder.encode_images([image])[0], lines, limit, on_progress
        )

    def _candidates(self, texts: Sequence[str] | None) -> dict[str, str]:
        """Map each text's words on one line to the text."""
        if texts is None:
            texts = self._captions.texts(MOST_TEXTS)
        lines: dict[str, str] = {}
        for text in texts:
            if line := " ".join(text.split()):
                lines.setdefault(line, text.strip())
        if len(lines) > MOST_TEXTS:
            raise QueryError(
                "These are {count} texts; {limit} at most work at once.",
                count=len(lines),
                limit=MOST_TEXTS,
            )
        return lines

    def _rank(
        self,
        active: Active,
        image: npt.NDArray[np.float32],
        lines: dict[str, str],
        limit: int,
        on_progress: OnProgress,
    ) -> CaptionRanking:
        encoder, keys, texts = active.encoder, list(lines), list(lines.values())
        rows = self._vectors.get(encoder, keys, on_progress)
        cosines = _cosines(rows, keys, image)  # (n,)
        order = np.argsort(-cosines, kind="stable")[:limit].tolist()
        best = [keys[row] for row in order]
        fits = self._fits(active, image, best, np.stack([rows[key] for key in best]))
        scores = [
            TextScore(texts[row], float(cosines[row]), fit)
            for row, fit in zip(order, fits, strict=True)
        ]
        return CaptionRanking(scores, len(lines), encoder.model_id)

    def _fits(
        self,
        active: Active,
        image: npt.NDArray[np.float32],
        texts: Sequence[str],
        vectors: npt.NDArray[np.float16],
    ) -> list[Fit]:
        """Say how well each of k texts fits a (d,) image."""
        k = len(texts)
        korean = np.array([bool(HANGUL.search(text)) for text in texts], np.float32)
        classes = self._relevance(active).calibrate_classes(vectors.astype(np.float32), korean)
        images = np.nan_to_num(np.tile(image, (k, 1)))
        return [_fit(float(odds)) for odds in classes.image_log_odds(images, np.arange(k))]


def _fit(log_odds: float) -> Fit:
    if log_odds >= MAYBE:
        return "well"
    return "maybe" if log_odds >= MAYBE - SURE else "hardly"


def _cosines(
    rows: Mapping[str, HalfRow], texts: Sequence[str], image: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return (n,) cosines in [-1, 1] with a (d,) unit vector."""
    blocks = [
        np.stack([rows[text] for text in texts[start : start + BLOCK_ROWS]])
        for start in range(0, len(texts), BLOCK_ROWS)
    ]
    scores = np.concatenate([block.astype(np.float32) @ image for block in blocks])
    cosines: npt.NDArray[np.float32] = np.clip(scores, -1.0, 1.0)
    return cosines


class TextVectors:
    """Thread-safe LRU cache of text embeddings, `capacity` for all models together.

    Stored in half precision, which moves a cosine by less than 0.001. Computed in single precision.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows: OrderedDict[tuple[str, str], HalfRow] = OrderedDict()
        self._lock = threading.Lock()
        self._encoding = threading.Lock()

    def lacking(self, model_id: str, texts: Sequence[str]) -> list[str]:
        """Return the texts whose vectors of this model are not cached."""
        known = self._known(model_id, texts)
        return [text for text in texts if text not in known]

    def encode(self, encoder: Encoder, texts: Sequence[str]) -> dict[str, HalfRow]:
        """Return (d,) vectors of a batch, encoding the new texts."""
        with self._encoding:  # another thread may have encoded them meanwhile
            known = self._known(encoder.model_id, texts)
            new = [text for text in texts if text not in known]
            if not new:
                return known
            rows = dict(zip(new, encoder.encode_texts(new).astype(np.float16), strict=True))
            with self._lock:
                self._rows.update({(encoder.model_id, text): row for text, row in rows.items()})
                while len(self._rows) > self._capacity:
                    self._rows.popitem(last=False)
        time.sleep(PAUSE_S)
        return {**known, **rows}

    def get(
        self, encoder: Encoder, texts: Sequence[str], on_progress: OnProgress
    ) -> dict[str, HalfRow]:
        """Return (d,) vectors by text, encoding the new texts in batches."""
        rows = self._known(encoder.model_id, texts)
        new = [text for text in texts if text not in rows]
        for start in range(0, len(new), BATCH):
            rows.update(self.encode(encoder, new[start : start + BATCH]))
            on_progress(min(start + BATCH, len(new)), len(new))
        return rows

    def _known(self, model_id: str, texts: Sequence[str]) -> dict[str, HalfRow]:
        """Return the cached vectors and mark them as used."""
        vectors: dict[str, HalfRow] = {}
        with self._lock:
            for text in texts:
                row = self._rows.get((model_id, text))
                if row is not None:
                    self._rows.move_to_end((model_id, text))
                    vectors[text] = row
        return vectors
