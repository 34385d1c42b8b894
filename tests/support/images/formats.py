"""Formats that the album reads, shared photos, and comparison of images."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from album.images.decoding import thumbnail
from tests.support.images.make import (
    gps_tags,
    make_exif,
)

SHARED_PHOTOS = Path(__file__).parents[4] / "shared" / "photos"
FORMATS = [
    ("a.jpg", "JPEG"),
    ("a.png", "PNG"),
    ("a.webp", "WEBP"),
    ("a.gif", "GIF"),
    ("a.bmp", "BMP"),
    ("a.tif", "TIFF"),
    ("a.heic", "HEIC"),
    ("a.avif", "AVIF"),
    ("a.jxl", "JXL"),
    ("a.jp2", "JP2"),
    ("a.j2k", "JP2"),
]
NAMES = [name for name, _ in FORMATS]
LABELLED_EXIF = make_exif(
    main={0x010F: "Canon", 0x0110: "Canon EOS 40D"},
    shot={0x9003: "2019:03:21 11:04:22", 0xA434: "EF 50mm"},
    gps=gps_tags((37, 30, 36), "N", (127, 0, 0), "E"),
)


def shared(relative: str) -> list[Path]:
    """Return shared photos that match, or skip the test without shared photos."""
    if not SHARED_PHOTOS.is_dir():
        pytest.skip("the shared photos are not here")
    paths = sorted(SHARED_PHOTOS.glob(relative))
    assert paths, relative
    return paths


def difference(one: Image.Image, other: Image.Image, size: tuple[int, int] = (96, 72)) -> float:
    """Return the mean absolute difference per channel of small versions, in [0, 255]."""
    small = [np.asarray(image.convert("RGB").resize(size), dtype=float) for image in (one, other)]
    return float(np.abs(small[0] - small[1]).mean())


def open_bytes(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def thumbnail_size(image: Image.Image) -> tuple[int, int]:
    return open_bytes(thumbnail(image)).size
