"""Searching with the embedded model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.clip.encoder import ClipEncoder
from models.clip.spec import POCKET
from tests.benchmarks.figures import Figure, seconds
from tests.support.fakes import FakeCaptioner
from tests.support.images.make import scene

LIBRARY = 1000
SEARCHES = 41


def opened(data_dir: Path, encoder: ClipEncoder) -> Album:
    album = Album(data_dir, DefaultClassifiers(), FakeCaptioner())
    album.active.set_encoder(encoder, fill=False)
    return album


def search_figures() -> Iterator[Figure]:
    """Searches whose texts the encoder has never seen, so that each is encoded."""
    with tempfile.TemporaryDirectory() as folder:
        encoder = ClipEncoder(POCKET, Path(folder))
        photos = Path(folder, "photos")
        photos.mkdir()
        for number in range(LIBRARY):
            scene((160, 120), seed=number).save(photos / f"{number:04}.jpg")
        album = opened(Path(folder, "data"), encoder)
        album.imports.run([photos])
        for language, text in (
            ("English", "{} dogs on a beach"),
            ("Korean", "해변의 강아지 {}마리"),
        ):
            album.search.find(text)  # the first forward pass is slow
            times = [
                seconds(partial(album.search.find, text.format(number)))
                for number in range(2, SEARCHES)
            ]
            yield Figure(
                f"search of {LIBRARY:,} photos with pocket, a new text in {language}",
                1000 * median(times),
                "ms",
                below=300,
                beside=f"at worst {1000 * max(times):.1f} ms",
            )
        album.close()
