"""Imports as tests want them: done when the call returns, told in one value."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from album.domain.photo import ImportFailure, ImportRecord
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder

PATIENCE_S = 120


def opened(data_dir: Path, **how: object) -> Album:
    """A library with a model that sees colours and a decoder in this process."""
    album = Album(data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere(), **how)
    album.active.set_encoder(FakeEncoder(), fill=False)
    return album


def wait_until(happened: Callable[[], object]) -> None:
    patience = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < patience
        time.sleep(0.005)


@dataclass(frozen=True)
class Report:
    """What an import did."""

    record: ImportRecord
    added: list[int]
    failed: list[ImportFailure]

    @property
    def already_here(self) -> int:
        return self.record.already_here

    @property
    def skipped(self) -> Mapping[str, int]:
        return self.record.skipped

    @property
    def failed_names(self) -> list[str]:
        return [failure.path.name for failure in self.failed]


def report_of(album: Album, import_id: int) -> Report:
    added = album.import_store.added_by(import_id)[::-1]
    return Report(album.imports.get(import_id), added, album.import_store.failures(import_id))


def take_in(
    album: Album,
    paths: Sequence[Path],
    *,
    copy: bool = False,
    on_progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Report:
    """Import files and folders in place, or copies of them."""
    record = album.imports.run(paths, "copy" if copy else "in place", on_progress)
    return report_of(album, record.import_id)


def upload(album: Album, files: Sequence[tuple[Path, str]], **how: object) -> Report:
    """Upload (file, name) and wait until it has come to an end."""
    return ended(album, album.upload(files, **how))


def ended(album: Album, import_id: int) -> Report:
    """The import when no thread works on it any more."""
    assert album.imports.wait(import_id, PATIENCE_S)
    return report_of(album, import_id)
