"""Squares of training images, decoded once and kept on disk."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from models.datasets import (
    UNREADABLE_IMAGE,
    ExampleSet,
    ImageFile,
    UnreadableExampleError,
)

WORKERS = 4


Pixels = npt.NDArray[np.uint8]


def decode_all(
    example_set: ExampleSet, px: int, resize_mode: str, array: Path
) -> tuple[Pixels, ExampleSet]:
    """Decode all images to squares (n, px, px, 3) uint8.

    The second result holds their examples.

    They are memory-mapped from `array`, which is written again if a file was added, removed or
    changed. Unreadable images move to `skipped`.
    """
    array.parent.mkdir(parents=True, exist_ok=True)
    fingerprint = fingerprint_files(example_set, px, resize_mode)
    manifest = array.with_suffix(".json")
    try:
        known = json.loads(manifest.read_text())
    except (OSError, ValueError):
        known = {}
    if known.get("fingerprint") != fingerprint or not array.is_file():
        known = {
            "fingerprint": fingerprint,
            "unreadable": _decode_into(array, example_set, px, resize_mode),
        }
        manifest.write_text(json.dumps(known))
    unreadable = set(known["unreadable"])
    readable = ExampleSet(
        skipped={reason: [*names] for reason, names in example_set.skipped.items()}
    )
    for row, example in enumerate(example_set.examples):
        if row in unreadable:
            readable.skip(UNREADABLE_IMAGE, example.image.name)
        else:
            readable.examples.append(example)
    # "c": torch needs a writable array, and writes stay in memory.
    pixels: Pixels = np.load(array, mmap_mode="c")
    return pixels, readable


def _decode_into(array: Path, example_set: ExampleSet, px: int, resize_mode: str) -> list[int]:
    """Write the readable images to `array`, and return the other rows."""

    def decode(image: ImageFile) -> Pixels | None:
        try:
            return square(image.open(at_least_px=2 * px), px, resize_mode)
        except UnreadableExampleError:
            return None

    unreadable = []
    temporary = array.with_suffix(".part")
    n = len(example_set.examples)
    rows = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(n, px, px, 3))
    kept = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for start in tqdm(
            range(0, n, 1024), desc=f"decoding {array.stem}", unit="k", leave=False, disable=None
        ):
            batch = [example.image for example in example_set.examples[start : start + 1024]]
            for row, pixels in enumerate(pool.map(decode, batch), start):
                if pixels is None:
                    unreadable.append(row)
                else:
                    rows[kept] = pixels
                    kept += 1
    rows.flush()
    del rows
    if unreadable:  # rare: worth a second copy
        np.save(temporary, np.load(temporary, mmap_mode="r")[:kept])
        temporary.with_suffix(".part.npy").replace(temporary)
    temporary.replace(array)
    return unreadable


def square(image: Image.Image, px: int, resize_mode: str = "shortest") -> Pixels:
    """Resize an RGB image to (px, px, 3) uint8.

    Args:
        image: The image, upright.
        px: The side in pixels.
        resize_mode: `squash` for the whole image, anything else for its middle square.
    """
    box = None if resize_mode == "squash" else middle_square(image)
    how = Image.Resampling.BICUBIC
    return np.asarray(image.resize((px, px), how, box=box, reducing_gap=3.0))


def middle_square(image: Image.Image) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the largest centred square."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return left, top, left + side, top + side


def fingerprint_files(example_set: ExampleSet, px: int, resize_mode: str) -> str:
    digest = hashlib.sha256(f"{px} {resize_mode}".encode())
    for path in dict.fromkeys(example.image.path for example in example_set.examples):
        stat = path.stat()
        digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    for example in example_set.examples:
        digest.update(f"{example.image.member}\n".encode())
    return digest.hexdigest()
