"""Camera raw files: the embedded preview, or an image developed from sensor data.

Only this module uses rawpy (LibRaw), which is imported for the first raw file.
"""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import ExifTags, Image

from album.images import containers
from album.images.file_types import RAW_SUFFIXES
from album.metadata.reader import DECODE_ERRORS

if TYPE_CHECKING:
    import rawpy

_SIGNATURES = (
    b"IIRO",  # Olympus, likewise the next two
    b"IIRS",
    b"MMOR",
    b"IIU\0",  # Panasonic
    b"FUJIFILMCCD-RAW",
    b"\0MRM",  # Minolta
    b"FOVb",  # Sigma
    b"II\x1a\0\0\0HEAPCCDR",  # Canon CRW
)
_TIFF = (b"II*\0", b"MM\0*")
_TIFF_BY_SIGNATURE = {b"IIRO": _TIFF[0], b"IIRS": _TIFF[0], b"IIU\0": _TIFF[0], b"MMOR": _TIFF[1]}
_DNG_VERSION, _XMP = 50706, 700
_LEAST_PREVIEW_PX = 1000
"""Minimum longer side of a preview used as the photo. Smaller ones are for the camera's screen."""
_METADATA_BYTES = 2_000_000  # directories precede pixels in such files
# LibRaw's `flip` to EXIF orientation.
_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}


@dataclass(frozen=True, slots=True)
class RawPhoto:
    """The image and metadata of a raw file."""

    image: Image.Image
    """A JPEG not decoded yet, or RGB in sRGB. Not rotated yet."""
    orientation: int
    """EXIF orientation of `image`: 1 (upright) to 8."""
    width: int
    """Of the developed upright photo in pixels, likewise `height`."""
    height: int
    metadata: Image.Image
    """A 1 x 1 image with the EXIF and XMP of the raw file."""


def looks_raw(file: BinaryIO, suffix: str) -> bool:
    """Return whether LibRaw should try a file.

    Args:
        file: the file, from its beginning.
        suffix: lower-case suffix. Most raw files are TIFF by content, and begin with a small
            preview that Pillow would take for the photo.
    """
    start = file.read(16)
    if start.startswith(_SIGNATURES) or start[4:12] == b"ftypcrx ":  # Canon CR3
        return True
    if start[:4] in _TIFF and (start[8:10] == b"CR" or _is_dng(file, start)):  # Canon CR2
        return True
    return suffix in RAW_SUFFIXES and not start.startswith((b"\xff\xd8", b"\x89PNG"))


def _is_dng(file: BinaryIO, start: bytes) -> bool:
    """Return whether the first directory of a TIFF file has the tag DNGVersion."""
    order = "<" if start[:2] == b"II" else ">"
    file.seek(struct.unpack_from(order + "4xI", start.ljust(8, b"\0"))[0])
    (count,) = struct.unpack(order + "H", file.read(2).ljust(2, b"\0"))
    entries = file.read(12 * count)
    tags = (
        struct.unpack_from(order + "H", entries, at)[0] for at in range(0, len(entries) - 1, 12)
    )
    return _DNG_VERSION in tags


def open_raw(path: Path, max_pixels: int) -> RawPhoto | None:
    """Open a raw file, None if LibRaw does not recognize it.

    Raises:
        Image.DecompressionBombError: more than `max_pixels`.
        MemoryError: not enough memory.
        OSError: truncated, damaged, or unsupported by LibRaw.
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
        raw_orientation = _ORIENTATIONS.get(sizes.flip, 1)
        preview = _extract_preview(raw)
        if preview is None or max(preview.size) < _LEAST_PREVIEW_PX:
            image, orientation = _develop(raw, preview), raw_orientation
        else:
            image, orientation = preview, _preview_orientation(preview, raw_orientation)
        if image is preview and (sizes.width > sizes.height) != (image.width > image.height):
            orientation = 1 if orientation >= 5 else orientation  # rotated by the camera already
        width, height = sizes.width, sizes.height
        if raw_orientation >= 5:
            width, height = height, width
        with path.open("rb") as file:
            metadata = metadata_carrier(file, preview)
        return RawPhoto(image, orientation, width, height, metadata)


def _extract_preview(raw: rawpy.RawPy) -> Image.Image | None:
    """Return the largest embedded preview, None if there is no readable one."""
    import rawpy

    try:
        preview = raw.extract_thumb()
    except (rawpy.LibRawError, rawpy.NotSupportedError):
        return None
    try:
        if isinstance(preview.data, bytes):
            return Image.open(io.BytesIO(preview.data), formats=["JPEG"])
        return Image.fromarray(preview.data).convert("RGB")
    except DECODE_ERRORS:
        return None


def _preview_orientation(preview: Image.Image, default: int) -> int:
    orientation = None
    with suppress(*DECODE_ERRORS):
        orientation = preview.getexif().get(ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else default


def _develop(raw: rawpy.RawPy, preview: Image.Image | None) -> Image.Image:
    """Develop sensor data at half size, and fall back to a small preview."""
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
    """Return a 1 x 1 image with the EXIF and XMP of a raw file.

    EXIF comes from the file if it is like TIFF or CR3, else from its preview.
    """
    start = file.read(_METADATA_BYTES)
    start = _TIFF_BY_SIGNATURE.get(start[:4], start[:4]) + start[4:]
    carrier = Image.new("L", (1, 1))
    with suppress(*DECODE_ERRORS):
        if start[:4] in _TIFF:
            carrier.info["exif"] = b"Exif\0\0" + start
            packet = carrier.getexif().get(_XMP)
            if isinstance(packet, bytes):
                carrier.info["xmp"] = packet
        elif start[4:8] == b"ftyp":
            carrier.info["exif"] = _merge_directories(containers.cr3_exif(file))
    if "exif" not in carrier.info and preview is not None and "exif" in preview.info:
        carrier.info["exif"] = preview.info["exif"]
    return carrier


def _merge_directories(directories: dict[bytes, bytes]) -> bytes:
    """Merge EXIF directories that are stored separately."""
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + directories[b"CMT1"])
    for name, ifd in ((b"CMT2", ExifTags.IFD.Exif), (b"CMT4", ExifTags.IFD.GPSInfo)):
        if name in directories:
            part = Image.Exif()
            part.load(b"Exif\0\0" + directories[name])
            exif.get_ifd(ifd).update(part)
    return exif.tobytes()
