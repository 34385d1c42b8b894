"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from album.metadata.geocoder import TownGeocoder
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.running_order import slow_files_first

MEMORY_DISK = Path("/dev/shm")
MEMORY_DISK_BYTES = 4_000_000_000  # several times what the files of all tests take


def pytest_configure() -> None:
    """Put the files of tests into memory, where a commit of SQLite awaits no disk."""
    if MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > MEMORY_DISK_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY_DISK))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files, so that processes that share the tests end together."""
    items.sort(key=lambda item: slow_files_first(item.nodeid))


@pytest.fixture
def captioner() -> FakeCaptioner:
    return FakeCaptioner()


@pytest.fixture(scope="session")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the towns of the world, which every library of its own would gather anew."""
    folder = tmp_path_factory.mktemp("places")
    assert TownGeocoder(folder).nearest(37.5, 127.0) is not None
    return folder


@pytest.fixture
def album(tmp_path: Path, captioner: FakeCaptioner, towns: Path) -> Iterator[Album]:
    """An empty library with a model that sees colours."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "places").symlink_to(towns)
    album = Album(tmp_path / "data", DefaultClassifiers(), captioner, decoder=DecodeHere())
    album.active.set_encoder(FakeEncoder(), fill=False)
    yield album
    album.close()
