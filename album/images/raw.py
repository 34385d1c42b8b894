"""Camera raw files: the picture that the camera put inside, or one made of the sensor's values.

The only file that knows rawpy (LibRaw), which is loaded when the first raw file comes.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import ExifTags, Image

from album.images import containers
from album.images.file_types import RAW_SUFFIXES

if TYPE_CHECKING:
    import rawpy

_SIGNATURES = (
    b"IIRO", b"IIRS", b"MMOR",  # Olympus
    b"IIU\0",  # Panasonic
    b"FUJIFILMCCD-RAW",
    b"\0MRM",  # Minolta
    b"FOVb",  # Sigma
    b"II\x1a\0\0\0HEAPCCDR",  # Canon CRW
)  # fmt: skip
_TIFF = (b"II*\0", b"MM\0*")
_TIFF_BUT_IN_NAME = {b"IIRO": _TIFF[0], b"IIRS": _TIFF[0], b"IIU\0": _TIFF[0], b"MMOR": _TIFF[1]}
_DNG_VERSION, _XMP = 50706, 700
_LEAST_PREVIEW_PX = 1000
"""Longer side of a preview that may stand for the photo; smaller ones are for a camera's screen."""
_NOTES_BYTES = 2_000_000  # directories come first in such files; pixels follow
# What mutated previews raised, and close relatives.
_BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    struct.error,
)  # fmt: skip

# How LibRaw says that an image lies, and how EXIF does.
_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}


@dataclass(frozen=True, slots=True)
class RawPhoto:
    """What is to be seen of a raw file."""

    image: Image.Image
    """A JPEG that is not decoded yet, or RGB in sRGB; not upright."""
    orientation: int
    """How `image` lies, as EXIF counts it: 1 (upright) to 8."""
    width: int
    """Of the photo that the raw file is meant to become, upright; likewise `height`."""
    height: int
    notes: Image.Image
    """An image of no account that bears the EXIF and XMP of the raw file."""


def looks_raw(file: BinaryIO, suffix: str) -> bool:
    """Whether a file is worth showing to LibRaw.

    Args:
        file: the file, from its beginning.
        suffix: its ending in lower case. Most kinds are TIFF files by content, with a small picture
            first that Pillow would take for the photo.
    """
    start = file.read(16)
    if start.startswith(_SIGNATURES) or start[4:12] == b"ftypcrx ":  # Canon CR3
        return True
    if start[:4] in _TIFF and (start[8:10] == b"CR" or _is_dng(file, start)):  # Canon CR2
        return True
    return suffix in RAW_SUFFIXES and not start.startswith((b"\xff\xd8", b"\x89PNG"))


def _is_dng(file: BinaryIO, start: bytes) -> bool:
    """Whether the first directory of a TIFF file has the tag that makes it a DNG."""
    order = "<" if start[:2] == b"II" else ">"
    file.seek(struct.unpack_from(order + "4xI", start.ljust(8, b"\0"))[0])
    (count,) = struct.unpack(order + "H", file.read(2).ljust(2, b"\0"))
    entries = file.read(12 * count)
    tags = (
        struct.unpack_from(order + "H", entries, at)[0] for at in range(0, len(entries) - 1, 12)
    )
    return _DNG_VERSION in tags


def open_raw(path: Path, max_pixels: int) -> RawPhoto | None:
    """Find the picture in a raw file; None where LibRaw does not know the file.

    Raises:
        Image.DecompressionBombError: more than `max_pixels`.
        MemoryError: there is not enough of it.
        OSError: cut short or damaged, or of a kind that LibRaw cannot develop.
    """
    import rawpy

    try:
        raw = rawpy.imread(str(path))
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawIOError):
        return None
    except rawpy.LibRawUnsufficientMemoryError as error:
        raise MemoryError from error
    except rawpy.LibRawTooBigError as error:
        raise Image.DecompressionBombError from error
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise OSError(str(error)) from error
    with raw:
        sizes = raw.sizes
        if max(sizes.raw_width * sizes.raw_height, sizes.width * sizes.height) > max_pixels:
            raise Image.DecompressionBombError
        lies = _ORIENTATIONS.get(sizes.flip, 1)
        preview = _extract_preview(raw)
        if preview is None or max(preview.size) < _LEAST_PREVIEW_PX:
            image, orientation = _develop(raw, preview), lies
        else:
            image, orientation = preview, _own_orientation(preview, lies)
        if image is preview and (sizes.width > sizes.height) != (image.width > image.height):
            orientation = 1 if orientation >= 5 else orientation  # turned by the camera already
        width, height = sizes.width, sizes.height
        if lies >= 5:
            width, height = height, width
        with path.open("rb") as file:
            notes = metadata_carrier(file, preview)
        return RawPhoto(image, orientation, width, height, notes)


def _extract_preview(raw: rawpy.RawPy) -> Image.Image | None:
    """The largest picture that the camera put in, if there is one to be read."""
    import rawpy

    try:
        found = raw.extract_thumb()
    except (rawpy.LibRawError, rawpy.NotSupportedError):
        return None
    try:
        if isinstance(found.data, bytes):
            return Image.open(io.BytesIO(found.data), formats=["JPEG"])
        return Image.fromarray(found.data).convert("RGB")
    except _BROKEN:
        return None


def _own_orientation(preview: Image.Image, otherwise: int) -> int:
    try:
        orientation = preview.getexif().get(ExifTags.Base.Orientation)
    except _BROKEN:
        return otherwise
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else otherwise


def _develop(raw: rawpy.RawPy, preview: Image.Image | None) -> Image.Image:
    """RGB out of the sensor's values, half as wide and high; else the preview, if small."""
    import rawpy

    try:
        pixels = raw.postprocess(half_size=True, use_camera_wb=True, user_flip=0, output_bps=8)
        return Image.fromarray(pixels).convert("RGB")
    except rawpy.LibRawUnsufficientMemoryError as error:
        raise MemoryError from error
    except (rawpy.LibRawError, rawpy.NotSupportedError, ValueError, TypeError) as error:
        if preview is None:
            raise OSError(str(error)) from error
        return preview


def metadata_carrier(file: BinaryIO, preview: Image.Image | None) -> Image.Image:
    """An image of no account that bears the EXIF and XMP of a raw file.

    Where the file is built like TIFF, the directories are its own; else those of its preview.
    """
    start = file.read(_NOTES_BYTES)
    start = _TIFF_BUT_IN_NAME.get(start[:4], start[:4]) + start[4:]
    notes = Image.new("L", (1, 1))
    try:
        if start[:4] in _TIFF:
            notes.info["exif"] = b"Exif\0\0" + start
            packet = notes.getexif().get(_XMP)
            if isinstance(packet, bytes):
                notes.info["xmp"] = packet
        elif start[4:8] == b"ftyp":
            notes.info["exif"] = _merge_directories(containers.cr3_exif(file))
    except _BROKEN:
        pass
    if "exif" not in notes.info and preview is not None and "exif" in preview.info:
        notes.info["exif"] = preview.info["exif"]
    return notes


def _merge_directories(directories: dict[bytes, bytes]) -> bytes:
    """EXIF out of directories that lie apart."""
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + directories[b"CMT1"])
    for name, ifd in ((b"CMT2", ExifTags.IFD.Exif), (b"CMT4", ExifTags.IFD.GPSInfo)):
        if name in directories:
            part = Image.Exif()
            part.load(b"Exif\0\0" + directories[name])
            exif.get_ifd(ifd).update(part)
    return exif.tobytes()
