"""Opening and searching an album of 200,000 synthetic photos, beside a bare NumPy product."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from album.domain.photo import ImageFacts, SearchFilters
from album.search.request import SearchRequest
from album.service import Album
from album.storage.database import Database
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore
from models.classifiers.factory import DefaultClassifiers
from models.interfaces import Embeddings
from tests.benchmarks.figures import Figure, seconds
from tests.support.captioning import set_caption
from tests.support.fakes import FakeCaptioner

PHOTOS = 200_000
D = 384
CALLS = 41
CAPTIONED = 4  # one photo in so many
CAPTIONS = [
    "할머니 댁 마당에서 노는 강아지",
    "A dog runs along the beach at sunset",
    "눈 오는 날 남산에서 찍은 가족 사진",
    "Birthday cake with candles on the kitchen table",
    "바닷가에서 연을 날리는 아이들",
]
CAMERAS = ["Pixel 8", "iPhone 13", "SM-G991N", "EOS 40D", "X100V", "DSC-RX100", "D750", None]
SHARES = [0.3, 0.25, 0.15, 0.1, 0.05, 0.03, 0.02, 0.1]


class RandomEncoder:
    """Answers each text with a unit vector of its own, in no time."""

    model_id = "synthetic"
    languages = ("en", "ko")
    dim = D
    image_size = 96
    logit_scale = 100.0

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        return unit_rows(np.random.default_rng(len(images)), len(images))

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return unit_rows(np.random.default_rng(list("".join(texts).encode())), len(texts))


def unit_rows(rng: np.random.Generator, n: int) -> Embeddings:
    """(n, D) float32 of L2 norm 1."""
    rows = rng.standard_normal((n, D), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def fill(path: Path, model_id: str = "synthetic") -> None:
    """A database of `PHOTOS` photos taken over twenty years, 60 % of them with a place."""
    rng = np.random.default_rng(0)
    cameras = rng.choice(len(CAMERAS), PHOTOS, p=SHARES)
    days = rng.uniform(0, 20 * 365, PHOTOS)
    places = rng.uniform(-1, 1, (PHOTOS, 2)) * (90, 180)
    has_place = rng.random(PHOTOS) < 0.6
    upright = rng.random(PHOTOS) < 0.3
    store = PhotoStore(Database(path))
    with store.writing():
        for start in range(0, PHOTOS, 10_000):
            for row, vector in enumerate(unit_rows(rng, 10_000), start=start):
                taken = datetime(2005, 1, 1) + timedelta(days=days[row])
                facts = ImageFacts(
                    file_type="HEIC" if cameras[row] == 1 else "JPEG",
                    width=3000 if upright[row] else 4000,
                    height=4000 if upright[row] else 3000,
                    taken_at=taken,
                    camera=CAMERAS[cameras[row]],
                    latitude=places[row, 0] if has_place[row] else None,
                    longitude=places[row, 1] if has_place[row] else None,
                )
                name = f"IMG_{row:06}.jpg"
                original = Path("/pictures", str(taken.year), name)
                new = NewPhoto(f"{row:064x}", name, original, 4_000_000, facts, taken)
                photo_id = store.add(new, model_id, vector)
                if photo_id and row % CAPTIONED == 0:
                    text = CAPTIONS[row // CAPTIONED % len(CAPTIONS)]
                    set_caption(store.database, photo_id, text, "en", "synthetic")
    store.database.close()


def opened(data_dir: Path) -> Album:
    album = Album(data_dir, DefaultClassifiers(), FakeCaptioner())
    album.active.set_encoder(RandomEncoder(), fill=False)
    return album


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        fill(data_dir / "album.db")
        yield Figure(
            f"first opening of {PHOTOS:,} photos: makes the matrix",
            seconds(lambda: opened(data_dir).close()),
            "s",
        )
        openings = [seconds(lambda: opened(data_dir).close()) for _ in range(5)]
        yield Figure(f"opening {PHOTOS:,} photos", median(openings), "s", below=2)
        album = opened(data_dir)
        yield Figure("taking in all texts, once", seconds(album.texts.sync), "s")
        yield Figure(
            "asking all photos about everyday words, once",
            seconds(album.search.get_ready),
            "s",
        )
        yield from search_figures(album, data_dir)
        album.close()


def search_figures(album: Album, data_dir: Path) -> Iterator[Figure]:
    matrix = np.load(next(data_dir.glob("embeddings/synthetic.npy")), mmap_mode="r")
    matrix = matrix.view(np.ndarray)
    queries = unit_rows(np.random.default_rng(1), CALLS)
    plain = [seconds(partial(np.matmul, matrix, query)) for query in queries]
    yield Figure(
        f"plain NumPy: a {PHOTOS:,} x {D} matrix times a query", 1000 * median(plain), "ms"
    )

    def measured(what: str, find: Callable[[int], object]) -> Figure:
        """`find` is called with other numbers, so that nothing is remembered; turn about with the
        plain product, so that both see the same noise."""
        ours, plain = [], []
        for number, query in enumerate(queries):
            plain.append(seconds(partial(np.matmul, matrix, query)))
            ours.append(seconds(partial(find, number)))
        beside = f"{median(ours) / median(plain):.2f} x plain; at best {1000 * min(ours):.1f} ms"
        return Figure(what, 1000 * median(ours), "ms", below=60, beside=beside)

    def by_text(text: str = "query", offset: int = 0, **asked: Any) -> Callable[[int], object]:
        filters = SearchFilters(**asked.pop("filters", {}))
        return lambda number: album.search.find(
            SearchRequest(f"{text} {number}", filters=filters, **asked), offset=offset
        )

    yield measured("search, first page of 60", by_text())
    yield measured("  words that 10,000 captions have", by_text("강아지"))
    yield measured("  two things, without a third", by_text("sea + sky -people"))
    yield measured("  in words: a season, a camera", by_text("summer 2019 taken with Pixel 8, sea"))
    yield measured("  by date", by_text(sort="date"))
    yield measured("  with the rest, 200,000 hits", by_text(rest=True))
    yield measured("  with a filter: has place, 60 % pass", by_text(filters={"has_place": True}))
    yield measured("  camera: 30 % pass", by_text(filters={"camera": "Pixel 8"}))
    month = {"after": date(2019, 8, 1), "before": date(2019, 8, 31)}
    yield measured("  one month: 0.4 % pass", by_text(filters=month))
    yield measured(
        "  since 2010: 75 % pass, a filter never used before",
        lambda n: by_text(filters={"after": date(2010, 1 + n // 28, 1 + n % 28)})(n),
    )
    album.search.find(SearchRequest("query", rest=True))
    yield measured(
        "  page 1,667 of 100,000 hits, turned to",
        lambda n: album.search.find(SearchRequest("query", rest=True), offset=(1667 - n) * 60),
    )
    yield measured("more like this, first page", lambda n: album.search.similar(1 + 997 * n))
    yield measured("empty query, first page", lambda n: album.search.find())
    yield measured("  a year in words", lambda n: album.search.find(f"{2005 + n % 20}년"))
    yield measured("  the last page", lambda n: album.search.find(offset=PHOTOS - 60))
