"""How far an import is, written down as it goes; and what somebody asks of it meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from album.domain.photo import ImportRecord, RequestedState
from album.domain.progress import OnProgress
from album.storage.imports import ImportStore

SAVE_EVERY_S = 0.5  # progress of files that need no work; also how soon a wish is heard


class Credit:
    """The photos that an import added before it was interrupted.

    They are counted as added already: one file of each is not counted as that, nor as here, again.
    """

    def __init__(self, added: Iterable[int]) -> None:
        self._added = set(added)

    def take(self, photo_id: int) -> bool:
        """Whether a photo was added before and no file was taken for that one yet."""
        if photo_id not in self._added:
            return False
        self._added.discard(photo_id)
        return True


class ImportCounters:
    """Counts what was done, and writes it down now and then in one transaction."""

    def __init__(
        self,
        imports: ImportStore,
        record: ImportRecord,
        tell: OnProgress,
        credit: Credit | None = None,
    ) -> None:
        """Count nothing yet.

        Args:
            imports: where it is written down.
            record: the import, with what is counted already.
            tell: called after each file.
            credit: of an import whose files are all counted anew.
        """
        self._imports = imports
        self._id = record.import_id
        self._total = record.total
        self._tell = tell
        self._credit = credit
        self._counts: Counter[str] = Counter()
        self._again: list[str] = []
        # Every few minutes the row of each file would be written anew, to say what it said before.
        self._remembers_only = record.kind == "rescan"
        self.same: set[str] = set()
        """Paths of files that a rescan found as they were; other imports write that down."""
        self._done = record.done
        self._name = record.current
        self._saved_at = time.monotonic()

    @property
    def counts_again(self) -> bool:
        """Whether files that this import has seen are counted anew."""
        return self._credit is not None

    def as_known(self, photo_id: int, what: str) -> str:
        """What a file of a known photo counts as: `what`, or nothing more than done where the
        photo was added by this import before it was interrupted."""
        return "" if self._credit is not None and self._credit.take(photo_id) else what

    def count(self, name: str, what: str = "", *, again: str = "") -> None:
        """One more file is done, and counted as `what`; `again` is the path of one that was seen
        before and is the same."""
        self._counts.update({"done": 1, what: 1})
        self._done += 1
        self._name = name
        if again and self._remembers_only:
            self.same.add(again)
        elif again:
            self._again.append(again)
        self._tell(self._done, self._total, name)

    def add(self, what: str) -> None:
        """One more of something that is no file of this import."""
        self._counts[what] += 1

    def save(self) -> None:
        """Write it down; inside a transaction it holds if that does."""
        now = time.monotonic()
        with self._imports.writing():
            self._imports.touch_files(self._id, self._again)
            self._imports.advance(self._id, self._counts, self._name, now - self._saved_at)
        self._saved_at = now
        self._counts.clear()
        self._again.clear()

    def save_sometimes(self) -> None:
        """Write it down if that was not done lately."""
        if time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self.save()


class StopRequest:
    """What somebody asks of the running import, looked up now and then."""

    def __init__(self, imports: ImportStore, import_id: int, closing: Callable[[], bool]) -> None:
        self._imports = imports
        self._id = import_id
        self._closing = closing
        self._asked_at = -SAVE_EVERY_S
        self.requested_state: RequestedState = "run"

    def to_end(self) -> bool:
        """Whether the import is to end after the photos in hand; once said, it stays."""
        if self.requested_state == "run" and time.monotonic() - self._asked_at >= SAVE_EVERY_S:
            self.requested_state = self._imports.get(self._id).requested_state
            self._asked_at = time.monotonic()
        return self.requested_state != "run" or self._closing()
