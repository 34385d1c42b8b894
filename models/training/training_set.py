"""Training images and texts, decoded once and kept on disk."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from models.datasets import (
    Example,
    ExampleSet,
    first_of,
    open_table,
    read_examples,
)
from models.errors import ModelError
from models.prompts import ENGLISH_TEMPLATES, KOREAN_TEMPLATES
from models.training.config import Source, TrainConfig
from models.training.decoded_images import decode_all, fingerprint_files

log = logging.getLogger(__name__)

NAMED = 5  # of the pictures that cannot be used: enough to go and look


@dataclass(frozen=True)
class Group:
    """Images with equal texts: a class, or copies of a captioned image."""

    source: int
    """Which label set, -1 for captions."""
    texts: tuple[str, ...]
    tags: frozenset[str]


@dataclass
class SourceImages:
    """Images of one source, with the group of each."""

    name: str
    pixels: torch.Tensor
    """(m, s, s, 3) uint8, also those that are left out."""
    rows: torch.Tensor
    """(n,) int64 positions in `pixels`."""
    groups: torch.Tensor
    """(n,) int64 positions in the groups of the set."""
    share: float
    fingerprint: str = ""
    """Changes with the files and with the size that they are kept at."""
    views: int = 1
    """How many views of each image a cache keeps."""
    opinions: torch.Tensor | None = None
    """(m, c) float16 logits of a teacher for every picture, where there is one."""


@dataclass
class TrainingSet:
    """All images and texts of a run."""

    sources: list[SourceImages]
    groups: list[Group]
    tags: dict[str, tuple[str, str]]
    """English and Korean by English."""

    def __len__(self) -> int:
        return sum(len(source.groups) for source in self.sources)


@dataclass(frozen=True)
class LabelledImages:
    """Labelled images for validation."""

    name: str
    pixels: torch.Tensor
    """(n, s, s, 3) uint8."""
    labels: torch.Tensor
    """(n,) int64 positions in `names`."""
    names: list[tuple[str, ...]]
    """The English wordings of each class."""


@dataclass(frozen=True)
class _Class:
    en: str
    ko: str
    tags: frozenset[str]


def _unnamed(label: str) -> _Class:
    """Name a class by its folder, if no table does."""
    return _Class(label.replace("_", " "), "", frozenset())


def load_training_set(config: TrainConfig) -> TrainingSet:
    """Read and decode every source.

    Unusable images are logged by count, reason and name.

    Raises:
        ModelError: a source, or a table of names, cannot be read at all.
    """
    classes = read_labels(config.labels) if config.labels else {}
    excluded = _read_excluded(config)
    tags, words = _read_tags(config.tags) if config.tags else ({}, {})
    groups: list[Group] = []
    group_of: dict[tuple[int, tuple[str, ...]], int] = {}
    label_sets = list(dict.fromkeys(source.name for source in config.sources))
    tabled = {name for name, _ in classes}
    loaded = []
    for source in config.sources:
        example_set = read_source(config, source)
        pixels, example_set = decode_all(
            example_set, source.pixels, config.resize_mode, _cache(config, source)
        )
        number, rows, ids = label_sets.index(source.name), [], []
        for row, example in enumerate(example_set.examples):
            if example.image.name in excluded:
                continue
            if example.captions:
                key = (-1, example.captions)
                group = Group(-1, example.captions, _tags_in(example.captions, words))
            else:
                class_ = classes.get((source.name, example.label))
                if class_ is None and source.name in tabled:
                    continue  # a table that names the others leaves this one out
                class_ = class_ or _unnamed(example.label)
                key = (number, (example.label,))
                group = Group(number, wordings(class_.en, class_.ko), class_.tags & tags.keys())
            if key not in group_of:
                group_of[key] = len(groups)
                groups.append(group)
            rows.append(row)
            ids.append(group_of[key])
        log.info(
            "%s: %d pictures in %d groups, %d left out%s",
            source.name,
            len(rows),
            len(set(ids)),
            len(example_set.examples) - len(rows),
            describe_skipped(example_set),
        )
        if rows:
            all_pixels = torch.from_numpy(pixels)
            loaded.append(
                SourceImages(
                    source.name,
                    all_pixels,
                    torch.tensor(rows),
                    torch.tensor(ids),
                    source.share,
                    fingerprint_files(example_set, source.pixels, config.resize_mode),
                    source.views,
                )
            )
    if not loaded:
        raise ModelError("No picture is left to train on.")
    return TrainingSet(loaded, groups, tags)


def load_labelled_images(config: TrainConfig, source: Source) -> LabelledImages:
    """Load a validation source, thinned to `validation_pictures`.

    Raises:
        ModelError: the source, or the table of names, cannot be read.
    """
    classes = read_labels(config.labels) if config.labels else {}
    example_set = read_source(config, source)
    step = max(1, len(example_set.examples) // config.validation_pictures)
    example_set.examples = sorted(example_set.examples, key=lambda example: example.label)[::step]
    pixels, example_set = decode_all(
        example_set, source.pixels, config.resize_mode, _cache(config, source)
    )
    labels = sorted({example.label for example in example_set.examples})
    unnamed = (_unnamed(label) for label in labels)
    classes_ = [
        classes.get((source.name, label), other)
        for label, other in zip(labels, unnamed, strict=True)
    ]
    return LabelledImages(
        source.name,
        torch.from_numpy(pixels),
        torch.tensor([labels.index(example.label) for example in example_set.examples]),
        [wordings(class_.en, "") for class_ in classes_],
    )


def wordings(en: str, ko: str) -> tuple[str, ...]:
    """Put a class's English and Korean names into the album's templates."""
    korean = tuple(template.format(ko) for template in KOREAN_TEMPLATES) if ko else ()
    return tuple(template.format(en) for template in ENGLISH_TEMPLATES) + korean


def describe_skipped(example_set: ExampleSet) -> str:
    """Format skipped names by reason.

    Each is `; 3 x missing file (a.jpg, b.jpg, c.jpg)`.
    """
    return "".join(
        f"; {len(names)} x {reason} ({first_of(names, NAMED)})"
        for reason, names in example_set.skipped.items()
    )


def read_source(config: TrainConfig, source: Source) -> ExampleSet:
    """Read the examples of one source of a recipe.

    Raises:
        ModelError: there is nothing of a known form where it should be.
    """
    images = None if source.images is None else config.data_root / source.images
    example_set = read_examples(config.data_root / source.path, split=source.split, images=images)
    if source.per_class is not None:
        example_set.examples = _thinned(example_set.examples, source.per_class)
    return example_set


def _thinned(examples: list[Example], per_class: int) -> list[Example]:
    """Keep at most `per_class` of each label, evenly spread, in their order."""
    by_label: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        by_label.setdefault(example.label, []).append(number)
    kept = set()
    for numbers in by_label.values():
        count = min(per_class, len(numbers))
        kept |= {numbers[i * len(numbers) // count] for i in range(count)}
    return [example for number, example in enumerate(examples) if number in kept]


# ---------------------------------------------------------------------------------- tables


def _table(path: Path, columns: set[str]) -> list[dict[str, str]]:
    with open_table(path) as reader:
        rows = list(reader)
    missing = columns - set(rows[0] if rows else ())
    if missing:
        raise ModelError(f"{path} lacks the column {min(missing)}.")
    return rows


def read_labels(path: Path) -> dict[tuple[str, str], _Class]:
    """Read names and tags of classes by source and folder.

    Raises:
        ModelError: it cannot be read, or lacks a column.
    """
    return {
        (row["source"], row["folder"]): _Class(
            row["en"], row["ko"], frozenset(filter(None, row["tags"].split(";")))
        )
        for row in _table(path, {"source", "folder", "en", "ko", "tags"})
    }


def _read_tags(path: Path) -> tuple[dict[str, tuple[str, str]], dict[str, frozenset[str]]]:
    rows = _table(path, {"en", "ko"})
    tags = {row["en"]: (row["en"], row["ko"]) for row in rows}
    words: dict[str, set[str]] = {}
    for row in rows:
        for word in [row["en"].lower(), *filter(None, row.get("words", "").split(";"))]:
            words.setdefault(word, set()).add(row["en"])
    return tags, {word: frozenset(meant) for word, meant in words.items()}


def _tags_in(captions: tuple[str, ...], words: dict[str, frozenset[str]]) -> frozenset[str]:
    """Find the tags whose words occur in captions, singular or plural."""
    text = " " + re.sub("[^a-z]+", " ", " ".join(captions).lower()) + " "
    return frozenset(
        tag
        for word, meant in words.items()
        if f" {word} " in text or f" {word}s " in text or f" {word}es " in text
        for tag in meant
    )


def _read_excluded(config: TrainConfig) -> frozenset[str]:
    if config.excluded is None:
        return frozenset()
    rows = _table(config.excluded, {"path"})
    return frozenset(str(config.data_root / row["path"]) for row in rows)


def _cache(config: TrainConfig, source: Source) -> Path:
    name = "-".join(part.partition(".")[0] for part in source.path.parts)
    return config.data_root / ".decoded" / f"{name}-{source.pixels}.npy"
