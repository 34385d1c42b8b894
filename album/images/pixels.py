"""Reduction of images of every Pillow mode to 8 bits and fewer pixels."""

from __future__ import annotations

import math

from PIL import Image

_BAND_PIXELS = 4_000_000


def reduce_to_8bit(image: Image.Image, factor: int, *, keep_inks: bool) -> Image.Image:
    """Reduce an image by box averages to a new RGB or "L" image without metadata.

    It works in bands, because converting a large image whole would hold it two or three times.

    Args:
        image: loaded, of any mode.
        factor: 1 or more. The result is this many times smaller.
        keep_inks: keep CMYK for a later conversion by its profile.
    """
    width, height = image.size
    white = _white_level(image)
    rows = factor * max(_BAND_PIXELS // (width * factor), 1)
    small = None
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        band = band if keep_inks and image.mode == "CMYK" else _flatten(band, white)
        band = band.reduce(factor) if factor > 1 else band
        if small is None:
            size = (math.ceil(width / factor), math.ceil(height / factor))
            small = Image.new(band.mode, size)
        small.paste(band, (0, top // factor))
    if small is None:
        raise ValueError("an image without rows")
    return small


def from_rgb_bytes(size: tuple[int, int], pixels: bytes) -> Image.Image:
    """Make an RGB image from (width, height) and rows of 3-byte pixels."""
    return Image.frombytes("RGB", size, pixels)


def _white_level(image: Image.Image) -> float:
    """Guess the value of white in a mode of more than 8 bits."""
    if image.mode not in ("I", "F"):
        return 65535.0
    brightest = float(image.getextrema()[1])  # type: ignore[arg-type]  # one band: two numbers
    return next((level for level in (1.0, 255.0, 65535.0) if brightest <= level), brightest)


def _flatten(image: Image.Image, white: float) -> Image.Image:
    """Convert to 8-bit RGB over white, or to "L" without colour."""
    if image.mode.startswith("I;16"):
        image = image.convert("I")
    if image.mode in ("I", "F"):
        image = image.point(lambda value: value * (255 / white)).convert("L")
    if not image.has_transparency_data:
        return image.convert("L" if image.mode in ("1", "L") else "RGB")
    image = image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper
