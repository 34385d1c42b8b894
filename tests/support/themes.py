"""Albums whose themes are known: photos of everyday words, with a model of `embeddings.Words`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from album.domain.photo import ImageFacts
from album.storage.database import Database
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore
from tests.support.embeddings import Words, direction, unit


def photos_of_words(words: Sequence[str], each: int, noise: float = 0.6, seed: int = 0):
    """(len(words) * each, D) photos, word after word, and (n,) the place of their word."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(words)), each)
    directions = np.stack([direction(word) for word in words])
    strays = unit(rng.standard_normal((len(truth), directions.shape[1])))
    return unit(directions[truth] + noise * strays), truth


class Rows:
    """Photos that are rows alone, with vectors of our choice."""

    def __init__(self, data_dir: Path) -> None:
        self.store = PhotoStore(Database(data_dir / "album.db"))
        self.count = 0

    def add(self, vectors: Sequence[np.ndarray], word: str = "photo") -> list[int]:
        ids = []
        with self.store.writing():
            for vector in vectors:
                self.count += 1
                taken = datetime(2020, 1, 1) + timedelta(hours=self.count * 7 % 1000)
                facts = ImageFacts("JPEG", 400, 300, taken_at=taken)
                name = f"{word}{self.count}.jpg"
                new = NewPhoto(f"{self.count:064x}", name, Path("/p", name), 1, facts, taken)
                photo_id = self.store.add(new, Words.model_id, vector)
                assert photo_id is not None
                ids.append(photo_id)
        return ids
