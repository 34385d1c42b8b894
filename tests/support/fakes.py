"""Stand-ins for what is outside the album; they keep the shapes, types and norms of the real ones.

`FakeEncoder` sees colours and nothing else, so that a test can say what must be found: a red photo
is near "red", "빨간 꽃" and any other red photo.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from album.images import decoding
from album.images.decoder import Decoded
from models.interfaces import CaptionResult, Embeddings, Turn

COLOURS: dict[tuple[int, int, int], tuple[str, ...]] = {
    (255, 0, 0): ("red", "빨간", "빨강", "붉은"),
    (0, 160, 0): ("green", "초록", "녹색"),
    (0, 0, 255): ("blue", "파란", "파랑"),
    (255, 255, 0): ("yellow", "노란", "노랑"),
    (255, 140, 0): ("orange", "주황"),
    (128, 0, 160): ("purple", "보라"),
    (255, 130, 190): ("pink", "분홍"),
    (0, 0, 0): ("black", "검은", "검정"),
    (255, 255, 255): ("white", "하얀", "흰"),
    (128, 128, 128): ("grey", "gray", "회색"),
}


class FakeEncoder:
    """Embeds the mean colour; encoders of different `model_id` live in different spaces."""

    dim = 16
    image_size = 32
    logit_scale = 20.0
    logit_bias: float | None = None

    def __init__(self, model_id: str = "fake", languages: tuple[str, ...] = ("en", "ko")) -> None:
        self.model_id = model_id
        self.languages = languages
        self._axes = np.linalg.qr(_noise(model_id, (self.dim, 4)))[0]  # (d, 4), orthonormal

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        rows = [np.empty((0, self.dim), np.float32)]
        for image in images:
            if image.mode != "RGB":
                raise ValueError(f"an encoder is given RGB images, not {image.mode}")
            pixels = np.asarray(image.resize((self.image_size, self.image_size)), np.float64)
            rows.append(self._row(pixels.mean(axis=(0, 1))))
        return np.concatenate(rows)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        rows = [np.empty((0, self.dim), np.float32)]
        for text in texts:
            words = set(re.findall(r"[a-z]+", text.lower()))
            named = [
                colour
                for colour, names in COLOURS.items()
                if any(name in words or (not name.isascii() and name in text) for name in names)
            ]
            if named:
                rows.append(self._row(np.mean(named, axis=0)))
            else:
                rows.append(_unit(_noise(text, (1, self.dim))))
        return np.concatenate(rows)

    def _row(self, colour: np.ndarray) -> Embeddings:
        """(1, d): opposite colours are opposite; the constant keeps grey away from zero."""
        return _unit((self._axes @ np.append(colour / 127.5 - 1, 0.5))[None])


class DecodeHere:
    """Decodes in this process: no decoder has to be started, and none is protected from."""

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path] = ()) -> Decoded:
        return decoding.decode_photo(path, encoder_px, sidecars)

    def image(self, path: Path, encoder_px: int) -> Image.Image:
        return decoding.encoder_image(path, encoder_px)

    def thumbnail(self, path: Path) -> bytes:
        return decoding.thumbnail_of(path)

    def large_view(self, path: Path) -> bytes:
        return decoding.large_view(path)

    def full_view(self, path: Path) -> bytes:
        return decoding.full_view(path)

    def small_jpeg(self, path: Path) -> bytes:
        return decoding.small_jpeg(path)

    def close(self) -> None:
        pass


class FakeCaptioner:
    """Says `says`, or raises `error`; what it was asked is in `calls`, `words` and `asked`."""

    prompt_version = "fake-prompt"
    sends = True
    speaks: tuple[str, ...] = ("ko", "en")
    converses = True
    key_hint = ""

    def __init__(self, says: str = "A photo.", model_id: str = "fake-captioner") -> None:
        self.model_id = model_id
        self.says = says
        self.error: Exception | None = None
        self.missing: Exception | None = None
        """What `check()` raises, and whatever it is asked."""
        self.before_request: Callable[[], None] | None = None
        self.meanwhile: Callable[[], object] = lambda: None
        """Happens while it thinks about a photo."""
        self.keywords: tuple[str, ...] = ()
        self.text_in_photo = ""
        self.calls: list[tuple[bytes, str]] = []
        """One for each language of a description."""
        self.words: list[tuple[str, str]] = []
        self.asked: list[tuple[bytes, tuple[Turn, ...], str]] = []

    def check(self) -> None:
        if self.missing:
            raise self.missing

    def _asks(self) -> None:
        self.check()
        if self.before_request is not None:
            self.before_request()

    def describe(self, jpeg: bytes, languages: Sequence[str]) -> CaptionResult:
        self._asks()
        self.calls += [(jpeg, language) for language in languages]
        self.meanwhile()
        if self.error:
            raise self.error
        captions = dict.fromkeys(languages, self.says)
        return CaptionResult(captions, self.keywords, self.text_in_photo)

    def answer(self, jpeg: bytes, turns: Sequence[Turn], language: str) -> str:
        self._asks()
        self.asked.append((jpeg, tuple(turns), language))
        if self.error:
            raise self.error
        return self.says

    def translate(self, text: str, language: str) -> str:
        self._asks()
        self.words.append((text, language))
        if self.error:
            raise self.error
        return self.says


def _noise(name: str, shape: tuple[int, ...]) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(shape)


def _unit(rows: np.ndarray) -> Embeddings:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@dataclass
class FakeModelState:
    """What the page wants to know of the model that is being loaded: it is here."""

    state: str = "ready"
    wanted: str = "fake/better"
    fetching: bool = False
    fetched: float | None = None
    problem: str | None = None
    obstacle: str | None = None
