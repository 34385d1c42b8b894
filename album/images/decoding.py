"""Image files: untrusted bytes to upright sRGB images, thumbnails and facts.

The only decoder of the album. A file is judged by its content; its name only tells raw files, most
of which look like TIFF. Whatever is wrong becomes an `UnreadableImageError`: one sentence, without
the path, which callers know.
"""

from __future__ import annotations

import io
import math
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pillow_heif
import pillow_jxl  # noqa: F401  # registers itself with Pillow
from PIL import ExifTags, Image, UnidentifiedImageError

from album.domain.photo import ImageFacts
from album.errors import CANNOT_OPEN, UnreadableImageError
from album.images import color, containers, raw
from album.images.decoder import Decoded
from album.images.pixels import reduce_to_8bit
from album.metadata.reader import DECODE_ERRORS, exif_tags, read_facts

THUMBNAIL_PX = 320
"""Shorter side of a thumbnail."""
ENCODER_MARGIN = 2.9
"""How much larger than the encoder's input a photo is decoded at least. Measured with the embedded
model against full decodes: cosine 0.95 at the worst with a margin of 2, 0.99 with 3. Not 3: a
12-megapixel JPEG at a quarter of its sides has 2.93 times the 256 pixels of the default model."""
ENCODER_LEAST_PX = 448
"""For small encoders: handwriting decoded to 427 px met itself at cosine 0.989, to 853 at 0.999."""
MAX_PIXELS = 200_000_000
"""Larger images are refused unread: decoded, this many take 0.8 GB."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF", "JXL", "JPEG2000")
# Cameras write MPO, and people say HEIC and JP2.
_FILE_TYPES = {"MPO": "JPEG", "HEIF": "HEIC", "JPEG2000": "JP2"}
_MAX_ASPECT = 8  # longer panoramas lose detail across rather than fill the memory along
_THUMBNAIL_ASPECT = 3

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
_NOT_AN_IMAGE = (
    "This is not an image that the album reads: JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF,"
    " JPEG XL, JPEG 2000 or a camera's raw file, whatever it is called."
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


pillow_heif.register_heif_opener()
# Pillow's own limit is half of ours. It is one number for the whole process, so it is raised to
# ours and not lifted: others who open images here keep a guard. Ours answers first and in words.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", message="Pillow doesn't support 16 bit floats")  # of pillow_jxl


def read_photo(
    path: Path, shortest_px: int, sidecars: Sequence[Path] = ()
) -> tuple[Image.Image, ImageFacts]:
    """Decode a photo once, no larger than needed, and read what it says of itself.

    Args:
        path: a file with anything in it.
        shortest_px: what the shorter side of the result must have at least, where the original has
            it and is at most 8 times as long as wide.
        sidecars: files that describe the photo.

    Returns:
        The image, upright sRGB over white, its shorter side about 1 to 2 times `shortest_px` and
        its longer side at most 16 times; and the facts, which count the pixels of the original.

    Raises:
        UnreadableImageError: empty, no image, cut short or damaged, over `MAX_PIXELS`, an unknown
            variant, or a file that cannot be opened.
    """
    with _open(path) as opened:
        width, height = opened.image.size
        upright, turned = _decode_reduced(opened, shortest_px)
        if opened.raw is not None:
            width, height, turned = opened.raw.width, opened.raw.height, False
        facts = read_facts(
            opened.image if opened.raw is None else opened.raw.notes,
            file_type=opened.file_type,
            width=height if turned else width,
            height=width if turned else height,
            path=path,
            sidecars=sidecars,
        )
    return upright, facts


def read_for_encoder(
    path: Path, image_size: int, sidecars: Sequence[Path] = ()
) -> tuple[Image.Image, ImageFacts]:
    """Decode a photo for an encoder and a thumbnail at once.

    Whatever is encoded goes through here, so that the same file always has the same embedding.

    Args:
        path: a file with anything in it.
        image_size: pixels of the square that the encoder sees.
        sidecars: files that describe the photo.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    return read_photo(path, _encoder_least_px(image_size), sidecars)


def decode_photo(path: Path, encoder_px: int, sidecars: Sequence[Path]) -> Decoded:
    """Decode a photo once for all that an import needs of it.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    image, facts = read_for_encoder(path, encoder_px, sidecars)
    return Decoded(image, facts, thumbnail(image))


def encoder_image(path: Path, encoder_px: int) -> Image.Image:
    """The pixels of `decode_photo` alone.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    with _open(path) as opened:
        return _decode_reduced(opened, _encoder_least_px(encoder_px))[0]


def thumbnail_of(path: Path) -> bytes:
    """A photo as `thumbnail` makes it.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    with _open(path) as opened:
        return thumbnail(_decode_reduced(opened, THUMBNAIL_PX)[0])


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG of an upright RGB image, nothing in it but pixels.

    Its shorter side has `THUMBNAIL_PX` at most and its longer side 3 times that; never enlarged.
    """
    short, long = sorted(image.size)
    scale = min(1, THUMBNAIL_PX / short, _THUMBNAIL_ASPECT * THUMBNAIL_PX / long)
    # A gap of 1: box averages do most of it, 2.5 times as fast from 1000x750, and no eye tells.
    return _jpeg(image, scale, quality=80, reducing_gap=1.0)


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


@dataclass(frozen=True, slots=True)
class _OpenedImage:
    """An image that is recognised and of acceptable size, not decoded yet."""

    image: Image.Image
    file_type: str
    coding: color.Coding | None = None
    raw: raw.RawPhoto | None = None


@contextmanager
def _open(path: Path) -> Iterator[_OpenedImage]:
    with _open_file(path) as file:
        opened = _open_raw(file, path) or _open_image(file)
        with opened.image as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(_TOO_LARGE)
            yield opened


def _open_file(path: Path) -> BinaryIO:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise UnreadableImageError(CANNOT_OPEN)
        if status.st_size == 0:
            raise UnreadableImageError(_EMPTY)
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableImageError(CANNOT_OPEN) from error


def _open_raw(file: BinaryIO, path: Path) -> _OpenedImage | None:
    """What LibRaw sees in a file; None where it is none of its own."""
    with _translate_errors(otherwise=_DAMAGED):
        if not raw.looks_raw(file, path.suffix.lower()):
            return None
        photo = raw.open_raw(path, MAX_PIXELS)
        return None if photo is None else _OpenedImage(photo.image, "RAW", raw=photo)


def _open_image(file: BinaryIO) -> _OpenedImage:
    """What Pillow sees in a file."""
    file.seek(0)
    start = file.read(16)
    is_jxl = start.startswith(containers.JXL_SIGNATURES)
    with _translate_errors(otherwise=_DAMAGED if is_jxl else _UNSUPPORTED):
        if containers.is_truncated(file):
            raise UnreadableImageError(_DAMAGED)
        if is_jxl:  # its decoder takes the memory for all pixels as soon as it sees the file
            size = containers.jxl_size(file)
            if size is None:
                raise UnreadableImageError(_DAMAGED)
            if math.prod(size) > MAX_PIXELS:
                raise UnreadableImageError(_TOO_LARGE)
        said = containers.read_metadata(file, start)
        file.seek(0)
        try:
            image: Image.Image = Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError as error:
            accepts = [Image.OPEN[name][1] for name in _FORMATS]
            known = any(accept is not None and accept(start) for accept in accepts)
            raise UnreadableImageError(_UNSUPPORTED if known else _NOT_AN_IMAGE) from error
        for name, value in (("icc_profile", said.profile), ("xmp", said.xmp)):
            if value is not None:
                image.info[name] = value
        file_format = str(image.format)
        coding = containers.heif_coding(image.info) if file_format == "HEIF" else said.coding
        return _OpenedImage(image, _FILE_TYPES.get(file_format, file_format), coding)


@contextmanager
def _translate_errors(otherwise: str) -> Iterator[None]:
    """Whatever Pillow raises in this block, as a sentence."""
    try:
        yield
    except _TOO_MANY_PIXELS as error:
        raise UnreadableImageError(_TOO_LARGE) from error
    except MemoryError as error:
        raise UnreadableImageError(_NO_MEMORY) from error
    except NotImplementedError as error:
        raise UnreadableImageError(_UNSUPPORTED) from error
    except DECODE_ERRORS as error:
        raise UnreadableImageError(otherwise) from error


def _encoder_least_px(image_size: int) -> int:
    """What the shorter side of a photo must have for an encoder."""
    return max(ENCODER_LEAST_PX, round(ENCODER_MARGIN * image_size))


def _decode_reduced(opened: _OpenedImage, shortest_px: int) -> tuple[Image.Image, bool]:
    """Decode as `_decode`, to about `shortest_px` or more."""
    size = opened.image.size
    factor = max(min(size) // shortest_px, math.ceil(max(size) / (_MAX_ASPECT * shortest_px)))
    return _decode(opened, factor)


def _decode(opened: _OpenedImage, factor: int) -> tuple[Image.Image, bool]:
    """Decode to RGB, about `factor` (1 or more) times smaller.

    Returns:
        The upright image, and whether it took a quarter turn to make it so.
    """
    image = opened.image
    with _translate_errors(otherwise=_DAMAGED):
        if image.format in ("JPEG", "MPO"):
            # libjpeg decodes at 1/2, 1/4 or 1/8 by leaving out coefficients: several times faster.
            # HEIF files would answer with an embedded thumbnail, which need not be the photo.
            width, height = image.size
            image.draft(None, (max(width // factor, 1), max(height // factor, 1)))
            factor = max(factor * max(image.size) // max(width, height), 1)
        image.load()  # only now are mode and size final
        profile = image.info.get("icc_profile")
        inks = color.profile_mode(profile) == "CMYK"
        small = reduce_to_8bit(image, factor, keep_inks=inks)
        # After reducing, and for most photos nothing at all: they are in sRGB.
        small = color.to_srgb(small, profile, _coding(opened))
    # Not ImageOps.exif_transpose: it writes the EXIF anew and fails where that is garbage.
    turn = _TURNS.get(_orientation(opened))
    return (small, False) if turn is None else (small.transpose(turn), turn in _QUARTER_TURNS)


def _coding(opened: _OpenedImage) -> color.Coding | None:
    """The colours of an image without a profile, where it says them in another way."""
    notes = opened.image if opened.raw is None else opened.raw.notes
    if (
        opened.image.format in ("JPEG", "MPO")
        and exif_tags(notes, ExifTags.IFD.Interop).get(1) == "R03"
    ):
        return color.ADOBE_RGB  # all that cameras write: DCF 2.0 (CIPA DC-009)
    return opened.coding


def _orientation(opened: _OpenedImage) -> int:
    """How the pixels of a decoded image lie, as EXIF counts it; 1 where nothing is known.

    PNG says it after its pixels, so only now; TIFF has turned itself in load().
    """
    if opened.raw is not None:
        return opened.raw.orientation
    # The decoder of JPEG XL turns its pixels, unless they came out of a JPEG; EXIF does not count
    # (ISO/IEC 18181-2).
    if opened.image.format == "JXL" and not getattr(opened.image, "jpeg", False):
        return 1
    orientation = exif_tags(opened.image).get(ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) else 1


def _jpeg_within(path: Path, longest_px: int) -> bytes:
    with _open(path) as opened:
        upright, _ = _decode(opened, factor=max(max(opened.image.size) // longest_px, 1))
    return _jpeg(upright, min(1, longest_px / max(upright.size)), quality=85)


def _jpeg(image: Image.Image, scale: float, quality: int, reducing_gap: float = 2.0) -> bytes:
    width, height = (max(round(side * scale), 1) for side in image.size)
    pixels = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=reducing_gap)
    pixels.info = {}  # else Pillow writes a comment found there
    file = io.BytesIO()
    pixels.save(file, "JPEG", quality=quality)
    return file.getvalue()
