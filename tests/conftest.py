"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from album.service import Album
from models.zero_shot import ZeroShotClassifier
from tests.fakes import DecodeHere, FakeCaptioner, FakeEncoder


@pytest.fixture
def captioner() -> FakeCaptioner:
    return FakeCaptioner()


@pytest.fixture
def album(tmp_path: Path, captioner: FakeCaptioner) -> Iterator[Album]:
    """An empty library with a model that sees colours."""
    album = Album(tmp_path / "data", ZeroShotClassifier, captioner, decoder=DecodeHere())
    album.active.offer(FakeEncoder(), fill=False)
    yield album
    album.close()
