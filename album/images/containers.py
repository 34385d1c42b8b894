"""Metadata in image containers that Pillow does not read.

Functions move the file position, so call them before Pillow opens the file. The bytes are
untrusted. Invalid data counts as missing, and only OSError is raised.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import pillow_heif

from album.images.color import Coding

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JXL_SIGNATURES = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
JP2_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"

_IMAGE_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
)
_MAX_BOXES = 1000  # real files have about ten, hostile ones may have millions
_MAX_BODY_BYTES = 4_000_000
_JXL_RATIOS = (None, (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def is_truncated(file: BinaryIO) -> bool:
    """Return whether a HEIC, AVIF or WebP file ends before its pixels do.

    libheif decodes such files without an error and leaves missing tiles green. Data after the
    pixels may be cut, such as the video of a motion photo.
    """
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] == b"RIFF":
        return 8 + int.from_bytes(start[4:8], "little") > end + 1  # some omit the padding byte
    if start[4:8] != b"ftyp" or start[8:12] not in _IMAGE_BRANDS:
        return False
    return any(
        kind in (b"ftyp", b"meta", b"mdat") and box_end > end
        for kind, _, box_end in _boxes(file, 0, end)
    )


class ContainerMetadata(NamedTuple):
    """Metadata that Pillow does not read."""

    coding: Coding | None = None
    profile: bytes | None = None
    xmp: bytes | None = None


def read_metadata(file: BinaryIO, start: bytes) -> ContainerMetadata:
    """Read the colour space of PNG, AVIF and JPEG 2000, and the XMP of JPEG XL.

    Args:
        file: the image.
        start: its first 12 bytes or more.
    """
    if start.startswith(PNG_SIGNATURE):
        return ContainerMetadata(coding=_png_coding(file))
    if start[4:12] in (b"ftypavif", b"ftypavis"):
        return ContainerMetadata(coding=_avif_coding(file))
    if start.startswith(JP2_SIGNATURE):
        return ContainerMetadata(profile=_jp2_profile(file))
    if start.startswith(JXL_SIGNATURES[1]):
        return ContainerMetadata(xmp=_first(file, b"xml "))
    return ContainerMetadata()


def heif_coding(info: Mapping[Any, Any]) -> Coding | None:
    """Return the code points in the `info` of an image of pillow-heif."""
    profile = info.get("nclx_profile")
    return profile and Coding(profile["color_primaries"], profile["transfer_characteristics"])


def jxl_size(file: BinaryIO) -> tuple[int, int] | None:
    """Read width and height of a JPEG XL image, before a decoder allocates memory.

    The codestream begins with them, lowest bits first (ISO/IEC 18181-1, Annex D). In a container it
    is in a box `jxlc`, or in boxes `jxlp` that begin with a number (18181-2).
    """
    file.seek(0)
    start = 0
    if file.read(2) != JXL_SIGNATURES[0]:
        for kind, box_start, _ in _boxes(file, 0, file.seek(0, io.SEEK_END)):
            if kind in (b"jxlc", b"jxlp"):
                start = box_start + (4 if kind == b"jxlp" else 0)
                break
    file.seek(start)
    data = file.read(16)
    if data[:2] != JXL_SIGNATURES[0]:
        return None
    bits = int.from_bytes(data[2:], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (1 + take(5)) if small else 1 + take((9, 13, 18, 30)[take(2)])

    height = side()
    ratio = _JXL_RATIOS[take(3)]
    return (side() if ratio is None else height * ratio[0] // ratio[1]), height


def cr3_exif(file: BinaryIO) -> dict[bytes, bytes]:
    """Return the EXIF directories of a Canon CR3 file by box name, each a TIFF file.

    CMT1 is the main directory, CMT2 Exif, CMT4 GPS. This is undocumented.
    """
    movie = _first(file, b"moov") or b""
    canon = _first(io.BytesIO(movie), b"uuid") or b""
    boxes = io.BytesIO(canon[16:])  # after the UUID
    return {
        kind: _body(boxes, start, end)
        for kind, start, end in _boxes(boxes, 0, len(canon) - 16)
        if kind in (b"CMT1", b"CMT2", b"CMT4")
    }


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start of body, claimed end) of consecutive boxes.

    The format is that of ISO/IEC 14496-12, 4.2, which JPEG 2000 and JPEG XL share.
    """
    for _ in range(_MAX_BOXES):
        if start >= end:
            break
        file.seek(start)
        size, kind, large_size = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        header = 16 if size == 1 else 8
        size = large_size if size == 1 else size or end - start  # 0: to the end of the file
        yield kind, start + header, start + size
        start += max(size, 8)


def _first(file: BinaryIO, kind: bytes) -> bytes | None:
    """Return the body of the first box of a kind, None if empty or missing."""
    for box_kind, start, end in _boxes(file, 0, file.seek(0, io.SEEK_END)):
        if box_kind == kind:
            return _body(file, start, end) or None
    return None


def _body(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(max(end - start, 0), _MAX_BODY_BYTES))


def _avif_coding(file: BinaryIO) -> Coding | None:
    """Return the code points of the main image, which libheif does not decode for that."""
    file.seek(0)
    try:
        return heif_coding(pillow_heif.open_heif(file, convert_hdr_to_8bit=False).info)
    except (OSError, ValueError, LookupError, EOFError, RuntimeError, SyntaxError):
        return None


def _jp2_profile(file: BinaryIO) -> bytes | None:
    """Return the ICC profile of a JPEG 2000 file (ISO/IEC 15444-1, I.5.3.3)."""
    header = io.BytesIO(_first(file, b"jp2h") or b"")
    color = _first(header, b"colr") or b""
    return color[3:] if color[:1] == b"\x02" else None


def _png_coding(file: BinaryIO) -> Coding | None:
    """Return the chunk cICP (Portable Network Graphics, Third Edition, 11.3.2.6)."""
    offset = len(PNG_SIGNATURE)
    for _ in range(_MAX_BOXES):
        file.seek(offset)
        size, kind, code_points = struct.unpack(">I4s4s", file.read(12).ljust(12, b"\0"))
        if kind == b"cICP":
            return Coding(*code_points[:2])
        if kind in (b"IDAT", b"\0\0\0\0"):  # it only counts before the pixels
            break
        offset += 12 + size
    return None
