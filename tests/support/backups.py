"""Backups in tests, and the library that they are made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from album.maintenance.backup import BackupReport, backup
from album.maintenance.verify import find_faults
from tests.support.library import Library

LOGS = ("album.db-wal", "album.db-shm")


COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "black")


def save(source: Library, file: Path, **options) -> BackupReport:
    options = {"with_originals": True} | options
    return backup(source.database, source.store, source.originals, file, **options)


def faults(restored: Library) -> list[str]:
    found = find_faults(restored.store, restored.originals, restored.embeddings_dir, deep=True)
    return [fault for fault in found if "thumbnail is missing" not in fault]


def fail_with(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail
