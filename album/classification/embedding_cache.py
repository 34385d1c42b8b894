"""ClassEmbeddingCache: class embeddings and score calibration of the model in use."""

from __future__ import annotations

import threading
from pathlib import Path

from album.classification.class_embeddings import ClassEmbeddings
from album.encoding.active_encoder import Active
from album.encoding.score_calibration import ScoreCalibrator
from models.interfaces import Classifiers


class ClassEmbeddingCache:
    """Class embeddings and score calibration for each model."""

    def __init__(self, classifiers: Classifiers, embeddings_dir: Path) -> None:
        self._classifiers = classifiers
        self._folder = embeddings_dir
        self._lock = threading.Lock()
        self._words: dict[Path, tuple[Active, ClassEmbeddings]] = {}
        self._relevance: tuple[Active, ScoreCalibrator] | None = None

    def get(self, active: Active) -> ClassEmbeddings:
        """Return the embeddings for a model, which cannot change during a request."""
        path = active.index.path.with_suffix(".names.npy")
        with self._lock:
            known = self._words.get(path)  # one for each file, because each writes the whole file
            if known is None or known[0].encoder is not active.encoder:
                vectors = ClassEmbeddings(active.encoder, self._classifiers, path)
                known = self._words[path] = active, vectors
            return known[1]

    def relevance(self, active: Active) -> ScoreCalibrator:
        """Return the score calibration of a model."""
        with self._lock:
            known = self._relevance
        if known is None or known[0] is not active:
            # Not under the lock: a large model encodes the everyday words for half a minute.
            known = active, ScoreCalibrator(active.encoder, active.index, self._folder)
            with self._lock:
                self._relevance = known
        return known[1]
