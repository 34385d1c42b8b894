"""Journey 3: PhotoClassifier tells which of the person's own classes a photo belongs to."""

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
from album.encoding.score_calibration import BLOCK_NUMBERS, BLOCK_ROWS, ClassRelevance
from album.errors import PhotoNotFoundError, QueryError, UnreadableImageError
from album.images.decoder import Decoder
from album.storage.photos import PhotoStore
from models.interfaces import Classifier, Classifiers, ClassSpec, Embeddings, Wording

MOST_SHARES = 1_000_000  # photos times classes of one answer: 100 bytes each, more as JSON
LISTS_KEPT = 3  # of classes that the album was asked about, each with some megabytes for thousands
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
        """(c,)"""
        return tuple(spec.label for spec in self.specs)

    def best_of(self, vectors: Embeddings) -> tuple[Rows, Floats]:
        """(b,) the most probable class of each of (b, d) pictures, and (b,) how probable it is."""
        logits = self.classifier.logits(vectors)  # (b, c)
        winners = logits.argmax(axis=1)
        best = logits[np.arange(len(logits)), winners]
        if self.active.encoder.logit_bias is not None:  # a sigmoid: each class by itself
            with np.errstate(over="ignore"):
                return winners, 1 / (1 + np.exp(-best / np.float32(self.options.temperature)))
        # Only the best one's share of the softmax, so in the memory of the logits.
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
        self._relevance: OrderedDict[object, ClassRelevance] = OrderedDict()
        self._lock = Lock()

    @property
    def model_id(self) -> str | None:
        """The model that decides now."""
        return self._active.model_id

    def classify_files(
        self, files: Sequence[Path], classes: str, options: SortOptions | None = None
    ) -> list[Prediction | UnreadableImageError]:
        """The classes of image files that need not be in the album, most probable first.

        Args:
            files: image files; each is read once and not kept.
            classes: one class a line, see `class_list.parse_classes`.
            options: how to decide; None: as `SortOptions` begins.

        Returns:
            Per file what it was taken for, as if it were one more photo of the album, or why it
            cannot be read; one bad file does not stop the others.

        Raises:
            QueryError: the list or the options cannot be used.
            ModelLoadingError: no model came in time.
        """
        asked = self._asked(classes, options, photos=len(files))
        relevance = self._relevance_of(asked)
        encoder = asked.active.encoder
        results: list[Prediction | UnreadableImageError] = []
        for file in files:
            try:
                image = self._decoder.image(file, encoder.image_size)
            except UnreadableImageError as error:
                results.append(error)
            else:
                vectors = np.nan_to_num(encoder.encode_images([image]))
                winners = asked.classifier.logits(vectors).argmax(axis=1)
                evidence = None if relevance is None else relevance.of_others(vectors, winners)
                results += _verdicts(asked, vectors, evidence)
        return results

    def classify_photos(
        self, photo_ids: Sequence[int], classes: str, options: SortOptions | None = None
    ) -> list[Prediction]:
        """The same for photos of the album, from the vectors that it has already.

        Raises:
            PhotoNotFoundError: an id names no photo, or one that is not encoded yet.
            QueryError: the list or the options cannot be used.
            ModelLoadingError: no model came in time.
        """
        asked = self._asked(classes, options, photos=len(photo_ids))
        relevance = self._relevance_of(asked)
        ids, matrix = _photos(asked, relevance)
        rows = self._rows(ids, photo_ids)
        vectors = np.nan_to_num(matrix[rows])
        winners = asked.classifier.logits(vectors).argmax(axis=1)
        evidence = None if relevance is None else relevance.of_rows(rows, vectors, winners)
        return _verdicts(asked, vectors, evidence)

    def logits(
        self, photo_ids: Sequence[int], classes: str, options: SortOptions | None = None
    ) -> Floats | None:
        """Return (n, c) logits of photos, before the temperature.

        Returns:
            None for a model that was trained by a sigmoid: there each class answers for itself.

        Raises:
            PhotoNotFoundError, QueryError, ModelLoadingError: as of `classify_photos`.
        """
        prepared = self._asked(classes, options, photos=len(photo_ids))
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
        """Sort photos of the album, a block at a time: thousands of classes need no more memory.

        What a class must get from a photo is told by the whole album, also where only a few photos
        are sorted.

        Args:
            classes: one class a line, see `class_list.parse_classes`.
            options: how to decide; None: as `SortOptions` begins.
            photo_ids: which photos, without those that have no vector; None: the whole album.
            on_progress: told (done, total): first of the names that the model has not read before,
                then of the photos, which are looked at twice where "none of these" is possible.

        Raises:
            QueryError: the list or the options cannot be used.
            ModelLoadingError: no model came in time.
        """
        asked = self._asked(classes, options, on_progress)
        relevance = self._relevance_of(asked, on_progress)
        ids, matrix = _photos(asked, relevance)
        rows = np.argsort(ids, kind="stable")
        if photo_ids is not None:
            rows = rows[np.isin(ids[rows], np.array(photo_ids, np.int64))]
        n = len(rows)
        winners, probabilities = np.empty(n, np.intp), np.empty(n, np.float32)
        step = max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // len(asked.specs)))
        for start in range(0, n, step):
            part = slice(start, start + step)
            vectors = np.nan_to_num(matrix[rows[part]])  # (b, d)
            best, probabilities[part] = asked.best_of(vectors)
            if relevance is not None:
                evidence = relevance.of_rows(rows[part], vectors, best)
                best[evidence < asked.options.strictness] = NONE
            winners[part] = best
            if on_progress is not None:
                on_progress(min(start + step, n), n)
        return Classification(asked.labels, ids[rows], winners, probabilities)

    def _rows(self, ids: Ids, photo_ids: Sequence[int]) -> Rows:
        """Find photos among the (n,) ids of the matrix."""
        rows = np.empty(len(photo_ids), np.intp)
        for place, photo_id in enumerate(photo_ids):
            photo = self._store.get(photo_id)
            row = np.flatnonzero(ids == photo_id)
            if not len(row):
                raise PhotoNotFoundError(f"{photo.filename} is still being looked at; try soon.")
            rows[place] = row[0]
        return rows

    def _asked(
        self,
        classes: str,
        options: SortOptions | None,
        on_progress: Progress | None = None,
        *,
        photos: int = 0,
    ) -> PreparedClasses:
        """What decides; `photos` is how many are answered with the share of each class."""
        options = options or SortOptions()
        if not COLDEST <= options.temperature <= HOTTEST:  # nor is NaN
            raise QueryError(f"The temperature goes from {COLDEST:g} to {HOTTEST:g}.")
        if math.isnan(options.strictness):
            raise QueryError("The strictness must be a number.")
        if options.wording not in get_args(Wording):
            raise QueryError(f"The wording is one of {', '.join(get_args(Wording))}.")
        specs = tuple(parse_classes(classes))
        if photos * len(specs) > MOST_SHARES:
            raise QueryError(
                f"These are {photos} photos times {len(specs)} classes; ask about fewer of them at"
                " once."
            )
        active = self._active.current()
        directions = self._words.of(active).directions(specs, options.wording, on_progress)
        priors = np.array([spec.prior for spec in specs])
        classifier = self._classifiers.zero_shot(active.encoder, directions, priors)
        return PreparedClasses(specs, options, active, directions, classifier)

    def _relevance_of(
        self, asked: PreparedClasses, on_progress: Progress | None = None
    ) -> ClassRelevance | None:
        """What the photos of the album get from the classes; None where that decides nothing.

        Kept for the last few lists: it is the same for every temperature and strictness.
        """
        if asked.options.strictness == -math.inf:
            return None
        names = tuple(spec.names for spec in asked.specs)
        key = asked.active.encoder.model_id, asked.options.wording, names
        ids, _ = asked.active.index.snapshot()
        with self._lock:
            known = self._relevance.pop(key, None)
        if known is None or known.ids is not ids:
            korean = np.array([_korean(spec) for spec in asked.specs], np.float32)
            relevance = self._words.relevance(asked.active)
            known = relevance.of_classes(asked.directions, korean, on_progress)
        with self._lock:
            self._relevance[key] = known
            while len(self._relevance) > LISTS_KEPT:
                self._relevance.popitem(last=False)
        return known


def _photos(asked: PreparedClasses, relevance: ClassRelevance | None) -> tuple[Ids, Embeddings]:
    """(n,) and (n, d) the album; where its relevance is known, just the photos that have it."""
    if relevance is None:
        return asked.active.index.snapshot()
    return relevance.ids, relevance.matrix


def _korean(spec: ClassSpec) -> float:
    """In [0, 1]: the share of Korean names by weight."""
    korean = sum(name.weight for name in spec.names if HANGUL.search(name.text))
    return korean / sum(name.weight for name in spec.names)


def _verdicts(
    asked: PreparedClasses, vectors: Embeddings, evidence: Floats | None
) -> list[Prediction]:
    """One for each of (b, d) pictures.

    Args:
        asked: what decides.
        vectors: (b, d)
        evidence: (b,) that each shows its best class; None: it need not.
    """
    logits = asked.classifier.logits(vectors)
    shares = asked.classifier.probabilities(vectors, asked.options.temperature)
    labels = asked.labels
    found = []
    for row in range(len(vectors)):
        order = np.argsort(-logits[row], kind="stable").tolist()
        scores = tuple(LabelScore(labels[c], float(shares[row, c])) for c in order)
        none = evidence is not None and evidence[row] < asked.options.strictness
        found.append(Prediction(scores, bool(none)))
    return found
