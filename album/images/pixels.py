"""Pixels of every mode that Pillow knows, made small and 8-bit."""

from __future__ import annotations

import math

from PIL import Image

_BAND_PIXELS = 4_000_000


def reduce_to_8bit(image: Image.Image, factor: int, *, keep_inks: bool) -> Image.Image:
    """RGB or grey, `factor` times smaller by box averages; a new image that carries no metadata.

    Band by band: converting a large image whole would hold it two or three times.

    Args:
        image: loaded, of any mode.
        factor: 1 or more.
        keep_inks: leave CMYK as it is, for a profile that knows better.
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
    """An RGB image out of (width, height) and its pixels, 3 bytes each, row by row."""
    return Image.frombytes("RGB", size, pixels)


def _white_level(image: Image.Image) -> float:
    """The value that means white in a mode of more than 8 bits, which does not say so itself."""
    if image.mode not in ("I", "F"):
        return 65535.0
    brightest = float(image.getextrema()[1])  # type: ignore[arg-type]  # one band: two numbers
    return next((level for level in (1.0, 255.0, 65535.0) if brightest <= level), brightest)


def _flatten(image: Image.Image, white: float) -> Image.Image:
    """8-bit RGB over white, or "L" where there is no colour; profiles come later."""
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
