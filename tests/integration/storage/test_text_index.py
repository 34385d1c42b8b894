"""What is written of a photo finds it, in Korean and English, and no longer when it is gone."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from album.domain.filters import Filter, Placed, Writes
from album.domain.photo import ImageFacts, Place, SearchFilters
from album.errors import AlbumError
from album.maintenance.backup import backup
from album.maintenance.restore import restore
from album.storage import text_index
from album.storage.database import Database
from album.storage.labels import LabelStore
from album.storage.migrations import MIGRATIONS, split_statements
from album.storage.photo_rows import NewPhoto
from album.storage.photo_texts import EXCERPT, TextReason
from album.storage.photos import PhotoStore
from album.storage.text_index import SYNC_BATCH, TextIndex
from tests.support.captioning import set_caption
from tests.support.library import library, photo

PLAIN = ImageFacts("JPEG", 4, 3)
WHEN = datetime(2020, 1, 1)
BUSAN = Place("Busan", "부산", "KR", "South Korea", "대한민국")
NUMBERS = count()


@pytest.fixture
def store(tmp_path):
    store = PhotoStore(Database(tmp_path / "album.db"))
    yield store
    store.database.close()


@pytest.fixture
def texts(store):
    return TextIndex(store.database)


def add(
    store: PhotoStore,
    caption: str = "",
    *,
    name: str = "a.jpg",
    path: str | None = None,
    place: Place | None = None,
    keywords: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
) -> int:
    facts = replace(PLAIN, keywords=keywords)
    where = None if path is None else Path(path)
    photo_id = store.add(NewPhoto(f"{next(NUMBERS):064x}", name, where, 1, facts, WHEN, place))
    assert photo_id is not None
    set_caption(store.database, photo_id, caption, "en")
    LabelStore(store.database).set_by_person(photo_id, labels)
    return photo_id


def found(texts: TextIndex, text: str) -> list[int]:
    """The ids that a sentence finds, after a look at what any answer promises."""
    hits = texts.find(text)
    assert hits.photo_ids.dtype == np.int64
    assert hits.coverage.dtype == np.float32
    assert len(hits.photo_ids) == len(hits.coverage) == len(set(hits.photo_ids.tolist()))
    assert ((hits.coverage > 0) & (hits.coverage <= 1)).all()
    assert (np.diff(hits.coverage) <= 0).all()
    return hits.photo_ids.tolist()


def coverage(texts: TextIndex, text: str, photo_id: int) -> float:
    hits = texts.find(text)
    return float(hits.coverage[hits.photo_ids.tolist().index(photo_id)])


# What finds what


def test_every_kind_of_text_finds_its_photo(store, texts):
    add(store, "nothing of it", name="x.jpg", path="/other/x.jpg")
    of = {
        "caption": add(store, "A heron in the reeds"),
        "keyword": add(store, keywords=("wedding", "summer fair")),
        "label": add(store, labels=("우리 집",)),
        "file name": add(store, name="IMG_20190803_cat.jpg"),
        "folder": add(store, path="/home/me/Pictures/2019/여름 휴가/1.jpg"),
        "place": add(store, place=BUSAN),
    }
    questions = {
        "a heron": "caption",
        "weddings": "keyword",
        "집": "label",
        "cats": "file name",
        "휴가": "folder",
        "부산에서": "place",
        "korea": "place",
    }

    for question, field in questions.items():
        assert found(texts, question) == [of[field]]
        (reason,) = texts.why(list(of.values()), question).items()
        assert (reason[0], reason[1].field) == (of[field], field)


@pytest.mark.parametrize(
    ("question", "caption"),
    [
        ("강아지가 뛰는 사진", "강아지를 안은 아이"),
        ("바다", "바다에서"),
        ("눈", "눈이 온다."),
        ("눈이", "첫 눈"),
        ("부산", "부산"),
        ("cats", "a Cat!"),
        ("Café", "the cafe"),
    ],
)
def test_forms_of_a_word_find_each_other(store, texts, question, caption):
    add(store, "something else 다른 것")
    wanted = add(store, caption)

    assert found(texts, question) == [wanted]


def test_find_ignores_similar_words(store, texts):
    add(store, "a category of catalogues, 눈썹과 눈물, 개나리")

    assert found(texts, "cat") == found(texts, "눈") == found(texts, "개") == []


def test_a_part_of_a_longer_word_counts_half(store, texts):
    beside = add(store, "밤바다")
    itself = add(store, "겨울 바다")
    add(store, "산")

    assert found(texts, "바다") == [itself, beside]
    assert texts.find("바다").coverage.tolist() == [1, 0.5]


def test_more_and_rarer_words_go_first(store, texts):
    both = add(store, "a dog at a lighthouse")
    common = [add(store, f"a dog number {number}") for number in range(20)]
    rare = add(store, "a lighthouse")

    ids = found(texts, "the dog by the lighthouse")

    assert ids[:2] == [both, rare]
    assert sorted(ids[2:]) == common
    assert coverage(texts, "dog lighthouse", both) == 1
    assert coverage(texts, "dog lighthouse", rare) > 0.5 > coverage(texts, "dog lighthouse", 2)
    assert coverage(texts, "dog unicorn", both) < 0.5  # what no photo has is rarest of all


def test_find_ranks_short_and_labelled_texts_first(store, texts):
    labelled = add(store, labels=("dog",))
    short = add(store, "a dog")
    long = add(store, "a dog, and very much else that could be said of this picture of a day")

    assert found(texts, "dog") == [labelled, short, long]


def test_find_ranks_newest_first_when_word_is_common(store, texts, monkeypatch):
    """Ranking all matches of a common word would take too long."""
    monkeypatch.setattr(text_index, "MAX_BM25_MATCHES", 2)
    first, both, last = add(store, "a dog"), add(store, "dog and cat"), add(store, "a dog, a dog")

    assert found(texts, "dog cat") == [both, last, first]
    monkeypatch.setattr(text_index, "MAX_HITS", 2)
    assert found(texts, "dog cat") == [both, last]


def test_a_question_of_fillers_finds_nothing(store, texts):
    add(store, "the photo of a 사진")

    for question in ("", " ", "the", "a photo of the", "사진 찾아줘", "?!", '"'):
        assert found(texts, question) == []


HOSTILE = [
    '"', '""', "'", "*", "dog*", "dog AND", "OR OR OR", "NEAR(dog cat, 5)", "NOT dog", "-dog",
    "caption:dog", "{caption} : dog", "^dog", "dog\0cat", "\0", "(((((", "dog) OR (cat", "%", "_",
    "dog'; DROP TABLE photos; --", "\ud800", "👩‍👩‍👧", "\u202edog", "ﷺ" * 50, "a" * 10_000,
    "가" * 10_000, "dog " * 2500, "(" * 10_000, " ".join(f"w{n}" for n in range(3000)), "½ ² ﬁ",
    "ᄀ", "ㅋㅋ", "犬", "東京タワー", "ไทย",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_question_brings_the_index_down(store, texts, text):
    wanted = add(store, "a dog")
    add(store, "x")

    assert set(found(texts, text)) <= {wanted}
    assert set(texts.exact(text).tolist()) <= {wanted}
    assert set(texts.why([1, 2], text)) <= {wanted}
    assert store.count() == 2


@pytest.mark.parametrize(
    "text", ["ㅋㅋ", "犬", "東京タワー", "ไทย", "Ωmega", "дом", "½ dl", "x² + y"]
)
def test_other_scripts_are_found_too(store, texts, text):
    add(store, "something else")
    wanted = add(store, f"word {text} word")

    assert found(texts, text) == [wanted]
    assert texts.exact(text).tolist() == [wanted]


# Exact words


def test_exact_ignores_capitals_and_punctuation(store, texts):
    wanted = add(store, "Beware of the Dog-Park!")
    add(store, "dog parks", keywords=("dog", "park"), labels=("the park dog",))

    assert texts.exact("dog park").tolist() == [wanted]
    assert texts.exact('"DOG, PARK"').tolist() == [wanted]
    assert texts.exact("the").tolist() == [1, 2]  # no word is too common to be asked for
    assert (
        texts.exact("arm").tolist() == texts.exact("").tolist() == texts.exact("!").tolist() == []
    )


def test_exact_korean_matches_inside_words(store, texts):
    wanted = add(store, "해운대해수욕장에서")
    at_the_end = add(store, labels=("첫눈",))

    for text in ("해수욕장", "수욕", "해운", "운대해", "서", "해"):
        assert texts.exact(text).tolist() == [wanted]
    assert texts.exact("눈").tolist() == texts.exact("첫눈").tolist() == [at_the_end]
    assert texts.exact("수욕 장").tolist() == texts.exact("논").tolist() == []


def test_exact_ignores_the_spacing_of_korean(store, texts):
    spaced = add(store, "우리 제주도 여행 첫날")
    joined = add(store, "우리 제주도여행 첫날", keywords=("눈오는날",))
    add(store, "제주도에서 여행", keywords=("눈 오는 밤",))

    for text in ("제주도여행", "제주도 여행", "제주 도 여행"):
        assert texts.exact(text).tolist() == [spaced, joined]
    for text in ("눈 오는 날", "눈오는날", "눈 오는날"):
        assert texts.exact(text).tolist() == [joined]
    assert texts.exact("우리 제주도 여행 첫날").tolist() == [spaced]

    long = add(store, "해운대해수욕장 불꽃축제")
    assert texts.exact("해운대해수욕장불꽃축제").tolist() == [long]


def test_conditions_get_the_photos_that_write_their_phrases(store, texts):
    add(store)
    wanted = add(store, "no. 7")
    conditions = [Filter(Writes("No 7")), Filter(Placed(), True), Filter(Writes("8"))]

    written = texts.written(conditions)

    assert {phrase: ids.tolist() for phrase, ids in written.items()} == {"No 7": [wanted], "8": []}


# Why


def test_reason_quotes_text_around_first_match(store, texts):
    before, after = "Some words that go before. " * 5, "And some that follow it, more or less. " * 5
    photo_id = add(store, f"{before}Here sits\na grey HERON, at last. {after}")

    reason = texts.why([photo_id], "herons")[photo_id]

    assert reason.field == "caption"
    assert "Here sits a grey HERON, at last." in reason.excerpt
    assert len(reason.excerpt) <= EXCERPT
    assert reason.excerpt[0] == reason.excerpt[-1] == "…"


@pytest.mark.parametrize("caption", ["x" * 500, "word " * 100, "heron" + "x" * 500, "가" * 300])
def test_an_excerpt_is_short_whatever_the_text(store, texts, caption):
    photo_id = add(store, f"{caption} heron {caption}")

    excerpt = texts.why([photo_id], "heron")[photo_id].excerpt

    assert len(excerpt) <= EXCERPT
    assert "heron" in excerpt


def test_reason_is_the_text_with_most_words(store, texts):
    photo_id = add(store, "a dog", keywords=("cat", "dog and cat"), name="cat.jpg", place=BUSAN)

    def why(text: str) -> TextReason:
        return texts.why([photo_id], text)[photo_id]

    assert why("dog cat") == TextReason("keyword", "dog and cat")
    assert why("dog") == TextReason("caption", "a dog")
    assert why("부산") == TextReason("place", "부산, 대한민국")
    assert why("busan") == TextReason("place", "Busan, South Korea")
    assert why("cat jpg") == TextReason("file name", "cat.jpg")
    assert texts.why([photo_id, 99], "elephant") == {}
    assert texts.why([], "dog") == {}


def test_exact_words_are_a_reason_before_all_others(store, texts):
    photo_id = add(store, "a park for a dog", labels=("the dog park",))

    assert texts.why([photo_id], "dog park")[photo_id] == TextReason("label", "the dog park")
    assert texts.why([photo_id], "the")[photo_id] == TextReason("label", "the dog park")


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/home/minsu/a.jpg", None),
        ("/home/minsu/Pictures/a.jpg", "Pictures"),
        ("/Users/minsu/Pictures/2019/Jeju/a.jpg", "Pictures/2019/Jeju"),
        ("/a/b/minsu/d/e/a.jpg", "minsu/d/e"),
        ("/a.jpg", None),
        (None, None),
    ],
)
def test_folders_are_those_that_a_person_named(store, texts, path, folder):
    photo_id = add(store, path=path)

    reasons = texts.why([photo_id], "minsu pictures jpg")
    assert (photo_id in reasons) is True  # by its file name
    assert found(texts, "minsu") == ([photo_id] if folder and "minsu" in folder else [])
    if folder:
        word = folder.split("/")[-1]
        assert texts.why([photo_id], word)[photo_id] == TextReason("folder", folder)


# As things change


def test_find_follows_every_write_and_delete(store, texts, tmp_path):
    elsewhere = PhotoStore(Database(tmp_path / "album.db"))
    photo_id = add(store, "old words")
    assert found(texts, "old") == [photo_id]

    for writer in (store, elsewhere):
        set_caption(writer.database, photo_id, "new words", "en")
        assert (found(texts, "old"), found(texts, "new")) == ([], [photo_id])
        set_caption(writer.database, photo_id, "", "en")
        assert texts.exact("new").tolist() == []
        LabelStore(writer.database).set_by_person(photo_id, ["granny"])
        assert found(texts, "granny") == [photo_id]
        LabelStore(writer.database).set_by_person(photo_id, [])
        assert found(texts, "granny") == []
        writer.set_facts(photo_id, replace(PLAIN, keywords=("fair",)), WHEN, BUSAN)
        assert found(texts, "fair") == found(texts, "부산") == [photo_id]
        writer.set_facts(photo_id, PLAIN, WHEN, None)
        assert found(texts, "fair") == found(texts, "부산") == []
        writer.move(photo_id, Path("/pictures/granny/1.jpg"), "granny.jpg")
        assert found(texts, "granny") == [photo_id]
        writer.move(photo_id, None, "1.jpg")
        assert found(texts, "granny") == []
        set_caption(writer.database, photo_id, "old words", "en")
    store.database.connection.execute("DELETE FROM photos WHERE photo_id = ?", (photo_id,))
    assert found(texts, "old") == []
    elsewhere.database.close()


def test_what_other_programs_write_is_found_too(store, texts):
    first, second = add(store, "one", place=BUSAN, labels=("red",)), add(store, "two")
    third = add(store, place=BUSAN)
    assert found(texts, "red") == [first]
    db = store.database.connection

    db.execute("UPDATE labels SET photo_id = ?", (second,))
    assert found(texts, "red") == [second]
    db.execute("UPDATE labels SET label = 'blue'")
    assert (found(texts, "red"), found(texts, "blue")) == ([], [second])
    db.execute("INSERT OR REPLACE INTO captions VALUES (?, 'en', 'three', NULL, '', '')", (first,))
    assert (found(texts, "one"), found(texts, "three")) == ([], [first])
    db.execute("UPDATE places SET town_ko = '서울'")
    assert (found(texts, "부산"), found(texts, "서울")) == ([], [third, first])


def test_find_ignores_rolled_back_texts(store, texts):
    photo_id = add(store, "one")

    def write_and_stop() -> None:
        with store.writing():
            set_caption(store.database, photo_id, "two", "en")
            assert found(texts, "two") == [photo_id]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_stop()

    assert (found(texts, "one"), found(texts, "two")) == ([photo_id], [])


def test_sync_indexes_in_batches_and_counts_pending(store, texts, monkeypatch):
    monkeypatch.setattr(text_index, "SYNC_BATCH", 3)
    monkeypatch.setattr(text_index, "SYNCED_BEFORE_SEARCH", 2)
    for _ in range(20):
        add(store, "word")

    assert texts.sync(most=5) == 15
    assert len(found(texts, "word")) == 7
    assert texts.sync() == 0
    assert texts.sync() == 0
    assert len(found(texts, "word")) == 20


def test_concurrent_syncs_index_each_photo_once(store, tmp_path):
    indexes = [TextIndex(Database(tmp_path / "album.db")) for _ in range(3)]
    for number in range(2 * SYNC_BATCH + 10):
        add(store, f"word number {number}")
    failures = []

    def work(index: TextIndex) -> None:
        try:
            while index.sync(most=50):
                pass
        except (AlbumError, sqlite3.Error) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(it,)) for it in indexes for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    rows = store.database.connection.execute("SELECT rowid FROM photo_texts").fetchall()
    assert [row[0] for row in rows] == list(range(1, store.count() + 1))
    assert len(found(indexes[0], "word")) == store.count()
    assert indexes[0].faults() == []
    for index in indexes:
        index._database.close()


def test_find_works_when_disk_is_full(store, texts, monkeypatch):
    """Only the texts written last are missing."""
    add(store, "word")
    assert found(texts, "word") == [1]
    add(store, "word")

    def full(most: int) -> None:
        raise AlbumError("The disk is full.")

    monkeypatch.setattr(texts, "_index_pending", full)
    assert found(texts, "word") == [1]


# Albums of an earlier version, and from elsewhere


def test_find_covers_a_migrated_album(tmp_path):
    path = tmp_path / "album.db"
    db = sqlite3.connect(path)
    for number, script in enumerate(MIGRATIONS[:2], start=1):
        for statement in split_statements(script):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
    db.execute(
        "INSERT INTO photos (sha256, filename, file_type, size_bytes, width, height, taken_at,"
        " taken_from, added_at) VALUES ('a', 'IMG_cat.jpg', 'JPEG', 1, 4, 3,"
        " '2019-08-03T10:00:00', 'exif', '2020-01-01T00:00:00')"
    )
    db.execute("INSERT INTO captions VALUES (1, '부산 바다', 'ko', NULL, '2020-01-01')")
    db.commit()
    db.close()

    store = PhotoStore(Database(path))
    texts = TextIndex(store.database)

    assert found(texts, "cat") == found(texts, "바다") == [1]
    assert store.matching_ids(SearchFilters(has_caption=True)).tolist() == [1]
    set_caption(store.database, 1, "산", "")
    assert (found(texts, "바다"), found(texts, "산")) == ([], [1])
    store.database.close()


def test_opening_again_keeps_the_index(store, texts, tmp_path):
    add(store, "word")
    texts.sync()

    again = TextIndex(Database(tmp_path / "album.db"))

    assert again._due() == 0
    assert found(again, "word") == [1]
    again._database.close()


BROKEN = {
    "gone": ["DROP TABLE photo_texts"],
    "without its state": ["DROP TABLE photo_texts_synced"],
    "an empty state": ["DELETE FROM photo_texts_synced"],
    "a state that is none": ["UPDATE photo_texts_synced SET revision = 'x'"],
    "a plain table": ["DROP TABLE photo_texts", "CREATE TABLE photo_texts (caption)"],
    "a view": ["DROP TABLE photo_texts", "CREATE VIEW photo_texts AS SELECT 1 AS caption"],
    "of other columns": [
        "DROP TABLE photo_texts",
        "CREATE VIRTUAL TABLE photo_texts USING fts5(a)",
    ],
    "without its settings": ["DROP TABLE photo_texts_config"],
    "without its words": ["DROP TABLE photo_texts_data"],
    "without its segments": ["DROP TABLE photo_texts_idx"],
    "without its texts": ["DROP TABLE photo_texts_content"],
    "garbage": ["UPDATE photo_texts_data SET block = x'ff00ff00ff'"],
    "no data": ["DELETE FROM photo_texts_data"],
    "other settings": ["UPDATE photo_texts_config SET v = 99"],
}


@pytest.mark.parametrize("how", BROKEN)
def test_an_index_that_is_broken_is_made_again(store, texts, tmp_path, how):
    for number in range(30):
        add(store, f"word and number {number}")
    texts.sync()
    db = store.database.connection
    for statement in BROKEN[how]:
        db.execute(statement)
    store.database.close()

    other = PhotoStore(Database(tmp_path / "album.db"))
    again = TextIndex(other.database)

    assert len(found(again, "word")) == 30
    set_caption(other.database, 1, "heron", "en")
    assert found(again, "heron") == [1]
    assert again.faults() == []
    assert other.database.faults() == []
    other.database.close()


def test_index_is_rebuilt_when_damaged_in_use(store, texts):
    for number in range(30):
        add(store, f"word and number {number}")
    assert len(found(texts, "word")) == 30
    assert texts.faults() == []

    store.database.connection.execute("UPDATE photo_texts_data SET block = x'ff00ff00ff'")

    assert texts.faults() != []
    assert len(found(texts, "word")) == 30
    store.database.connection.execute("DELETE FROM photo_texts_data")
    set_caption(store.database, 1, "another word", "en")
    assert texts.sync() == 0
    assert len(texts.exact("word")) == 30
    assert texts.faults() == []


def test_find_works_in_a_restored_album(tmp_path):
    with library(tmp_path / "data") as source:
        texts = TextIndex(source.database)
        for number in range(4):
            photo_id = source.add(photo(tmp_path / "in" / f"{number}.jpg", number), keep=True)
            set_caption(source.database, photo_id, f"word and number{'abcd'[number]}", "en")
        texts.sync(most=2)
        backup(
            source.database,
            source.store,
            source.originals,
            tmp_path / "album.zip",
            with_originals=True,
        )

    restore(tmp_path / "album.zip", tmp_path / "elsewhere")

    with library(tmp_path / "elsewhere") as restored:
        assert restored.database.faults() == []
        texts = TextIndex(restored.database)
        assert sorted(found(texts, "word")) == [1, 2, 3, 4]
        set_caption(restored.database, 1, "heron", "en")
        assert (found(texts, "heron"), sorted(found(texts, "word"))) == ([1], [2, 3, 4])
        assert texts.faults() == []


def test_a_schema_from_elsewhere_is_not_trusted(store):
    assert store.database.connection.execute("PRAGMA trusted_schema").fetchone()[0] == 0
