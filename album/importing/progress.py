"""Progress of an import in its row, and requests to stop it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from album.domain.photo import ImportRecord, RequestedState
from album.domain.progress import OnProgress
from album.importing.scanner import FileScanner
from album.storage.imports import ImportStore

SAVE_EVERY_S = 0.5  # also how soon a stop request is noticed


class Credit:
    """Photos that an import added before it was interrupted.

    They count as added already. When the import resumes, one file of each counts as nothing more.
    """

    def __init__(self, photo_ids: Iterable[int]) -> None:
        self._photo_ids = set(photo_ids)

    def take(self, photo_id: int) -> bool:
        """Use up the credit of a photo. Returns whether there was one."""
        if photo_id not in self._photo_ids:
            return False
        self._photo_ids.discard(photo_id)
        return True


def count_files(imports: ImportStore, record: ImportRecord, scanner: FileScanner) -> Credit | None:
    """Count all files of an import and its finished ones.

    Returns:
        The photos counted already among files that are inspected again. None: there are none, and
        files that this import recorded are skipped.
    """
    import_id = record.import_id
    total, skipped = scanner.count()
    if record.kind == "upload":
        if not record.total:
            imports.set_total(import_id, total, Counter(record.skipped) + skipped)
            return None
        done = max(record.total - total, 0)  # finished files left the uploads
    else:
        imports.set_total(import_id, total, skipped)
        if imports.count_files(import_id) == record.done:
            return None
        done = 0  # another import has recorded some of them since: count all again
    imports.reset_counters(import_id, done)
    return Credit(imports.added_by(import_id))


class ImportCounters:
    """Counts files by outcome and saves the counts."""

    def __init__(
        self,
        imports: ImportStore,
        record: ImportRecord,
        on_progress: OnProgress,
        credit: Credit | None = None,
    ) -> None:
        """Start from the counts of a row.

        Args:
            imports: where counts are saved.
            record: the import, with its counts so far.
            on_progress: called after each file.
            credit: of an import whose files are all counted again.
        """
        self._imports = imports
        self._id = record.import_id
        self._total = record.total
        self._on_progress = on_progress
        self._credit = credit
        self._counts: Counter[str] = Counter()
        self._unchanged_paths: list[str] = []
        # A rescan every few minutes would rewrite each file's row with the same content.
        self._is_rescan = record.kind == "rescan"
        self.unchanged: set[str] = set()
        """Paths of unchanged files of a rescan. Other imports save theirs."""
        self._done = record.done
        self._name = record.current
        self._saved_at = time.monotonic()

    @property
    def counts_again(self) -> bool:
        """Whether files that this import recorded are counted again."""
        return self._credit is not None

    def outcome_of_known(self, photo_id: int, outcome: str) -> str:
        """Return the outcome of a file of a known photo.

        It is "" if this import added the photo before it was interrupted.
        """
        return "" if self._credit is not None and self._credit.take(photo_id) else outcome

    def count(self, name: str, outcome: str = "", *, unchanged_path: str = "") -> None:
        """Count one finished file under `outcome`.

        Args:
            name: the file's name, for the progress.
            outcome: a counter of the import. "" counts it as done alone.
            unchanged_path: path of a file that was recorded before and is the same.
        """
        self._counts.update({"done": 1, outcome: 1})
        self._done += 1
        self._name = name
        if unchanged_path and self._is_rescan:
            self.unchanged.add(unchanged_path)
        elif unchanged_path:
            self._unchanged_paths.append(unchanged_path)
        self._on_progress(self._done, self._total, name)

    def add(self, outcome: str) -> None:
        """Count something that is no file of this import."""
        self._counts[outcome] += 1

    def save(self) -> None:
        """Save the counts. Within a transaction they hold if it does."""
        now = time.monotonic()
        with self._imports.writing():
            self._imports.touch_files(self._id, self._unchanged_paths)
            self._imports.advance(self._id, self._counts, self._name, now - self._saved_at)
        self._saved_at = now
        self._counts.clear()
        self._unchanged_paths.clear()

    def save_if_due(self) -> None:
        """Save the counts unless that was done lately."""
        if time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self.save()


class StopRequest:
    """Reads now and then what people request of a running import."""

    def __init__(self, imports: ImportStore, import_id: int, closing: Callable[[], bool]) -> None:
        self._imports = imports
        self._id = import_id
        self._closing = closing
        self._read_at = -SAVE_EVERY_S
        self.requested: RequestedState = "run"

    def should_end(self) -> bool:
        """Tell whether to end after the photos in hand."""
        if self.requested == "run" and time.monotonic() - self._read_at >= SAVE_EVERY_S:
            self.requested = self._imports.get(self._id).requested_state
            self._read_at = time.monotonic()
        return self.requested != "run" or self._closing()
