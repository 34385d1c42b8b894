"""Damage to a library in tests, with its check and repair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from album.maintenance.repair import RepairReport, repair
from album.maintenance.verify import find_faults
from album.runtime.files import sha256_of
from tests.support.library import Library, contents, library

PHOTOS = 8


LOGS = ("album.db-wal", "album.db-shm")  # SQLite's own; reading may touch them


def made_up_jpeg() -> bytes:
    return b"\xff\xd8\xff some picture \xff\xd9"


def faults_of(data_dir: Path, *, deep: bool = False) -> list[str]:
    """What a check of the library finds; it changes nothing, in the library or beside it."""
    before = contents(data_dir.parent, *LOGS)
    with library(data_dir) as checked:
        found = list(
            find_faults(checked.store, checked.originals, checked.embeddings_dir, deep=deep)
        )
    assert contents(data_dir.parent, *LOGS) == before
    return found


def repaired(data_dir: Path, *, deep: bool = False) -> RepairReport:
    """What a repair did; photos are after it what they were."""
    originals = by_content(data_dir)
    with library(data_dir) as broken:
        broken.set_encoder()
        report = repair(
            broken.store, broken.originals, broken.active, broken.embeddings_dir, deep=deep
        )
    assert by_content(data_dir) == originals
    return report


def by_content(data_dir: Path) -> list[str]:
    folders = (data_dir / "photos", data_dir / "incoming", data_dir.parent / "photos")
    return sorted(
        sha256_of(path) for folder in folders for path in folder.rglob("*") if path.is_file()
    )


def damage(data_dir: Path, do: Callable[[Library], object]) -> None:
    with library(data_dir) as opened:
        do(opened)


def thumbnail_of(data_dir: Path, photo_id: int) -> Path:
    with library(data_dir) as opened:
        return opened.originals.thumbnail(opened.store.get(photo_id).sha256)


def original_of(data_dir: Path, photo_id: int) -> Path:
    with library(data_dir) as opened:
        return opened.originals.find(opened.store.get(photo_id))
