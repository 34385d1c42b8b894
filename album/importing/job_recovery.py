"""Recovery of what killed processes left behind: unfinished imports and stray uploads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from album.domain.photo import ImportRecord
from album.importing.job_locks import JobLocks
from album.storage.imports import ImportStore
from album.storage.originals import Originals

LATEST = 100  # imports among which one may have finished the work of another


def complete_finished(imports: ImportStore, locks: JobLocks) -> None:
    """Mark interrupted imports as done whose work a later import has finished."""
    unfinished = imports.unfinished()
    if not unfinished:
        return
    done = [record for record in imports.recent(LATEST) if record.state == "done"]
    for record in unfinished:
        if any(later.import_id > record.import_id and _covers(later, record) for later in done):
            _complete(imports, locks, record)


def complete_covered(imports: ImportStore, locks: JobLocks, done: ImportRecord) -> None:
    """Mark interrupted imports as done whose work this import has finished."""
    for record in imports.unfinished():
        if _covers(done, record):
            _complete(imports, locks, record)


def stray_uploads(
    imports: ImportStore, originals: Originals, unfinished: Sequence[ImportRecord]
) -> list[Path]:
    """Return uploads without an import. Deletes those of cancelled imports."""
    stray = originals.uploads_without(record.import_id for record in unfinished)
    if not stray:
        return []
    cancelled = originals.uploads_of(stray, imports.cancelled())
    for upload in cancelled:
        originals.discard(upload)
    return [upload for upload in stray if upload not in cancelled]


def _covers(done: ImportRecord, record: ImportRecord) -> bool:
    """Whether a finished import did all work of an interrupted one."""
    in_place = ("in place", "rescan")
    same_kind = done.kind == record.kind or (done.kind in in_place and record.kind in in_place)
    return (
        record.state == "running"
        and record.import_id != done.import_id
        and record.kind != "upload"
        and same_kind
        and all(
            any(folder in (source, *source.parents) for folder in done.sources)
            for source in record.sources
        )
    )


def _complete(imports: ImportStore, locks: JobLocks, record: ImportRecord) -> None:
    with locks.claim(record.import_id) as claimed:
        if claimed:
            imports.complete_interrupted(record.import_id)
