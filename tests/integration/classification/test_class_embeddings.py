"""The words of a model: encoded once, kept on disk, and never worse than encoding them again."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from album.classification.class_embeddings import MOST_KEPT, NAMES_AT_ONCE, ClassEmbeddings
from album.classification.class_list import parse_classes
from models.classifiers.factory import DefaultClassifiers
from models.interfaces import ClassName, ClassSpec
from models.prompts import TEMPLATES
from tests.support.fakes import FakeEncoder

CLASSES = parse_classes("고양이 | cat | 2:kitten\ncrane (bird)\nred * 3")


class Counting(FakeEncoder):
    def __init__(self, model_id: str = "fake") -> None:
        super().__init__(model_id)
        self.asked: list[str] = []

    def encode_texts(self, texts):
        self.asked += texts
        return super().encode_texts(texts)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "fake.names.npy"


def words(path: Path, encoder: FakeEncoder | None = None) -> tuple[ClassEmbeddings, Counting]:
    encoder = encoder or Counting()
    return ClassEmbeddings(encoder, DefaultClassifiers(), path), encoder


def test_direction_is_weighted_unit_mean_of_names(path):
    vectors, encoder = words(path)

    rows = vectors.directions(CLASSES)

    of = dict(
        zip(
            ("고양이", "cat", "kitten", "red"),
            DefaultClassifiers().name_directions(
                encoder, [ClassName(text) for text in ("고양이", "cat", "kitten", "red")]
            ),
            strict=True,
        )
    )
    cat = of["고양이"] + of["cat"] + 2 * of["kitten"]
    assert rows[0] == pytest.approx(cat / np.linalg.norm(cat), abs=1e-6)
    assert rows[2] == pytest.approx(of["red"] / np.linalg.norm(of["red"]), abs=1e-6)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
    assert vectors.directions([]).shape == (0, encoder.dim)


def test_a_model_never_encodes_the_same_name_twice(path):
    vectors, encoder = words(path)
    first = vectors.directions(CLASSES)
    asked = list(encoder.asked)

    again = vectors.directions(CLASSES[::-1])
    reopened, other = words(path)
    kept = reopened.directions(CLASSES)

    assert len(asked) == len(set(asked))
    assert encoder.asked == asked
    assert other.asked == []
    assert np.array_equal(again, first[::-1])
    assert np.array_equal(kept, first)


def test_kinds_and_wordings_are_names_of_their_own(path):
    vectors, encoder = words(path)
    bird, machine = parse_classes("2:crane (bird)\n크레인 | crane (machine)")
    plain = ClassSpec((ClassName("crane"),))

    rows = [vectors.directions([it], "sentence")[0] for it in (bird, machine, plain)]
    bare = vectors.directions([plain], "name")[0]

    assert not any(np.allclose(a, b) for a in rows for b in (*rows, bare) if a is not b)
    assert encoder.asked[-1] == "crane"


def test_progress_tells_the_new_names_alone(path):
    vectors, _ = words(path)
    many = [ClassSpec((ClassName(f"thing {n}"),)) for n in range(2 * NAMES_AT_ONCE + 5)]
    told: list[tuple[int, int]] = []

    vectors.directions(many[:3])
    vectors.directions(many, on_progress=lambda *it: told.append(it))
    vectors.directions(many, on_progress=lambda *it: told.append(it))

    new = len(many) - 3
    assert told == [(NAMES_AT_ONCE, new), (2 * NAMES_AT_ONCE, new), (new, new)]


def test_matrix_is_plain_array_with_names_beside(path):
    words(path)[0].directions(CLASSES)

    matrix = np.load(path)
    table = json.loads(path.with_suffix(".json").read_text("utf-8"))

    assert matrix.shape == (5, FakeEncoder.dim)
    assert matrix.dtype == np.float32
    assert ["crane", "bird", "ensemble"] in table["names"]
    assert sorted(it.name for it in path.parent.iterdir()) == [
        "fake.names.json", "fake.names.npy",
    ]  # fmt: skip


DAMAGE = ["cut", "empty", "other rows", "no array", "no table", "other width", "NaN", "no list"]


@pytest.mark.parametrize("damage", [*DAMAGE, "matrix gone", "names gone", "deep"])
def test_files_that_are_damaged_are_made_again(path, damage):
    right = words(path)[0].directions(CLASSES)
    keys = path.with_suffix(".json")
    table = json.loads(keys.read_text("utf-8"))
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:-20])
        case "empty":
            path.write_bytes(b"")
        case "other rows":
            np.save(path, np.load(path)[::-1])
        case "no array":
            path.write_bytes(b"\x93NUMPY" + bytes(200))
        case "no table":
            keys.write_text("[[")
        case "deep":
            keys.write_text("[" * 100_000)
        case "no list":
            keys.write_text(json.dumps({**table, "names": 5}))
        case "matrix gone":
            path.unlink()
        case "names gone":
            keys.unlink()
        case "other width":
            words(path, FakeEncoder("wide"))
            _keep(path, np.zeros((5, 7), np.float32), table)
        case "NaN":
            _keep(path, np.full((5, 16), np.nan, np.float32), table)

    vectors, encoder = words(path)

    assert np.array_equal(vectors.directions(CLASSES), right)
    assert encoder.asked
    assert words(path)[0].directions(CLASSES) == pytest.approx(right)
    assert len(np.load(path)) == 5


def _keep(path: Path, matrix: np.ndarray, table: dict[str, object]) -> None:
    """A pair of files that fit together, of a matrix that cannot be used."""
    import zlib

    np.save(path, matrix)
    table = {**table, "checksum": zlib.crc32(path.read_bytes())}
    path.with_suffix(".json").write_text(json.dumps(table), "utf-8")


def test_names_in_other_templates_are_encoded_again(path, monkeypatch):
    before = words(path)[0].directions(CLASSES)
    other = {**TEMPLATES, "ensemble": {"en": ("art of {}",), "ko": ("{} 그림",)}}
    for module in ("album.classification.class_embeddings", "models.prompts"):
        monkeypatch.setattr(f"{module}.TEMPLATES", other)
    monkeypatch.setattr("models.classifiers.zero_shot.TEMPLATES_BY_WORDING", other)

    after = words(path)[0].directions(CLASSES)

    assert not np.allclose(before[0], after[0])


def test_least_recently_used_names_make_room(path, monkeypatch):
    monkeypatch.setattr("album.classification.class_embeddings.MOST_KEPT", 4)
    vectors, encoder = words(path)
    one, two, three = (
        [ClassSpec((ClassName(n),)) for n in part] for part in ("abc", "de", "fghijk")
    )

    vectors.directions(one)
    vectors.directions(one[:1])  # used again
    vectors.directions(two)
    asked = len(encoder.asked)
    vectors.directions(one[:1])
    assert len(encoder.asked) == asked
    vectors.directions(one[1:2])
    assert len(encoder.asked) > asked
    assert vectors.directions(three).shape == (6, 16)  # more at once than are kept
    assert len(np.load(path)) == 4
    assert MOST_KEPT >= 5_000


def test_interrupted_list_keeps_what_it_encoded(path):
    vectors, encoder = words(path)
    many = [ClassSpec((ClassName(f"thing {n}"),)) for n in range(3 * NAMES_AT_ONCE)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vectors.directions(many, on_progress=stop)
    reopened, other = words(path)
    reopened.directions(many[:NAMES_AT_ONCE])

    assert encoder.asked
    assert other.asked == []


def test_threads_that_ask_at_once_share_the_work(path):
    class Slow(Counting):
        def encode_texts(self, texts):
            time.sleep(0.002)
            return super().encode_texts(texts)

    vectors, encoder = words(path, Slow())
    many = [ClassSpec((ClassName(f"thing {n}"),)) for n in range(3 * NAMES_AT_ONCE)]
    found: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: found.append(vectors.directions(many))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(encoder.asked) == len(set(encoder.asked))
    assert all(np.array_equal(rows, found[0]) for rows in found)
    assert len(found) == 4


def test_names_encoded_by_another_thread_are_reused(path):
    vectors, encoder = words(path)
    many = [ClassSpec((ClassName(f"thing {n}"),)) for n in range(3 * NAMES_AT_ONCE)]

    rows = vectors.directions(many, on_progress=lambda done, total: vectors.directions(many))

    assert len(encoder.asked) == len(set(encoder.asked))
    assert np.array_equal(rows, vectors.directions(many))


def test_two_processes_with_the_same_files_break_nothing(path):
    mine, _ = words(path)
    theirs, _ = words(path)
    mine.directions(CLASSES[:1])
    theirs.directions(CLASSES[2:])
    mine.directions(CLASSES[1:2])

    reopened, encoder = words(path)
    rows = reopened.directions(CLASSES)

    assert all("red" in prompt for prompt in encoder.asked)  # the last writer had not seen it
    assert rows == pytest.approx(mine.directions(CLASSES))


def test_read_only_folder_costs_only_the_cache(tmp_path):
    vectors, _ = words(tmp_path / "gone" / "fake.names.npy")

    assert vectors.directions(CLASSES).shape == (3, 16)


def test_another_model_has_words_of_its_own(album):
    cache = album.classifier._words
    first = cache.get(album.active.current()).directions(CLASSES)
    album.active.set_encoder(FakeEncoder("other"), fill=False)
    assert cache.get(album.active.current()) is cache.get(album.active.current())
    album.active._active, album.active._next = album.active._next, None

    second = cache.get(album.active.current()).directions(CLASSES)

    assert not np.allclose(first, second)
    assert sorted(it.name for it in album.embeddings_dir.glob("*.names.npy")) == [
        "fake.names.npy", "other.names.npy",
    ]  # fmt: skip
