"""TrainedHeads: classifiers that were trained on a folder of photos."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from album.domain.classification import NONE, Classification, Prediction
from album.domain.photo import LabelScore, Photo
from album.encoding.active_encoder import Active, ActiveEncoder
from album.errors import PhotoNotFoundError, QueryError, UnreadableImageError
from album.images.decoder import DECODING_THREADS, Decoder
from album.storage.originals import Originals
from album.storage.photos import PhotoStore
from album.storage.vector_index import is_in
from models.interfaces import Classifiers, HeadCard, Shares, TrainedHead

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

LOADED_KEPT = 2
"""Classifiers that stay in memory: one with its own image tower takes up to 400 MB."""
BATCH = 32
BLOCK_SHARES = 1 << 22
"""Probabilities held at once for any number of classes: 16 MB."""

Ids = npt.NDArray[np.int64]


class TrainedHeads:
    """The trained classifiers in a folder, for files and for photos of the album."""

    def __init__(
        self,
        store: PhotoStore,
        originals: Originals,
        active: ActiveEncoder,
        classifiers: Classifiers,
        folder: Path,
        decoder: Decoder,
    ) -> None:
        self._store = store
        self._originals = originals
        self._active = active
        self._classifiers = classifiers
        self._decoder = decoder
        self.folder = folder
        """Where `python -m models.fine_tune` puts them."""
        self._lock = threading.Lock()
        self._loaded: OrderedDict[HeadCard, TrainedHead] = OrderedDict()

    def cards(self) -> list[HeadCard]:
        """List the classifiers, newest first."""
        return self._classifiers.heads(self.folder)

    def classify_files(
        self, name: str, files: Sequence[Path], threshold: float = 0.5
    ) -> list[Prediction | UnreadableImageError]:
        """Predict the classes of image files, none of these below `threshold`.

        Raises:
            QueryError: it reads embeddings of another model than the one in use.
            ModelError: there is none of this name, or it is damaged.
        """
        head = self._head(name)
        active = None if head.image_size else self._model_of(head)
        results: list[Prediction | UnreadableImageError] = []
        for file in files:
            try:
                image = self._decoder.image(
                    file, active.encoder.image_size if active else head.image_size
                )
            except UnreadableImageError as error:
                results.append(error)
            else:
                if active is None:
                    shares = head.of_images([image])
                else:
                    shares = head.of_embeddings(active.encoder.encode_images([image]))
                results += _predictions(head.card, shares, threshold)
        return results

    def classify_photos(
        self, name: str, photo_ids: Sequence[int], threshold: float = 0.5
    ) -> list[Prediction]:
        """Predict the classes of photos of the album, none of these below `threshold`.

        Raises:
            PhotoNotFoundError: an id names no photo, or one without an image to read.
            QueryError, ModelError: as of `classify_files`.
        """
        head = self._head(name)
        active = None if head.image_size else self._model_of(head)
        predictions: list[Prediction] = []
        for photo_id in photo_ids:
            photo = self._store.get(photo_id)
            if active is None:
                image = self._image_of(photo, head.image_size)
                if image is None:
                    raise PhotoNotFoundError(
                        "The original of {filename} is not where it was; put it back or import "
                        "it again.",
                        filename=photo.filename,
                    )
                shares = head.of_images([image])
            else:
                vectors = active.index.vectors_of(np.array([photo_id], np.int64))  # (0 or 1, d)
                if not len(vectors):
                    raise PhotoNotFoundError(
                        "{filename} is still being looked at; try soon.", filename=photo.filename
                    )
                shares = head.of_embeddings(vectors)
            predictions += _predictions(head.card, shares, threshold)
        return predictions

    def sort(
        self,
        name: str,
        photo_ids: Sequence[int] | None = None,
        threshold: float = 0.5,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Classification:
        """Classify photos of the album, from their vectors or else their thumbnails.

        Photos that are deleted, not encoded yet, or without an image to read are left out.

        Args:
            name: of the classifier.
            photo_ids: which photos, None for all.
            threshold: in [0, 1]. A photo whose best class is less probable is none of these.
            on_progress: called with (done, total) photos.

        Raises:
            QueryError, ModelError: as of `classify_files`.
        """
        head = self._head(name)
        wanted = None if photo_ids is None else np.unique(np.asarray(photo_ids, np.int64))
        parts = self._from_thumbnails if head.image_size else self._from_vectors
        ids, winners = [np.empty(0, np.int64)], [np.empty(0, np.intp)]
        probabilities = [np.empty(0, np.float32)]
        for part_ids, shares, done, total in parts(head, wanted):
            best = shares.argmax(axis=1)  # (b,)
            best_shares = shares[np.arange(len(best)), best]
            ids.append(part_ids)
            winners.append(np.where(best_shares < threshold, NONE, best))
            probabilities.append(best_shares)
            if on_progress is not None:
                on_progress(done, total)
        all_ids = np.concatenate(ids)
        order = np.argsort(all_ids, kind="stable")
        return Classification(
            head.card.classes,
            all_ids[order],
            np.concatenate(winners)[order],
            np.concatenate(probabilities)[order],
        )

    def _from_vectors(
        self, head: TrainedHead, wanted: Ids | None
    ) -> Iterator[tuple[Ids, Shares, int, int]]:
        """Yield (b,) ids, (b, c) probabilities, photos done and photos in all."""
        index = self._model_of(head).index
        total, done = len(index), 0
        rows = max(1, BLOCK_SHARES // len(head.card.classes))
        for all_ids, all_vectors in index.blocks():
            for start in range(0, len(all_ids), rows):
                ids, vectors = all_ids[start : start + rows], all_vectors[start : start + rows]
                done += len(ids)
                if wanted is not None:
                    chosen = is_in(ids, wanted)
                    ids, vectors = ids[chosen], vectors[chosen]
                yield ids, head.of_embeddings(vectors), done, total

    def _from_thumbnails(
        self, head: TrainedHead, wanted: Ids | None
    ) -> Iterator[tuple[Ids, Shares, int, int]]:
        """Yield as `_from_vectors`, from thumbnails or originals."""
        if wanted is None:
            wanted = np.array([photo.photo_id for photo in self._store.all_photos()], np.int64)
        with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode") as threads:
            for start in range(0, len(wanted), BATCH):
                photos = self._store.get_many(wanted[start : start + BATCH].tolist())
                decoded = threads.map(
                    lambda photo: self._image_of(photo, head.image_size), photos.values()
                )
                images = {
                    key: image
                    for key, image in zip(photos, decoded, strict=True)
                    if image is not None
                }
                done = min(start + BATCH, len(wanted))
                shares = head.of_images(list(images.values()))
                yield np.array(list(images), np.int64), shares, done, len(wanted)

    def _image_of(self, photo: Photo, image_size: int) -> Image.Image | None:
        for path in (self._originals.thumbnail(photo.sha256), self._originals.path_of(photo)):
            try:
                return self._decoder.image(path, image_size)
            except UnreadableImageError as error:
                log.warning("photo %d cannot be looked at: %s", photo.photo_id, error)
        return None

    def _head(self, name: str) -> TrainedHead:
        """Load a classifier once, and again after it was trained again."""
        card = next((card for card in self.cards() if card.name == name), None)
        with self._lock:
            if card is not None and card in self._loaded:
                self._loaded.move_to_end(card)
                return self._loaded[card]
            head = self._classifiers.load_head(self.folder, name)
            self._loaded[head.card] = head
            while len(self._loaded) > LOADED_KEPT:
                self._loaded.popitem(last=False)
            return head

    def _model_of(self, head: TrainedHead) -> Active:
        """Return the model in use, whose embeddings `head` reads.

        Raises:
            QueryError: it reads those of another model.
        """
        active = self._active.current()
        if active.encoder.model_id != head.card.model_id:
            raise QueryError(
                'The classifier "{name}" reads what {model_id} sees, but the album sees with '
                "{model_id2}: train it again with this model, or choose another.",
                name=head.card.name,
                model_id=head.card.model_id,
                model_id2=active.encoder.model_id,
            )
        return active


def _predictions(card: HeadCard, shares: Shares, threshold: float) -> list[Prediction]:
    """Make the prediction of each row of (n, c) probabilities."""
    predictions = []
    for row in shares:
        order = np.argsort(-row, kind="stable")
        scores = tuple(LabelScore(card.classes[c], float(row[c])) for c in order)
        predictions.append(Prediction(scores, none=bool(row[order[0]] < threshold)))
    return predictions
