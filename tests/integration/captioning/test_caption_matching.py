"""Which captions fit a photo: exact ranking, nothing encoded twice, nobody kept waiting."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest

from album.captioning import caption_matching
from album.captioning.caption_matching import BATCH, CaptionRanker
from album.domain.photo import ImageFacts
from album.encoding.score_calibration import ScoreCalibrator
from album.errors import EmptyQueryError, PhotoNotFoundError, QueryError, UnreadableImageError
from album.search.request import SearchRequest
from album.service import Album
from album.storage.photo_rows import NewPhoto
from models.classifiers.factory import DefaultClassifiers
from models.prompts import EVERYDAY_WORDS
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.images.make import make_photo, make_text
from tests.support.importing import take_in

COLOURS = ("red", "blue", "green", "yellow")


class CountingEncoder(FakeEncoder):
    """Notes the texts of each call, but for the everyday words of the album."""

    def __init__(self, model_id: str = "fake") -> None:
        super().__init__(model_id)
        self.calls: list[list[str]] = []

    def encode_texts(self, texts):
        if len(texts) < len(EVERYDAY_WORDS):
            self.calls.append(list(texts))
        return super().encode_texts(texts)

    @property
    def encoded(self) -> list[str]:
        return [text for call in self.calls for text in call]


@pytest.fixture
def encoder():
    return CountingEncoder()


@pytest.fixture
def album(tmp_path, encoder):
    """Four photos of one colour each, in the order of `COLOURS`, without captions."""
    album = Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    album.active.set_encoder(encoder, fill=False)
    files = [make_photo(tmp_path / f"{colour}.png", colour) for colour in COLOURS]
    album.photo_ids = take_in(album, files).added
    yield album
    album.close()


def texts_of(found):
    return [it.text for it in found.best]


def slow_obvious_version(encoder, image, texts):
    """One text after the other, in plain Python numbers."""
    rows = [encoder.encode_texts([text])[0] for text in texts]
    cosines = [sum(float(a) * float(b) for a, b in zip(row, image, strict=True)) for row in rows]
    order = sorted(range(len(texts)), key=lambda row: -cosines[row])
    return [(texts[row], cosines[row]) for row in order]


def move_to(album, encoder):
    """A change of model, complete."""
    album.active.set_encoder(encoder)
    deadline = time.monotonic() + 30
    while album.active.model_id != encoder.model_id:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_ranking_equals_slow_obvious_version(album, encoder):
    texts = [f"{colour} {n}" for n in range(3) for colour in ("blue", "빨간 꽃", "green", "noise")]
    texts = [*texts, "red and green", "파란 하늘", *(f"nothing {n}" for n in range(50))]
    image = album.active.current().index.vectors_of(np.array(album.photo_ids[:1]))[0]

    found = album.describer.describe_photo(album.photo_ids[0], texts, limit=len(texts))

    expected = slow_obvious_version(FakeEncoder(), image, texts)
    assert found.total == len(found.best) == len(texts)
    assert found.model_id == "fake"
    by_text = dict(expected)
    for it in found.best:
        assert it.score == pytest.approx(by_text[it.text], abs=1e-3)
    ranks = {text: rank for rank, (text, _) in enumerate(expected)}
    order = [ranks[text] for text in texts_of(found)]
    swapped = [(a, b) for a, b in pairwise(order) if a > b]
    for a, b in swapped:  # only where half precision cannot tell them apart
        assert expected[a][1] == pytest.approx(expected[b][1], abs=1e-3)
    assert texts_of(found)[0] == "빨간 꽃 0"


@pytest.mark.parametrize("others", [[], ["green", "파랑", "nothing", "red flower"]])
def test_fit_of_a_caption_ignores_other_captions(album, tmp_path, others):
    """One caption is no better for being the only one, for a photo and for a file alike."""
    photo, file = album.photo_ids[0], make_photo(tmp_path / "red.png", "red")

    for text, fit in (("red", "well"), ("blue", "hardly"), ("파랑", "hardly")):
        best = [
            *album.describer.describe_photo(photo, [text, *others]).best,
            *album.describer.describe_file(file, [text, *others]).best,
        ]
        assert [it.fit for it in best if it.text == text] == [fit, fit]


@pytest.mark.parametrize(("number", "best"), [(0, "빨간 장미"), (1, "blue sky")])
def test_all_captions_are_candidates_in_both_languages(album, number, best):
    for photo_id, text in zip(
        album.photo_ids, ("blue sky", "빨간 장미", "green leaf", "노란 꽃"), strict=True
    ):
        album.captions.write(photo_id, text)

    found = album.describer.describe_photo(album.photo_ids[number])

    assert texts_of(found)[0] == best
    assert found.total == 4
    assert -1 <= found.best[-1].score < found.best[0].score <= 1


def test_foreign_file_is_ranked_and_not_stored(album, tmp_path):
    found = album.describer.describe_file(
        make_photo(tmp_path / "new.png", (250, 5, 5)), ["blue", "a red wall"], limit=1
    )

    assert texts_of(found) == ["a red wall"]
    assert found.total == 2
    assert album.store.count() == len(COLOURS)


def test_blanks_and_doubles_are_no_candidates(album):
    texts = ["red  house", "", " \n", "red house ", "red\nhouse", "blue"]

    found = album.describer.describe_photo(album.photo_ids[0], texts)

    assert texts_of(found) == ["red  house", "blue"]  # as first written
    assert found.total == 2


def test_caption_that_many_photos_share_counts_once(album):
    for photo_id in album.photo_ids:
        album.captions.write(photo_id, "our garden")

    assert album.describer.describe_photo(album.photo_ids[0]).total == 1


def test_ranking_is_empty_without_captions_or_model(tmp_path):
    album = Album(tmp_path / "none", DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    photo_id = album.store.add(
        NewPhoto("0" * 64, "new.jpg", None, 1, ImageFacts("JPEG", 1, 1), datetime(2020, 1, 1))
    )

    assert album.describer.describe_photo(photo_id) == caption_matching.CaptionRanking([], 0, None)
    assert album.describer.describe_photo(photo_id, ["", " "]).total == 0
    assert list(album.describer.read()) == []
    album.close()


def test_what_cannot_be_described_says_why(album, tmp_path):
    album.captions.write(album.photo_ids[0], "red")
    waiting = album.store.add(
        NewPhoto("0" * 64, "new.jpg", None, 1, ImageFacts("JPEG", 1, 1), datetime(2020, 1, 1))
    )

    with pytest.raises(PhotoNotFoundError):
        album.describer.describe_photo(999)
    with pytest.raises(EmptyQueryError, match=r"new\.jpg is still being looked at"):
        album.describer.describe_photo(waiting)
    with pytest.raises(UnreadableImageError):
        album.describer.describe_file(make_text(tmp_path / "words.jpg"))


def test_unreadable_image_fails_before_texts_are_encoded(album, encoder, tmp_path):
    with pytest.raises(UnreadableImageError):
        album.describer.describe_file(make_text(tmp_path / "words.jpg"), ["red", "blue"])

    assert encoder.calls == []


def test_too_many_texts_are_refused(album, monkeypatch):
    monkeypatch.setattr(caption_matching, "MOST_TEXTS", 3)

    with pytest.raises(QueryError, match="These are 4 texts; 3 at most"):
        album.describer.describe_photo(album.photo_ids[0], list("abcd"))
    with pytest.raises(QueryError):
        next(album.describer.read(list("abcd")))
    assert album.describer.describe_photo(album.photo_ids[0], list("aabbc")).total == 3


def test_latest_captions_are_compared_when_too_many(album, monkeypatch):
    monkeypatch.setattr(caption_matching, "MOST_TEXTS", 2)
    for photo_id, text in zip(album.photo_ids, ("a", "z", "y", "y"), strict=True):
        album.captions.write(photo_id, text)

    found = album.describer.describe_photo(album.photo_ids[0])

    assert set(texts_of(found)) == {"z", "y"}


# What is kept


def test_next_photo_encodes_only_new_captions(album, encoder):
    texts = [f"caption {n}" for n in range(3 * BATCH)]
    first = album.describer.describe_photo(album.photo_ids[0], texts)
    assert sorted(encoder.encoded) == sorted(texts)
    encoder.calls.clear()

    again = album.describer.describe_photo(album.photo_ids[0], texts)
    album.describer.describe_photo(album.photo_ids[1], texts)
    assert encoder.calls == []
    assert again == first

    album.describer.describe_photo(album.photo_ids[0], [*texts, "one more"])
    assert encoder.calls == [["one more"]]


def test_edited_or_removed_caption_is_no_candidate(album, encoder):
    album.captions.write(album.photo_ids[0], "red house")
    album.captions.write(album.photo_ids[1], "blue sky")
    album.describer.describe_photo(album.photo_ids[0])
    encoder.calls.clear()

    album.captions.write(album.photo_ids[0], "빨간 집")
    album.captions.write(album.photo_ids[1], "")

    assert texts_of(album.describer.describe_photo(album.photo_ids[0])) == ["빨간 집"]
    assert encoder.calls == [["빨간 집"]]


def test_new_model_encodes_captions_again(album, encoder):
    texts = ["blue sky", "a red wall"]
    album.describer.describe_photo(album.photo_ids[0], texts)
    other = CountingEncoder("other")
    move_to(album, other)

    found = album.describer.describe_photo(album.photo_ids[0], texts)

    assert found.model_id == "other"
    assert other.encoded == texts
    assert texts_of(found)[0] == "a red wall"
    assert found.best[0].score == pytest.approx(1, abs=0.02)


def test_model_change_during_read_encodes_all_captions(album, encoder):
    texts = [f"caption {n}" for n in range(3 * BATCH)]
    other = CountingEncoder("other")
    reading = album.describer.read(texts)
    assert next(reading) == (BATCH, 3 * BATCH)
    move_to(album, other)

    assert list(reading) == [(BATCH, 3 * BATCH), (2 * BATCH, 3 * BATCH), (3 * BATCH, 3 * BATCH)]
    assert other.encoded == texts
    assert encoder.encoded == texts[:BATCH]


def test_vector_cache_keeps_latest_within_capacity(album, encoder, monkeypatch):
    monkeypatch.setattr(caption_matching, "MOST_TEXTS", 4)
    describer = CaptionRanker(
        album.store,
        album.caption_store,
        album.active,
        album.decoder,
        lambda active: ScoreCalibrator(active.encoder, active.index, album.embeddings_dir),
    )
    first = album.photo_ids[0]
    describer.describe_photo(first, ["a", "b", "c", "d"])
    describer.describe_photo(first, ["a", "b"])
    describer.describe_photo(first, ["e", "f"])  # in the place of c and d
    encoder.calls.clear()

    assert len(describer._vectors._rows) == 4
    describer.describe_photo(first, ["a", "b", "e", "f"])
    assert encoder.calls == []
    describer.describe_photo(first, ["c"])
    assert encoder.calls == [["c"]]


# Others


def test_read_goes_in_batches_with_progress(album, encoder, tmp_path):
    texts = [f"caption {n}" for n in range(2 * BATCH + 3)]
    steps = [(BATCH, len(texts)), (2 * BATCH, len(texts)), (len(texts), len(texts))]

    assert list(album.describer.read(texts)) == steps
    assert [len(call) for call in encoder.calls] == [BATCH, BATCH, 3]
    assert list(album.describer.read(texts)) == []

    told = []
    picture = make_photo(tmp_path / "new.png", "red")
    album.describer.describe_file(
        picture, [f"other {n}" for n in range(len(texts))], 1, lambda *step: told.append(step)
    )
    assert told == steps


def test_read_shares_its_vectors_with_other_requests(album, encoder):
    """While captions are encoded, others search and rank, and use the vectors made so far."""
    texts = [f"caption {n}" for n in range(3 * BATCH)]
    reading = album.describer.read(texts)
    next(reading)

    answers = []

    def somebody_else():
        answers.append(album.search.find(SearchRequest("red", rest=True)).total)
        answers.append(album.describer.describe_photo(album.photo_ids[1], texts[:BATCH]).total)
        answers.append(album.describer.describe_photo(album.photo_ids[1], texts).total)

    other = threading.Thread(target=somebody_else, daemon=True)
    other.start()
    other.join(timeout=30)

    assert answers == [4, BATCH, 3 * BATCH]
    list(reading)
    asked = [text for text in encoder.encoded if text.startswith("caption ")]
    assert sorted(asked) == sorted(texts)  # each once, by whoever came first


def test_simultaneous_rankings_encode_each_caption_once(album, encoder, monkeypatch):
    encode = encoder.encode_texts
    monkeypatch.setattr(encoder, "encode_texts", lambda texts: (time.sleep(0.01), encode(texts))[1])
    texts = [f"caption {n}" for n in range(6 * BATCH)]
    together = threading.Barrier(2)
    found = []

    def ask(photo_id):
        together.wait()
        found.append(album.describer.describe_photo(photo_id, texts).total)

    threads = [threading.Thread(target=ask, args=(it,), daemon=True) for it in album.photo_ids[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert found == [len(texts)] * 2
    assert sorted(encoder.encoded) == sorted(texts)


def test_stopped_read_loses_nothing(album, encoder):
    texts = [f"caption {n}" for n in range(3 * BATCH)]
    reading = album.describer.read(texts)
    next(reading)
    reading.close()
    encoder.calls.clear()

    assert next(album.describer.read(texts)) == (BATCH, 2 * BATCH)
    assert encoder.encoded == texts[BATCH : 2 * BATCH]
