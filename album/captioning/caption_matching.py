"""Search the other way round: CaptionRanker tells which texts fit a photo best.

The texts are the captions that the album has already, or any list. What the text tower makes of
them is kept, so that asking about the next photo encodes only captions written since.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from album.domain.photo import TextScore
from album.encoding.active_encoder import Active, ActiveEncoder
from album.errors import EmptyQueryError, QueryError
from album.images.decoder import Decoder
from album.storage.captions import CaptionStore
from album.storage.photos import PhotoStore
from models.interfaces import Encoder

BEST = 5
MOST_TEXTS = 50_000
"""Compared at once, and kept encoded: 100 MB for d = 768, in half precision."""
BATCH = 16  # b: somebody else's search waits for one of these at the most
PAUSE_S = 0.005  # between them: a lock that is let go and taken at once never reaches who waits
BLOCK_ROWS = 4096

HalfRow: TypeAlias = npt.NDArray[np.float16]
OnProgress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CaptionRanking:
    """The texts that fit one photo best."""

    best: list[TextScore]
    """Best first; equal ones in the order that they were given."""
    total: int
    """How many different texts were compared."""
    model_id: str | None
    """Who compared them; None where there was nothing to compare."""


class CaptionRanker:
    """Ranks texts against photos of the album and against image files."""

    def __init__(
        self, store: PhotoStore, captions: CaptionStore, active: ActiveEncoder, decoder: Decoder
    ) -> None:
        self._store = store
        self._captions = captions
        self._active = active
        self._decoder = decoder
        self._vectors = TextVectors(MOST_TEXTS)

    def read(self, texts: Sequence[str] | None = None) -> Iterator[tuple[int, int]]:
        """Encode the texts that are new, a batch at a step; what follows is quick then.

        Never needed for a right answer: it shows how far a long reading is, and can be broken off
        at any step, with nothing lost.

        Args:
            texts: None takes the captions of the album.

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
            if current is not active:  # the first time round, or the album has changed its model
                active, done = current, 0
                new = self._vectors.lacking(active.encoder.model_id, lines)
            if done >= len(new):
                return
            self._vectors.learn(active.encoder, new[done : done + BATCH])
            done = min(done + BATCH, len(new))
            yield done, len(new)

    def describe_photo(
        self, photo_id: int, texts: Sequence[str] | None = None, limit: int = BEST
    ) -> CaptionRanking:
        """The texts that fit a photo of the album best, by the vector that it has already.

        Args:
            photo_id: the photo.
            texts: what to choose from, in any language that the model reads; blanks and doubles go.
                None takes every caption of the album, this photo's own among them.
            limit: how many at the most.

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
        own = active.index.vectors_of(np.array([photo_id], dtype=np.int64))  # (0 or 1, d)
        if not len(own):
            raise EmptyQueryError(f"{photo.filename} is still being looked at; try again soon.")
        return self._rank(active, own[0], lines, limit, lambda done, total: None)

    def describe_file(
        self,
        file: Path,
        texts: Sequence[str] | None = None,
        limit: int = BEST,
        on_progress: OnProgress = lambda done, total: None,
    ) -> CaptionRanking:
        """The same for an image file, which need not be in the album and is not kept.

        Args:
            file: any image that the album reads.
            texts: as for `describe_photo`.
            limit: how many at the most.
            on_progress: called with (done, total) of the texts that are new, after each batch.

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
        """Each different text by its words on one line, which is what is compared."""
        if texts is None:
            texts = self._captions.texts(MOST_TEXTS)
        lines: dict[str, str] = {}
        for text in texts:
            if line := " ".join(text.split()):
                lines.setdefault(line, text.strip())
        if len(lines) > MOST_TEXTS:
            raise QueryError(f"These are {len(lines)} texts; {MOST_TEXTS} at most work at once.")
        return lines

    def _rank(
        self,
        active: Active,
        image: npt.NDArray[np.float32],
        lines: dict[str, str],
        limit: int,
        on_progress: OnProgress,
    ) -> CaptionRanking:
        encoder = active.encoder
        cosines = self._vectors.cosines(encoder, list(lines), image, on_progress)  # (n,)
        logits = cosines.astype(np.float64) * encoder.logit_scale
        weights = np.exp(logits - logits.max())  # the largest is 1, so none overflows
        shares = weights / weights.sum()
        texts = list(lines.values())
        best = [
            TextScore(texts[row], float(cosines[row]), float(shares[row]))
            for row in np.argsort(-cosines, kind="stable")[:limit]
        ]
        return CaptionRanking(best, len(lines), encoder.model_id)


class TextVectors:
    """Embeddings of the texts used last, `most` of all models together; many threads may ask.

    Kept in half precision, which moves a cosine by less than 0.001, and computed with in single.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: OrderedDict[tuple[str, str], HalfRow] = OrderedDict()
        self._lock = threading.Lock()
        self._encoding = threading.Lock()

    def lacking(self, model_id: str, texts: Sequence[str]) -> list[str]:
        """Those of `texts` that this model has not encoded, or not lately."""
        known = self._known(model_id, texts)
        return [text for text in texts if text not in known]

    def learn(self, encoder: Encoder, texts: Sequence[str]) -> dict[str, HalfRow]:
        """The (d,) vectors of a batch of texts, encoded where they are not known."""
        with self._encoding:  # what somebody else has encoded meanwhile is not encoded twice
            known = self._known(encoder.model_id, texts)
            new = [text for text in texts if text not in known]
            if not new:
                return known
            rows = dict(zip(new, encoder.encode_texts(new).astype(np.float16), strict=True))
            with self._lock:
                self._rows.update({(encoder.model_id, text): row for text, row in rows.items()})
                while len(self._rows) > self._most:
                    self._rows.popitem(last=False)
        time.sleep(PAUSE_S)
        return {**known, **rows}

    def cosines(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        image: npt.NDArray[np.float32],
        on_progress: OnProgress,
    ) -> npt.NDArray[np.float32]:
        """(n,) cosines in [-1, 1] of texts with a (d,) vector of L2 norm 1, in their order."""
        rows = self._known(encoder.model_id, texts)
        new = [text for text in texts if text not in rows]
        for start in range(0, len(new), BATCH):
            rows.update(self.learn(encoder, new[start : start + BATCH]))
            on_progress(min(start + BATCH, len(new)), len(new))
        blocks = [
            np.stack([rows[text] for text in texts[start : start + BLOCK_ROWS]])
            for start in range(0, len(texts), BLOCK_ROWS)
        ]
        scores = np.concatenate([block.astype(np.float32) @ image for block in blocks])
        cosines: npt.NDArray[np.float32] = np.clip(scores, -1.0, 1.0)
        return cosines

    def _known(self, model_id: str, texts: Sequence[str]) -> dict[str, HalfRow]:
        """Those that are here already, which makes them the ones used last."""
        found: dict[str, HalfRow] = {}
        with self._lock:
            for text in texts:
                row = self._rows.get((model_id, text))
                if row is not None:
                    self._rows.move_to_end((model_id, text))
                    found[text] = row
        return found
