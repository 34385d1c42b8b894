"""Import of files: inspection, encoding and storage in batches.

Files are identified and decoded a bounded look-ahead before the batch that is being encoded. A file
that was recorded with the same size and time is not opened again. A group of photos is one
transaction, together with the counters of the import. After a kill between any two lines, `repair`
at the next start and the resumed import restore a consistent library.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from album.domain.photo import ImportRecord, RequestedState
from album.domain.progress import OnProgress
from album.encoding.active_encoder import ActiveEncoder
from album.errors import AlbumError, ModelLoadingError, UnreadableImageError
from album.images.decoder import DECODING_THREADS, Decoder
from album.importing.file_inspector import FileInspector, InspectedFile
from album.importing.original_tracker import OriginalTracker, refuse_unplugged_meanwhile
from album.importing.photo_writer import PhotoWriter, ReverseGeocoder
from album.importing.progress import SAVE_EVERY_S, ImportCounters, StopRequest, count_files
from album.importing.scanner import Blocked, FileScanner, ScannedFile
from album.importing.zip_archive import SIDECAR_TOO_LARGE, Archive
from album.runtime.files import has_room
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore

log = logging.getLogger(__name__)

BATCH = 32
LOOK_AHEAD = 2 * BATCH


class PhotoImporter:
    """Imports files in place or as copies in the library."""

    def __init__(
        self,
        store: PhotoStore,
        imports: ImportStore,
        originals: Originals,
        active: ActiveEncoder,
        decoder: Decoder,
        places: ReverseGeocoder,
    ) -> None:
        self._store = store
        self._imports = imports
        self._originals = originals
        self._active = active
        self._decoder = decoder
        self.tracker = OriginalTracker(store, imports, originals)
        self._writer = PhotoWriter(store, imports, originals, active, places, self.tracker)

    def work(
        self,
        import_id: int,
        *,
        on_progress: OnProgress = lambda done, total, name: None,
        on_complete: Callable[[ImportRecord], None] = lambda record: None,
        closing: Callable[[], bool] = lambda: False,
    ) -> None:
        """Run an import until it is done or requested to stop.

        A file that cannot be read is recorded and never stops the others.

        Args:
            import_id: an import that no other thread or process works on.
            on_progress: called after each file.
            on_complete: called when all is done, before the import counts as such.
            closing: called often. True ends the import after the photos in hand, to resume at the
                next start.

        Raises:
            ModelLoadingError: no model came in time.
            AlbumError: it cannot continue: the disk is full, or a folder was unplugged.
        """
        self._imports.set_state(import_id, "running")
        while True:  # more than once if it is resumed or started again meanwhile
            record = self._imports.get(import_id)
            stop = StopRequest(self._imports, import_id, closing)
            if self._wait_for_model(stop):
                requested = self._import_sources(record, on_progress, on_complete, closing)
            else:
                requested = stop.requested
            if self._end(record, requested, closing()):
                return

    def stop_idle(self, record: ImportRecord, requested: RequestedState) -> bool:
        """Pause or cancel an idle import. A cancelled upload leaves no file.

        Returns:
            False if something else has been requested by now.
        """
        ended = self._imports.end_as_requested(record.import_id, requested)
        if ended and requested == "cancel":  # only now: until then somebody may resume it
            self._clear_uploads(record, keep_failed=False)
        return ended

    def repair(self) -> None:
        """Finish what a crash interrupted between a row and its original.

        It ignores new files, which may belong to an import of another process. It is cheap when
        there is nothing to do.
        """
        for sha256, file in list(self._originals.identified()):
            photo = self._store.by_sha256(sha256)
            if photo is not None and photo.path is None and self.tracker.is_lost(photo):
                self._originals.store_original(file, photo)
        self._originals.forget_old()

    def make_missing_thumbnails(self, stopped: Callable[[], bool]) -> int:
        """Make the thumbnails that the cache lacks. Returns how many were made."""
        made = 0
        for photo in self._store.all_photos():
            if stopped():
                return made
            target = self._originals.thumbnail(photo.sha256)
            if target.exists():
                continue
            try:
                thumbnail = self._decoder.thumbnail(self._originals.find(photo))
            except (AlbumError, OSError) as error:
                log.warning("no thumbnail for photo %d: %s", photo.photo_id, error)
                continue
            self._originals.write_cache(target, thumbnail)
            made += 1
        return made

    def _wait_for_model(self, stop: StopRequest) -> bool:
        """Wait for the model. Returns False if the import ends first.

        A model that loads on demand is not waited for: there may be no new photo.

        Raises:
            ModelLoadingError: there will be none.
        """
        if self._active.loads_when_needed:
            return True
        while not stop.should_end():
            try:
                self._active.current(wait_s=SAVE_EVERY_S)
            except ModelLoadingError:
                if self._active.stopped and not stop.should_end():
                    raise
            else:
                return True
        return False

    def _import_sources(
        self,
        record: ImportRecord,
        on_progress: OnProgress,
        on_complete: Callable[[ImportRecord], None],
        closing: Callable[[], bool],
    ) -> RequestedState:
        """Import all sources once. Returns the latest request."""
        self.tracker.refuse_unplugged(record)
        uploads = self._originals.uploads(record.import_id) if record.kind == "upload" else []
        scanner = self.tracker.scanner(uploads or record.sources)
        credit = count_files(self._imports, record, scanner)
        record = self._imports.get(record.import_id)
        counters = ImportCounters(self._imports, record, on_progress, credit)
        requested = self._import_files(record, scanner, counters, closing)
        if requested == "run" and not closing():
            self.tracker.mark_missing(record, counters)
        counters.save()
        if requested == "run" and not closing():
            on_complete(self._imports.get(record.import_id))
        return requested

    def _import_files(
        self,
        record: ImportRecord,
        scanner: FileScanner,
        counters: ImportCounters,
        closing: Callable[[], bool],
    ) -> RequestedState:
        """Import the files that are not done. Returns the latest request."""
        inspector = FileInspector(
            record,
            self._store,
            self._imports,
            self._originals,
            self._decoder,
            lambda: self._active.current().encoder.image_size,
        )
        stop = StopRequest(self._imports, record.import_id, closing)
        ahead: deque[tuple[ScannedFile, Future[InspectedFile]]] = deque()
        batch: list[InspectedFile] = []
        roomy: Archive | None = None  # the zip that there is room for

        def take_next() -> None:
            if stop.should_end():  # all at once, or the threads take up the next ones meanwhile
                running = [entry for entry in ahead if not entry[1].cancel()]
                ahead.clear()
                ahead.extend(running)
                if not ahead:
                    return
            scanned, future = ahead.popleft()
            try:
                file = future.result()
            except UnreadableImageError as error:
                self._fail(record, scanned, str(error), counters)
                return
            if file.decoded is None:
                self._writer.store_known(record, file, counters)
            else:
                batch.append(file)
            if len(batch) == BATCH:
                self._writer.store_batch(record, batch, counters)
                batch.clear()

        with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="inspect") as pool:
            try:
                for scanned in scanner.walk():
                    if stop.should_end():
                        break
                    if isinstance(scanned, Blocked):
                        refuse_unplugged_meanwhile(record, scanned)
                        self._imports.fail(record.import_id, Path(scanned.path), scanned.reason)
                    elif not self._is_unchanged(record, scanned, counters):
                        if scanned.archive is not None and scanned.archive is not roomy:
                            roomy = scanned.archive
                            self._refuse_small_disk(record, roomy)
                        self._report_too_large(record, scanned)
                        ahead.append((scanned, pool.submit(inspector.inspect, scanned)))
                    if len(ahead) == LOOK_AHEAD:
                        take_next()
                    counters.save_if_due()
                while ahead:
                    take_next()
                self._writer.store_batch(record, batch, counters)
            finally:
                for _, future in ahead:
                    future.cancel()
        return stop.requested

    def _is_unchanged(
        self, record: ImportRecord, scanned: ScannedFile, counters: ImportCounters
    ) -> bool:
        """Count a file without opening it. Returns False if it changed."""
        file = self._imports.find_file(scanned.path)
        if file is None or file.stamp != scanned.stamp:
            return False
        if file.import_id == record.import_id and not counters.counts_again:
            return True  # counted before this import was interrupted
        if file.photo_id is None:
            if record.kind != "rescan":
                return False  # it could not be read, but that may have been the album's fault
            counters.count(scanned.name, unchanged_path=scanned.path)
            return True
        if file.missing and file.is_original:
            self._imports.mark_missing(file.photo_id, False)
        elif not file.is_original and self.tracker.is_lost(self._store.get(file.photo_id)):
            return False  # it can take the place of the original
        outcome = counters.outcome_of_known(file.photo_id, "already_here")
        counters.count(scanned.name, outcome, unchanged_path=scanned.path)
        return True

    def _refuse_small_disk(self, record: ImportRecord, archive: Archive) -> None:
        """Raise before a zip is unpacked that the disk cannot hold."""
        had = self._imports.known_bytes(archive.path, record.import_id)
        needed = max(0, archive.unpacked_bytes - had)
        if not has_room(self._originals.incoming_dir, needed):
            raise AlbumError(
                "The disk of the album has no room for what is in the zip: it needs about "
                "{needed} MB; make room and try again.",
                needed=needed // 1000000,
            )

    def _report_too_large(self, record: ImportRecord, scanned: ScannedFile) -> None:
        """Record sidecars that are not imported because of their size."""
        if record.kind != "copy" and scanned.archive is None:
            return  # it stays beside the photo, where it is
        for path in map(Path, scanned.too_large):
            if record.kind == "upload":
                path = self._originals.within_incoming(path)
            self._imports.fail(record.import_id, path, SIDECAR_TOO_LARGE)

    def _fail(
        self, record: ImportRecord, scanned: ScannedFile, reason: str, counters: ImportCounters
    ) -> None:
        """Record a file that cannot be imported."""
        refuse_unplugged_meanwhile(record, scanned)
        log.warning("left out %s: %s", scanned.name, reason)
        path = Path(scanned.path)
        with self._imports.writing():
            if record.kind == "upload":
                path = self._originals.within_incoming(path)
            elif scanned.stamp is not None:
                self._imports.record_file(record.import_id, path, scanned.stamp, None)
            self._imports.fail(record.import_id, path, reason)
            counters.count(scanned.display_name)
            counters.save()

    def _end(self, record: ImportRecord, requested: RequestedState, closing: bool) -> bool:
        """Record how an import ended, and clear its uploads.

        Returns:
            False if it continues: somebody resumed it, or requested another look.
        """
        import_id = record.import_id
        if requested != "run":
            while (latest := self._imports.get(import_id).requested_state) != "run":
                if self.stop_idle(record, latest):
                    return True
            return closing and self._leave(import_id)
        if closing:
            return self._leave(import_id)
        self._clear_uploads(record, keep_failed=True)
        if not self._imports.finish(import_id):
            return False
        record = self._imports.get(import_id)
        log.info(
            "import %d: %d photos in %.1f s; %d were here, %d failed",
            import_id,
            record.added,
            record.seconds,
            record.already_here,
            record.failed,
        )
        return True

    def _leave(self, import_id: int) -> bool:
        """Leave an import to the next start of the album."""
        self._imports.set_state(import_id, "waiting")
        return True

    def _clear_uploads(self, record: ImportRecord, *, keep_failed: bool) -> None:
        """Remove the remaining uploads. A zip with failed files can be kept."""
        if record.kind != "upload":
            return
        keep = keep_failed and bool(self._imports.failures(record.import_id, 1))
        for upload in self._originals.uploads(record.import_id):
            if keep:
                self._originals.quarantine(upload)
            else:
                self._originals.discard(upload)
