"""Detection of test images among the training images.

    python -m models.training.near_duplicates --config models/pocket/train.yaml \
        --test photos-to-judge-by/ --out excluded.csv

A model that has seen its test photos looks better than it is. Two images are duplicates if their
16 x 16 grey thumbnails, less their mean, correlate by more than `--above`: that survives another
size, compression and colour, and a crop to the middle square, but not a mirror or a closer crop.

Shape letters: n training images, m test images, p = 256 pixels of a thumbnail.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from PIL import Image

from models.command_line import in_sentences
from models.datasets import ImageFile, UnreadableExampleError, image_files
from models.errors import ModelError
from models.training.config import TrainConfig, read_recipe
from models.training.decoded_images import middle_square
from models.training.training_set import read_source

log = logging.getLogger(__name__)

SIDE = 16
BLOCK = 4096  # training pictures compared at once
ABOVE = 0.95

Floats = npt.NDArray[np.float32]


def thumbnails(image: Image.Image) -> Floats:
    """Shrink the whole image and its middle square: (2, p) float32.

    Rows have norm 1, or less for an image of one colour.
    """
    grey = image.convert("L")
    boxes = ((0, 0, *grey.size), middle_square(grey))
    small = (grey.resize((SIDE, SIDE), Image.Resampling.BOX, box=box) for box in boxes)
    rows: Floats = np.stack([np.asarray(thumbnail, np.float32).ravel() for thumbnail in small])
    rows -= rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.maximum(norms, 1.0)  # a norm below 1 is a picture of one colour, like any other
    return rows


def describe(files: Sequence[ImageFile]) -> tuple[Floats, list[int]]:
    """Compute thumbnails (k, 2, p) of readable files, with their k positions."""

    def read(file: ImageFile) -> Floats | None:
        try:
            return thumbnails(file.open(at_least_px=4 * SIDE))
        except UnreadableExampleError:
            return None

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(read, files))
    rows = [row for row, result in enumerate(results) if result is not None]
    readable = [result for result in results if result is not None]
    return np.stack(readable) if readable else np.zeros((0, 2, SIDE * SIDE), np.float32), rows


def near_duplicates(
    training: Floats, test: Floats, above: float = ABOVE
) -> Iterator[tuple[int, int]]:
    """Yield (row of `training`, row of `test`) for each duplicate.

    Args:
        training: (n, 2, p) from `describe`.
        test: (m, 2, p) from `describe`.
        above: The least correlation of duplicates.
    """
    tests = test.reshape(-1, test.shape[-1])  # (2 m, p)
    if not len(tests):
        return
    for start in range(0, len(training), BLOCK):
        block = training[start : start + BLOCK]  # (b, 2, p)
        alike = np.maximum(block[:, 0] @ tests.T, block[:, 1] @ tests.T)  # (b, 2 m)
        nearest = alike.argmax(axis=1)  # (b,)
        for row in np.flatnonzero(alike[np.arange(len(block)), nearest] > above):
            yield start + int(row), int(nearest[row]) // 2


def find(config: TrainConfig, folders: Sequence[Path], above: float) -> list[tuple[str, str, str]]:
    """Find the training images that equal test images.

    Returns:
        (source, path below `data_root`, test image) of each.

    Raises:
        ModelError: a source cannot be read.
    """
    tests = [ImageFile(path) for folder in folders for path in image_files(folder)]
    judged, places = describe(tests)
    log.info("%d test pictures", len(judged))
    duplicates: list[tuple[str, str, str]] = []
    for source in config.sources:
        files = [example.image for example in read_source(config, source).examples]
        described, rows = describe(files)
        before = len(duplicates)
        for row, test in near_duplicates(described, judged, above):
            path = Path(files[rows[row]].name).relative_to(config.data_root)
            duplicates.append((source.name, path.as_posix(), tests[places[test]].name))
        log.info("%s: %d of %d", source.name, len(duplicates) - before, len(files))
    return duplicates


@in_sentences
def main(
    config: Annotated[Path, typer.Option(help="The recipe whose sources are looked through.")],
    test: Annotated[list[Path], typer.Option(help="A folder of test photos; may be repeated.")],
    out: Annotated[Path, typer.Option(help="The CSV for `excluded` of the recipe.")],
    above: Annotated[float, typer.Option(help="The correlation that makes two one.")] = ABOVE,
) -> None:
    """Write down which training pictures equal a test photo."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    duplicates = find(read_recipe(config, [])[-1], test, above)
    try:
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([("source", "path", "like"), *duplicates])
    except OSError as error:
        raise ModelError(f"{out} cannot be written: {error.strerror}.") from error
    typer.echo(f"{len(duplicates)} pictures are left out by {out}.")


if __name__ == "__main__":
    typer.run(main)
