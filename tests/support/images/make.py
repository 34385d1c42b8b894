"""Tiny image files for tests: good ones of every kind, and every way a file can be bad."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  # registers itself with Pillow
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


def make_huge_png(path: Path, size: Size = (20_000, 20_000), *, whole: bool = False) -> Path:
    """A PNG that claims `size`: what a decompression bomb begins with; `whole`, all of one.

    Without its pixels it is damaged; with them it is black, and a thousand times as large decoded.
    """

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    width, height = size
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packing = zlib.compressobj()
    rows = [bytes(1 + 3 * width)] * height if whole else [bytes(100)]
    pixels = b"".join(packing.compress(row) for row in rows) + packing.flush()
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
    return path


def make_broken_exif(path: Path, junk: bytes = b"MM\0*\xff\xff\xff\xff nonsense") -> Path:
    """A good photo with nonsense where its EXIF should be."""
    return make_photo(path, exif=b"Exif\0\0" + junk)


def make_profile(space: bytes, tags: dict[bytes, bytes], pcs: bytes = b"XYZ ") -> bytes:
    """An ICC profile of a colour space ("RGB ", "GRAY", "CMYK") with these tags."""
    body, table = b"", struct.pack(">I", len(tags))
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    size = 128 + len(table) + len(body)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(">I4sI4s4s4s", size, b"", 0x04200000, kind, space, pcs) + b"\0" * 12
    header += b"acsp" + b"\0" * 28 + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)  # D50
    return header.ljust(128, b"\0") + table + body


def _fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def curve_tag(gamma: float) -> bytes:
    """A tone curve; 2.4 stands for that of sRGB with its straight foot."""
    foot = (1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045) if gamma == 2.4 else (1, 0, 0, 0)
    return b"para\0\0\0\0\0\x03\0\0" + _fixed(gamma, *foot)


def p3_profile() -> bytes:
    """Display P3: what telephones write."""
    colorants = {
        b"rXYZ": (0.5151, 0.2412, -0.0011),
        b"gXYZ": (0.2920, 0.6922, 0.0419),
        b"bXYZ": (0.1571, 0.0666, 0.7841),
    }
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*xyz) for name, xyz in colorants.items()}
    return make_profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve_tag(2.4)))


def ink_profile() -> bytes:
    """Inks that are darker and duller than the complements of red, green and blue."""
    corners = []
    for number in range(16):
        cyan, magenta, yellow, black = ((number >> shift) & 1 for shift in (3, 2, 1, 0))
        light = (1 - 0.45 * cyan) * (1 - 0.5 * magenta) * (1 - 0.1 * yellow) * (1 - 0.9 * black)
        left = 1 - black
        corners += [
            round(255 * light),
            128 + left * (-37 * cyan + 74 * magenta - 5 * yellow),
            128 + left * (-50 * cyan - 3 * magenta + 93 * yellow),
        ]
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0\x04\x03\x02\0" + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += 4 * straight + bytes(corners) + 3 * straight
    paper = b"XYZ \0\0\0\0" + _fixed(0.70, 0.72, 0.55)  # not white, until eyes are used to it
    return make_profile(b"CMYK", {b"A2B0": table, b"wtpt": paper}, pcs=b"Lab ")


def make_dng(
    path: Path,
    picture: Image.Image,
    preview: Image.Image | None = None,
    orientation: int = 1,
    exif: Sequence[tuple[int, int, bytes]] = (),
) -> Path:
    """A camera raw file that sees `picture` through a Bayer mosaic, with a JPEG preview.

    Args:
        path: where.
        picture: sides of an even number of pixels.
        preview: what the camera shows of it, not upright either.
        orientation: how both lie, as EXIF counts it.
        exif: more tags of the main directory: (number, type, bytes), little-endian.
    """
    linear = (np.asarray(picture.convert("RGB"), dtype=float) / 255) ** 2.2 * 60_000
    mosaic = linear[..., 1].copy()  # red green / green blue
    mosaic[::2, ::2], mosaic[1::2, 1::2] = linear[::2, ::2, 0], linear[1::2, 1::2, 2]
    sensor = mosaic.astype("<u2").tobytes()
    jpeg = io.BytesIO()
    if preview is not None:
        preview.save(jpeg, "JPEG", icc_profile=preview.info.get("icc_profile"))

    def shorts(*values: int) -> bytes:
        return struct.pack(f"<{len(values)}H", *values)

    def ratios(*values: float) -> bytes:
        return b"".join(struct.pack("<ii", round(value * 10_000), 10_000) for value in values)

    # XYZ to the primaries of sRGB: the camera sees as a screen shows.
    matrix = (3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572)
    width, height = picture.size

    def directory(start: int, entries: list[tuple[int, int, bytes]]) -> bytes:
        sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8}
        table, extra = b"", b""
        behind = start + 2 + 12 * len(entries) + 4
        for tag, kind, data in sorted(entries):
            table += struct.pack("<HHI", tag, kind, len(data) // sizes[kind])
            if len(data) > 4:
                table += struct.pack("<I", behind + len(extra))
                extra += data + b"\0" * (len(data) % 2)
            else:
                table += data.ljust(4, b"\0")
        return shorts(len(entries)) + table + b"\0\0\0\0" + extra

    def longs(*values: int) -> bytes:
        return struct.pack(f"<{len(values)}I", *values)

    def main(jpeg_at: int) -> list[tuple[int, int, bytes]]:
        entries = [
            (254, 4, longs(0)), (256, 4, longs(width)), (257, 4, longs(height)),
            (258, 3, shorts(16)), (259, 3, shorts(1)), (262, 3, shorts(32803)),
            (271, 2, b"Handmade\0"), (272, 2, b"Handmade One\0"),
            (273, 4, longs(8)), (274, 3, shorts(orientation)), (277, 3, shorts(1)),
            (278, 4, longs(height)), (279, 4, longs(len(sensor))),
            (33421, 3, shorts(2, 2)), (33422, 1, bytes((0, 1, 1, 2))),
            (50706, 1, bytes((1, 4, 0, 0))), (50708, 2, b"Handmade One\0"),
            (50717, 4, longs(60_000)), (50721, 10, ratios(*matrix)),
            (50728, 5, ratios(1, 1, 1)), (50778, 3, shorts(21)),
            *exif,
        ]  # fmt: skip
        return entries + ([(330, 4, longs(jpeg_at))] if preview is not None else [])

    start = 8 + len(sensor)
    smaller = directory(start, main(0))
    small = [
        (254, 4, longs(1)), (258, 3, shorts(8, 8, 8)), (259, 3, shorts(7)), (262, 3, shorts(6)),
        (277, 3, shorts(3)), (279, 4, longs(len(jpeg.getvalue()))),
    ]  # fmt: skip
    if preview is not None:
        small += [(256, 4, longs(preview.width)), (257, 4, longs(preview.height))]
    second = start + len(smaller)
    third = second + len(directory(second, [*small, (273, 4, longs(0))]))
    parts = [b"II*\0", longs(start), sensor, directory(start, main(second))]
    if preview is not None:
        parts += [directory(second, [*small, (273, 4, longs(third))]), jpeg.getvalue()]
    path.write_bytes(b"".join(parts))
    return path
