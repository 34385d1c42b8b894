"""Conversion of decoded photos to sRGB, which screens and encoders expect.

The colour space comes from an ICC profile (ISO 15076-1) or from code points of ITU-T H.273 (in
AVIF, HEIC and PNG). Both are untrusted, and invalid ones leave the photo unchanged. HDR is tone
mapped by ITU-R BT.2390.
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

FloatArray = npt.NDArray[np.float32]


class Coding(NamedTuple):
    """A colour space by code points of ITU-T H.273, which other standards share."""

    primaries: int
    """Table 2: 1 is BT.709 and sRGB, 9 is BT.2020, 12 is Display P3."""
    transfer: int
    """Table 3: 13 is sRGB, 16 is PQ, 18 is HLG."""


_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_MAX_PROFILE_BYTES = 4_000_000  # printing profiles have 0.5 to 3 MB
_MAX_INVISIBLE_CHANGE = 2  # of 255: profiles with smaller changes are sRGB with rounding errors

_PQ, _HLG = 16, 18
_PAPER_NITS = 203.0
"""Luminance of diffuse white in HDR images: ITU-R BT.2408, table 1."""
_HLG_PEAK_NITS, _HLG_GAMMA = 1000.0, 1.2
_PEAK_PERCENTILE = 99.9  # the sun and its reflections may clip
_CHUNK_PIXELS = 1_000_000
# x and y of red, green and blue. Other code points are close to sRGB. Code point 11 has a cinema
# white point. An adapted eye sees about the same as with 12.
_SRGB_PRIMARIES = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_P3_PRIMARIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_ADOBE = -1  # private: H.273 has no code point for it
_WIDE_PRIMARIES = {
    _ADOBE: ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: _P3_PRIMARIES,
    12: _P3_PRIMARIES,
}
_D65 = (0.3127, 0.3290)

ADOBE_RGB = Coding(primaries=_ADOBE, transfer=4)
"""Adobe RGB (1998), which cameras mark in EXIF without a profile."""


def to_srgb(
    image: Image.Image, profile: bytes | None = None, coding: Coding | None = None
) -> Image.Image:
    """Convert an image to sRGB.

    Args:
        image: "L", "RGB" or "CMYK", best already reduced, because the cost is per pixel.
        profile: its ICC profile, which precedes `coding` except for HDR.
        coding: its code points.

    Returns:
        "RGB" of the same size. `image` itself if it is in sRGB already.
    """
    space = profile_mode(profile)
    coding = _coding_in(profile or b"") or coding
    # ICC profiles for PQ and HLG are made for HDR screens, so code points precede them.
    if coding is not None and (space is None or coding.transfer in (_PQ, _HLG)):
        return _convert_coding(_as_rgb(image), coding)
    if space == "RGB" and image.mode == "L":
        image = _as_rgb(image)
    if profile is not None and space == image.mode:
        transform = _transform(profile, space)
        if transform is not None:
            return ImageCms.applyTransform(image, transform) or _as_rgb(image)
    return _as_rgb(image)


def _as_rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def profile_mode(profile: object) -> str | None:
    """Return the Pillow mode of an ICC profile: "RGB", "L", "CMYK", or None."""
    if not isinstance(profile, bytes) or not 132 <= len(profile) <= _MAX_PROFILE_BYTES:
        return None
    return _MODES.get(profile[16:20]) if profile[36:40] == b"acsp" else None


@lru_cache(maxsize=16)  # an album has few cameras, each with one profile
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile to sRGB, None if invalid or without effect."""
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        probe = _probe(mode)
        converted = ImageCms.applyTransform(probe, transform)
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
        return None
    if converted is None:
        return None
    change = np.asarray(converted, dtype=int) - np.asarray(probe.convert("RGB"), dtype=int)
    return transform if np.abs(change).max() > _MAX_INVISIBLE_CHANGE else None


def _probe(mode: str) -> Image.Image:
    """Return an image of 6 steps in each channel, or of all grey levels."""
    steps = (
        np.linspace(0, 255, 6, dtype=np.uint8) if mode != "L" else np.arange(256, dtype=np.uint8)
    )
    channels = np.meshgrid(*[steps] * Image.getmodebands(mode))
    pixels = np.stack([channel.ravel() for channel in channels], axis=-1)[None]  # (1, n, c)
    return Image.fromarray(pixels[..., 0]) if mode == "L" else Image.fromarray(pixels, mode)


def _coding_in(profile: bytes) -> Coding | None:
    """Return the code points in an ICC profile (ICC.1:2022, 9.2.17 and 10.3)."""
    if profile_mode(profile) != "RGB":
        return None
    (count,) = struct.unpack_from(">I", profile, 128)
    for entry in range(132, min(132 + 12 * min(count, 100), len(profile) - 11), 12):
        name, start, size = struct.unpack_from(">4sII", profile, entry)
        if name == b"cicp" and size >= 12 and start + 12 <= len(profile):
            return Coding(*profile[start + 8 : start + 10])
    return None


# By code points


def _convert_coding(image: Image.Image, coding: Coding) -> Image.Image:
    """Convert an "RGB" image with these code points to sRGB."""
    primaries = _WIDE_PRIMARIES.get(coding.primaries)
    light = _light(coding.transfer)
    if primaries is None and light is None:
        return image
    table = _srgb_light() if light is None else light
    to_xyz = _to_xyz(primaries or _SRGB_PRIMARIES)
    matrix = (np.linalg.inv(_to_xyz(_SRGB_PRIMARIES)) @ to_xyz).T.astype(np.float32)
    weights = to_xyz[1].astype(np.float32) if coding.transfer == _HLG else None
    hdr = coding.transfer in (_PQ, _HLG)
    pixels = np.asarray(image)
    curve = None
    if hdr:
        sample = _linear(pixels[::4, ::4], table, weights, matrix)
        curve = _tone_curve(float(np.percentile(sample.max(axis=-1), _PEAK_PERCENTILE)))
    encoded = np.empty_like(pixels)
    rows = max(_CHUNK_PIXELS // max(image.width, 1), 1)
    for top in range(0, image.height, rows):
        linear = _linear(pixels[top : top + rows], table, weights, matrix)
        if curve is not None:  # per channel, so that clouds become white, not cyan
            linear = np.interp(linear, *curve).astype(np.float32)
        encoded[top : top + rows] = _srgb_codes()[
            (np.clip(linear, 0, 1) * np.float32(_STEPS - 1) + np.float32(0.5)).astype(np.intp)
        ]
    return Image.fromarray(encoded)


def _linear(
    pixels: npt.NDArray[np.uint8], table: FloatArray, weights: FloatArray | None, matrix: FloatArray
) -> FloatArray:
    """Return linear light in sRGB primaries.

    The result is (h, w, 3) and 0 or more. 1 is diffuse white.

    Args:
        pixels: (h, w, 3).
        table: (256,), linear light of each code value.
        weights: (3,), luminance of each primary, for HLG only, whose OOTF converts scene light to
            display light (ITU-R BT.2100, table 5).
        matrix: (3, 3), from rows of the file's primaries to rows of sRGB's.
    """
    light: FloatArray = table[pixels]
    if weights is not None:
        luminance = np.maximum(light @ weights, np.float32(1e-6))[..., None]
        light *= luminance ** np.float32(_HLG_GAMMA - 1) * np.float32(_HLG_PEAK_NITS / _PAPER_NITS)
    light = light @ matrix
    return np.maximum(light, np.float32(0), out=light)


def _light(transfer: int) -> FloatArray | None:
    """Return linear light of each code value, (256,) float32, None for sRGB.

    1 is diffuse white, of the scene for HLG. The curves of video (1, 6, 14, 15) count as sRGB,
    because photos that were never video have these tags.
    """
    signal = np.arange(256) / 255
    match transfer:
        case 4:
            light = signal**2.2
        case 5:
            light = signal**2.8
        case 8:
            light = signal
        case 16:
            light = _pq_nits(signal) / _PAPER_NITS
        case 18:  # ITU-R BT.2100, table 5, the inverse of the OETF
            light = np.where(
                signal <= 0.5,
                signal**2 / 3,
                (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12,
            )
        case _:
            return None
    return light.astype(np.float32)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _pq_nits(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Apply the EOTF of PQ (ITU-R BT.2100, table 4)."""
    power = signal ** (1 / _M2)
    nits: npt.NDArray[np.float64] = 10_000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (
        1 / _M1
    )
    return nits


def _pq_signal(nits: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Invert `_pq_nits`."""
    power = (np.asarray(nits, dtype=float) / 10_000) ** _M1
    signal: npt.NDArray[np.float64] = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return signal


def _tone_curve(peak: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Return the tone curve that maps `peak` to diffuse white, which is 1.

    It is the EETF of ITU-R BT.2390-11, 5.4.1: dark and middle tones stay, and highlights follow a
    Hermite spline in PQ. Black is 0 on both sides, so there is no black level lift.

    Returns:
        Light before and after, as arguments of `np.interp`. None if nothing is too bright.
    """
    if peak <= 1:
        return None
    light = np.concatenate([[0], np.geomspace(1e-3, peak, 512)])
    brightest = _pq_signal(peak * _PAPER_NITS)
    target = _pq_signal(_PAPER_NITS) / brightest
    signal = _pq_signal(light * _PAPER_NITS) / brightest
    knee = 1.5 * target - 0.5
    along = np.clip((signal - knee) / (1 - knee), 0, 1)
    spline = (
        (2 * along**3 - 3 * along**2 + 1) * knee
        + (along**3 - 2 * along**2 + along) * (1 - knee)
        + (-2 * along**3 + 3 * along**2) * target
    )
    bent = np.where(signal < knee, signal, spline)
    return light, _pq_nits(bent * brightest) / _PAPER_NITS


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float64]:
    """Return the (3, 3) matrix from primaries with white D65 to XYZ (SMPTE RP 177)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (*primaries, _D65)]).T
    scales = np.linalg.solve(columns[:, :3], columns[:, 3])
    matrix: npt.NDArray[np.float64] = columns[:, :3] * scales
    return matrix


_STEPS = 16_384


@lru_cache(maxsize=1)
def _srgb_light() -> FloatArray:
    """Return linear light of each sRGB code value, (256,) (IEC 61966-2-1)."""
    signal = np.arange(256) / 255
    light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    return np.asarray(light, dtype=np.float32)


@lru_cache(maxsize=1)
def _srgb_codes() -> npt.NDArray[np.uint8]:
    """Return the sRGB code value of `_STEPS` equal steps of light, (n,)."""
    light = np.linspace(0, 1, _STEPS)
    signal = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255 * signal).astype(np.uint8)
