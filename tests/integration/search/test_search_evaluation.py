"""What an evaluation measures is the search that people get."""

from __future__ import annotations

import numpy as np
import pytest

from album.search.evaluation.metrics import rank_all
from album.search.fusion import certain
from album.search.request import SearchRequest
from tests.support.images.make import make_exif, make_photo
from tests.support.importing import take_in


@pytest.fixture
def captioned(album, tmp_path):
    """Twelve photos of different days, some of which have a caption."""
    for n in range(12):
        exif = make_exif(shot={0x9003: f"{2001 + n}:06:15 12:00:00"})
        make_photo(tmp_path / "photos" / f"{n}.jpg", (20 * n, 90, 250 - 20 * n), exif=exif)
    take_in(album, [tmp_path / "photos"])
    for photo in list(album.store.all_photos())[::3]:
        album.captions.write(photo.photo_id, f"a red kite, number {photo.photo_id}")
    return album


@pytest.mark.parametrize("by_text", [False, True])
@pytest.mark.parametrize("text", ["red", "파란", "a red kite", "number"])
def test_evaluation_order_and_bands_equal_the_search(captioned, text, by_text):
    if not by_text:
        for photo in list(captioned.store.all_photos()):
            captioned.captions.write(photo.photo_id, "")
    ranker = captioned.search.ranker() if by_text else captioned.search.looks_ranker()

    ranking = rank_all(ranker, text)
    page = captioned.search.find(SearchRequest(text, rest=True), limit=100)

    assert [hit.photo.photo_id for hit in page.hits] == ranking.photo_ids.tolist()
    assert page.sure == ranking.sure_end
    assert page.maybe == ranking.maybe_end - ranking.sure_end
    assert len(page.hits) == 12


def test_looks_ranker_ignores_captions(captioned):
    looks, texts = captioned.search.looks_ranker(), captioned.search.ranker()

    assert rank_all(texts, "number").sure_end > rank_all(looks, "number").sure_end


def test_evaluation_judges_each_photo_of_a_burst(album, tmp_path):
    for second in range(4):
        exif = make_exif(shot={0x9003: f"2020:05:05 10:00:0{second}"})
        make_photo(tmp_path / "burst" / f"{second}.jpg", (250 - 5 * second, 0, 0), exif=exif)
    take_in(album, [tmp_path / "burst"])

    assert album.search.find(SearchRequest("red", rest=True)).total == 1
    assert len(rank_all(album.search.looks_ranker(), "red").photo_ids) == 4


def test_caption_word_is_maybe_beside_sure_looks():
    looks = np.array([2.6, 2.3, 0.1, -1.4], np.float32)
    fused = np.array([2.6, 2.3, 1.6, 1.5], np.float32)
    in_text = np.array([False, False, True, True])

    assert certain(looks, fused, in_text).tolist() == [True, True, True, False]
    assert certain(looks - 1, fused - 1, in_text).tolist() == [False, False, True, True]
