"""Journey 3: PhotoClassifier tells which of the person's own classes a photo belongs to."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from album.active_encoder import ActiveEncoder
from album.errors import PhotoNotFoundError, QueryError, UnreadableImageError
from album.image_files import read_for_encoder
from album.photo import LabelScore
from album.store import PhotoStore
from models.interfaces import BuildClassifier, Classifier, Embeddings

MAX_CLASSES = 1000
SYNONYMS = "|"


@dataclass(frozen=True, slots=True)
class ClassBest:
    """The photos of the album that fit a class best."""

    label: str
    best: list[tuple[int, float]]
    """(photo id, probability in [0, 1]), best first."""


class PhotoClassifier:
    """Zero-shot classes on files, on photos of the album, and on the whole album."""

    def __init__(
        self, store: PhotoStore, active: ActiveEncoder, build_classifier: BuildClassifier
    ) -> None:
        self._store = store
        self._active = active
        self._build = build_classifier

    @property
    def model_id(self) -> str | None:
        """The model that decides now."""
        return self._active.model_id

    def classify_files(
        self, files: Sequence[Path], classes: str
    ) -> list[list[LabelScore] | UnreadableImageError]:
        """The classes of image files that need not be in the album, most probable first.

        Args:
            files: image files; each is read once and not kept.
            classes: one class a line, synonyms and languages beside each other with `|`.

        Returns:
            Per file its scores, or why it cannot be read; one bad file does not stop the others.

        Raises:
            QueryError: fewer than two classes, or too many.
        """
        labels, classifier = self._classifier(classes)
        encoder = self._active.current().encoder
        results: list[list[LabelScore] | UnreadableImageError] = []
        for file in files:
            try:
                image, _ = read_for_encoder(file, encoder.image_size)
            except UnreadableImageError as error:
                results.append(error)
            else:
                results += _label_scores(labels, classifier, encoder.encode_images([image]))
        return results

    def classify_photos(self, photo_ids: Sequence[int], classes: str) -> list[list[LabelScore]]:
        """The same for photos of the album, from the vectors that it has already.

        Raises:
            PhotoNotFoundError: an id names no photo, or one that is not encoded yet.
            QueryError: fewer than two classes, or too many.
        """
        labels, classifier = self._classifier(classes)
        index = self._active.current().index
        rows = []
        for photo_id in photo_ids:
            photo = self._store.get(photo_id)
            row = index.vectors_of(np.array([photo_id], dtype=np.int64))  # (0 or 1, d)
            if not len(row):
                raise PhotoNotFoundError(f"{photo.filename} is still being looked at; try soon.")
            rows.append(row)
        embeddings = np.concatenate(rows) if rows else np.zeros((0, index.d), np.float32)
        return _label_scores(labels, classifier, embeddings)

    def best_of_album(self, classes: str, k: int = 5) -> list[ClassBest]:
        """The `k` photos of the whole album that are most probably of each class.

        A photo counts for a class only when that class is its most probable one.

        Raises:
            QueryError: fewer than two classes, or too many.
        """
        labels, classifier = self._classifier(classes)
        best: list[list[tuple[float, int]]] = [[] for _ in labels]
        for ids, vectors in self._active.current().index.blocks():
            probabilities = classifier.probabilities(vectors)  # (b, c)
            winners = probabilities.argmax(axis=1)  # (b,)
            for c in range(len(labels)):
                rows = np.flatnonzero(winners == c)
                top = rows[np.argsort(-probabilities[rows, c], kind="stable")[:k]]
                found = [(float(probabilities[row, c]), -int(ids[row])) for row in top]
                best[c] = heapq.nlargest(k, best[c] + found)
        return [
            ClassBest(label, [(-negative_id, probability) for probability, negative_id in found])
            for label, found in zip(labels, best, strict=True)
        ]

    def _classifier(self, classes: str) -> tuple[list[str], Classifier]:
        synonyms = parse_classes(classes)
        classifier = self._build(self._active.current().encoder, synonyms)
        return [names[0] for names in synonyms], classifier


def parse_classes(text: str) -> list[list[str]]:
    """Synonyms per class out of lines such as `고양이 | cat | kitten`; blanks and doubles go.

    Raises:
        QueryError: fewer than two classes, or too many.
    """
    classes: list[list[str]] = []
    for line in text.splitlines():
        names = [" ".join(name.split()) for name in line.split(SYNONYMS)]
        names = [name for name in dict.fromkeys(names) if name]
        if names and names[0] not in (known[0] for known in classes):
            classes.append(names)
    if len(classes) < 2:
        raise QueryError("Write at least two classes, one on each line.")
    if len(classes) > MAX_CLASSES:
        raise QueryError(f"These are {len(classes)} classes; {MAX_CLASSES} at most work at once.")
    return classes


def _label_scores(
    labels: Sequence[str], classifier: Classifier, embeddings: Embeddings
) -> list[list[LabelScore]]:
    return [
        [LabelScore(labels[c], float(row[c])) for c in np.argsort(-row, kind="stable")]
        for row in classifier.probabilities(embeddings)
    ]
