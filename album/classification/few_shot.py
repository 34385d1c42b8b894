"""FewShotLearner: labels that people teach by pointing at photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from album.classification.class_list import SYNONYMS, parse_classes
from album.classification.embedding_cache import ClassEmbeddingCache
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
BACKGROUND = 1000  # photos that stand for the album: more change nothing, and cost time
# Of a rare label hardly one photo is near the threshold; asking about some of the surest finds more
# of it (measured: 5.5 in place of 3.4 after three rounds). Of a common one it is a waste.
SURE_TOO, KNOWN_WELL = 3, 8
SHORTLIST = 400  # of the photos nearest to the threshold, from which those to ask about are chosen
# Cosines from which on two photos are too alike to ask about both; the second where there would not
# be ten by the first.
ALIKE, SAME = 0.97, 0.995
CONTRADICTIONS = 50  # pairs that are told
# Share of the album that the words let through in two stages; with pocket that holds 96 % of the
# photos of a class of tiny-imagenet, 99 % of Intel's scenes, 92 to 98 % of everyday groups.
WORDS_FIND = 0.4


@dataclass(frozen=True, slots=True)
class FewShotModel:
    """What a label has learned so far."""

    rule: LabelRule
    positives: int
    """How many photos it learned from that are of it: those that are here and encoded."""
    negatives: int
    threshold: float
    precision: Proportion | None
    """Of examples it had not seen; None where there are too few to tell."""
    recall: Proportion | None
    ask: tuple[int, ...]
    """Up to ten photos to say something of: the least sure, and a few of the surest while it knows
    little. Nobody said anything of them, and they differ from each other."""
    surest: tuple[tuple[int, float], ...]
    """Up to 20 (photo id, probability) that nobody said anything of, the surest first."""
    contradictions: tuple[tuple[int, int], ...]
    """Pairs of photos that look the same, of which one is and the other is not; the most alike
    first."""
    left_out: int = 0
    """How many examples taught nothing, for they are not encoded yet."""


@dataclass(frozen=True, slots=True)
class _Photos:
    """Photos with their vectors."""

    ids: Ids
    """(n,)"""
    vectors: Embeddings
    """(n, d)"""

    def of(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> _Photos:
        """Some of them, copied out of the matrix; a vector that is damaged becomes zero."""
        return _Photos(self.ids[rows], np.nan_to_num(self.vectors[rows]))


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What a label was learned from, and what came of it."""

    album: _Photos
    is_it: _Photos
    is_not: _Photos
    told_of: Ids
    """All photos that somebody said something of, encoded or not."""
    text: Floats | None
    fitted: FittedProbe


class FewShotLearner:
    """Learns labels from what people said of photos, and from words.

    Nothing learned is kept: it takes a fraction of a second, and so is always of the examples, the
    words and the model as they are.
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
        """Learn a label from its examples as they are now; nothing is written.

        Args:
            label: its name.
            words: names of it as in a list of classes (`고양이 | cat`); "" for the label itself.
            two_stage: only photos that the words find are asked about.

        Raises:
            QueryError: no name, neither examples nor words, or no photos that are encoded.
            ModelLoadingError: no model came in time.
        """
        names = SYNONYMS.join(line.strip() for line in words.splitlines() if line.strip())
        definition = {"words": names, "two_stage": two_stage, "threshold": None}
        rule = LabelRule(" ".join(label.split()), "examples", definition)
        lesson = self._learn(rule)
        shares = _shares(lesson, lesson.album, rule)
        silent = ~is_in(lesson.album.ids, lesson.told_of)
        if two_stage:
            silent &= shares > 0
        rows = np.flatnonzero(silent)
        surest = rows[np.argsort(-shares[rows], kind="stable")[:SURE]]
        threshold = lesson.fitted.threshold
        unsure = rows[np.argsort(np.abs(shares[rows] - threshold), kind="stable")[:SHORTLIST]]
        if len(lesson.is_it.ids) < KNOWN_WELL:
            unsure = np.concatenate([surest[:SURE_TOO], unsure])
        return FewShotModel(
            rule=rule,
            positives=len(lesson.is_it.ids),
            negatives=len(lesson.is_not.ids),
            threshold=threshold,
            precision=lesson.fitted.precision,
            recall=lesson.fitted.recall,
            ask=_spread_out(lesson.album.of(unsure), lesson),
            surest=tuple((int(lesson.album.ids[row]), float(shares[row])) for row in surest),
            contradictions=_contradictions(lesson.is_it, lesson.is_not),
            left_out=len(lesson.told_of) - len(lesson.is_it.ids) - len(lesson.is_not.ids),
        )

    def answers(self, rule: LabelRule, photo_ids: Ids | None = None) -> tuple[Ids, Floats, float]:
        """What a rule of kind "examples" says of photos of the album.

        Returns:
            (n,) rising ids of those of `photo_ids` (None: all) that have a vector, (n,) their
            probabilities, 0 where the words do not find it in two stages, and the threshold.

        Raises:
            QueryError, ModelLoadingError: as of `teach`.
        """
        lesson = self._learn(rule)
        ids = lesson.album.ids
        rows = np.argsort(ids, kind="stable")
        if photo_ids is not None:
            rows = rows[is_in(ids[rows], photo_ids)]
        shares = _shares(lesson, lesson.album, rule)
        own = rule.definition.get("threshold")
        return ids[rows], shares[rows], lesson.fitted.threshold if own is None else float(own)

    def _learn(self, rule: LabelRule) -> _Lesson:
        label = rule.label
        if not label:
            raise QueryError("Write what the label is called.")
        if len(label) > MAX_LABEL_LENGTH:
            raise QueryError(f"A label can have {MAX_LABEL_LENGTH} characters at most.")
        active = self._active.current()
        album = _Photos(*active.index.snapshot())
        if not len(album.ids):
            raise QueryError(
                "No photo of the album has been looked at yet: add photos, or wait a moment."
            )
        words = str(rule.definition.get("words", ""))
        examples = self._labels.examples(label)
        is_it, is_not = (album.of(is_in(album.ids, ids)) for ids in examples)
        if not len(is_it.ids) and not words:
            if len(examples[0]):
                raise QueryError(
                    f"The photos that show “{label}” are still being looked at; try soon."
                )
            raise QueryError(f"Choose at least one photo that shows “{label}”.")
        text: Floats | None = None
        if names := words or _readable(label):
            specs = parse_classes(names, least=1)
            text = self._words.of(active).directions(specs)[0]
        told_of = np.union1d(*examples)
        silent = np.flatnonzero(~is_in(album.ids, told_of))
        evenly = np.linspace(0, len(silent), min(len(silent), BACKGROUND), False).astype(np.intp)
        fitted = self._classifiers.fit_probe(
            is_it.vectors, is_not.vectors, album.of(silent[evenly]).vectors, text
        )
        return _Lesson(album, is_it, is_not, told_of, text, fitted)


def _readable(label: str) -> str:
    """The label as words for a model; "" where it is none, such as an emoji."""
    try:
        parse_classes(label, least=1)
    except QueryError:
        return ""
    return label


def _shares(lesson: _Lesson, photos: _Photos, rule: LabelRule) -> Floats:
    """(n,) the probability of each photo, 0 where it is not asked about."""
    n = len(photos.ids)
    shares, fits = np.empty(n, np.float32), np.zeros(n, np.float32)
    for start in range(0, n, BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        vectors = np.nan_to_num(photos.vectors[part])
        shares[part] = lesson.fitted.probe.probabilities(vectors)
        if lesson.text is not None:
            fits[part] = vectors @ lesson.text
    if rule.definition.get("two_stage") and lesson.text is not None:
        # Generous: whatever the words miss is lost. No example must be missed, so words that do
        # not fit the examples let everything through.
        needed = float(np.quantile(fits, 1 - WORDS_FIND))
        if len(lesson.is_it.ids):
            needed = min(needed, float((lesson.is_it.vectors @ lesson.text).min()))
        shares[fits < needed] = 0
    return shares


def _spread_out(photos: _Photos, lesson: _Lesson) -> tuple[int, ...]:
    """Up to ten of the photos, the first ones that differ from each other, if possible also from
    the examples."""
    told = np.concatenate([lesson.is_it.vectors, lesson.is_not.vectors])
    nearest = (photos.vectors @ told.T).max(axis=1, initial=-1.0)  # (n,)
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


def _contradictions(is_it: _Photos, is_not: _Photos) -> tuple[tuple[int, int], ...]:
    pairs: list[tuple[float, int, int]] = []
    for start in range(0, len(is_it.ids), ASK * ASK):  # a strip at a time: there may be thousands
        cosines = is_it.vectors[start : start + ASK * ASK] @ is_not.vectors.T
        for row, column in np.argwhere(cosines > SAME):
            pair = int(is_it.ids[start + row]), int(is_not.ids[column])
            pairs.append((-float(cosines[row, column]), *pair))
    return tuple((yes, no) for _, yes, no in sorted(pairs)[:CONTRADICTIONS])
