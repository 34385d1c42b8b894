"""Precision of search for labelled queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.datasets import ImageFile, image_files, open_table
from models.errors import ModelError
from models.interfaces import Embeddings

PLACES = 10
BLOCK_SCORES = 1 << 21  # 8 MB in float32

LANGUAGES = {"en": "query", "ko": "query_ko"}
"""By language the column of its queries."""


@dataclass(frozen=True)
class JudgedQuery:
    """A query by language, with the names of its relevant photos."""

    texts: dict[str, str]
    relevant: frozenset[str]


@dataclass(frozen=True)
class QuerySet:
    """Usable queries, with counts and names of the rest."""

    queries: list[JudgedQuery]
    skipped: int
    """How many rows have no text or no relevant photo: nothing could be right about them."""
    missing: list[str]
    """Relevant photos that are not in the folder, and are ignored."""


@dataclass(frozen=True)
class Hits:
    """Hits of one query among n photos."""

    text: str
    relevant: int
    """How many photos are relevant, at least 1."""
    in_first_10: int
    """Right ones in ten places, also where fewer than ten are relevant."""
    in_first_relevant: int
    """Right ones among the first min(10, relevant), all of which could be right."""
    first: list[str]
    """The names of the first ten."""

    @property
    def places(self) -> int:
        """min(10, relevant), the most possible hits."""
        return min(PLACES, self.relevant)

    @property
    def precision_at_10(self) -> float:
        """Hits in ten places over ten, in [0, 1]."""
        return self.in_first_10 / PLACES

    @property
    def precision_at_relevant(self) -> float:
        """P@min(10, relevant) in [0, 1], which is 1 for a perfect ranking."""
        return self.in_first_relevant / self.places


def photos_in(folder: Path) -> dict[str, ImageFile]:
    """Find the image files below `folder` by relative name, sorted.

    Raises:
        ModelError: there is no such folder, or no image file in it.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder of photos.")
    files = {path.relative_to(folder).as_posix(): ImageFile(path) for path in image_files(folder)}
    if not files:
        raise ModelError(f"{folder} holds no photo.")
    return files


def read_queries(path: Path, photos: Sequence[str]) -> QuerySet:
    """Read a CSV with the columns query, query_ko (optional) and relevant.

    Args:
        path: The CSV. `relevant` names photos, separated by spaces.
        photos: The names of the photos that can be found.

    Raises:
        ModelError: it cannot be read, lacks a column, or no query in it can be judged.
    """
    present = frozenset(photos)
    queries: list[JudgedQuery] = []
    skipped = 0
    missing: dict[str, None] = {}
    with open_table(path) as reader:
        lacking = {"query", "relevant"} - set(reader.fieldnames or ())
        if lacking:
            raise ModelError(f"{path} has no column {' or '.join(sorted(lacking))}.")
        for row in reader:
            names = (row["relevant"] or "").split()
            missing |= dict.fromkeys(name for name in names if name not in present)
            relevant = present.intersection(names)
            texts = {
                language: text
                for language, column in LANGUAGES.items()
                if (text := (row.get(column) or "").strip())
            }
            if relevant and texts:
                queries.append(JudgedQuery(texts, relevant))
            else:
                skipped += 1
    if not queries:
        raise ModelError(f"{path} holds no query with a relevant photo in the folder.")
    return QuerySet(queries, skipped, list(missing))


def rank_photos(
    photos: Embeddings,
    names: Sequence[str],
    texts: Embeddings,
    queries: Sequence[JudgedQuery],
    language: str,
) -> list[Hits]:
    """Rank the photos by cosine for each query.

    Equal scores keep the order of the photos.

    Args:
        photos: (n, d), rows of L2 norm 1.
        names: Their n names.
        texts: (q, d), rows of L2 norm 1, the queries in one language.
        queries: The q queries.
        language: That language.
    """
    hits = []
    step = max(1, BLOCK_SCORES // max(1, len(photos)))
    for start in range(0, len(queries), step):
        scores = texts[start : start + step] @ photos.T  # (b, n)
        for query, row in zip(queries[start : start + step], scores, strict=True):
            first = [names[i] for i in _first(row)]
            right = [name in query.relevant for name in first]
            hits.append(
                Hits(
                    query.texts[language],
                    len(query.relevant),
                    sum(right),
                    sum(right[: len(query.relevant)]),
                    first,
                )
            )
    return hits


def _first(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Select the rows of the highest PLACES scores, best first."""
    return np.argsort(-scores, kind="stable")[:PLACES]
