"""Labels that are taught by pointing at photos."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from album.domain.labels import LabelRule
from album.domain.photo import ImageFacts
from album.errors import QueryError
from album.storage.photo_rows import NewPhoto
from tests.support.images.make import make_photo
from tests.support.importing import take_in


def warm(step: int) -> tuple[int, int, int]:
    """From blue (0) over purple to red (60), with more or less green in it."""
    return step * 4, step * 97 % 200, 240 - step * 4


@pytest.fixture
def colours(album, tmp_path):
    """61 photos from blue to red; their ids in this order."""
    paths = [make_photo(tmp_path / "photos" / f"{n:02}.png", warm(n)) for n in range(61)]
    ids = take_in(album, paths).added
    names = {album.store.get(it).filename: it for it in ids}
    return [names[path.name] for path in paths]


def share_right(album, ids, label: str, edge: int) -> float:
    """How much of the album is told right, where the label is for the photos from `edge` on."""
    rule = LabelRule(label, "examples", {"words": "", "two_stage": False, "threshold": None})
    found, shares, threshold = album.teacher.predict(rule)
    truth = np.isin(found, ids[edge:])
    return float(((shares >= threshold) == truth).mean())


def test_one_example_finds_similar_photos(album, colours):
    album.labels.give("저녁놀", [colours[60]])

    taught = album.teacher.teach("저녁놀")

    assert (taught.positives, taught.negatives) == (1, 0)
    assert set(colours[57:60]) <= {photo_id for photo_id, _ in taught.surest}
    assert taught.precision is None
    assert taught.recall is None
    assert [share for _, share in taught.surest] == sorted(
        (share for _, share in taught.surest), reverse=True
    )
    assert taught.rule.kind == "examples"


def test_marked_photos_are_neither_asked_nor_offered(album, colours):
    album.labels.give("evening", colours[55:58])
    album.labels.refuse("evening", colours[58:])

    taught = album.teacher.teach("evening")

    told = set(colours[55:])
    assert taught.negatives == 3
    assert not told & set(taught.ask)
    assert not told & {photo_id for photo_id, _ in taught.surest}


def test_questions_are_undecided_and_answers_improve_it(album, colours):
    edge = 25
    album.labels.give("warm", colours[59:])
    before = share_right(album, colours, "warm", edge)
    for _ in range(4):
        asked = album.teacher.teach("warm").ask
        assert 0 < len(asked) <= 10
        assert len(set(asked)) == len(asked)
        places = [colours.index(photo_id) for photo_id in asked]
        album.labels.give("warm", [colours[place] for place in places if place >= edge])
        album.labels.refuse("warm", [colours[place] for place in places if place < edge])

    assert share_right(album, colours, "warm", edge) > before + 0.05


def test_the_least_sure_are_nearest_to_the_threshold(album, colours):
    album.labels.give("warm", colours[30::3])
    album.labels.refuse("warm", colours[:30:3])

    taught = album.teacher.teach("warm")

    ids, shares, threshold = album.teacher.predict(taught.rule)
    doubt = dict(zip(ids.tolist(), np.abs(shares - threshold).tolist(), strict=True))
    silent = sorted(doubt[it] for n, it in enumerate(colours) if n % 3)
    assert len(taught.ask) == 10
    assert [doubt[it] for it in taught.ask] != silent[-10:]
    assert np.median([doubt[it] for it in taught.ask]) < np.median(silent)


def test_of_a_burst_one_photo_is_asked_about(album, tmp_path):
    burst = [
        make_photo(tmp_path / "photos" / f"burst{n}.png", (120, 0, 120), size=(40 + n, 30))
        for n in range(8)
    ]
    others = [make_photo(tmp_path / "photos" / f"{n}.png", warm(n * 6)) for n in range(11)]
    take_in(album, burst + others)
    ids = {photo.filename: photo.photo_id for photo in album.store.all_photos()}
    album.labels.give("warm", [ids["10.png"]])
    album.labels.refuse("warm", [ids["0.png"]])

    asked = album.teacher.teach("warm").ask

    assert len({ids[path.name] for path in burst} & set(asked)) == 1


def test_words_alone_teach_where_they_are_written(album, colours):
    taught = album.teacher.teach("저녁", "빨간 | red")

    assert taught.positives == 0
    ids, vectors = album.active.current().index.snapshot()
    (red,) = album.active.current().encoder.encode_texts(["red"])
    by_cosine = ids[np.argsort(-(vectors @ red), kind="stable")][:20]
    assert len({photo_id for photo_id, _ in taught.surest} & set(by_cosine.tolist())) >= 18
    assert taught.rule.definition["words"] == "빨간 | red"


def test_two_stages_ask_about_text_matches_only(album, colours):
    album.labels.give("dusk", colours[57:])
    album.labels.refuse("dusk", colours[:3])

    one = album.teacher.teach("dusk", "red")
    two = album.teacher.teach("dusk", "red", two_stage=True)

    _, everywhere, _ = album.teacher.predict(one.rule)
    ids, found, threshold = album.teacher.predict(two.rule)
    passed = found > 0
    assert passed.any()
    assert np.array_equal(found[passed], everywhere[passed])
    assert set(ids[~passed].tolist()) >= set(colours[:20])
    assert set(two.ask) <= set(ids[passed].tolist())
    assert {photo_id for photo_id, _ in two.surest} <= set(ids[passed].tolist())
    assert set(colours[57:]) <= set(ids[passed].tolist())
    assert (found >= threshold).any()


def test_two_stages_keep_examples_when_words_misfit(album, colours):
    album.labels.give("dusk", colours[56:])

    two = album.teacher.teach("dusk", "blue", two_stage=True)

    ids, found, _ = album.teacher.predict(two.rule)
    assert (found[np.isin(ids, colours[56:])] > 0).all()


def test_answers_are_of_requested_photos_in_order(album, colours):
    album.labels.give("dusk", colours[57:])
    rule = album.teacher.teach("dusk").rule

    ids, shares, _ = album.teacher.predict(rule, np.array([colours[9], colours[3], 10_000]))

    everything = dict(zip(*(it.tolist() for it in album.teacher.predict(rule)[:2]), strict=True))
    assert ids.tolist() == sorted([colours[9], colours[3]])
    assert shares.tolist() == [everything[it] for it in ids.tolist()]
    assert album.teacher.predict(rule, np.empty(0, np.int64))[0].size == 0


def test_rule_may_have_its_own_threshold(album, colours):
    album.labels.give("dusk", colours[57:])
    own = LabelRule("dusk", "examples", {"words": "", "two_stage": False, "threshold": 0.9})

    assert album.teacher.predict(own)[2] == 0.9


def test_the_same_examples_teach_the_same(album, colours):
    album.labels.give("dusk", colours[50::2])
    album.labels.refuse("dusk", colours[:20:3])

    assert album.teacher.teach("dusk") == album.teacher.teach("dusk")


def test_lookalikes_with_opposite_marks_are_shown(album, tmp_path):
    twins = [make_photo(tmp_path / f"twin{n}.png", "red", size=(40 + n, 30)) for n in range(2)]
    other = make_photo(tmp_path / "other.png", "blue")
    take_in(album, [*twins, other])
    ids = {photo.filename: photo.photo_id for photo in album.store.all_photos()}
    album.labels.give("dusk", [ids["twin0.png"]])
    album.labels.refuse("dusk", [ids["twin1.png"], ids["other.png"]])

    taught = album.teacher.teach("dusk")

    assert taught.contradictions == ((ids["twin0.png"], ids["twin1.png"]),)


def test_only_positives_teach(album, colours):
    album.labels.give("dusk", colours[45:])

    taught = album.teacher.teach("dusk")

    assert (taught.positives, taught.negatives) == (16, 0)
    assert taught.precision is None  # of what it is not, nothing is known
    assert taught.recall is not None
    assert taught.contradictions == ()


def test_photos_that_are_gone_meanwhile_teach_nothing(album, colours):
    album.labels.give("dusk", colours[57:])
    with album.database.writing() as db:
        db.execute("DELETE FROM photos WHERE photo_id = ?", (colours[60],))

    taught = album.teacher.teach("dusk")

    assert taught.positives == 3
    assert taught.left_out == 0


def test_photos_without_vectors_are_left_out_and_counted(album, colours):
    facts = ImageFacts("PNG", 64, 48)
    late = album.store.add(NewPhoto("0" * 64, "late.png", None, 1, facts, datetime.now()))
    album.labels.give("dusk", [colours[60], late])

    taught = album.teacher.teach("dusk")

    assert (taught.positives, taught.left_out) == (1, 1)
    album.labels.clear_label("dusk", [colours[60]])
    with pytest.raises(QueryError, match="being looked at"):
        album.teacher.teach("dusk")


def test_an_album_of_five_photos_can_be_taught(album, tmp_path):
    shades = ["red", (240, 20, 10), "blue", (10, 10, 240), (0, 30, 250)]
    paths = [make_photo(tmp_path / f"{n}.png", shade) for n, shade in enumerate(shades)]
    take_in(album, paths)
    ids = {photo.filename: photo.photo_id for photo in album.store.all_photos()}
    album.labels.give("휴가", [ids["0.png"]])

    taught = album.teacher.teach("휴가")

    found, shares, threshold = album.teacher.predict(taught.rule)
    assert set(found[shares >= threshold].tolist()) == {ids["0.png"], ids["1.png"]}


def test_a_label_need_not_be_words(album, colours):
    album.labels.give("🌅", colours[57:])

    assert album.teacher.teach(" 🌅 ").positives == 4


@pytest.mark.parametrize(
    ("label", "words", "sentence"),
    [
        ("  ", "", "called"),
        ("x" * 101, "", "100 characters"),
        ("dusk", "", "at least one photo"),
        ("dusk", "!!", "letter"),
    ],
)
def test_what_cannot_be_learned_is_one_sentence(album, colours, label, words, sentence):
    with pytest.raises(QueryError, match=sentence) as caught:
        album.teacher.teach(label, words)

    assert str(caught.value).endswith(".")


def test_an_empty_album_is_one_sentence(album):
    with pytest.raises(QueryError, match="add photos"):
        album.teacher.teach("dusk", "red")
