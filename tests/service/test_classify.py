"""Journey 3: the person's own classes on files, on photos and on the whole album."""

from __future__ import annotations

import pytest

from album.classify import parse_classes
from album.errors import PhotoNotFoundError, QueryError, UnreadableImageError
from tests.images.make import make_photo, make_text
from tests.importing import take_in

CLASSES = "빨강 | red\nblue | 파랑\n초록"


@pytest.fixture
def coloured(album, tmp_path):
    paths = [
        make_photo(tmp_path / "photos" / f"{n}.png", (250 - n, n, n) if n % 2 else (n, n, 250 - n))
        for n in range(14)
    ]
    take_in(album, paths)
    return album


def test_synonyms_blanks_and_doubles_in_the_list_of_classes_are_understood():
    assert parse_classes(" 고양이 | cat|kitten \n\ndog\n|\ncat |  cat\n고양이 | tiger") == [
        ["고양이", "cat", "kitten"], ["dog"], ["cat"],
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "cat", "cat\ncat", "\n".join(map(str, range(1001)))])
def test_too_few_or_too_many_classes_are_one_sentence(text):
    with pytest.raises(QueryError, match=r"\.$"):
        parse_classes(text)


def test_a_file_gets_the_class_that_it_shows_and_probabilities_that_sum_to_one(coloured, tmp_path):
    (scores,) = coloured.classifier.classify_files(
        [make_photo(tmp_path / "red.png", "red")], CLASSES
    )

    assert scores[0].label == "빨강"
    assert sum(score.probability for score in scores) == pytest.approx(1, abs=1e-5)
    assert coloured.store.count() == 14  # looking is not keeping


def test_an_unreadable_file_does_not_stop_the_others(coloured, tmp_path):
    bad, good = coloured.classifier.classify_files(
        [make_text(tmp_path / "text.jpg"), make_photo(tmp_path / "blue.png", "blue")], CLASSES
    )

    assert isinstance(bad, UnreadableImageError)
    assert good[0].label == "blue"


def test_a_photo_of_the_album_is_classified_like_its_file(coloured):
    photo = next(iter(coloured.store.all_photos()))

    (stored,) = coloured.classifier.classify_photos([photo.photo_id], CLASSES)
    (fresh,) = coloured.classifier.classify_files([coloured.originals.find(photo)], CLASSES)

    assert [score.label for score in stored] == [score.label for score in fresh]
    assert stored[0].probability == pytest.approx(fresh[0].probability, abs=1e-4)


def test_classifying_a_photo_that_is_not_there_says_so(coloured):
    with pytest.raises(PhotoNotFoundError):
        coloured.classifier.classify_photos([999], CLASSES)


def test_the_five_best_photos_per_class_equal_the_slow_obvious_way(coloured, monkeypatch):
    monkeypatch.setattr("album.vector_index.BLOCK_ROWS", 4)  # several blocks must be merged
    every = {
        photo.photo_id: coloured.classifier.classify_photos([photo.photo_id], CLASSES)[0]
        for photo in coloured.store.all_photos()
    }

    best = coloured.classifier.best_of_album(CLASSES)

    assert [found.label for found in best] == ["빨강", "blue", "초록"]
    for found in best:
        winners = [
            (scores[0].probability, photo_id)
            for photo_id, scores in every.items()
            if scores[0].label == found.label
        ]
        expected = [photo_id for _, photo_id in sorted(winners, key=lambda it: (-it[0], it[1]))]
        assert [photo_id for photo_id, _ in found.best] == expected[:5]
    assert best[2].best == []
