"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from album.places import Places
from album.service import Album
from models.classifiers import OwnClassifiers
from tests.fakes import DecodeHere, FakeCaptioner, FakeEncoder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In several processes, one has the browser's tests; the others share what is left by files,
    whose fixtures serve all of a file."""
    for item in items:
        browser = item.get_closest_marker("browser") is not None
        item.add_marker(pytest.mark.xdist_group("browser" if browser else item.path.name))


@pytest.fixture
def captioner() -> FakeCaptioner:
    return FakeCaptioner()


@pytest.fixture(scope="session")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the towns of the world, which every library of its own would gather anew."""
    folder = tmp_path_factory.mktemp("places")
    assert Places(folder).nearest(37.5, 127.0) is not None
    return folder


@pytest.fixture
def album(tmp_path: Path, captioner: FakeCaptioner, towns: Path) -> Iterator[Album]:
    """An empty library with a model that sees colours."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "places").symlink_to(towns)
    album = Album(tmp_path / "data", OwnClassifiers(), captioner, decoder=DecodeHere())
    album.active.offer(FakeEncoder(), fill=False)
    yield album
    album.close()
