"""Decoding of untrusted files to upright sRGB images, thumbnails and facts.

All decoding of the album happens here. Content decides the format. The name matters only for raw
files, most of which look like TIFF. Every error becomes an `UnreadableImageError` with one sentence
and without the path, which callers know.
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
"""Minimum size of a decoded photo, as a multiple of the encoder's input.

Measured with the embedded model against full decodes: the worst cosine is 0.95 with a margin of 2
and 0.99 with 3. It is not 3, because a 12-megapixel JPEG at a quarter of its sides has 2.93 times
the 256 pixels of the default model.
"""
ENCODER_LEAST_PX = 448
"""Minimum for small encoders. Handwriting reaches cosine 0.989 at 427 px and 0.999 at 853."""
LARGE_VIEW_PX = 2560
"""Longer side of a large view: enough for a window on a screen of this width."""
FULL_VIEW_PIXELS = 40_000_000
"""Most pixels of a view in full resolution."""
FULL_VIEW_PX = 16_384
"""Longest side of a view in full resolution, as browsers draw no longer one."""
MAX_PIXELS = 200_000_000
"""Larger images are refused before decoding. This many pixels take 0.8 GB."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF", "JXL", "JPEG2000")
# Cameras write MPO as .jpg, and HEIC and JP2 are the usual names.
_FILE_TYPES = {"MPO": "JPEG", "HEIF": "HEIC", "JPEG2000": "JP2"}
_MAX_ASPECT = 8  # longer panoramas lose detail on the short side, to save memory
_THUMBNAIL_ASPECT = 3

_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = frozenset(_TRANSPOSES[orientation] for orientation in (5, 6, 7, 8))

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
# Pillow's limit is half of ours, and global. It is raised, not removed, to guard other callers in
# this process. Our own check comes first and has a better message.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", message="Pillow doesn't support 16 bit floats")  # of pillow_jxl


def read_photo(
    path: Path, shortest_px: int, sidecars: Sequence[Path] = ()
) -> tuple[Image.Image, ImageFacts]:
    """Decode a photo once, no larger than needed, and read its facts.

    Args:
        path: any file.
        shortest_px: minimum of the result's shorter side, if the original has it and is at most
            8 times as long as wide.
        sidecars: of the photo, most trusted first.

    Returns:
        The image and the facts. The image is upright sRGB over white, its shorter side about 1 to
        2 times `shortest_px`, its longer side at most 16 times. The facts have the original size.

    Raises:
        UnreadableImageError: empty, no image, truncated, damaged, over `MAX_PIXELS`, an unsupported
            variant, or a file that cannot be opened.
    """
    with _open(path) as opened:
        width, height = opened.image.size
        upright, turned = _decode_reduced(opened, shortest_px)
        if opened.raw is not None:
            width, height, turned = opened.raw.width, opened.raw.height, False
        facts = read_facts(
            opened.image if opened.raw is None else opened.raw.metadata,
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
    """Decode a photo at a size for both an encoder and a thumbnail.

    All encoding uses this size, so that a file always gets the same embedding.

    Args:
        path: any file.
        image_size: side of the encoder's square input in pixels.
        sidecars: of the photo, most trusted first.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    return read_photo(path, _encoder_least_px(image_size), sidecars)


def decode_photo(path: Path, encoder_px: int, sidecars: Sequence[Path]) -> Decoded:
    """Decode a photo once for everything that an import needs.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    image, facts = read_for_encoder(path, encoder_px, sidecars)
    return Decoded(image, facts, thumbnail(image))


def encoder_image(path: Path, encoder_px: int) -> Image.Image:
    """Decode only the image of `decode_photo`.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    with _open(path) as opened:
        return _decode_reduced(opened, _encoder_least_px(encoder_px))[0]


def thumbnail_of(path: Path) -> bytes:
    """Decode a photo and make its thumbnail.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    with _open(path) as opened:
        return thumbnail(_decode_reduced(opened, THUMBNAIL_PX)[0])


def thumbnail(image: Image.Image) -> bytes:
    """Make a JPEG thumbnail of an upright RGB image, without metadata.

    Its shorter side is at most `THUMBNAIL_PX`, its longer side at most 3 times that.
    """
    short, long = sorted(image.size)
    scale = min(1, THUMBNAIL_PX / short, _THUMBNAIL_ASPECT * THUMBNAIL_PX / long)
    # A gap of 1 is 2.5 times as fast from 1000x750, without a visible difference.
    return _jpeg(image, scale, quality=80, reducing_gap=1.0)


def large_view(path: Path) -> bytes:
    """Make an upright JPEG of at most `LARGE_VIEW_PX`, without metadata.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    return _jpeg_within(path, longest_px=LARGE_VIEW_PX)


def full_view(path: Path) -> bytes:
    """Make an upright JPEG in full resolution, without metadata.

    It has at most `FULL_VIEW_PIXELS`, and its longer side at most `FULL_VIEW_PX`.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    with _open(path) as opened:
        scale = _full_view_scale(opened.image.size)
        upright, _ = _decode(opened, factor=max(int(1 / scale), 1))
    return _jpeg(upright, _full_view_scale(upright.size), quality=88)


def small_jpeg(path: Path) -> bytes:
    """Make an upright JPEG of at most 1,024 px for captioners, without metadata.

    Raises:
        UnreadableImageError: as in `read_photo`.
    """
    return _jpeg_within(path, longest_px=1024)


@dataclass(frozen=True, slots=True)
class _OpenedImage:
    """A recognized image of acceptable size, not decoded yet."""

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
        if not stat.S_ISREG(status.st_mode):  # opening a FIFO would block
            raise UnreadableImageError(CANNOT_OPEN)
        if status.st_size == 0:
            raise UnreadableImageError(_EMPTY)
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableImageError(CANNOT_OPEN) from error


def _open_raw(file: BinaryIO, path: Path) -> _OpenedImage | None:
    """Open a raw file with LibRaw, None if it is none."""
    with _translate_errors(otherwise=_DAMAGED):
        if not raw.looks_raw(file, path.suffix.lower()):
            return None
        photo = raw.open_raw(path, MAX_PIXELS)
        return None if photo is None else _OpenedImage(photo.image, "RAW", raw=photo)


def _open_image(file: BinaryIO) -> _OpenedImage:
    """Open a file with Pillow."""
    file.seek(0)
    start = file.read(16)
    is_jxl = start.startswith(containers.JXL_SIGNATURES)
    with _translate_errors(otherwise=_DAMAGED if is_jxl else _UNSUPPORTED):
        if containers.is_truncated(file):
            raise UnreadableImageError(_DAMAGED)
        if is_jxl:  # its decoder allocates memory for all pixels on opening
            size = containers.jxl_size(file)
            if size is None:
                raise UnreadableImageError(_DAMAGED)
            if math.prod(size) > MAX_PIXELS:
                raise UnreadableImageError(_TOO_LARGE)
        metadata = containers.read_metadata(file, start)
        file.seek(0)
        try:
            image: Image.Image = Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError as error:
            accepts = [Image.OPEN[name][1] for name in _FORMATS]
            known = any(accept is not None and accept(start) for accept in accepts)
            raise UnreadableImageError(_UNSUPPORTED if known else _NOT_AN_IMAGE) from error
        for name, value in (("icc_profile", metadata.profile), ("xmp", metadata.xmp)):
            if value is not None:
                image.info[name] = value
        file_format = str(image.format)
        coding = metadata.coding
        if file_format == "HEIF":
            coding = containers.heif_coding(image.info)
        return _OpenedImage(image, _FILE_TYPES.get(file_format, file_format), coding)


@contextmanager
def _translate_errors(otherwise: str) -> Iterator[None]:
    """Turn errors of Pillow and LibRaw into an `UnreadableImageError`."""
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
    """Return the minimum shorter side of a photo for an encoder."""
    return max(ENCODER_LEAST_PX, round(ENCODER_MARGIN * image_size))


def _decode_reduced(opened: _OpenedImage, shortest_px: int) -> tuple[Image.Image, bool]:
    """Decode so that the shorter side has about `shortest_px` or more."""
    size = opened.image.size
    factor = max(min(size) // shortest_px, math.ceil(max(size) / (_MAX_ASPECT * shortest_px)))
    return _decode(opened, factor)


def _decode(opened: _OpenedImage, factor: int) -> tuple[Image.Image, bool]:
    """Decode to RGB, about `factor` (1 or more) times smaller.

    Returns:
        The upright image, and whether it was rotated by 90 degrees.
    """
    image = opened.image
    with _translate_errors(otherwise=_DAMAGED):
        if image.format in ("JPEG", "MPO"):
            # libjpeg decodes at 1/2, 1/4 or 1/8 several times faster by omitting coefficients.
            # Not for HEIF: it would return an embedded thumbnail, which can differ from the photo.
            width, height = image.size
            image.draft(None, (max(width // factor, 1), max(height // factor, 1)))
            factor = max(factor * max(image.size) // max(width, height), 1)
        image.load()  # mode and size are final after this
        profile = image.info.get("icc_profile")
        inks = color.profile_mode(profile) == "CMYK"
        small = reduce_to_8bit(image, factor, keep_inks=inks)
        # After reducing, because the cost is per pixel. Most photos are in sRGB already.
        small = color.to_srgb(small, profile, _coding(opened))
    # Not ImageOps.exif_transpose: it rewrites the EXIF and fails if that is damaged.
    transpose = _TRANSPOSES.get(_orientation(opened))
    if transpose is None:
        return small, False
    return small.transpose(transpose), transpose in _QUARTER_TURNS


def _coding(opened: _OpenedImage) -> color.Coding | None:
    """Return the colour space from other metadata than an ICC profile."""
    metadata = opened.image if opened.raw is None else opened.raw.metadata
    is_jpeg = opened.image.format in ("JPEG", "MPO")
    if is_jpeg and exif_tags(metadata, ExifTags.IFD.Interop).get(1) == "R03":
        return color.ADOBE_RGB  # DCF 2.0 (CIPA DC-009)
    return opened.coding


def _orientation(opened: _OpenedImage) -> int:
    """Return the EXIF orientation of a decoded image, 1 if unknown.

    PNG may store it after the pixels, so this works after load() only. There, TIFF is upright.
    """
    if opened.raw is not None:
        return opened.raw.orientation
    # The JPEG XL decoder rotates the pixels, except those of a recompressed JPEG. EXIF does not
    # count (ISO/IEC 18181-2).
    if opened.image.format == "JXL" and not getattr(opened.image, "jpeg", False):
        return 1
    orientation = exif_tags(opened.image).get(ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) else 1


def _full_view_scale(size: tuple[int, int]) -> float:
    return min(1.0, math.sqrt(FULL_VIEW_PIXELS / math.prod(size)), FULL_VIEW_PX / max(size))


def _jpeg_within(path: Path, longest_px: int) -> bytes:
    with _open(path) as opened:
        upright, _ = _decode(opened, factor=max(max(opened.image.size) // longest_px, 1))
    return _jpeg(upright, min(1, longest_px / max(upright.size)), quality=85)


def _jpeg(image: Image.Image, scale: float, quality: int, reducing_gap: float = 2.0) -> bytes:
    width, height = (max(round(side * scale), 1) for side in image.size)
    pixels = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=reducing_gap)
    pixels.info = {}  # otherwise Pillow writes a comment from there
    file = io.BytesIO()
    pixels.save(file, "JPEG", quality=quality)
    return file.getvalue()
