"""PhotoClassifier: zero-shot classes written in words."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import get_args

import numpy as np
import numpy.typing as npt

from album.classification.class_list import parse_classes
from album.classification.embedding_cache import ClassEmbeddingCache
from album.domain.classification import NONE, Classification, Prediction
from album.domain.labels import SortOptions
from album.domain.languages import HANGUL
from album.domain.photo import LabelScore
from album.encoding.active_encoder import Active, ActiveEncoder
from album.encoding.score_calibration import BLOCK_NUMBERS, BLOCK_ROWS, ClassCalibrator
from album.errors import PhotoNotFoundError, QueryError, UnreadableImageError
from album.images.decoder import Decoder
from album.storage.photos import PhotoStore
from models.interfaces import Classifier, Classifiers, ClassSpec, Embeddings, Wording

MOST_SHARES = 1_000_000  # photos times classes of one answer: 100 bytes each, more as JSON
LISTS_KEPT = 3  # of classes, each with some megabytes for thousands of them
COLDEST, HOTTEST = 0.01, 100.0  # temperatures

Progress = Callable[[int, int], None]
Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class PreparedClasses:
    """A list of classes, ready to decide."""

    specs: tuple[ClassSpec, ...]
    options: SortOptions
    active: Active
    directions: Embeddings
    """(c, d)"""
    classifier: Classifier

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the (c,) labels of the classes."""
        return tuple(spec.label for spec in self.specs)

    def best_of(self, vectors: Embeddings) -> tuple[Rows, Floats]:
        """Return (b,) most probable classes of (b, d) images, and their (b,) probabilities."""
        logits = self.classifier.logits(vectors)  # (b, c)
        winners = logits.argmax(axis=1)
        best = logits[np.arange(len(logits)), winners]
        if self.active.encoder.logit_bias is not None:  # a sigmoid: each class by itself
            with np.errstate(over="ignore"):
                return winners, 1 / (1 + np.exp(-best / np.float32(self.options.temperature)))
        # Only the best class's share of the softmax, so that the logits' memory is enough.
        logits -= best[:, None]
        logits *= np.float32(1 / self.options.temperature)
        np.exp(logits, out=logits)
        return winners, 1 / logits.sum(axis=1)


class PhotoClassifier:
    """Zero-shot classes on files, on photos of the album, and on the whole album."""

    def __init__(
        self,
        store: PhotoStore,
        active: ActiveEncoder,
        classifiers: Classifiers,
        words: ClassEmbeddingCache,
        decoder: Decoder,
    ) -> None:
        self._store = store
        self._active = active
        self._classifiers = classifiers
        self._words = words
        self._decoder = decoder
        self._relevance: OrderedDict[object, ClassCalibrator] = OrderedDict()
        self._lock = Lock()

    @property
    def model_id(self) -> str | None:
        """Return the id of the model in use."""
        return self._active.model_id

    def classify_files(
        self, files: Sequence[Path], classes: str, options: SortOptions | None = None
    ) -> list[Prediction | UnreadableImageError]:
        """Predict the classes of image files that need not be in the album.

        Args:
            files: image files. Each is read once and not stored.
            classes: one class a line, see `class_list.parse_classes`.
            options: how to decide, None for the defaults of `SortOptions`.

        Returns:
            For each file its prediction, as if it were one more photo of the album, or why it
            cannot be read. One bad file does not stop the others.

        Raises:
            QueryError: the list or the options cannot be used.
            ModelLoadingError: no model came in time.
        """
        prepared = self._prepare(classes, options, photos=len(files))
        relevance = self._relevance_of(prepared)
        encoder = prepared.active.encoder
        results: list[Prediction | UnreadableImageError] = []
        for file in files:
            try:
                image = self._decoder.image(file, encoder.image_size)
            except UnreadableImageError as error:
                results.append(error)
            else:
                vectors = np.nan_to_num(encoder.encode_images([image]))
                winners = prepared.classifier.logits(vectors).argmax(axis=1)
                evidence = None if relevance is None else relevance.image_log_odds(vectors, winners)
                results += _predictions(prepared, vectors, evidence)
        return results

    def classify_photos(
        self, photo_ids: Sequence[int], classes: str, options: SortOptions | None = None
    ) -> list[Prediction]:
        """Predict the classes of photos of the album, from their stored vectors.

        Raises:
            PhotoNotFoundError: an id names no photo, or one that is not encoded yet.
            QueryError: the list or the options cannot be used.
            ModelLoadingError: no model came in time.
        """
        prepared = self._prepare(classes, options, photos=len(photo_ids))
        relevance = self._relevance_of(prepared)
        ids, matrix = _photos(prepared, relevance)
        rows = self._rows(ids, photo_ids)
        vectors = np.nan_to_num(matrix[rows])
        winners = prepared.classifier.logits(vectors).argmax(axis=1)
        evidence = None if relevance is None else relevance.row_log_odds(rows, vectors, winners)
        return _predictions(prepared, vectors, evidence)

    def logits(
        self, photo_ids: Sequence[int], classes: str, options: SortOptions | None = None
    ) -> Floats | None:
        """Return (n, c) logits of photos, before the temperature.

        Returns:
            None for a model that was trained by a sigmoid: there each class answers for itself.

        Raises:
            PhotoNotFoundError, QueryError, ModelLoadingError: as of `classify_photos`.
        """
        prepared = self._prepare(classes, options, photos=len(photo_ids))
        if prepared.active.encoder.logit_bias is not None:
            return None
        ids, matrix = prepared.active.index.snapshot()
        return prepared.classifier.logits(np.nan_to_num(matrix[self._rows(ids, photo_ids)]))

    def sort_photos(
        self,
        classes: str,
        options: SortOptions | None = None,
        photo_ids: Sequence[int] | None = None,
        on_progress: Progress | None = None,
    ) -> Classification:
        """Classify photos of the album, a block at a time.

        Thousands of classes need no more memory than a few. The thresholds of "none of these" come
        from the whole album, also where only a few photos are classified.

        Args:
            classes: one class a line, see `class_list.parse_classes`.
            options: how to decide, None for the defaults of `SortOptions`.
            photo_ids: which photos, None for the whole album. Those without a vector are left out.
            on_progress: called with (done, total): first of the new names, then of the photos,
                which are read twice where "none of these" is possible.

        Raises:
            QueryError: the list or the options cannot be used.
            ModelLoadingError: no model came in time.
        """
        prepared = self._prepare(classes, options, on_progress)
        relevance = self._relevance_of(prepared, on_progress)
        ids, matrix = _photos(prepared, relevance)
        rows = np.argsort(ids, kind="stable")
        if photo_ids is not None:
            rows = rows[np.isin(ids[rows], np.array(photo_ids, np.int64))]
        n = len(rows)
        winners, probabilities = np.empty(n, np.intp), np.empty(n, np.float32)
        step = max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // len(prepared.specs)))
        for start in range(0, n, step):
            part = slice(start, start + step)
            vectors = np.nan_to_num(matrix[rows[part]])  # (b, d)
            best, probabilities[part] = prepared.best_of(vectors)
            if relevance is not None:
                evidence = relevance.row_log_odds(rows[part], vectors, best)
                best[evidence < prepared.options.strictness] = NONE
            winners[part] = best
            if on_progress is not None:
                on_progress(min(start + step, n), n)
        return Classification(prepared.labels, ids[rows], winners, probabilities)

    def _rows(self, ids: Ids, photo_ids: Sequence[int]) -> Rows:
        """Find photos among the (n,) ids of the matrix."""
        rows = np.empty(len(photo_ids), np.intp)
        for place, photo_id in enumerate(photo_ids):
            photo = self._store.get(photo_id)
            row = np.flatnonzero(ids == photo_id)
            if not len(row):
                raise PhotoNotFoundError(
                    "{filename} is still being looked at; try soon.", filename=photo.filename
                )
            rows[place] = row[0]
        return rows

    def _prepare(
        self,
        classes: str,
        options: SortOptions | None,
        on_progress: Progress | None = None,
        *,
        photos: int = 0,
    ) -> PreparedClasses:
        """Check and encode the classes.

        Args:
            classes: one a line.
            options: how to decide, None for the defaults.
            on_progress: called with (done, total) of the new names.
            photos: how many predictions will hold the probability of each class.
        """
        options = options or SortOptions()
        if not COLDEST <= options.temperature <= HOTTEST:  # nor is NaN
            raise QueryError(
                "The temperature goes from {coldest:g} to {hottest:g}.",
                coldest=COLDEST,
                hottest=HOTTEST,
            )
        if math.isnan(options.strictness):
            raise QueryError("The strictness must be a number.")
        if options.wording not in get_args(Wording):
            raise QueryError("The wording is one of {names}.", names=", ".join(get_args(Wording)))
        specs = tuple(parse_classes(classes))
        if photos * len(specs) > MOST_SHARES:
            raise QueryError(
                "These are {photos} photos times {count} classes; ask about fewer of them at once.",
                photos=photos,
                count=len(specs),
            )
        active = self._active.current()
        directions = self._words.get(active).directions(specs, options.wording, on_progress)
        priors = np.array([spec.prior for spec in specs])
        classifier = self._classifiers.zero_shot(active.encoder, directions, priors)
        return PreparedClasses(specs, options, active, directions, classifier)

    def _relevance_of(
        self, prepared: PreparedClasses, on_progress: Progress | None = None
    ) -> ClassCalibrator | None:
        """Return the evidence of the whole album for the classes.

        It is cached for the last few lists, because no temperature or strictness changes it.

        Returns:
            None where the strictness lets everything through.
        """
        if prepared.options.strictness == -math.inf:
            return None
        names = tuple(spec.names for spec in prepared.specs)
        key = prepared.active.encoder.model_id, prepared.options.wording, names
        ids, _ = prepared.active.index.snapshot()
        with self._lock:
            known = self._relevance.pop(key, None)
        if known is None or known.ids is not ids:
            korean = np.array([_korean_share(spec) for spec in prepared.specs], np.float32)
            relevance = self._words.relevance(prepared.active)
            known = relevance.calibrate_classes(prepared.directions, korean, on_progress)
        with self._lock:
            self._relevance[key] = known
            while len(self._relevance) > LISTS_KEPT:
                self._relevance.popitem(last=False)
        return known


def _photos(prepared: PreparedClasses, relevance: ClassCalibrator | None) -> tuple[Ids, Embeddings]:
    """Return (n,) ids and (n, d) vectors, of the photos with a relevance where it is known."""
    if relevance is None:
        return prepared.active.index.snapshot()
    return relevance.ids, relevance.matrix


def _korean_share(spec: ClassSpec) -> float:
    """Return the share of Korean names by weight, in [0, 1]."""
    korean = sum(name.weight for name in spec.names if HANGUL.search(name.text))
    return korean / sum(name.weight for name in spec.names)


def _predictions(
    prepared: PreparedClasses, vectors: Embeddings, evidence: Floats | None
) -> list[Prediction]:
    """Make the prediction of each of (b, d) images.

    Args:
        prepared: the classes.
        vectors: (b, d)
        evidence: (b,) log-odds of the best classes, None where none are needed.
    """
    logits = prepared.classifier.logits(vectors)
    shares = prepared.classifier.probabilities(vectors, prepared.options.temperature)
    labels = prepared.labels
    predictions = []
    for row in range(len(vectors)):
        order = np.argsort(-logits[row], kind="stable").tolist()
        scores = tuple(LabelScore(labels[c], float(shares[row, c])) for c in order)
        none = evidence is not None and evidence[row] < prepared.options.strictness
        predictions.append(Prediction(scores, bool(none)))
    return predictions
