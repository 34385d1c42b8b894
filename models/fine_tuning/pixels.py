"""Photos as squares of one size, in a memory-mapped file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.datasets import ImageFile
from models.evaluation.image_batches import DETAIL, WORKERS, decode_reduced

AT_ONCE = 256

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Squares:
    """Squares of a list of files."""

    pixels: torch.Tensor
    """(k, s, s, 3) uint8, in a file: the readable ones, in their order."""
    rows: npt.NDArray[np.intp]
    """(k,) the place of each in the list."""


def decode_squares(
    files: Sequence[Path],
    geometry: Any,
    px: int,
    array: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> Squares:
    """Decode every readable file into a new `array`.

    Args:
        files: Any number of them. Unreadable ones cost nothing else.
        geometry: The transform from an upright RGB image to a square of `px`.
        px: The side of the squares.
        array: An .npy to write.
        on_progress: Called with the files done and their number.
    """

    def decode(path: Path) -> Pixels | None:
        image = decode_reduced(ImageFile(path), DETAIL * px)
        return None if image is None else np.asarray(geometry(image), np.uint8)

    shape = (len(files), px, px, 3)
    squares = np.lib.format.open_memmap(array, mode="w+", dtype=np.uint8, shape=shape)
    rows: list[int] = []
    with ThreadPoolExecutor(WORKERS, "decode") as pool:
        for start in range(0, len(files), AT_ONCE):
            chunk = files[start : start + AT_ONCE]
            for row, pixels in enumerate(pool.map(decode, chunk), start):
                if pixels is not None:
                    squares[len(rows)] = pixels
                    rows.append(row)
            if on_progress is not None:
                on_progress(start + len(chunk), len(files))
    return Squares(torch.from_numpy(squares[: len(rows)]), np.array(rows, np.intp))
