"""Photos in a folder per class, and their split."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.datasets import (
    IMAGE_SUFFIXES,
    UNREADABLE_IMAGE,
    ImageFile,
    UnreadableExampleError,
    first_of,
)
from models.errors import ModelError
from models.evaluation.image_batches import WORKERS

FEWEST = 3  # one to learn from, one to choose by, one to be tested with
PROBE_PX = 32  # read as small as a JPEG's decoder can: it only has to be a picture to the end
NAMED = 3

NO_PICTURE = "not a kind of picture that can be read here"
TWICE = "the same photo again"
CONTRADICTION = "the same photo in two classes"

Labelled = list[tuple[Path, int]]
"""Photos with the number of their class."""


@dataclass(frozen=True)
class Photos:
    """Usable photos of a folder."""

    classes: tuple[str, ...]
    labelled: Labelled
    skipped: dict[str, list[str]] = field(default_factory=dict)
    """Names of what cannot be used, by reason."""


@dataclass(frozen=True)
class Split:
    """Photos by purpose. Every class is in each part."""

    train: Labelled
    validation: Labelled
    test: Labelled


def read_folder(folder: Path, on_progress: Callable[[int, int], None] | None = None) -> Photos:
    """Find the photos of every class, and check that each is readable.

    The name of a class is that of its folder. Equal bytes count once, and not at all if two classes
    have them: a photo that is in training and in the test would make the test too easy.

    Args:
        folder: A folder with a folder per class.
        on_progress: Called with the files done and their number.

    Raises:
        ModelError: no such folder, fewer than two classes, or a class with fewer than `FEWEST`.
    """
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder}.")
    folders = sorted(
        entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    )
    # Some file systems decompose Hangul in names.
    names = [" ".join(unicodedata.normalize("NFC", entry.name).split()) for entry in folders]
    classes = tuple(sorted(set(names)))
    if len(classes) < 2:
        raise ModelError(
            f"{folder} holds {len(classes)} class: at least two are needed, each a folder with its "
            "photos."
        )
    skipped: dict[str, list[str]] = {}
    files: Labelled = []
    for class_folder, name in zip(folders, names, strict=True):
        for path in sorted(entry for entry in class_folder.rglob("*") if entry.is_file()):
            if path.name.startswith("."):
                continue
            if path.suffix.lower() in IMAGE_SUFFIXES:
                files.append((path, classes.index(name)))
            else:
                skipped.setdefault(NO_PICTURE, []).append(str(path))
    places: dict[str, Labelled] = defaultdict(list)
    with ThreadPoolExecutor(WORKERS, "read") as pool:
        read = pool.map(_digest, [path for path, _ in files])
        for done, ((path, label), digest) in enumerate(zip(files, read, strict=True), start=1):
            if digest is None:
                skipped.setdefault(UNREADABLE_IMAGE, []).append(str(path))
            else:
                places[digest].append((path, label))
            if on_progress is not None:
                on_progress(done, len(files))
    labelled = []
    for same in places.values():
        if len({label for _, label in same}) > 1:
            skipped.setdefault(CONTRADICTION, []).extend(str(path) for path, _ in same)
        else:
            labelled.append(same[0])
            if same[1:]:
                skipped.setdefault(TWICE, []).extend(str(path) for path, _ in same[1:])
    _check_counts(classes, labelled)
    return Photos(classes, labelled, skipped)


def _check_counts(classes: tuple[str, ...], labelled: Labelled) -> None:
    counts = np.bincount([label for _, label in labelled], minlength=len(classes))
    few = [f'"{classes[c]}" ({counts[c]})' for c in np.flatnonzero(counts < FEWEST)]
    if few:
        raise ModelError(
            f"Every class needs at least {FEWEST} different photos that can be read, and these "
            f"have fewer: {first_of(few, NAMED)}; add photos, or take the folders away."
        )


def split(photos: Photos, seed: int, validation: float = 0.15, test: float = 0.2) -> Split:
    """Split the photos of each class at random.

    The result is the same for the same seed and files.

    Args:
        photos: At least `FEWEST` of each class.
        seed: Seed of the shuffle.
        validation: Validation share of each class, at least one photo.
        test: Test share of each class, at least one photo.
    """
    parts: tuple[Labelled, Labelled, Labelled] = ([], [], [])
    for label in range(len(photos.classes)):
        class_photos = [photo for photo in photos.labelled if photo[1] == label]
        order = np.random.default_rng((seed, label)).permutation(len(class_photos))
        n_test = min(max(1, round(test * len(class_photos))), len(class_photos) - 2)
        n_validation = min(
            max(1, round(validation * len(class_photos))), len(class_photos) - n_test - 1
        )
        bounds = (0, n_test, n_test + n_validation, len(class_photos))
        for part, start, end in zip((2, 1, 0), bounds, bounds[1:], strict=False):
            parts[part].extend(class_photos[i] for i in np.sort(order[start:end]))
    return Split(*parts)


def _digest(path: Path) -> str | None:
    """Return the sha256 of an image, None if it is unreadable."""
    try:
        ImageFile(path).open(at_least_px=PROBE_PX)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (UnreadableExampleError, OSError):
        return None
