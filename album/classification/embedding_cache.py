"""ClassEmbeddingCache: the words of the model in use, and how surely photos show them."""

from __future__ import annotations

import threading
from pathlib import Path

from album.classification.class_embeddings import ClassEmbeddings
from album.encoding.active_encoder import Active, ActiveEncoder
from album.encoding.score_calibration import ScoreCalibrator
from models.interfaces import Classifiers


class ClassEmbeddingCache:
    """Hands out what belongs to the model in use; another model gets its own."""

    def __init__(
        self, active: ActiveEncoder, classifiers: Classifiers, embeddings_dir: Path
    ) -> None:
        self._active = active
        self._classifiers = classifiers
        self._folder = embeddings_dir
        self._lock = threading.Lock()
        self._words: dict[Path, tuple[Active, ClassEmbeddings]] = {}
        self._relevance: tuple[Active, ScoreCalibrator] | None = None

    def now(self) -> ClassEmbeddings:
        """Those of the model in use.

        Raises:
            ModelLoadingError: no model came in time.
        """
        return self.of(self._active.current())

    def of(self, active: Active) -> ClassEmbeddings:
        """Those of a model: for who holds it already, lest it change in between."""
        path = active.index.path.with_suffix(".names.npy")
        with self._lock:
            known = self._words.get(path)  # one for each file, for each writes the whole of it
            if known is None or known[0].encoder is not active.encoder:
                vectors = ClassEmbeddings(active.encoder, self._classifiers, path)
                known = self._words[path] = active, vectors
            return known[1]

    def relevance(self, active: Active) -> ScoreCalibrator:
        """How surely photos show what words say, as that model sees them."""
        with self._lock:
            known = self._relevance
        if known is None or known[0] is not active:
            # Not under the lock: a large model reads the everyday words for half a minute.
            known = active, ScoreCalibrator(active.encoder, active.index, self._folder)
            with self._lock:
                self._relevance = known
        return known[1]
