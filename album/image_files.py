"""Image files: untrusted bytes to upright RGB images, thumbnails and EXIF facts.

The only decoder of the album. A file is judged by its content, never by its name, and whatever is
wrong with it becomes an `UnreadableImageError`: one sentence, without the path, which callers know.
"""

from __future__ import annotations

import io
import math
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pillow_heif
from PIL import ExifTags, Image, UnidentifiedImageError

from album import exif
from album.errors import UnreadableImageError
from album.photo import ImageFacts

READABLE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp"}
    | {".tif", ".tiff", ".heic", ".heif", ".hif", ".heics", ".heifs", ".avif", ".avifs"}
)
"""Lower-case endings worth opening on a walk through folders; a hint, not a promise."""
THUMBNAIL_PX = 320
"""Shorter side of a thumbnail."""
ENCODER_MARGIN = 3
"""How much larger than the encoder's input a photo is decoded at least. Measured with the embedded
model against full decodes: cosine 0.95 at the worst with a margin of 2, 0.99 with 3."""
MAX_PIXELS = 200_000_000
"""Larger images are refused unread: decoded, this many take 0.8 GB."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
_FILE_TYPES = {"MPO": "JPEG", "HEIF": "HEIC"}  # cameras write MPO and people say HEIC
_MAX_ASPECT = 8  # longer panoramas lose detail across rather than fill the memory along
_THUMBNAIL_ASPECT = 3
_BAND_PIXELS = 4_000_000

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))

_EMPTY = "The file is empty: copy it again from where it came from."
_CANNOT_OPEN = "The file cannot be opened: it is gone, or you may not read it."
_NOT_AN_IMAGE = (
    "This is not an image that the album reads: "
    "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF, whatever the file is called."
)
_UNSUPPORTED = (
    "The image is damaged, or of a kind that the album cannot read: "
    "copy it again, or save it as JPEG."
)
_DAMAGED = "The image is cut short or damaged: copy it again from where it came from."
_TOO_LARGE = (
    f"The image has more than {MAX_PIXELS // 1_000_000} megapixels: save a smaller copy of it."
)
_NO_MEMORY = "There is not enough memory to open the image: save a smaller copy of it."

_TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# Pillow does not promise what a hostile file raises; these are what mutated files of every format
# raised, while decoding or in EXIF, and their close relatives.
_DECODE_ERRORS = (
    OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError,
    AttributeError, AssertionError, RuntimeError, SystemError, struct.error, zlib.error,
)  # fmt: skip

pillow_heif.register_heif_opener()
# Pillow's own limit is half of ours. It is one number for the whole process, so it is raised to
# ours and not lifted: others who open images here keep a guard. Ours answers first and in words.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def read_photo(path: Path, shortest_px: int) -> tuple[Image.Image, ImageFacts]:
    """Decode a photo once, no larger than needed, and read what it says of itself.

    Args:
        path: a file with anything in it.
        shortest_px: what the shorter side of the result must have at least, where the original has
            it and is at most 8 times as long as wide.

    Returns:
        The image, upright RGB over white, its shorter side about 1 to 2 times `shortest_px` and
        its longer side at most 16 times; and the facts, which count the pixels of the original.

    Raises:
        UnreadableImageError: empty, no image, cut short or damaged, over `MAX_PIXELS`, an unknown
            variant, or a file that cannot be opened.
    """
    with _opened(path) as image:
        width, height = image.size
        factor = max(
            min(image.size) // shortest_px,
            math.ceil(max(image.size) / (_MAX_ASPECT * shortest_px)),
        )
        upright, turned = _decode(image, factor)
        tags = _tags(image, None) | _tags(image, ExifTags.IFD.Exif)
        latitude, longitude = exif.position(_tags(image, ExifTags.IFD.GPSInfo))
        facts = ImageFacts(
            file_type=_FILE_TYPES.get(str(image.format), str(image.format)),
            width=height if turned else width,
            height=width if turned else height,
            taken_at=exif.taken_at(tags),
            camera=exif.camera(tags),
            lens=exif.lens(tags),
            latitude=latitude,
            longitude=longitude,
        )
    return upright, facts


def read_for_encoder(path: Path, image_size: int) -> tuple[Image.Image, ImageFacts]:
    """Decode a photo for an encoder and a thumbnail at once.

    Whatever is encoded goes through here, so that the same file always has the same embedding.

    Args:
        path: a file with anything in it.
        image_size: pixels of the square that the encoder sees.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    return read_photo(path, max(THUMBNAIL_PX, ENCODER_MARGIN * image_size))


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG of an upright RGB image, nothing in it but pixels.

    Its shorter side has `THUMBNAIL_PX` at most and its longer side 3 times that; never enlarged.
    """
    short, long = sorted(image.size)
    scale = min(1, THUMBNAIL_PX / short, _THUMBNAIL_ASPECT * THUMBNAIL_PX / long)
    return _jpeg(image, scale, quality=80)


def large_view(path: Path) -> bytes:
    """The photo as an upright JPEG of 1,600 px at most, nothing in it but pixels.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    return _jpeg_within(path, longest_px=1600)


def small_jpeg(path: Path) -> bytes:
    """The photo as an upright JPEG of 1,024 px at most, fit to leave the machine: only pixels.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    return _jpeg_within(path, longest_px=1024)


def file_time(path: Path) -> datetime:
    """When the file was last changed: naive local time, to the second.

    Raises:
        UnreadableImageError: the file cannot be opened.
    """
    try:
        seconds = int(path.stat().st_mtime)
    except OSError as error:
        raise UnreadableImageError(_CANNOT_OPEN) from error
    # Some disks hold times that no calendar does; 1970 to 2106 is what 32 bits can say.
    return datetime.fromtimestamp(min(max(seconds, 0), 2**32 - 1))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The image in `path`: recognised and of acceptable size, not decoded yet."""
    with _opened_file(path) as file:
        image = _recognised(file)
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(_TOO_LARGE)
            yield image


def _opened_file(path: Path) -> BinaryIO:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise UnreadableImageError(_CANNOT_OPEN)
        if status.st_size == 0:
            raise UnreadableImageError(_EMPTY)
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableImageError(_CANNOT_OPEN) from error


def _recognised(file: BinaryIO) -> Image.Image:
    with _translated(otherwise=_UNSUPPORTED):
        try:
            image = Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError as error:
            file.seek(0)
            start = file.read(16)
            accepts = [Image.OPEN[name][1] for name in _FORMATS]
            known = any(accept is not None and accept(start) for accept in accepts)
            raise UnreadableImageError(_UNSUPPORTED if known else _NOT_AN_IMAGE) from error
        if image.format == "HEIF" and _pixels_are_cut(file):
            raise UnreadableImageError(_DAMAGED)
        return image


@contextmanager
def _translated(otherwise: str) -> Iterator[None]:
    """Whatever Pillow raises in this block, as a sentence."""
    try:
        yield
    except _TOO_MANY_PIXELS as error:
        raise UnreadableImageError(_TOO_LARGE) from error
    except MemoryError as error:
        raise UnreadableImageError(_NO_MEMORY) from error
    except NotImplementedError as error:
        raise UnreadableImageError(_UNSUPPORTED) from error
    except _DECODE_ERRORS as error:
        raise UnreadableImageError(otherwise) from error


def _pixels_are_cut(file: BinaryIO) -> bool:
    """Whether the pixels of a HEIF file go on beyond its end.

    libheif decodes such a file without complaint and leaves the missing tiles green. What follows
    the pixels may be cut: the film of a motion photo is no part of the photo. Boxes are those of
    ISO/IEC 14496-12, 4.2.
    """
    end = file.seek(0, io.SEEK_END)
    start = 0
    for _ in range(1000):  # real files have about ten boxes; a hostile one may have millions
        if start >= end:
            break
        file.seek(start)
        size, kind, large_size = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        size = large_size if size == 1 else size or end - start  # 0: as far as the file goes
        if kind == b"mdat" and start + size > end:
            return True
        start += max(size, 8)
    return False


def _decode(image: Image.Image, factor: int) -> tuple[Image.Image, bool]:
    """Decode to RGB, about `factor` (1 or more) times smaller.

    Returns:
        The upright image, and whether it took a quarter turn to make it so.
    """
    with _translated(otherwise=_DAMAGED):
        if image.format in ("JPEG", "MPO"):
            # libjpeg decodes at 1/2, 1/4 or 1/8 by leaving out coefficients: several times faster.
            # HEIF files would answer with an embedded thumbnail, which need not be the photo.
            width, height = image.size
            image.draft(None, (max(width // factor, 1), max(height // factor, 1)))
            factor = max(factor * max(image.size) // max(width, height), 1)
        image.load()  # only now are mode and size final
        reduced = _reduced_rgb(image, factor)
    # Not ImageOps.exif_transpose: it writes the EXIF anew and fails where that is garbage.
    # PNG says its orientation after its pixels, so only now; TIFF has turned itself in load().
    turn = _TURNS.get(_tags(image, None).get(ExifTags.Base.Orientation, 1))
    return (reduced, False) if turn is None else (reduced.transpose(turn), turn in _QUARTER_TURNS)


def _reduced_rgb(image: Image.Image, factor: int) -> Image.Image:
    """RGB, `factor` times smaller by box averages; a new image that carries no metadata.

    Band by band: converting a large image whole would hold it two or three times.
    """
    width, height = image.size
    white = _white_level(image)
    reduced = Image.new("RGB", (math.ceil(width / factor), math.ceil(height / factor)))
    rows = factor * max(_BAND_PIXELS // (width * factor), 1)
    for top in range(0, height, rows):
        band = _rgb(image.crop((0, top, width, min(top + rows, height))), white)
        reduced.paste(band.reduce(factor) if factor > 1 else band, (0, top // factor))
    return reduced


def _white_level(image: Image.Image) -> float:
    """The value that means white in a mode of more than 8 bits, which does not say so itself."""
    if image.mode not in ("I", "F"):
        return 65535.0
    brightest = float(image.getextrema()[1])  # type: ignore[arg-type]  # one band: two numbers
    return next((level for level in (1.0, 255.0, 65535.0) if brightest <= level), brightest)


def _rgb(image: Image.Image, white: float) -> Image.Image:
    """8-bit RGB. Colour profiles are not applied: the numbers are taken for sRGB."""
    if image.mode.startswith("I;16"):
        image = image.convert("I")
    if image.mode in ("I", "F"):
        image = image.point(lambda value: value * (255 / white)).convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _jpeg_within(path: Path, longest_px: int) -> bytes:
    with _opened(path) as image:
        upright, _ = _decode(image, factor=max(max(image.size) // longest_px, 1))
    return _jpeg(upright, min(1, longest_px / max(upright.size)), quality=85)


def _jpeg(image: Image.Image, scale: float, quality: int) -> bytes:
    width, height = (max(round(side * scale), 1) for side in image.size)
    pixels = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    pixels.info = {}  # else Pillow writes a comment found there
    file = io.BytesIO()
    pixels.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _tags(image: Image.Image, ifd: int | None) -> dict[int, Any]:
    """The EXIF tags of a decoded image in one directory, None for the main one; {} for garbage."""
    try:
        notes = image.getexif()
        return dict(notes if ifd is None else notes.get_ifd(ifd))
    except (*_DECODE_ERRORS, MemoryError):  # a broken note on the back leaves the photo a photo
        return {}
