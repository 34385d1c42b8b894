"""Themes of a library: found in a process of their own, kept, numbered for good, and searched."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from album.domain.photo import SearchFilters
from album.encoding.active_encoder import ActiveEncoder
from album.errors import AlbumError, QueryError
from album.organizing import discovery as discovery_module
from album.organizing import worker_process
from album.organizing.discovery import FEWEST_PHOTOS, Discovery
from album.organizing.theme_cache import read_themes
from album.search.request import SearchRequest
from album.service import Album
from album.storage.originals import Originals
from models.classifiers.factory import DefaultClassifiers
from tests.support.embeddings import D, Words
from tests.support.fakes import DecodeHere, FakeCaptioner
from tests.support.themes import Rows, photos_of_words

WORDS = ["dog", "car", "mountain", "cake", "bridge", "flower", "bird", "book", "train", "cat",
         "hat", "snow"]  # fmt: skip
EACH = 10  # an album of 120 photos has twelve themes


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "embeddings").mkdir()
    rows = Rows(tmp_path)
    yield rows
    rows.store.database.close()


def opened(rows: Rows, folder: Path) -> Discovery:
    """The service of a new process."""
    active = ActiveEncoder(rows.store, Originals(folder), folder / "embeddings", DecodeHere())
    active.set_encoder(Words(), fill=False)
    return Discovery(active, folder / "embeddings")


def filled(rows: Rows, each: int = EACH) -> np.ndarray:
    vectors, truth = photos_of_words(WORDS, each)
    rows.add(vectors)
    return truth


def names(discovery: Discovery) -> dict[str, int]:
    themes = (theme for theme in discovery.themes() if theme.name.words)
    return {theme.name.in_language("en")[0]: theme.key for theme in themes}


def test_themes_are_found_and_named(rows, tmp_path):
    truth = filled(rows)
    discovery = opened(rows, tmp_path)
    assert discovery.state().kind == "working"
    assert discovery.themes() == ()

    discovery.find(niceness=0)

    assert discovery.state().kind == "ready"
    themes = discovery.themes()
    assert sum(theme.photos for theme in themes) == len(truth)
    assert [theme.photos for theme in themes] == sorted(
        (theme.photos for theme in themes), reverse=True
    )
    assert set(names(discovery)) == set(WORDS)
    dog = discovery.theme(names(discovery)["dog"])
    assert set(dog.cover) <= set(range(1, EACH + 1))
    assert len(dog.cover) == 4
    photo_ids = discovery.photo_ids(dog.key)
    assert sorted(photo_ids) == list(range(1, EACH + 1))
    assert photo_ids[0] == dog.cover[0]


def test_map_holds_every_photo_once(rows, tmp_path):
    truth = filled(rows)
    discovery = opened(rows, tmp_path)
    assert discovery.map() is None

    discovery.find(niceness=0)

    album_map = discovery.map()
    assert album_map is not None
    assert sorted(album_map.ids) == list(range(1, len(truth) + 1))
    assert len(np.unique(album_map.positions, axis=0)) == len(truth)
    far = np.linalg.norm(
        album_map.positions[:, None] - album_map.positions[None].astype(float), axis=2
    )
    np.fill_diagonal(far, np.inf)
    assert np.mean(truth[far.argmin(axis=1)] == truth) > 0.8


def test_themes_survive_a_restart(rows, tmp_path, monkeypatch):
    filled(rows)
    first = opened(rows, tmp_path)
    first.find(niceness=0)
    monkeypatch.setattr(discovery_module, "run_worker", None)  # nothing is computed again

    again = opened(rows, tmp_path)

    assert again.refresh() > 0
    assert again.themes() == first.themes()
    np.testing.assert_array_equal(again.map().positions, first.map().positions)


def test_themes_keep_their_numbers_when_found_again(rows, tmp_path):
    filled(rows)
    discovery = opened(rows, tmp_path)
    discovery.find(niceness=0)
    before = names(discovery)
    with rows.store.writing() as db:
        db.execute(f"DELETE FROM photos WHERE photo_id <= {EACH}")

    rows.add(photos_of_words([*WORDS[1:], "clock"], EACH, seed=2)[0])
    restarted = opened(rows, tmp_path)
    restarted.find(niceness=0)

    after = names(restarted)
    assert {word: after[word] for word in WORDS[1:]} == {word: before[word] for word in WORDS[1:]}
    assert after["clock"] > max(before.values())
    with pytest.raises(QueryError, match="no longer there"):
        restarted.theme(before["dog"])


def test_new_photos_join_the_nearest_theme(rows, tmp_path, monkeypatch):
    truth = filled(rows)
    discovery = opened(rows, tmp_path)
    discovery.find(niceness=0)
    keys, places = names(discovery), discovery.map().positions.copy()
    monkeypatch.setattr(discovery_module, "run_worker", None)

    new = rows.add(photos_of_words(["cake"], 5, seed=8)[0])

    assert discovery.refresh() > 0
    assert set(new) <= set(discovery.photo_ids(keys["cake"]).tolist())
    assert len(discovery.map().ids) == len(truth) + 5
    np.testing.assert_array_equal(discovery.map().positions[:-5], places)


def test_themes_are_found_again_after_many_photos(rows, tmp_path, monkeypatch):
    filled(rows)
    discovery = opened(rows, tmp_path)
    discovery.find(niceness=0)
    calls = []
    monkeypatch.setattr(discovery, "find", lambda *options: calls.append(options))
    clock = [100.0]
    monkeypatch.setattr(discovery_module.time, "monotonic", lambda: clock[0])

    discovery.refresh()
    rows.add(photos_of_words(["cake"], 13, seed=8)[0])
    discovery.refresh()
    assert not calls  # photos may still be arriving
    clock[0] += 60
    discovery.refresh()

    assert len(calls) == 1


def test_deleted_photos_leave_their_theme(rows, tmp_path):
    filled(rows)
    discovery = opened(rows, tmp_path)
    discovery.find(niceness=0)
    key = names(discovery)["dog"]

    with rows.store.writing() as db:
        db.execute("DELETE FROM photos WHERE photo_id <= 5")

    restarted = opened(rows, tmp_path)
    assert sorted(restarted.photo_ids(key)) == list(range(6, EACH + 1))
    assert len(restarted.map().ids) == EACH * len(WORDS) - 5


def test_few_photos_have_no_themes(rows, tmp_path):
    rows.add(photos_of_words(WORDS, 4)[0])
    discovery = opened(rows, tmp_path)

    discovery.refresh()

    assert rows.count < FEWEST_PHOTOS
    assert discovery.state().kind == "few"
    with pytest.raises(QueryError, match="at least 60 photos"):
        discovery.ensure()


def test_without_a_model_nothing_is_awaited(rows, tmp_path):
    filled(rows)
    active = ActiveEncoder(rows.store, Originals(tmp_path), tmp_path / "embeddings", DecodeHere())
    discovery = Discovery(active, tmp_path / "embeddings")

    assert discovery.state().kind == "no_model"
    assert discovery.themes() == ()
    assert discovery.map() is None
    assert discovery.refresh() > 0


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "other"])
def test_damaged_cache_is_made_again(rows, tmp_path, damage):
    filled(rows)
    first = opened(rows, tmp_path)
    first.find(niceness=0)
    (file,) = (tmp_path / "embeddings").glob("*.themes.npz")
    whole = file.read_bytes()
    file.write_bytes(
        {"cut": whole[: len(whole) // 2], "text": b"themes", "empty": b"", "other": b"PK\x05\x06"}[
            damage
        ]
    )
    discovery = opened(rows, tmp_path)
    assert discovery.state().kind == "working"

    discovery.find(niceness=0)

    assert names(discovery) == names(first)


@pytest.mark.parametrize(
    "change",
    [
        {"centres": np.full((1, D), np.nan, np.float32)},
        {"centres": np.zeros((3, D), np.float32)},
        {"keys": np.array([0], np.int64)},
        {"names": np.frombuffer(b"{}", np.uint8)},
        {"names": np.frombuffer(b'{"words": [["unicorn"]], "guesses": [[]]}', np.uint8)},
        {"next_key": np.array(1)},
        {"positions": np.zeros((1, 2), np.float32)},
        {"ids": None},
    ],
)
def test_impossible_themes_are_not_read(tmp_path, change):
    whole = {
        "keys": np.array([1], np.int64),
        "next_key": np.array(2),
        "names": np.frombuffer(b'{"words": [["dog"]], "guesses": [[]]}', np.uint8),
        "centres": np.zeros((1, D), np.float32),
        "landmarks": np.zeros((1, D), np.float16),
        "landmark_positions": np.zeros((1, 2), np.float32),
        "ids": np.array([5], np.int64),
        "positions": np.zeros((1, 2), np.uint16),
    }
    file = tmp_path / "m.themes.npz"
    np.savez(file, **whole)
    assert read_themes(file, D).names[0].in_language("ko") == ("개",)

    np.savez(file, **{key: value for key, value in (whole | change).items() if value is not None})

    assert read_themes(file, D) is None


def test_unknown_theme_is_a_sentence(rows, tmp_path):
    filled(rows)
    discovery = opened(rows, tmp_path)
    with pytest.raises(QueryError, match="not been found yet"):
        discovery.theme(1)

    discovery.find(niceness=0)

    for key in (0, 99, 10**17):
        with pytest.raises(QueryError, match="no longer there"):
            discovery.photo_ids(key)


def test_failing_worker_is_told_and_tried_again(rows, tmp_path, monkeypatch):
    filled(rows)
    discovery = opened(rows, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(worker_process, "WORKER", "album.no_such_module")
        with pytest.raises(AlbumError, match="could not be found; the album's log says why"):
            discovery.find()
        state = discovery.state()
        assert (state.kind, state.problem[:26]) == ("failed", "The themes could not be fo")

    discovery.find(niceness=0)

    assert discovery.state().kind == "ready"


def test_stopping_ends_the_search_at_once(rows, tmp_path):
    filled(rows)
    discovery = opened(rows, tmp_path)
    stopped = threading.Event()
    stopped.set()

    discovery.find(stopped.is_set)

    assert discovery.themes() == ()
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if children.exists():
        commands = [Path(f"/proc/{pid}/cmdline") for pid in children.read_text().split()]
        assert not any(b"theme_worker" in it.read_bytes() for it in commands if it.exists())


@pytest.fixture
def album(rows, tmp_path):
    filled(rows)
    album = Album(tmp_path, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    album.active.set_encoder(Words(), fill=False)
    album.discovery.find(niceness=0)
    yield album
    album.close()


def ids(page) -> list[int]:
    return [hit.photo.photo_id for hit in page.hits]


def test_theme_is_searched_nearest_first_or_by_date(album):
    key = names(album.discovery)["dog"]
    expected = album.discovery.photo_ids(key).tolist()

    page = album.search.find(SearchRequest(theme=key))
    by_date = album.search.find(SearchRequest(theme=key, sort="date"))

    assert ids(page) == expected
    assert (page.total, page.sure) == (EACH, EACH)
    assert ids(album.search.find(SearchRequest(theme=key), offset=10, limit=3)) == expected[10:13]
    taken = [hit.photo.taken_at for hit in by_date.hits]
    assert taken == sorted(taken, reverse=True)
    assert sorted(ids(by_date)) == sorted(expected)
    assert album.search.all_ids(SearchRequest(theme=key)) == expected


def test_filters_and_words_narrow_a_theme(album):
    key = names(album.discovery)["dog"]
    album.labels.give("mine", [2, 4, 40])

    labelled = SearchRequest(theme=key, filters=SearchFilters(label="mine"))
    named = SearchRequest("#mine", theme=key)
    looks = SearchRequest("dog", theme=key)

    assert sorted(ids(album.search.find(labelled))) == [2, 4]
    assert sorted(album.search.all_ids(labelled)) == [2, 4]
    assert sorted(ids(album.search.find(named))) == [2, 4]
    found = ids(album.search.find(looks))
    assert found
    assert max(found) <= EACH


def test_search_in_unknown_theme_is_a_sentence(album):
    for request in (SearchRequest(theme=99), SearchRequest("dog", theme=99)):
        with pytest.raises(QueryError, match="no longer there"):
            album.search.find(request)


def test_photos_of_a_theme_get_a_label(album):
    key = names(album.discovery)["dog"]

    change = album.labelling.edits.give_all(
        "멍멍이", album.search.all_ids(SearchRequest(theme=key))
    )

    assert change.added == EACH
    assert album.labels_of(1) == ["멍멍이"]
    album.labelling.undo(change.act_id)
    assert album.labels.summaries() == []
