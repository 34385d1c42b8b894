"""PhotoClassifier: zero-shot classes written in words.

The probabilities of the c classes and of "none of these" sum to 1. The cosines of a photo vary
among everyday words by some spread (query_bank.py), which measures the model with this album.
With that, and with the log-odds that the photo shows the best class (score_calibration.py),

    logit of a class     = 2 cosine / spread + log(prior)
    logit of none        = logsumexp(logits of the classes) - log_odds
    probabilities        = softmax(logits / temperature)

So at temperature 1 "none of these" is as probable as the log-odds say, and the classes share the
rest. The factor 2 is the only constant of this file. The best ones by likelihood were 1.8 and 2.5
for the present `pocket` (tiny-imagenet's validation photos, Caltech-101), 1.7 and 1.6 for the first
one, 2.0 and 2.5 for `pocket` with noise in its vectors. The scale and the bias that a model was
trained with are not used: they fit the pairs of its training, and a sigmoid's not even its own
classes.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
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
from album.encoding.class_calibration import BLOCK_NUMBERS, BLOCK_ROWS, ClassCalibrator
from album.errors import PhotoNotFoundError, QueryError, UnreadableImageError
from album.images.decoder import Decoder
from album.storage.photos import PhotoStore
from models.interfaces import Classifier, Classifiers, ClassSpec, Embeddings, Wording

MOST_SHARES = 1_000_000  # photos times classes of one answer: 100 bytes each, more as JSON
LISTS_KEPT = 3  # of classes, each with some megabytes for thousands of them
COLDEST, HOTTEST = 0.01, 100.0  # temperatures
SHARPNESS = 2.0  # of the softmax, per spread of a photo's cosines

Progress = Callable[[int, int], None]
Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


EvidenceOf = Callable[[Embeddings, Rows], Floats]
"""Log-odds (b,) that (b, d) images show one class each, (b,)."""


@dataclass(frozen=True, slots=True)
class PreparedClasses:
    """A list of classes, checked and encoded."""

    specs: tuple[ClassSpec, ...]
    options: SortOptions
    active: Active
    directions: Embeddings
    """(c, d)"""

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the (c,) labels of the classes."""
        return tuple(spec.label for spec in self.specs)


@dataclass(frozen=True, slots=True)
class CalibratedClasses:
    """A list of classes, ready to decide about photos of one album."""

    prepared: PreparedClasses
    relevance: ClassCalibrator
    classifier: Classifier

    def logits(self, vectors: Embeddings, evidence_of: EvidenceOf) -> tuple[Floats, Floats]:
        """Return (b, c + 1) logits of the classes and none, and (b,) log-odds of the best."""
        logits = self.classifier.logits(vectors)  # (b, c)
        winners = logits.argmax(axis=1)
        evidence = evidence_of(vectors, winners)
        best = logits[np.arange(len(logits)), winners]
        none = best + np.log(np.exp(logits - best[:, None]).sum(axis=1)) - evidence
        return np.concatenate([logits, none[:, None]], axis=1, dtype=np.float32), evidence

    def best_of(self, vectors: Embeddings, evidence_of: EvidenceOf) -> tuple[Rows, Floats, Floats]:
        """Return (b,) best classes, their (b,) probabilities and (b,) log-odds.

        It takes the memory of one matrix of logits.
        """
        logits = self.classifier.logits(vectors)  # (b, c)
        winners = logits.argmax(axis=1)
        evidence = evidence_of(vectors, winners)
        temperature = np.float32(self.prepared.options.temperature)
        logits -= logits[np.arange(len(logits)), winners][:, None]
        if temperature == 1:  # one pass over the matrix instead of two
            total = total_at = np.exp(logits, out=logits).sum(axis=1)
        else:
            total = np.exp(logits).sum(axis=1)
            logits /= temperature
            total_at = np.exp(logits, out=logits).sum(axis=1)
        with np.errstate(over="ignore"):  # infinite odds of none give 0
            none = np.exp((np.log(total) - evidence) / temperature)
        return winners, 1 / (total_at + none), evidence

    def predict(self, vectors: Embeddings, evidence_of: EvidenceOf) -> list[Prediction]:
        """Make the prediction of each of (b, d) images."""
        options, labels = self.prepared.options, self.prepared.labels
        logits, evidence = self.logits(vectors, evidence_of)
        shares = (logits - logits.max(axis=1, keepdims=True)) / np.float32(options.temperature)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=1, keepdims=True)
        predictions = []
        for row in range(len(vectors)):
            order = np.argsort(-logits[row, :-1], kind="stable").tolist()
            scores = tuple(LabelScore(labels[c], float(shares[row, c])) for c in order)
            is_none = bool(evidence[row] < options.strictness)
            predictions.append(Prediction(scores, is_none, float(shares[row, -1])))
        return predictions


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
        if not files:
            return []
        calibrated = self._calibrate(prepared)
        encoder = prepared.active.encoder
        results: list[Prediction | UnreadableImageError] = []
        for file in files:
            try:
                image = self._decoder.image(file, encoder.image_size)
            except UnreadableImageError as error:
                results.append(error)
            else:
                vectors = np.nan_to_num(encoder.encode_images([image]))
                results += calibrated.predict(vectors, calibrated.relevance.image_log_odds)
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
        if not photo_ids:
            return []
        calibrated = self._calibrate(prepared)
        return calibrated.predict(*self._stored(calibrated.relevance, photo_ids))

    def logits(
        self, photo_ids: Sequence[int], classes: str, options: SortOptions | None = None
    ) -> Floats:
        """Return (n, c + 1) logits of photos, before the temperature, the last of none.

        Raises:
            PhotoNotFoundError, QueryError, ModelLoadingError: as of `classify_photos`.
        """
        prepared = self._prepare(classes, options, photos=len(photo_ids))
        calibrated = self._calibrate(prepared)
        return calibrated.logits(*self._stored(calibrated.relevance, photo_ids))[0]

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
                which are read twice.

        Raises:
            QueryError: the list or the options cannot be used.
            ModelLoadingError: no model came in time.
        """
        prepared = self._prepare(classes, options, on_progress)
        calibrated = self._calibrate(prepared, on_progress)
        relevance = calibrated.relevance
        ids, matrix = relevance.ids, relevance.matrix
        rows = np.argsort(ids, kind="stable")
        if photo_ids is not None:
            rows = rows[np.isin(ids[rows], np.array(photo_ids, np.int64))]
        n = len(rows)
        winners, probabilities = np.empty(n, np.intp), np.empty(n, np.float32)
        step = max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // len(prepared.specs)))
        for start in range(0, n, step):
            part = slice(start, start + step)
            vectors = np.nan_to_num(matrix[rows[part]])  # (b, d)
            evidence_of = partial(relevance.row_log_odds, rows[part])
            best, probabilities[part], evidence = calibrated.best_of(vectors, evidence_of)
            best[evidence < prepared.options.strictness] = NONE
            winners[part] = best
            if on_progress is not None:
                on_progress(min(start + step, n), n)
        return Classification(prepared.labels, ids[rows], winners, probabilities)

    def _stored(
        self, relevance: ClassCalibrator, photo_ids: Sequence[int]
    ) -> tuple[Embeddings, EvidenceOf]:
        """Return (b, d) vectors of photos of the album, and the evidence of their classes."""
        rows = np.empty(len(photo_ids), np.intp)
        for place, photo_id in enumerate(photo_ids):
            photo = self._store.get(photo_id)
            row = np.flatnonzero(relevance.ids == photo_id)
            if not len(row):
                raise PhotoNotFoundError(
                    "{filename} is still being looked at; try soon.", filename=photo.filename
                )
            rows[place] = row[0]
        return np.nan_to_num(relevance.matrix[rows]), partial(relevance.row_log_odds, rows)

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
        return PreparedClasses(specs, options, active, directions)

    def _calibrate(
        self, prepared: PreparedClasses, on_progress: Progress | None = None
    ) -> CalibratedClasses:
        """Compare the classes with the whole album.

        The comparison is cached for the last few lists, because no temperature, strictness or
        prior changes it.
        """
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
        scale = prepared.active.encoder.logit_scale  # of an empty album
        if known.spread is not None:
            scale = SHARPNESS / known.spread
        priors = np.array([spec.prior for spec in prepared.specs])
        classifier = self._classifiers.zero_shot(prepared.directions, priors, scale)
        return CalibratedClasses(prepared, known, classifier)


def _korean_share(spec: ClassSpec) -> float:
    """Return the share of Korean names by weight, in [0, 1]."""
    korean = sum(name.weight for name in spec.names if HANGUL.search(name.text))
    return korean / sum(name.weight for name in spec.names)
