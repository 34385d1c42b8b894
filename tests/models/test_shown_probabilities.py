"""Percentages that people see hold on photos that fitted none of the constants.

Photos of twenty everyday groups are classified into lists of these groups, mostly such that most
photos are none of the list, and searched for by the names of the groups. Each model is judged
without a constant of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from album.search.request import SearchRequest
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.clip.encoder import ClipEncoder
from models.clip.spec import POCKET
from tests.benchmarks.learning import GROUPS, KOREAN, LABELLED
from tests.support.fakes import FakeCaptioner
from tests.support.importing import take_in

pytestmark = pytest.mark.skipif(not LABELLED.is_dir(), reason="needs labelled photos")

NOISE = 0.8  # length of what is added to a unit vector
SIZES = (20, 10, 5, 3)  # of a list of groups
SHARES = ((0.2, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 1.0))
RIGHT = ((0.1, 0.6), (0.4, 0.85), (0.7, 0.95), (0.75, 1.0))
"""What part of the photos that are shown with these shares may be right."""
FEWEST = 20  # photos that tell a part


class NoisyEncoder(ClipEncoder):
    """Pocket with noise in the vectors of its photos, as a weaker model."""

    def encode_images(self, images):
        vectors = super().encode_images(images)
        noise = np.random.default_rng(len(images)).standard_normal(vectors.shape)
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        noisy = vectors + NOISE * noise
        unit = noisy / np.linalg.norm(noisy, axis=1, keepdims=True)
        return unit.astype(np.float32)


@pytest.fixture(scope="module", params=[ClipEncoder, NoisyEncoder])
def album(request, tmp_path_factory) -> Iterator[Album]:
    folder = tmp_path_factory.mktemp("labelled")
    album = Album(folder, DefaultClassifiers(), FakeCaptioner())
    album.active.set_encoder(request.param(POCKET, folder, "cpu"), fill=False)
    take_in(album, sorted((LABELLED / "photos").iterdir()))
    yield album
    album.close()


def group_by_id(album: Album) -> dict[int, str | None]:
    with GROUPS.open(encoding="utf-8", newline="") as file:
        group_of = {row["class"]: row["group"] for row in csv.DictReader(file)}
    with (LABELLED / "classes.csv").open(encoding="utf-8", newline="") as file:
        class_of = {row["file"]: row["class"] for row in csv.DictReader(file)}
    return {
        photo.photo_id: group_of.get(class_of.get(photo.filename, ""))
        for photo in album.store.all_photos()
    }


def class_lists() -> Iterator[tuple[list[str], str]]:
    """Groups, and their list as a person writes it in one of the languages."""
    rng = np.random.default_rng(4)
    for size in SIZES:
        for _ in range(20 // size):
            groups = sorted(rng.permutation(sorted(KOREAN))[:size].tolist())
            yield groups, "\n".join(group.replace(" or ", " | ") for group in groups)
            yield groups, "\n".join(KOREAN[group].replace(" or ", " | ") for group in groups)


def check(shares: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> None:
    judged = 0
    for (low, high), (least, most) in zip(SHARES, RIGHT, strict=True):
        shown = (shares >= low) & (shares < high)
        if shown.sum() < FEWEST:  # a weak model is never so sure
            continue
        judged += 1
        assert least <= right[shown].mean() <= most, (low, high, right[shown].mean())
    assert judged >= 3


def test_class_percentages_hold_on_held_back_photos(album):
    truth = group_by_id(album)
    shares, right = [], []
    for groups, classes in class_lists():
        sorting = album.classifier.sort_photos(classes)
        predictions = album.classifier.classify_photos(sorting.photo_ids.tolist(), classes)
        labels = list(sorting.labels)
        for photo_id, prediction in zip(sorting.photo_ids.tolist(), predictions, strict=True):
            best = prediction.scores[0]
            shares.append(best.probability)
            right.append(truth[photo_id] == groups[labels.index(best.label)])
    check(np.array(shares), np.array(right))


def test_search_percentages_hold_on_held_back_photos(album):
    """What the reason of a hit says about the words, in both languages."""
    names = {photo.photo_id: photo.filename for photo in album.store.all_photos()}
    shares, right = [], []
    with (LABELLED / "queries.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            relevant = set(row["relevant"].split())
            for text in (row["query"], row["query_ko"]):
                page = album.search.find(SearchRequest(text, rest=True), limit=len(names))
                for hit in page.hits:
                    shares += [one.likeness for one in hit.reasons if one.kind == "looks"]
                    right.append(names[hit.photo.photo_id] in relevant)
    check(np.array(shares), np.array(right))
