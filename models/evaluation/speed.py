"""Speed of a warm encoder: images and queries a second by batch.

Times are medians of several runs, because a shared machine slows some of them down.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from models.datasets import ImageFile
from models.evaluation.image_batches import encode_files
from models.interfaces import Encoder

DIFFERENT = 8  # pictures, which a run repeats
PER_RUN = 64  # images or queries at the least, so that a run lasts longer than the clock's grain


def make_pictures(width: int, height: int) -> list[Image.Image]:
    """Make RGB images that JPEG compresses about as well as photos."""
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(DIFFERENT):
        shapes = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        soft = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC), np.int16)
        grain = rng.integers(-12, 13, (height, width, 1), dtype=np.int16)
        pictures.append(Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8)))
    return pictures


def images_per_s(encoder: Encoder, pictures: list[Image.Image], batch: int, runs: int) -> float:
    """Measure preprocessing and the image tower, in decoded images a second."""
    rounds = -(-PER_RUN // batch)
    images = [pictures[i % len(pictures)] for i in range(batch)]

    def run() -> None:
        for _ in range(rounds):
            encoder.encode_images(images)

    return rounds * batch / _median_s(run, runs)


def jpegs_per_s(encoder: Encoder, pictures: list[Image.Image], batch: int, runs: int) -> float:
    """Measure cached JPEG files to embeddings, in files a second.

    Decoded on threads and at reduced size, as `encode_files` does for every evaluation.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [ImageFile(Path(folder, f"{i}.jpg")) for i in range(len(pictures))]
        for file, picture in zip(files, pictures, strict=True):
            picture.save(file.path, quality=88)
        many = [files[i % len(files)] for i in range(max(PER_RUN, 2 * batch))]
        return len(many) / _median_s(lambda: encode_files(encoder, many, batch), runs)


def queries_per_s(encoder: Encoder, batch: int, runs: int) -> float:
    """Measure texts a second, all new, because single ones are cached."""
    rounds = -(-PER_RUN // batch)
    number = count()

    def run() -> None:
        for _ in range(rounds):
            encoder.encode_texts([f"{next(number)} dogs on a beach" for _ in range(batch)])

    return rounds * batch / _median_s(run, runs)


def _median_s(run: Callable[[], object], runs: int) -> float:
    """Time `runs` runs after a warm-up and return their median."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return median(times[1:])
