"""What an evaluation measures is the search that people get."""

from __future__ import annotations

import numpy as np
import pytest

from album.encoding.score_calibration import MAYBE, ScoreCalibrator
from album.search.evaluation import Searcher
from album.search.fusion import certain
from album.search.search import SearchRequest
from album.storage.text_index import TextIndex
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


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("text", ["red", "파란", "a red kite", "number"])
def test_the_order_and_the_bands_of_an_evaluation_are_those_of_the_search(captioned, text, written):
    active = captioned.active.current()
    relevance = ScoreCalibrator(active.encoder, active.index, captioned.embeddings_dir)
    texts = TextIndex(captioned.database) if written else None
    if not written:
        for photo in list(captioned.store.all_photos()):
            captioned.captions.write(photo.photo_id, "")

    found = Searcher(active.encoder, active.index, relevance, texts).find(text)
    page = captioned.search.find(SearchRequest(text, rest=True), limit=100)

    ids, _ = active.index.snapshot()
    assert [hit.photo.photo_id for hit in page.hits] == ids[found.order].tolist()
    assert page.sure == np.count_nonzero(found.sure)
    assert page.maybe == np.count_nonzero((found.evidence >= MAYBE) & ~found.sure)
    assert len(page.hits) == 12


def test_a_word_in_a_caption_is_a_maybe_where_others_surely_look_like_it():
    looks = np.array([2.6, 2.3, 0.1, -1.4], np.float32)
    fused = np.array([2.6, 2.3, 1.6, 1.5], np.float32)
    written = np.array([False, False, True, True])

    assert certain(looks, fused, written).tolist() == [True, True, True, False]
    assert certain(looks - 1, fused - 1, written).tolist() == [False, False, True, True]
