"""Interface of the image decoder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from album.domain.photo import ImageFacts

if TYPE_CHECKING:
    from PIL import Image


DECODING_THREADS = 2 * max(2, min(8, os.cpu_count() or 2))
"""Number of concurrent callers that keep a decoder busy, as each mostly waits."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Results of one decode, as an import needs them."""

    image: Image.Image
    """Upright RGB, reduced as by `decoding.read_for_encoder`."""
    facts: ImageFacts
    """From the file and its sidecars."""
    thumbnail: bytes
    """A JPEG."""


class Decoder(Protocol):
    """A decoder of files for concurrent callers.

    A bad file affects only itself.

    Methods raise UnreadableImageError if a file cannot be decoded within limits of time and memory,
    and AlbumError if no file can be decoded at all.
    """

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path] = ()) -> Decoded:
        """Decode one file for an import.

        Args:
            path: a file with anything in it.
            encoder_px: pixels of the square that the encoder sees.
            sidecars: of the photo, most trusted first.
        """

    def image(self, path: Path, encoder_px: int) -> Image.Image:
        """Decode only the image for an encoder, equal to that of `decode`."""

    def thumbnail(self, path: Path) -> bytes:
        """Make a small JPEG, as `decoding.thumbnail_of` does."""

    def large_view(self, path: Path) -> bytes:
        """Make a JPEG for viewing, as `decoding.large_view` does."""

    def full_view(self, path: Path) -> bytes:
        """Make a JPEG for looking closely, as `decoding.full_view` does."""

    def small_jpeg(self, path: Path) -> bytes:
        """Make a JPEG for sending to others, as `decoding.small_jpeg` does."""

    def close(self) -> None:
        """Release resources, after which decoding is still possible."""
