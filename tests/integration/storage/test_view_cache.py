"""The cache of large views: bounded, oldest use first out, also with two processes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from album.storage.originals import Originals
from album.storage.view_cache import PARTS, USE_NOTED_S, ViewCache

MOST = 160_000
VIEW = b"v" * 1000
DAY_S = 86_400


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    return Originals(tmp_path)


def sha(number: int) -> str:
    return f"{number % 256:02x}{number:062x}"


def used(path: Path, days_ago: float) -> None:
    at = time.time() - days_ago * DAY_S
    os.utime(path, (at, at))


def total(originals: Originals) -> int:
    return sum(file.stat().st_size for file in originals.thumbnails_dir.rglob("*.jpg"))


def test_stored_view_is_found_by_kind(originals: Originals) -> None:
    cache = ViewCache(originals)
    large = cache.store(sha(1), "large", b"large")

    assert cache.find(sha(1), "large") == large
    assert large.read_bytes() == b"large"
    assert cache.find(sha(1), "full") is None
    assert cache.find(sha(2), "large") is None
    assert large in cache.paths(sha(1))


def test_cache_never_exceeds_its_bound(originals: Originals) -> None:
    cache = ViewCache(originals, MOST)

    for number in range(1000):
        cache.store(sha(number), "large", VIEW)
        if number % 7 == 0:
            assert total(originals) <= MOST
    assert total(originals) > MOST / 2
    assert cache.find(sha(999), "large")


def test_two_processes_together_keep_the_bound(originals: Originals) -> None:
    """Neither knows what the other writes."""
    caches = [ViewCache(originals, MOST), ViewCache(originals, MOST)]

    for number in range(1000):
        caches[number % 2].store(sha(number), "large", VIEW)
        if number % 7 == 0:
            assert total(originals) <= MOST


def test_view_used_longest_ago_goes_first(originals: Originals) -> None:
    cache = ViewCache(originals, MOST)
    for number in range(MOST // len(VIEW) - 2 * PARTS):
        used(cache.store(sha(number), "large", VIEW), days_ago=1 + number / 1000)
    newest, oldest = cache.path(sha(0), "large"), cache.path(sha(127), "large")
    used(oldest, days_ago=30)
    assert cache.find(sha(127), "large")  # used now

    for number in range(500, 500 + 3 * PARTS):
        cache.store(sha(number), "full", VIEW)

    assert oldest.exists()
    assert newest.exists()
    assert not cache.path(sha(126), "large").exists()


def test_files_are_looked_at_rarely(originals: Originals, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    prune = ViewCache._prune
    monkeypatch.setattr(ViewCache, "_prune", lambda cache: (passes.append(1), prune(cache)))
    cache = ViewCache(originals, MOST)

    for number in range(100):
        cache.store(sha(number), "large", VIEW)
        cache.find(sha(number), "large")

    assert len(passes) == 1 + 100 * len(VIEW) // (MOST // PARTS) - 1


def test_use_is_noted_at_most_hourly(originals: Originals) -> None:
    cache = ViewCache(originals)
    path = cache.store(sha(1), "large", VIEW)
    used(path, days_ago=USE_NOTED_S / DAY_S / 2)
    before = path.stat().st_mtime_ns
    cache.find(sha(1), "large")
    assert path.stat().st_mtime_ns == before

    used(path, days_ago=2)
    cache.find(sha(1), "large")

    assert time.time() - path.stat().st_mtime < 60


def test_remains_of_a_crash_are_removed(originals: Originals) -> None:
    cache = ViewCache(originals)
    folder = cache.path(sha(1), "large").parent
    folder.mkdir(parents=True)
    old, new = folder / "a.part", folder / "b.part"
    for file in (old, new):
        file.write_bytes(VIEW)
    used(old, days_ago=1)

    cache.store(sha(2), "large", VIEW)

    assert (old.exists(), new.exists()) == (False, True)


def test_views_of_earlier_versions_go_in_time(originals: Originals) -> None:
    cache = ViewCache(originals, MOST)
    earlier = cache.path(sha(1), "large").with_name(f"{sha(1)}.jpg")
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes(VIEW)
    used(earlier, days_ago=100)

    for number in range(200):
        cache.store(sha(number), "large", VIEW)

    assert not earlier.exists()
