"""What the album may expect of whatever decodes its photos: in this process, or in others."""

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
"""How many callers at once keep a decoder busy: each waits for it most of its time."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an import needs of one photo's file."""

    image: Image.Image
    """Upright RGB, reduced as in `image_files.read_for_encoder`."""
    facts: ImageFacts
    """What the file and its sidecars say."""
    thumbnail: bytes
    """A JPEG."""


class Decoder(Protocol):
    """Decodes files, many at a time; a bad file costs it nothing but that file.

    Each of its methods raises UnreadableImageError where a file cannot be decoded, in time and
    within bounds of memory, and AlbumError where nothing can be decoded at all.
    """

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path] = ()) -> Decoded:
        """Decode one file for an import.

        Args:
            path: a file with anything in it.
            encoder_px: pixels of the square that the encoder sees.
            sidecars: the files that describe it.
        """

    def image(self, path: Path, encoder_px: int) -> Image.Image:
        """Decode just the pixels that an encoder needs: the same as those of `decode`."""

    def thumbnail(self, path: Path) -> bytes:
        """Make a small JPEG of a file, as in `image_files.thumbnail`."""

    def large_view(self, path: Path) -> bytes:
        """Make a JPEG for looking at, as in `image_files.large_view`."""

    def small_jpeg(self, path: Path) -> bytes:
        """Make a JPEG that may leave the machine, as in `image_files.small_jpeg`."""

    def close(self) -> None:
        """Let go of whatever it holds; decoding again is still possible."""
