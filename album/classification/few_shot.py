"""FewShotLearner: labels learned from photos that people marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from album.classification.class_list import parse_classes
from album.classification.embedding_cache import ClassEmbeddingCache
from album.domain.class_names import SYNONYMS
from album.domain.labels import MAX_LABEL_LENGTH, LabelRule
from album.encoding.active_encoder import ActiveEncoder
from album.errors import QueryError
from album.storage.labels import LabelStore
from album.storage.photos import PhotoStore
from album.storage.vector_index import BLOCK_ROWS, is_in
from models.interfaces import Classifiers, Embeddings, FittedProbe, Proportion

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

ASK = 10
SURE = 20
BACKGROUND = 1000  # photos that represent the album: more only cost time
# A rare label has few photos near the threshold. Asking about some of the surest finds more of
# them (measured: 5.5 instead of 3.4 after three rounds). For a common label it wastes questions.
SURE_TOO, KNOWN_WELL = 3, 8
SHORTLIST = 400  # of the photos nearest to the threshold, from which those to ask about are chosen
# Cosines from which on two photos are too alike to ask about both. The second applies where the
# first leaves fewer than ten.
ALIKE, SAME = 0.97, 0.995
CONTRADICTIONS = 50  # pairs at most
# Share of the album that passes the text stage. With pocket it holds 96 % of the
# photos of a class of tiny-imagenet, 99 % of Intel's scenes, 92 to 98 % of everyday groups.
WORDS_FIND = 0.4


@dataclass(frozen=True, slots=True)
class FewShotModel:
    """What a label has learned so far."""

    rule: LabelRule
    positives: int
    """How many positive examples it learned from: those in the album and encoded."""
    negatives: int
    threshold: float
    precision: Proportion | None
    """On held-out examples. None where there are too few to tell."""
    recall: Proportion | None
    ask: tuple[int, ...]
    """Up to ten unmarked photos to ask about, which differ from each other: the least sure, and a
    few of the surest while it has few examples."""
    surest: tuple[tuple[int, float], ...]
    """Up to 20 (photo id, probability) of unmarked photos, most probable first."""
    contradictions: tuple[tuple[int, int], ...]
    """Pairs of a positive and a negative example that look the same, the most alike first."""
    left_out: int = 0
    """How many examples were not used because they are not encoded yet."""


@dataclass(frozen=True, slots=True)
class _Photos:
    """Photos with their vectors."""

    ids: Ids
    """(n,)"""
    vectors: Embeddings
    """(n, d)"""

    def of(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> _Photos:
        """Copy some of them out of the matrix, with zeros for damaged values."""
        return _Photos(self.ids[rows], np.nan_to_num(self.vectors[rows]))


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What a label was learned from, and the fitted probe."""

    album: _Photos
    positives: _Photos
    negatives: _Photos
    marked: Ids
    """All photos that people marked, encoded or not."""
    text: Floats | None
    fitted: FittedProbe


class FewShotLearner:
    """Learns labels from examples and from words.

    Nothing learned is stored: learning takes a fraction of a second, and so it always follows the
    examples, the words and the model as they are now.
    """

    def __init__(
        self,
        store: PhotoStore,
        labels: LabelStore,
        active: ActiveEncoder,
        classifiers: Classifiers,
        words: ClassEmbeddingCache,
    ) -> None:
        self._store = store
        self._labels = labels
        self._active = active
        self._classifiers = classifiers
        self._words = words

    def teach(self, label: str, words: str = "", *, two_stage: bool = False) -> FewShotModel:
        """Learn a label from its examples as they are now, without writing.

        Args:
            label: its name.
            words: its names as in a list of classes (`고양이 | cat`), "" for the label itself.
            two_stage: ask only about photos that match the words.

        Raises:
            QueryError: no name, neither examples nor words, or no photos that are encoded.
            ModelLoadingError: no model came in time.
        """
        names = SYNONYMS.join(line.strip() for line in words.splitlines() if line.strip())
        definition = {"words": names, "two_stage": two_stage, "threshold": None}
        rule = LabelRule(" ".join(label.split()), "examples", definition)
        lesson = self._learn(rule)
        shares = _shares(lesson, lesson.album, rule)
        unmarked = ~is_in(lesson.album.ids, lesson.marked)
        if two_stage:
            unmarked &= shares > 0
        rows = np.flatnonzero(unmarked)
        surest = rows[np.argsort(-shares[rows], kind="stable")[:SURE]]
        threshold = lesson.fitted.threshold
        unsure = rows[np.argsort(np.abs(shares[rows] - threshold), kind="stable")[:SHORTLIST]]
        if len(lesson.positives.ids) < KNOWN_WELL:
            unsure = np.concatenate([surest[:SURE_TOO], unsure])
        return FewShotModel(
            rule=rule,
            positives=len(lesson.positives.ids),
            negatives=len(lesson.negatives.ids),
            threshold=threshold,
            precision=lesson.fitted.precision,
            recall=lesson.fitted.recall,
            ask=_spread_out(lesson.album.of(unsure), lesson),
            surest=tuple((int(lesson.album.ids[row]), float(shares[row])) for row in surest),
            contradictions=_contradictions(lesson.positives, lesson.negatives),
            left_out=len(lesson.marked) - len(lesson.positives.ids) - len(lesson.negatives.ids),
        )

    def predict(self, rule: LabelRule, photo_ids: Ids | None = None) -> tuple[Ids, Floats, float]:
        """Predict photos of the album by a rule of kind "examples".

        Returns:
            (n,) rising ids of those of `photo_ids` (None: all) that have a vector, (n,) their
            probabilities, 0 for photos that fail the text stage, and the threshold.

        Raises:
            QueryError, ModelLoadingError: as of `teach`.
        """
        lesson = self._learn(rule)
        ids = lesson.album.ids
        rows = np.argsort(ids, kind="stable")
        if photo_ids is not None:
            rows = rows[is_in(ids[rows], photo_ids)]
        shares = _shares(lesson, lesson.album, rule)
        threshold = rule.definition.get("threshold")
        if threshold is None:
            threshold = lesson.fitted.threshold
        return ids[rows], shares[rows], float(threshold)

    def _learn(self, rule: LabelRule) -> _Lesson:
        label = rule.label
        if not label:
            raise QueryError("Write what the label is called.")
        if len(label) > MAX_LABEL_LENGTH:
            raise QueryError("A label can have {limit} characters at most.", limit=MAX_LABEL_LENGTH)
        active = self._active.current()
        album = _Photos(*active.index.snapshot())
        if not len(album.ids):
            raise QueryError(
                "No photo of the album has been looked at yet: add photos, or wait a moment."
            )
        words = str(rule.definition.get("words", ""))
        examples = self._labels.examples(label)
        positives, negatives = (album.of(is_in(album.ids, ids)) for ids in examples)
        if not len(positives.ids) and not words:
            if len(examples[0]):
                raise QueryError(
                    "The photos that show “{label}” are still being looked at; try soon.",
                    label=label,
                )
            raise QueryError("Choose at least one photo that shows “{label}”.", label=label)
        text: Floats | None = None
        if names := words or _readable(label):
            specs = parse_classes(names, least=1)
            text = self._words.get(active).directions(specs)[0]
        marked = np.union1d(*examples)
        unmarked = np.flatnonzero(~is_in(album.ids, marked))
        n = len(unmarked)
        evenly = np.linspace(0, n, min(n, BACKGROUND), False).astype(np.intp)
        fitted = self._classifiers.fit_probe(
            positives.vectors, negatives.vectors, album.of(unmarked[evenly]).vectors, text
        )
        return _Lesson(album, positives, negatives, marked, text, fitted)


def _readable(label: str) -> str:
    """Return the label as text for a model, "" where it has no letters, such as an emoji."""
    try:
        parse_classes(label, least=1)
    except QueryError:
        return ""
    return label


def _shares(lesson: _Lesson, photos: _Photos, rule: LabelRule) -> Floats:
    """Return (n,) probabilities, 0 for photos that fail the text stage."""
    n = len(photos.ids)
    shares, fits = np.empty(n, np.float32), np.zeros(n, np.float32)
    for start in range(0, n, BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        vectors = np.nan_to_num(photos.vectors[part])
        shares[part] = lesson.fitted.probe.probabilities(vectors)
        if lesson.text is not None:
            fits[part] = vectors @ lesson.text
    if rule.definition.get("two_stage") and lesson.text is not None:
        # Generous, because a photo that fails here is lost. Every example must pass, so words that
        # do not fit the examples let everything through.
        needed = float(np.quantile(fits, 1 - WORDS_FIND))
        if len(lesson.positives.ids):
            needed = min(needed, float((lesson.positives.vectors @ lesson.text).min()))
        shares[fits < needed] = 0
    return shares


def _spread_out(photos: _Photos, lesson: _Lesson) -> tuple[int, ...]:
    """Choose the first ten photos that differ from each other.

    If possible, they differ from the examples, too.
    """
    marked = np.concatenate([lesson.positives.vectors, lesson.negatives.vectors])
    nearest = (photos.vectors @ marked.T).max(axis=1, initial=-1.0)  # (n,)
    chosen: list[int] = []
    for alike, beside_examples in ((ALIKE, True), (SAME, True), (SAME, False)):
        for row, vector in enumerate(photos.vectors):
            if len(chosen) == ASK:
                break
            beside = (photos.vectors[chosen] @ vector).max(initial=-1.0)
            if beside_examples:
                beside = max(beside, nearest[row])
            if row not in chosen and beside < alike:
                chosen.append(row)
    return tuple(int(photos.ids[row]) for row in chosen)


def _contradictions(positives: _Photos, negatives: _Photos) -> tuple[tuple[int, int], ...]:
    pairs: list[tuple[float, int, int]] = []
    for start in range(0, len(positives.ids), ASK * ASK):  # blocks, for thousands of them
        cosines = positives.vectors[start : start + ASK * ASK] @ negatives.vectors.T
        for row, column in np.argwhere(cosines > SAME):
            pair = int(positives.ids[start + row]), int(negatives.ids[column])
            pairs.append((-float(cosines[row, column]), *pair))
    return tuple((yes, no) for _, yes, no in sorted(pairs)[:CONTRADICTIONS])
