"""What image files say outside their pixels and EXIF, where Pillow does not look.

Every function leaves the file at a place of its own choosing, so call them before Pillow opens it.
The bytes are untrusted: what makes no sense is not there, and nothing here raises but OSError.
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
_MOST_BOXES = 1000  # real files have about ten; a hostile one may have millions
_MAX_NOTE_BYTES = 4_000_000
_JXL_RATIOS = (None, (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def is_truncated(file: BinaryIO) -> bool:
    """Whether a HEIC, AVIF or WebP file ends before its pixels do, by the lengths it gives.

    libheif decodes such a file without complaint and leaves the missing tiles green. What follows
    the pixels may be cut: the film of a motion photo is no part of the photo.
    """
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] == b"RIFF":
        return 8 + int.from_bytes(start[4:8], "little") > end + 1  # some leave out the last, a 0
    if start[4:8] != b"ftyp" or start[8:12] not in _IMAGE_BRANDS:
        return False
    return any(
        kind in (b"ftyp", b"meta", b"mdat") and box_end > end
        for kind, _, box_end in _boxes(file, 0, end)
    )


class ContainerMetadata(NamedTuple):
    """What an image file says where Pillow does not look."""

    coding: Coding | None = None
    profile: bytes | None = None
    xmp: bytes | None = None


def read_metadata(file: BinaryIO, start: bytes) -> ContainerMetadata:
    """The colours of a PNG, AVIF or JPEG 2000 file, and the XMP packet of a JPEG XL file.

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
    """The code points among what pillow-heif tells of an image."""
    numbers = info.get("nclx_profile")
    return numbers and Coding(numbers["color_primaries"], numbers["transfer_characteristics"])


def jxl_size(file: BinaryIO) -> tuple[int, int] | None:
    """Width and height of a JPEG XL image, before the decoder takes the memory for them.

    The codestream begins with them (ISO/IEC 18181-1, Annex D), bits from the lowest up; in a
    container it is in a box `jxlc`, or in several `jxlp` that begin with a number (18181-2).
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
    """The EXIF directories of a Canon CR3 file, each built like a TIFF file of its own.

    By the names of their boxes: CMT1 is the main directory, CMT2 Exif, CMT4 GPS. No standard says
    so; it is how the files are.
    """
    movie = _first(file, b"moov") or b""
    canon = _first(io.BytesIO(movie), b"uuid") or b""
    boxes = io.BytesIO(canon[16:])  # after the name of the vendor's box
    return {
        kind: _body(boxes, start, end)
        for kind, start, end in _boxes(boxes, 0, len(canon) - 16)
        if kind in (b"CMT1", b"CMT2", b"CMT4")
    }


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where its body starts, where it says it ends) of the boxes in a row.

    ISO/IEC 14496-12, 4.2; JPEG 2000 and JPEG XL have the same.
    """
    for _ in range(_MOST_BOXES):
        if start >= end:
            break
        file.seek(start)
        size, kind, large_size = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        header = 16 if size == 1 else 8
        size = large_size if size == 1 else size or end - start  # 0: as far as the file goes
        yield kind, start + header, start + size
        start += max(size, 8)


def _first(file: BinaryIO, kind: bytes) -> bytes | None:
    """The body of the first box of a kind, if there is something in it."""
    for found, start, end in _boxes(file, 0, file.seek(0, io.SEEK_END)):
        if found == kind:
            return _body(file, start, end) or None
    return None


def _body(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(max(end - start, 0), _MAX_NOTE_BYTES))


def _avif_coding(file: BinaryIO) -> Coding | None:
    """The code points of the main picture; libheif finds them without decoding it."""
    file.seek(0)
    try:
        return heif_coding(pillow_heif.open_heif(file, convert_hdr_to_8bit=False).info)
    except (OSError, ValueError, LookupError, EOFError, RuntimeError, SyntaxError):
        return None


def _jp2_profile(file: BinaryIO) -> bytes | None:
    """The ICC profile of a JPEG 2000 file: ISO/IEC 15444-1, I.5.3.3."""
    header = io.BytesIO(_first(file, b"jp2h") or b"")
    read_metadata = _first(header, b"colr") or b""
    return read_metadata[3:] if read_metadata[:1] == b"\x02" else None


def _png_coding(file: BinaryIO) -> Coding | None:
    """The chunk cICP: Portable Network Graphics (Third Edition), 11.3.2.6."""
    at = len(PNG_SIGNATURE)
    for _ in range(_MOST_BOXES):
        file.seek(at)
        size, kind, numbers = struct.unpack(">I4s4s", file.read(12).ljust(12, b"\0"))
        if kind == b"cICP":
            return Coding(*numbers[:2])
        if kind in (b"IDAT", b"\0\0\0\0"):  # it comes before the pixels, or it does not count
            break
        at += 12 + size
    return None
