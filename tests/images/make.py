"""Tiny image files for tests: good ones of every kind, and every way a file can be bad."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

pillow_heif.register_heif_opener()

Size = tuple[int, int]


def make_photo(
    path: Path,
    colour: str | tuple[int, int, int] = "red",
    size: Size = (64, 48),
    exif: bytes | None = None,
    **save: Any,
) -> Path:
    """A photo of one colour; the ending of `path` decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    extra = {} if exif is None else {"exif": exif}
    Image.new("RGB", size, colour).save(path, **extra, **save)
    return path


def quarters(size: Size = (64, 48)) -> Image.Image:
    """Red, green / blue, white: no turn or mirror image of it looks the same."""
    width, height = size
    image = Image.new("RGB", size, "red")
    image.paste("lime", (width // 2, 0, width, height // 2))
    image.paste("blue", (0, height // 2, width // 2, height))
    image.paste("white", (width // 2, height // 2, width, height))
    return image


def scene(size: Size, seed: int = 0) -> Image.Image:
    """Something like a photo: soft shapes, fine grain; the same for the same seed."""
    width, height = size
    rng = np.random.default_rng(seed)
    shapes = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    soft = np.asarray(shapes.resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.integers(-12, 13, (height, width, 1), dtype=np.int16)
    return Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8))


def make_exif(
    *,
    main: dict[int, Any] | None = None,
    shot: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
) -> bytes:
    """EXIF with these tags in its main, Exif and GPS directories."""
    exif = Image.Exif()
    exif.update(main or {})
    if shot is not None:
        exif.get_ifd(ExifTags.IFD.Exif).update(shot)
    if gps is not None:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    # Bytes, because the writers of HEIC and TIFF mistake the directories of an Exif object.
    return exif.tobytes()


def gps_tags(
    latitude: Sequence[float], north: str, longitude: Sequence[float], east: str
) -> dict[int, Any]:
    """GPS tags out of degrees, minutes and seconds."""
    return {1: north, 2: tuple(latitude), 3: east, 4: tuple(longitude)}


def make_turned(path: Path, orientation: int, size: Size = (64, 48)) -> Path:
    """`quarters(size)` as a camera held another way stores it: turned, and EXIF says how."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = quarters(size)
    stored = image.transpose(undo[orientation]) if orientation in undo else image
    stored.save(path, exif=make_exif(main={ExifTags.Base.Orientation: orientation}))
    return path


def make_truncated(path: Path, share: float = 0.6, size: Size = (160, 120)) -> Path:
    """The first `share` of a good file."""
    scene(size).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def make_empty(path: Path) -> Path:
    """No bytes at all."""
    path.write_bytes(b"")
    return path


def make_text(path: Path) -> Path:
    """Words, whatever `path` is called."""
    path.write_text("Dear diary, today I took no photo.\n" * 20)
    return path


def make_huge_png(path: Path, size: Size = (20_000, 20_000)) -> Path:
    """A PNG that claims `size` and holds no pixel: what a decompression bomb begins with."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
    return path


def make_broken_exif(path: Path, junk: bytes = b"MM\0*\xff\xff\xff\xff nonsense") -> Path:
    """A good photo with nonsense where its EXIF should be."""
    return make_photo(path, exif=b"Exif\0\0" + junk)
