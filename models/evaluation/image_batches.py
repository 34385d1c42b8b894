"""Encoding of image files, with decoding ahead on threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.datasets import ImageFile, UnreadableExampleError
from models.interfaces import Embeddings, Encoder

BATCH = 64  # b: what is decoded ahead, which the encoder splits further
WORKERS = min(4, os.cpu_count() or 1)
DETAIL = (
    3  # decoded at no less than three times the encoder's input, so that resizing blurs no edge
)


@dataclass(frozen=True)
class Encoded:
    """Embeddings of a list of files."""

    embeddings: Embeddings
    """(k, d): the readable files, in their order."""
    rows: npt.NDArray[np.intp]
    """(k,) the place of each in the list."""
    unreadable: list[str]
    """The names of the others."""


def encode_files(
    encoder: Encoder,
    files: Sequence[ImageFile],
    batch: int = BATCH,
    on_progress: Callable[[int, int], None] | None = None,
) -> Encoded:
    """Embed every readable file.

    At most two batches of images are in memory, each reduced to between three and six times the
    encoder's input as soon as it is decoded.

    Args:
        encoder: The encoder of images.
        files: Any number of them. Unreadable ones cost nothing else.
        batch: How many images the encoder gets at once.
        on_progress: Called with the files done and their number after each batch.
    """
    batches = [np.empty((0, encoder.dim), np.float32)]
    rows: list[int] = []
    unreadable: list[str] = []
    at_least_px = DETAIL * encoder.image_size
    with ThreadPoolExecutor(WORKERS, "decode") as pool:

        def decode_from(start: int) -> list[Future[Image.Image | None]]:
            batch_files = files[start : start + batch]
            return [pool.submit(decode_reduced, file, at_least_px) for file in batch_files]

        ahead = decode_from(0)
        for start in range(0, len(files), batch):
            images = [decoding.result() for decoding in ahead]
            ahead = decode_from(start + batch)
            readable = [image for image in images if image is not None]
            batches.append(encoder.encode_images(readable))
            rows += [start + i for i, image in enumerate(images) if image is not None]
            unreadable += [files[start + i].name for i, image in enumerate(images) if image is None]
            if on_progress is not None:
                on_progress(start + len(images), len(files))
    return Encoded(np.concatenate(batches), np.array(rows, np.intp), unreadable)


def decode_reduced(file: ImageFile, at_least_px: int) -> Image.Image | None:
    """Decode an image no larger than needed, None if unreadable."""
    try:
        image = file.open(at_least_px)
    except UnreadableExampleError:
        return None
    # What a JPEG's decoder did already, for the other formats: the mean of whole squares.
    times = min(image.size) // at_least_px
    return image.reduce(times) if times > 1 else image
