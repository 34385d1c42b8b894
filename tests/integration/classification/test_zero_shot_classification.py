"""Journey 3: the person's own classes on files, on photos and on the whole album."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from album.classification.class_list import parse_classes
from album.domain.classification import NONE, Prediction
from album.domain.labels import SortOptions
from album.domain.languages import HANGUL
from album.encoding.chance import Chance
from album.encoding.score_calibration import ScoreCalibrator
from album.encoding.score_scale import ODDS, cut
from album.errors import PhotoNotFoundError, QueryError, UnreadableImageError
from models.classifiers.zero_shot import class_embeddings
from tests.support.images.make import make_photo, make_text
from tests.support.importing import take_in

CLASSES = "빨강 | red\nblue | 파랑\n초록"
EVERYTHING = SortOptions(strictness=-math.inf)
PLAIN = ("red", "blue", "green", "yellow")


class ClassBest(NamedTuple):
    label: str
    best: list[tuple[int, float]]


def best_of_album(album, classes, k=5, options=None):
    """The `k` photos of each class that are surest, the album sorted without "none of these"."""
    sorting = album.classifier.sort_photos(classes, options or SortOptions(strictness=-math.inf))
    pages = [
        [column[:k].tolist() for column in sorting.photos_in_class(c)]
        for c in range(len(sorting.labels))
    ]
    return [
        ClassBest(label, list(zip(*page, strict=True)))
        for label, page in zip(sorting.labels, pages, strict=True)
    ]


@pytest.fixture
def coloured(album, tmp_path):
    paths = [
        make_photo(tmp_path / "photos" / f"{n}.png", (250 - n, n, n) if n % 2 else (n, n, 250 - n))
        for n in range(14)
    ]
    take_in(album, paths)
    return album


@pytest.fixture
def speckled(album, tmp_path):
    """40 photos of many colours, so that no class is what all of them show."""
    rng = np.random.default_rng(3)
    for n in range(40):
        small = Image.fromarray(rng.integers(0, 256, (2, 2, 3), dtype=np.uint8))
        (tmp_path / "photos").mkdir(exist_ok=True)
        small.resize((32, 32)).save(tmp_path / "photos" / f"{n}.png")
    take_in(album, sorted((tmp_path / "photos").iterdir()))
    return album


def slow_evidence(album, classes: str) -> dict[int, list[float]]:
    """By photo the evidence of each class, one class after the other, as searching would do it."""
    active = album.active.current()
    ids, matrix = active.index.snapshot()
    relevance = ScoreCalibrator(active.encoder, active.index, album.embeddings_dir)
    columns = []
    for spec in parse_classes(classes):
        names = [name.text for name in spec.names]
        direction = class_embeddings(active.encoder, [names])[0]
        korean = sum(bool(HANGUL.search(name)) for name in names) / len(names)
        level, spread, general, high, high_of_few = np.zeros(len(ids)), 0.0, 0.0, 0.0, 0.0
        for share, language in ((1 - korean, "en"), (korean, "ko")):
            words = relevance.query_bank.words[language]
            of_words = words @ words.mean(axis=0)
            z = (direction @ words.mean(axis=0) - of_words.mean()) / of_words.std()
            levels = relevance.query_bank.stats(language, len(ids))
            level = level + share * levels.level
            spread += share * levels.spread
            general += share * 0.2 * min(max(z, -3), 3)
            chance = relevance.chance(language)
            high += share * chance.high
            high_of_few += share * chance.high_of_few
        x = ((matrix @ direction - level) / spread + general).astype(np.float32)
        by_cut = ODDS * (x - cut(x, Chance(0, high, 0)))
        columns.append((by_cut + 1.77 * (x - high_of_few) - 0.85) / 2 + 0.5)
    table = np.stack(columns, axis=1)
    return {int(photo_id): row.tolist() for photo_id, row in zip(ids, table, strict=True)}


def slow_spread(album, classes: str) -> float:
    """How much a photo's cosines vary among everyday words, mixed like the names of the classes."""
    active = album.active.current()
    _, matrix = active.index.snapshot()
    bank = ScoreCalibrator(active.encoder, active.index, album.embeddings_dir).query_bank
    spreads = {
        code: np.median((matrix @ words.T).std(axis=1)) for code, words in bank.words.items()
    }
    of_classes = []
    for spec in parse_classes(classes):
        korean = np.mean([bool(HANGUL.search(name.text)) for name in spec.names])
        of_classes.append((1 - korean) * spreads["en"] + korean * spreads["ko"])
    return float(np.mean(of_classes))


@pytest.mark.parametrize(
    "text", ["", "cat", "cat\ncat", "🐱\ndog", "\n".join(map(str, range(5001)))]
)
def test_unusable_list_is_one_sentence(coloured, text):
    for ask in (
        lambda: coloured.classifier.classify_files([], text),
        lambda: coloured.classifier.classify_photos([1], text),
        lambda: coloured.classifier.sort_photos(text),
        lambda: best_of_album(coloured, text),
    ):
        with pytest.raises(QueryError, match=r"\.$"):
            ask()


@pytest.mark.parametrize(
    "options",
    [
        SortOptions(temperature=0),
        SortOptions(temperature=math.nan),
        SortOptions(temperature=math.inf),
        SortOptions(strictness=math.nan),
        SortOptions(wording="poem"),  # type: ignore[arg-type]
    ],
)
def test_options_that_cannot_be_used_are_one_sentence(coloured, options):
    with pytest.raises(QueryError, match=r"\.$"):
        coloured.classifier.sort_photos(CLASSES, options)


def test_file_gets_its_class_and_normalised_probabilities(coloured, tmp_path):
    """A file gets the class that it shows; its probabilities and that of none sum to one."""
    (verdict,) = coloured.classifier.classify_files(
        [make_photo(tmp_path / "red.png", "red")], CLASSES
    )

    assert isinstance(verdict, Prediction)
    assert verdict.scores[0].label == "빨강"
    assert sorted(score.label for score in verdict.scores) == sorted(["빨강", "blue", "초록"])
    shares = [score.probability for score in verdict.scores]
    assert sum(shares) + verdict.none_probability == pytest.approx(1, abs=1e-5)
    assert 0 < verdict.none_probability < shares[0]
    assert coloured.store.count() == 14  # looking is not keeping


def test_an_unreadable_file_does_not_stop_the_others(coloured, tmp_path):
    bad, good = coloured.classifier.classify_files(
        [make_text(tmp_path / "text.jpg"), make_photo(tmp_path / "blue.png", "blue")], CLASSES
    )

    assert isinstance(bad, UnreadableImageError)
    assert good.scores[0].label == "blue"


def test_photo_is_classified_like_its_file(coloured):
    photos = list(coloured.store.all_photos())

    stored = coloured.classifier.classify_photos([it.photo_id for it in photos], CLASSES)
    fresh = coloured.classifier.classify_files(
        [coloured.originals.find(it) for it in photos], CLASSES
    )

    for mine, theirs in zip(stored, fresh, strict=True):
        assert [score.label for score in mine.scores] == [score.label for score in theirs.scores]
        assert mine.scores[0].probability == pytest.approx(theirs.scores[0].probability, abs=1e-4)
        assert mine.none == theirs.none


def test_missing_or_unencoded_photo_is_a_sentence(coloured):
    with pytest.raises(PhotoNotFoundError, match="not in the album"):
        coloured.classifier.classify_photos([999], CLASSES)
    with coloured.database.writing() as db:
        db.execute("DELETE FROM embeddings WHERE photo_id = 3")
    coloured.active.forget_matrices()
    coloured.active.current().index._seq = -1
    with pytest.raises(PhotoNotFoundError, match="still being looked at"):
        coloured.classifier.classify_photos([3], CLASSES)


def test_five_best_photos_equal_the_slow_way(coloured, monkeypatch):
    monkeypatch.setattr(
        "album.classification.zero_shot.BLOCK_ROWS", 4
    )  # several blocks must be merged
    every = {
        photo.photo_id: coloured.classifier.classify_photos([photo.photo_id], CLASSES)[0].scores
        for photo in coloured.store.all_photos()
    }

    best = best_of_album(coloured, CLASSES)

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


def test_best_photos_leave_none_out_unless_asked(speckled):
    """The best photos of all leave nobody out unless that is asked for."""
    classes = "\n".join(PLAIN)

    every = best_of_album(speckled, classes, k=40)
    strict = best_of_album(speckled, classes, k=40, options=SortOptions())

    assert sum(len(found.best) for found in every) == 40
    assert 0 < sum(len(found.best) for found in strict) < 40


@pytest.mark.parametrize("rows", [7, 40])
def test_sorting_equals_the_slow_obvious_way(speckled, monkeypatch, rows):
    monkeypatch.setattr("album.classification.zero_shot.BLOCK_ROWS", rows)
    monkeypatch.setattr("album.encoding.class_calibration.BLOCK_ROWS", rows)
    monkeypatch.setattr("album.encoding.score_scale.BEST_EACH", 13)  # the mean of the best three
    classes = "빨강 | red\nblue\n초록\nyellow | 노랑 | 주황"
    options = SortOptions(temperature=2, strictness=-1)
    active = speckled.active.current()
    ids, matrix = active.index.snapshot()
    directions = class_embeddings(
        active.encoder, [[it.text for it in each.names] for each in parse_classes(classes)]
    )
    evidence = slow_evidence(speckled, classes)
    spread = slow_spread(speckled, classes)
    shares = np.zeros((len(ids), 4))
    for row, (photo_id, vector) in enumerate(zip(ids.tolist(), matrix, strict=True)):
        logits = 2 * (directions.astype(np.float64) @ vector) / spread
        none = math.log(np.exp(logits).sum()) - evidence[photo_id][int(logits.argmax())]
        shares[row] = np.exp(logits / 2) / (np.exp(logits / 2).sum() + math.exp(none / 2))

    sorting = speckled.classifier.sort_photos(classes, options)

    assert sorting.labels == ("빨강", "blue", "초록", "yellow")
    assert sorting.photo_ids.tolist() == sorted(ids.tolist())
    kinds = set()
    for photo_id, winner, probability in zip(
        sorting.photo_ids, sorting.winners, sorting.probabilities, strict=True
    ):
        row = shares[ids.tolist().index(photo_id)]
        best = int(row.argmax())
        none = evidence[int(photo_id)][best] < -1
        assert abs(evidence[int(photo_id)][best] + 1) > 1e-3, "too near to tell"
        assert winner == (NONE if none else best)
        assert probability == pytest.approx(row[best], abs=1e-4)
        kinds.add(none)
    assert kinds == {True, False}


def test_a_verdict_says_none_where_sorting_does(speckled):
    classes = "\n".join(PLAIN)

    sorting = speckled.classifier.sort_photos(classes)
    verdicts = speckled.classifier.classify_photos(sorting.photo_ids.tolist(), classes)

    assert [it.none for it in verdicts] == (sorting.winners == NONE).tolist()
    for verdict, winner, probability in zip(
        verdicts, sorting.winners, sorting.probabilities, strict=True
    ):
        assert winner == NONE or verdict.scores[0].label == sorting.labels[winner]
        assert verdict.scores[0].probability == pytest.approx(float(probability), abs=1e-5)
    assert set(sorting.photos_in_class(NONE)[0]) == {
        photo_id for photo_id, it in zip(sorting.photo_ids, verdicts, strict=True) if it.none
    }


def test_predictions_do_not_depend_on_batch(speckled):
    """What a few photos are taken for does not depend on who is asked with them."""
    classes = "\n".join(PLAIN)
    whole = speckled.classifier.sort_photos(classes)

    part = speckled.classifier.sort_photos(classes, photo_ids=[31, 5, 999, 12, 5, -3, 2**62])

    assert part.photo_ids.tolist() == [5, 12, 31]
    places = np.searchsorted(whole.photo_ids, part.photo_ids)
    assert part.winners.tolist() == whole.winners[places].tolist()
    assert part.probabilities == pytest.approx(whole.probabilities[places])


def test_strictness_adds_none_and_minus_infinity_removes_it(speckled):
    classes = "\n".join(PLAIN)
    counts = []
    for strictness in (-math.inf, -4.0, 0.0, 4.0, math.inf):
        sorting = speckled.classifier.sort_photos(classes, SortOptions(strictness=strictness))
        counts.append(int((sorting.winners == NONE).sum()))
        (verdict,) = speckled.classifier.classify_photos(
            [1], classes, SortOptions(strictness=strictness)
        )
        assert verdict.none == (sorting.winners[0] == NONE)

    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == 40


def test_temperature_changes_confidence_not_the_winner(speckled):
    """What is most probable, a class or none of them, becomes less so with the temperature."""
    classes, ids = "\n".join(PLAIN), [photo.photo_id for photo in speckled.store.all_photos()]
    cold, hot = (
        speckled.classifier.classify_photos(ids, classes, SortOptions(temperature=temperature))
        for temperature in (0.5, 5)
    )

    def surest(prediction):
        return max(prediction.none_probability, prediction.scores[0].probability)

    assert [(it.none, it.scores[0].label) for it in cold] == [
        (it.none, it.scores[0].label) for it in hot
    ]
    assert all(surest(a) >= surest(b) for a, b in zip(cold, hot, strict=True))
    assert np.mean([surest(it) for it in cold]) > np.mean([surest(it) for it in hot]) + 0.05


def test_none_is_as_probable_as_its_evidence(speckled):
    """A list of one class leaves the rest to none, and none outweighs it where it is decided."""
    classes = "red\nblue"
    evidence = slow_evidence(speckled, classes)
    ids = list(evidence)

    predictions = speckled.classifier.classify_photos(ids, classes)

    for photo_id, prediction in zip(ids, predictions, strict=True):
        log_odds = evidence[photo_id][("red", "blue").index(prediction.scores[0].label)]
        assert prediction.none_probability == pytest.approx(1 / (1 + math.exp(log_odds)), abs=1e-3)
        assert prediction.none == (prediction.none_probability > 0.5)
    assert {it.none for it in predictions} == {True, False}


def test_common_class_wins_more_photos(speckled):
    even, common = (
        speckled.classifier.sort_photos(text, EVERYTHING)
        for text in ("red\nblue\ngreen", "red * 50\nblue\ngreen")
    )

    assert (common.winners == 0).sum() > (even.winners == 0).sum()


@pytest.mark.parametrize(("scale", "bias"), [(2.0, None), (500.0, None), (110.0, -16.0)])
def test_probabilities_ignore_the_scale_of_training(speckled, monkeypatch, scale, bias):
    """A model's scale and bias fit the pairs of its training, not the album."""
    encoder, classes = speckled.active.current().encoder, "\n".join(PLAIN)
    expected = speckled.classifier.sort_photos(classes)

    monkeypatch.setattr(encoder, "logit_scale", scale, raising=False)
    monkeypatch.setattr(encoder, "logit_bias", bias, raising=False)
    sorting = speckled.classifier.sort_photos(classes)

    assert sorting.winners.tolist() == expected.winners.tolist()
    assert sorting.probabilities.tolist() == expected.probabilities.tolist()


def test_empty_album_classifies_files_and_sorts_nothing(album, tmp_path):
    red = make_photo(tmp_path / "red.png", "red")

    (verdict,) = album.classifier.classify_files([red], CLASSES)
    sorting = album.classifier.sort_photos(CLASSES)

    assert verdict.scores[0].label == "빨강"
    assert not verdict.none
    assert len(sorting.photo_ids) == 0
    assert album.classifier.classify_photos([], CLASSES) == []
    assert [it.best for it in best_of_album(album, CLASSES)] == [[], [], []]


def test_strange_photo_among_five_is_none(album, tmp_path):
    colours = ["red", "red", "blue", "blue", (128, 128, 128)]
    take_in(
        album,
        [
            make_photo(tmp_path / "photos" / f"{n}.png", colour, (32, 32 + n))
            for n, colour in enumerate(colours)
        ],
    )

    sorting = album.classifier.sort_photos("red\nblue")

    assert sorting.winners.tolist() == [0, 0, 1, 1, NONE]


def test_absent_class_gets_no_photo_but_its_file(album, tmp_path):
    """A class that no photo shows gets none and a file that shows it is one."""
    take_in(
        album,
        [
            make_photo(tmp_path / "photos" / f"{n}.png", (128 + n, 128, 128 - n), (32, 32))
            for n in range(9)
        ],
    )

    sorting = album.classifier.sort_photos("red\nblue")
    (red,) = album.classifier.classify_files([make_photo(tmp_path / "red.png", "red")], "red\nblue")
    (grey,) = album.classifier.classify_files(
        [make_photo(tmp_path / "grey.png", (127, 126, 125))], "red\nblue"
    )

    assert (sorting.winners == NONE).all()
    assert not red.none
    assert grey.none


def test_progress_counts_names_and_then_photos(speckled, monkeypatch):
    monkeypatch.setattr("album.classification.zero_shot.BLOCK_ROWS", 16)
    monkeypatch.setattr("album.encoding.class_calibration.BLOCK_ROWS", 25)
    told: list[tuple[int, int]] = []

    speckled.classifier.sort_photos("red\nblue", on_progress=lambda *it: told.append(it))

    photos = [(25, 40), (40, 40), (16, 40), (32, 40), (40, 40)]
    assert told == [(2, 2), *photos]
    told.clear()
    speckled.classifier.sort_photos(
        "red\nblue", SortOptions(temperature=2), on_progress=lambda *it: told.append(it)
    )
    assert told == photos[2:]  # the album was asked before


def test_new_photos_are_sorted_by_a_known_list(speckled, tmp_path):
    classes = "\n".join(PLAIN)
    assert len(speckled.classifier.sort_photos(classes).photo_ids) == 40

    take_in(speckled, [make_photo(tmp_path / "more" / "red.png", (255, 1, 0))])

    sorting = speckled.classifier.sort_photos(classes)
    assert len(sorting.photo_ids) == 41
    assert sorting.winners[-1] == 0


def test_broken_vector_never_becomes_a_probability(speckled):
    ids, matrix = speckled.active.current().index.snapshot()
    broken = np.array(matrix)
    broken[3] = np.nan
    speckled.active.current().index._snapshot = ids, broken

    sorting = speckled.classifier.sort_photos("\n".join(PLAIN))

    assert np.isfinite(sorting.probabilities).all()
    assert sorting.winners[int(np.flatnonzero(sorting.photo_ids == ids[3])[0])] == NONE
    assert (sorting.winners != NONE).any()


def test_names_are_encoded_once_for_all_questions(speckled, tmp_path, monkeypatch):
    speckled.classifier.sort_photos(CLASSES)
    asked = []
    encoder = speckled.active.current().encoder
    encode = encoder.encode_texts
    monkeypatch.setattr(encoder, "encode_texts", lambda texts: asked.append(texts) or encode(texts))

    speckled.classifier.sort_photos(CLASSES, SortOptions(temperature=3))
    speckled.classifier.classify_photos([1, 2], CLASSES)
    speckled.classifier.classify_files([make_photo(Path(tmp_path / "x.png"), "red")], CLASSES)

    assert [text for texts in asked for text in texts] == []
