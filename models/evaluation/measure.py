"""Evaluations, from examples to the figures that are printed as JSON.

Shares are in [0, 1]. Figures that chance can reach have chance beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.classifiers.zero_shot import TEMPLATES, class_embeddings
from models.datasets import UNREADABLE_IMAGE, Example
from models.evaluation.calibration import ClassPredictions, calibration, predict, with_best_scale
from models.evaluation.class_names import ClassNames, Language
from models.evaluation.image_batches import Encoded, encode_files
from models.evaluation.retrieval import Ranks, Retrieval, chance, rank_pairs
from models.evaluation.search_precision import Hits, JudgedQuery, rank_photos
from models.evaluation.speed import images_per_s, jpegs_per_s, make_pictures, queries_per_s
from models.interfaces import Embeddings, Encoder
from models.progress import Progress

Facts = dict[str, Any]
"""What a command prints as JSON."""

KS = (1, 5, 10)
TEMPLATES_BY_WORDING: Mapping[str, Mapping[str, Sequence[str]]] = {
    "bare name": {"en": ("{}",), "ko": ("{}",)},
    "one template": {"en": ("a photo of a {}",), "ko": ("{} 사진",)},
    "ensemble": TEMPLATES,
}
"""Templates of class names. The last is the album's, and is calibrated."""
TEXT_BATCH = 1024  # captions between two steps of the progress bar


def encode_examples(
    encoder: Encoder,
    examples: Sequence[Example],
    skipped: dict[str, list[str]],
    progress: Progress,
) -> Encoded:
    """Embed the images, and add unreadable ones to `skipped`."""
    with progress("images") as advance:
        encoded = encode_files(
            encoder, [example.image for example in examples], on_progress=advance
        )
    if encoded.unreadable:
        skipped.setdefault(UNREADABLE_IMAGE, []).extend(encoded.unreadable)
    return encoded


@dataclass(frozen=True)
class RetrievalMeasured:
    """Recall as figures, with the ranks for drawing."""

    facts: Facts
    ranks: Retrieval
    chance: Retrieval


def measure_retrieval(
    encoder: Encoder, images: Embeddings, captions: Sequence[Sequence[str]], progress: Progress
) -> RetrievalMeasured:
    """Measure Recall@1/5/10 and median rank both ways.

    Args:
        encoder: Embeds the captions.
        images: (n, d), rows of L2 norm 1.
        captions: The captions of each of the n images, at least one.
        progress: Opens a progress bar.
    """
    image_of_text = np.repeat(
        np.arange(len(captions)), [len(texts_of_image) for texts_of_image in captions]
    )
    texts = _encode_texts(
        encoder, [text for texts_of_image in captions for text in texts_of_image], progress
    )
    with progress("ranks") as advance:
        ranks = rank_pairs(images, texts, image_of_text, on_progress=advance)
    by_chance = chance(image_of_text, len(images))
    facts = {
        "model_id": encoder.model_id,
        "images": len(images),
        "texts": len(texts),
        "image_to_text": _recalls(ranks.image_to_text, by_chance.image_to_text),
        "text_to_image": _recalls(ranks.text_to_image, by_chance.text_to_image),
    }
    return RetrievalMeasured(facts, ranks, by_chance)


def _encode_texts(encoder: Encoder, texts: Sequence[str], progress: Progress) -> Embeddings:
    rows = [np.empty((0, encoder.dim), np.float32)]
    with progress("captions") as advance:
        for start in range(0, len(texts), TEXT_BATCH):
            rows.append(encoder.encode_texts(texts[start : start + TEXT_BATCH]))
            advance(min(start + TEXT_BATCH, len(texts)), len(texts))
    return np.concatenate(rows)


def _recalls(ranks: Ranks, by_chance: Ranks) -> Facts:
    recalls: Facts = {
        f"R@{k}": {"value": ranks.recall(k), "chance": by_chance.recall(k)} for k in KS
    }
    return recalls | {"median_rank": {"value": ranks.median(), "chance": by_chance.median()}}


def measure_zero_shot(
    encoder: Encoder,
    images: Embeddings,
    right: np.ndarray[Any, np.dtype[np.intp]],
    names: ClassNames,
    languages: Sequence[Language],
) -> tuple[Facts, ClassPredictions]:
    """Measure accuracy by wording and by class, and calibration.

    Args:
        encoder: The encoder of the names, with its temperature.
        images: (n, d), n > 0 rows of L2 norm 1.
        right: (n,) the right classes.
        names: Names of the c classes.
        languages: Languages of the names. Names in two languages are synonyms.

    Returns:
        The figures, and the predictions of the ensemble.
    """
    synonyms = names.synonyms(*languages)
    wordings: Facts = {}
    for wording, templates in TEMPLATES_BY_WORDING.items():
        classes = class_embeddings(encoder, synonyms, templates=templates)
        answers = predict(images, classes, right, encoder.logit_scale)
        wordings[wording] = {f"top_{k}": answers.ranks.recall(k) for k in (1, 5)}
    facts: Facts = {
        "wordings": wordings,
        "calibration": asdict(calibration(answers, encoder.logit_scale)),
    }
    if len(right) > 1:
        original, best = with_best_scale(images, classes, right, encoder.logit_scale)
        facts["held_out"] = {"own_scale": asdict(original), "best_scale": asdict(best)}
    facts["per_class"] = _per_class(answers, right, names, synonyms)
    return facts, answers


def _per_class(
    answers: ClassPredictions,
    right: np.ndarray[Any, np.dtype[np.intp]],
    names: ClassNames,
    synonyms: Sequence[Sequence[str]],
) -> list[Facts]:
    """Summarise the classes that have an image."""
    counts = np.bincount(right, minlength=len(synonyms))
    within = {
        f"top_{k}": np.bincount(right, answers.ranks.within(k), len(synonyms)) for k in (1, 5)
    }
    return [
        {
            "folder": names.folders[i],
            "name": " / ".join(synonyms[i]),
            "images": int(counts[i]),
            **{top: float(sums[i] / counts[i]) for top, sums in within.items()},
        }
        for i in range(len(synonyms))
        if counts[i]
    ]


def measure_search(
    encoder: Encoder, photos: Embeddings, names: Sequence[str], queries: Sequence[JudgedQuery]
) -> dict[str, list[Hits]]:
    """Rank the photos for the queries of each language."""
    hits = {}
    for language in dict.fromkeys(language for query in queries for language in query.texts):
        selected = [query for query in queries if language in query.texts]
        texts = encoder.encode_texts([query.texts[language] for query in selected])
        hits[language] = rank_photos(photos, names, texts, selected, language)
    return hits


def search_facts(hits: Sequence[Hits], n: int) -> Facts:
    """Summarise the hits of the queries in one language over n photos."""
    return {
        "precision_at_min_10_relevant": _mean([hit.precision_at_relevant for hit in hits]),
        "precision_at_10": _mean([hit.precision_at_10 for hit in hits]),
        "chance": _mean([hit.relevant / n for hit in hits]),
        "with_a_hit": sum(hit.in_first_10 > 0 for hit in hits),
        "queries": [asdict(hit) for hit in hits],
    }


def changes(before: Sequence[Hits], after: Sequence[Hits]) -> Facts:
    """Compare hits among the first min(10, relevant), largest changes first."""
    moved = [
        {
            "query": new.text,
            "before": old.in_first_relevant,
            "after": new.in_first_relevant,
            "places": new.places,
        }
        for old, new in zip(before, after, strict=True)
        if old.in_first_relevant != new.in_first_relevant
    ]

    def gain(change: Mapping[str, Any]) -> float:
        return float((change["after"] - change["before"]) / change["places"])

    return {
        "better": sorted((change for change in moved if gain(change) > 0), key=gain, reverse=True),
        "worse": sorted((change for change in moved if gain(change) < 0), key=gain),
    }


def measure_speed(
    encoder: Encoder,
    batches: Sequence[int],
    picture_px: tuple[int, int],
    runs: int,
    progress: Progress,
) -> list[Facts]:
    """Measure images, JPEG files and queries a second by batch."""
    pictures = make_pictures(*picture_px)
    rows = []
    with progress("batches") as advance:
        for done, batch in enumerate(batches, start=1):
            rows.append(
                {
                    "batch": batch,
                    "images_per_s": images_per_s(encoder, pictures, batch, runs),
                    "jpegs_per_s": jpegs_per_s(encoder, pictures, batch, runs),
                    "queries_per_s": queries_per_s(encoder, batch, runs),
                }
            )
            advance(done, len(batches))
    return rows


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
