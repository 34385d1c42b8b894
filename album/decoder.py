"""What the album may expect of whatever decodes its photos: in this process, or in others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from album.photo import ImageFacts

if TYPE_CHECKING:
    from PIL import Image


DECODING_THREADS = 2 * max(2, min(8, os.cpu_count() or 2))
"""How many callers at once keep a decoder busy: each waits for it most of its time."""


class Decoded(Protocol):
    """What a decoder makes of a file."""

    @property
    def image(self) -> Image.Image:
        """Upright RGB, large enough for the encoder."""

    @property
    def facts(self) -> ImageFacts:
        """What the file and its sidecars say."""

    @property
    def thumbnail(self) -> bytes:
        """A JPEG."""


class Decoder(Protocol):
    """Decodes files, many at a time; a bad file costs it nothing but that file."""

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path] = ()) -> Decoded:
        """Decode one file.

        Args:
            path: a file with anything in it.
            encoder_px: pixels of the square that the encoder sees.
            sidecars: the files that describe it.

        Raises:
            UnreadableImageError: it cannot be decoded, in time and within bounds of memory.
        """

    def close(self) -> None:
        """Let go of whatever it holds; decoding again is still possible."""
