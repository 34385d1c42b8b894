"""Journey 1: PhotoImporter takes files in: look at each once, encode in batches, store in groups.

Files are identified and decoded a bounded look-ahead before the batch that is being encoded. A file
that was seen before with the same size and time is not opened again. A group of photos is one
transaction, together with the counters of the import: a kill between any two lines leaves files
that `repair` (at the next start) and going on with the import put right.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from album.domain.photo import ImportRecord, Photo, Place, RequestedState
from album.domain.progress import OnProgress
from album.encoding.active_encoder import ActiveEncoder
from album.errors import (
    AlbumError,
    ModelLoadingError,
    UnreadableImageError,
)
from album.images.decoder import DECODING_THREADS, Decoder
from album.importing.file_inspector import FileInspector, InspectedFile
from album.importing.progress import SAVE_EVERY_S, Credit, ImportCounters, StopRequest
from album.importing.scanner import Blocked, FileScanner, ScannedFile
from album.importing.sidecar_import import SidecarImporter
from album.importing.zip_archive import SIDECAR_TOO_LARGE, Archive
from album.runtime.files import display_name, has_room
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore
from models.interfaces import Embeddings

log = logging.getLogger(__name__)

BATCH = 32
LOOK_AHEAD = 2 * BATCH
NO_IMPORT = 0  # imports are counted from 1


class ReverseGeocoder(Protocol):
    """Knows the towns of the world."""

    def nearest(self, latitude: float, longitude: float) -> Place | None:
        """The town that a spot belongs to; None far from any."""


class PhotoImporter:
    """Takes files into the album, in place or into its own keeping."""

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
        self._places = places
        self._words = SidecarImporter(store.database)

    def work(
        self,
        import_id: int,
        *,
        on_progress: OnProgress = lambda done, total, name: None,
        then: Callable[[ImportRecord], None] = lambda record: None,
        closing: Callable[[], bool] = lambda: False,
    ) -> None:
        """Do an import, or go on with it, until it is done or somebody asks it to end.

        A file that cannot be read is noted and never stops the others.

        Args:
            import_id: an import that nobody else works on.
            on_progress: called after each file.
            then: called when all is done, before the import counts as such.
            closing: asked often; True ends it after the photos in hand, to go on at the next start.

        Raises:
            ModelLoadingError: no model came in time.
            AlbumError: it cannot go on: the disk is full, or a folder was unplugged.
        """
        self._imports.set_state(import_id, "running")
        while True:  # more than once where somebody resumes it, or starts it again, meanwhile
            record = self._imports.get(import_id)
            wishes = StopRequest(self._imports, import_id, closing)
            came = self._model_came(wishes)
            wish = (
                self._work_through(record, on_progress, then, closing)
                if came
                else wishes.requested_state
            )
            if self._end(record, wish, closing()):
                return

    def _work_through(
        self,
        record: ImportRecord,
        on_progress: OnProgress,
        then: Callable[[ImportRecord], None],
        closing: Callable[[], bool],
    ) -> RequestedState:
        """Look once through all that was named; what somebody wished meanwhile."""
        self._refuse_unplugged(record)
        uploads = self._originals.uploads(record.import_id) if record.kind == "upload" else []
        finder = FileScanner(uploads or record.sources, self._originals.photos_dir.parent)
        credit = self._count_files(record, finder)
        record = self._imports.get(record.import_id)
        tally = ImportCounters(self._imports, record, on_progress, credit)
        wish = self._look_through(record, finder, tally, closing)
        if wish == "run" and not closing():
            self._note_missing(record, tally)
        tally.save()
        if wish == "run" and not closing():
            then(self._imports.get(record.import_id))
        return wish

    def _count_files(self, record: ImportRecord, finder: FileScanner) -> Credit | None:
        """Count the files, and of an import that is gone on with those that are done.

        Returns:
            What is counted already of the files that are looked at again; None: nothing is, and
            files that this import has seen are passed over.
        """
        import_id = record.import_id
        total, skipped = finder.count()
        if record.kind == "upload":
            if not record.total:
                self._imports.set_total(import_id, total, Counter(record.skipped) + skipped)
                return None
            done = max(record.total - total, 0)  # the others are not among the uploads any more
        else:
            self._imports.set_total(import_id, total, skipped)
            if self._imports.count_files(import_id) == record.done:
                return None
            done = 0  # another import has seen some of them since: all are counted anew
        self._imports.reset_counters(import_id, done)
        return Credit(self._imports.added_by(import_id))

    def end_as_requested(self, record: ImportRecord, wish: RequestedState) -> bool:
        """Pause or cancel an import that nobody works on; a cancelled upload leaves no file.

        Returns:
            False where something else is asked of it by now.
        """
        ended = self._imports.end_as_requested(record.import_id, wish)
        if ended and wish == "cancel":  # only now: until then somebody may go on with it
            self._put_away_uploads(record, keep_failed=False)
        return ended

    def has_news(self, folder: Path, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Whether a rescan of a folder would find anything that is not as it was seen last.

        Looks at names, sizes and times alone, and writes nothing. What could not be looked into
        was told by the import before, and is no news by itself.

        Args:
            folder: to be looked through.
            stopped: asked often; True ends it without news.
        """
        there: set[str] = set()
        for found in FileScanner([folder], self._originals.photos_dir.parent).walk():
            if stopped():
                return False
            if isinstance(found, Blocked) or found.stamp is None:
                continue
            seen = self._imports.find_file(found.path)
            if seen is None or seen.stamp != found.stamp or (seen.missing and seen.is_original):
                return True
            if seen.photo_id is None:
                continue
            if not seen.is_original and self._lost(self._store.get(seen.photo_id)):
                return True  # it can take the place of the original
            there.add(found.path)
        return any(
            str(path) not in there and not os.path.lexists(path) and self._belongs(photo_id, path)
            for path, photo_id in self._imports.unvisited_photos(folder, NO_IMPORT)
        )

    def repair(self) -> None:
        """Finish what a crash interrupted between a row and its original; cheap when nothing is.

        Takes nothing that is new: it may belong to an import that another process is running.
        """
        for sha256, file in list(self._originals.identified()):
            photo = self._store.by_sha256(sha256)
            if photo is not None and photo.path is None and self._lost(photo):
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
                small = self._decoder.thumbnail(self._originals.find(photo))
            except (AlbumError, OSError) as error:
                log.warning("no thumbnail for photo %d: %s", photo.photo_id, error)
                continue
            self._originals.write_cache(target, small)
            made += 1
        return made

    # The course of an import

    def _model_came(self, wishes: StopRequest) -> bool:
        """Wait for the model, without which no photo is taken in; False when somebody ends that
        first. One that is loaded when it is needed is not waited for: there may be no new photo.

        Raises:
            ModelLoadingError: there will be none.
        """
        if self._active.loads_when_needed:
            return True
        while not wishes.to_end():
            try:
                self._active.current(wait_s=SAVE_EVERY_S)
            except ModelLoadingError:
                if self._active.stopped and not wishes.to_end():
                    raise
            else:
                return True
        return False

    def _look_through(
        self,
        record: ImportRecord,
        finder: FileScanner,
        tally: ImportCounters,
        closing: Callable[[], bool],
    ) -> RequestedState:
        """Take in every file that was not done before; what somebody wished meanwhile."""
        looker = FileInspector(
            record,
            self._store,
            self._imports,
            self._originals,
            self._decoder,
            lambda: self._active.current().encoder.image_size,
        )
        wishes = StopRequest(self._imports, record.import_id, closing)
        ahead: deque[tuple[ScannedFile, Future[InspectedFile]]] = deque()
        batch: list[InspectedFile] = []
        roomy: Archive | None = None  # the zip that there is room for

        def take_next() -> None:
            if wishes.to_end():  # all at once, or the threads go on with the next ones meanwhile
                going_on = [it for it in ahead if not it[1].cancel()]
                ahead.clear()
                ahead.extend(going_on)
                if not ahead:
                    return
            found, future = ahead.popleft()
            try:
                looked = future.result()
            except UnreadableImageError as error:
                self._fail(record, found, str(error), tally)
                return
            if looked.decoded is None:
                on_disk = self._on_disk(looked)
                with self._imports.writing():
                    finish = self._already_here(record, looked, tally, on_disk)
                    tally.save()
                finish()
            else:
                batch.append(looked)
            if len(batch) == BATCH:
                self._add(record, batch, tally)
                batch.clear()

        with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="look") as pool:
            try:
                for found in finder.walk():
                    if wishes.to_end():
                        break
                    if isinstance(found, Blocked):
                        _refuse_pulled(record, found)
                        self._imports.fail(record.import_id, Path(found.path), found.reason)
                    elif not self._is_known(record, found, tally):
                        if found.archive is not None and found.archive is not roomy:
                            roomy = found.archive
                            self._refuse_small_disk(record, roomy)
                        self._tell_too_large(record, found)
                        ahead.append((found, pool.submit(looker.look, found)))
                    if len(ahead) == LOOK_AHEAD:
                        take_next()
                    tally.save_sometimes()
                while ahead:
                    take_next()
                self._add(record, batch, tally)
            finally:
                for _, future in ahead:
                    future.cancel()
        return wishes.requested_state

    def _is_known(self, record: ImportRecord, found: ScannedFile, tally: ImportCounters) -> bool:
        """Whether a file needs no look: it was seen before and has not changed since."""
        seen = self._imports.find_file(found.path)
        if seen is None or seen.stamp != found.stamp:
            return False
        if seen.import_id == record.import_id and not tally.counts_again:
            return True  # and was counted, before this import was interrupted
        if seen.photo_id is None:
            if record.kind != "rescan":
                return False  # it could not be read, but that may have been the album's fault
            tally.count(found.name, again=found.path)
            return True
        if seen.missing and seen.is_original:
            self._imports.mark_missing(seen.photo_id, False)
        elif not seen.is_original and self._lost(self._store.get(seen.photo_id)):
            return False  # it can take the place of the original
        what = tally.as_known(seen.photo_id, "already_here")
        tally.count(found.name, what, again=found.path)
        return True

    def _refuse_small_disk(self, record: ImportRecord, archive: Archive) -> None:
        """Raise before a zip is unpacked that the disk cannot hold."""
        had = self._imports.known_bytes(archive.path, record.import_id)
        needed = max(0, archive.unpacked_bytes - had)
        if not has_room(self._originals.incoming_dir, needed):
            raise AlbumError(
                "The disk of the album has no room for what is in the zip: it needs about"
                f" {needed // 1_000_000} MB; make room and try again."
            )

    def _tell_too_large(self, record: ImportRecord, found: ScannedFile) -> None:
        """Note the files about a photo that are not taken along with it."""
        if record.kind != "copy" and found.archive is None:
            return  # it stays beside the photo, where it is
        for sidecar in map(Path, found.too_large):
            path = self._originals.within_incoming(sidecar) if record.kind == "upload" else sidecar
            self._imports.fail(record.import_id, path, SIDECAR_TOO_LARGE)

    def _fail(
        self, record: ImportRecord, found: ScannedFile, reason: str, tally: ImportCounters
    ) -> None:
        _refuse_pulled(record, found)
        log.warning("left out %s: %s", found.name, reason)
        path = Path(found.path)
        with self._imports.writing():
            if record.kind == "upload":
                path = self._originals.within_incoming(path)
            elif found.stamp is not None:
                self._imports.record_file(record.import_id, path, found.stamp, None)
            self._imports.fail(record.import_id, path, reason)
            tally.count(_shown(found))
            tally.save()

    def _add(self, record: ImportRecord, batch: list[InspectedFile], tally: ImportCounters) -> None:
        """Encode a batch and store its photos: all of them or none."""
        if not batch:
            return
        active = self._active.current()
        images = [looked.decoded.image for looked in batch if looked.decoded is not None]
        embeddings = active.encoder.encode_images(images)  # (b, d)
        news = [self._new_photo(looked) for looked in batch]
        disks = [self._on_disk(looked) for looked in batch]
        finish: list[Callable[[], None]] = []
        with self._imports.writing():
            for looked, new, embedding, disk in zip(batch, news, embeddings, disks, strict=True):
                known = self._store.by_sha256(looked.sha256)
                if known is None:
                    photo_id = self._store_new(record, looked, new, embedding, tally, disk)
                    self._words.take_in(photo_id, looked.sha256, new.facts.words)
                    if looked.kept:
                        finish.append(partial(self._keep, looked.path, photo_id))
                    self._see(record, looked, photo_id)
                    continue
                own = known.path is None or known.path == Path(looked.found.path)
                if looked.anew and own:
                    self._store.set_facts(known.photo_id, new.facts, new.file_time, new.place)
                self._words.take_in(known.photo_id, looked.sha256, new.facts.words)
                what = "updated" if looked.anew and own else "already_here"
                finish.append(self._already_here(record, looked, tally, disk, what))
            tally.save()
        for move in finish:  # only now: `repair` and the next start go by the rows
            move()
        active.index.sync()

    def _new_photo(self, looked: InspectedFile) -> NewPhoto:
        assert looked.decoded is not None  # a batch holds decoded ones only
        facts = looked.decoded.facts
        place = None
        if facts.latitude is not None and facts.longitude is not None:
            place = self._places.nearest(facts.latitude, facts.longitude)
        return NewPhoto(
            sha256=looked.sha256,
            filename=_shown(looked.found),
            path=None if looked.kept else Path(looked.found.path),
            size_bytes=looked.size_bytes,
            facts=facts,
            file_time=looked.file_time,
            place=place,
        )

    def _store_new(
        self,
        record: ImportRecord,
        looked: InspectedFile,
        new: NewPhoto,
        embedding: Embeddings,
        tally: ImportCounters,
        on_disk: _OnDisk,
    ) -> int:
        """Store bytes that the album does not have; the id of their photo."""
        model_id = self._active.current().encoder.model_id
        edited = self._edited(looked)
        if edited is not None and edited == on_disk.edited and on_disk.elsewhere is not None:
            self._move(edited, on_disk.elsewhere)
        elif edited is not None:
            self._active.forget_matrices()  # the same photo with other bytes
            self._store.replace(edited, new, model_id, embedding)
            tally.count(_shown(looked.found), "updated")
            return edited
        photo_id = self._store.add(new, model_id, embedding, import_id=record.import_id)
        assert photo_id is not None  # under the write lock, and asked for just before
        tally.count(_shown(looked.found), "added")
        return photo_id

    def _on_disk(self, looked: InspectedFile) -> _OnDisk:
        """What the disk says of a file's photo; asked before a transaction, for it may be slow."""
        known = self._store.by_sha256(looked.sha256)
        if known is not None:
            return _OnDisk(lost=self._original_of(known) if self._lost(known) else None)
        edited = self._edited(looked)
        if edited is None:
            return _OnDisk()
        return _OnDisk(edited=edited, elsewhere=self._elsewhere(Path(looked.found.path), edited))

    def _edited(self, looked: InspectedFile) -> int | None:
        """The photo whose original lay where a file with other bytes lies now."""
        before = None if looked.kept else self._imports.find_file(looked.found.path)
        return before.photo_id if before is not None and before.is_original else None

    def _already_here(
        self,
        record: ImportRecord,
        looked: InspectedFile,
        tally: ImportCounters,
        on_disk: _OnDisk,
        what: str = "already_here",
    ) -> Callable[[], None]:
        """Count a photo that the album has; where its original was lost, this one replaces it.

        Returns:
            What is to be done with the file once the transaction holds.
        """
        photo = self._store.by_sha256(looked.sha256)
        assert photo is not None  # photos are never deleted while an import runs
        lost = on_disk.lost is not None and on_disk.lost == self._original_of(photo)
        if lost:
            if photo.path is not None:
                self._imports.forget_file(photo.path)
            if looked.kept:
                self._store.move(photo.photo_id, None)
            else:
                self._store.move(photo.photo_id, Path(looked.found.path), _shown(looked.found))
        elif photo.missing:
            self._imports.mark_missing(photo.photo_id, False)
        self._see(record, looked, photo.photo_id)
        tally.count(_shown(looked.found), tally.as_known(photo.photo_id, what))
        if not looked.kept:
            return lambda: None
        if lost:
            return partial(self._keep, looked.path, photo.photo_id)
        return partial(self._originals.discard, looked.path)

    def _keep(self, path: Path, photo_id: int) -> None:
        self._originals.store_original(path, self._store.get(photo_id))

    def _see(self, record: ImportRecord, looked: InspectedFile, photo_id: int) -> None:
        found = looked.found
        if record.kind != "upload" and found.stamp is not None:
            self._imports.record_file(record.import_id, Path(found.path), found.stamp, photo_id)

    # Its beginning and its end

    def _refuse_unplugged(self, record: ImportRecord) -> None:
        for source in record.sources:
            empty = source.is_dir() and not any(source.iterdir())
            if (empty or not source.exists()) and self._imports.counts_below(source)[0]:
                raise _unplugged(source)

    def _note_missing(self, record: ImportRecord, tally: ImportCounters) -> None:
        """Mark the photos that are gone from the folders that were walked."""
        for source in record.sources:
            if not source.is_dir():
                continue
            for path, photo_id in self._imports.unvisited_photos(source, record.import_id):
                if str(path) in tally.same or os.path.lexists(path):
                    continue  # another import saw it, or it is in a folder that is closed
                if not self._belongs(photo_id, path):
                    continue
                other = self._elsewhere(path, photo_id)
                if other is not None:
                    self._move(photo_id, other)
                else:
                    self._imports.mark_missing(photo_id, True)
                    tally.add("missing")

    def _end(self, record: ImportRecord, wish: RequestedState, closing: bool) -> bool:
        """Note how an import ended, and tidy up behind its uploads.

        Returns:
            False where it goes on: somebody resumed it, or asked to look once more.
        """
        import_id = record.import_id
        if wish != "run":
            while (asked := self._imports.get(import_id).requested_state) != "run":
                if self.end_as_requested(record, asked):
                    return True
            return closing and self._leave(import_id)
        if closing:
            return self._leave(import_id)
        self._put_away_uploads(record, keep_failed=True)
        if not self._imports.finish(import_id):
            return False
        now = self._imports.get(import_id)
        log.info(
            "import %d: %d photos in %.1f s; %d were here, %d failed",
            import_id, now.added, now.seconds, now.already_here, now.failed,
        )  # fmt: skip
        return True

    def _leave(self, import_id: int) -> bool:
        """Leave an import for the next start of the album."""
        self._imports.set_state(import_id, "waiting")
        return True

    def _put_away_uploads(self, record: ImportRecord, *, keep_failed: bool) -> None:
        """Take away what is left of an upload; a zip some of whose files failed can be kept."""
        if record.kind != "upload":
            return
        keep = keep_failed and bool(self._imports.failures(record.import_id, 1))
        for upload in self._originals.uploads(record.import_id):
            if keep:
                self._originals.quarantine(upload)
            else:
                self._originals.discard(upload)

    def _belongs(self, photo_id: int, path: Path) -> bool:
        """Whether the original of a photo is looked for at `path`, and is not missing yet."""
        photo = self._store.get(photo_id)
        return photo.path == path and not photo.missing

    def _elsewhere(self, path: Path, photo_id: int) -> Path | None:
        """Another place where the bytes of a photo are; None where there is none."""
        others = (it for it in self._imports.places_of(photo_id) if it != path and it.is_file())
        return next(others, None)

    def _move(self, photo_id: int, path: Path) -> None:
        self._store.move(photo_id, path, display_name(path))

    def _original_of(self, photo: Photo) -> Path:
        return self._originals.path_of(photo)

    def _lost(self, photo: Photo) -> bool:
        return not self._original_of(photo).is_file()


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """What the disk said of the photo of a file, before the transaction that stores the file."""

    lost: Path | None = None
    """The original of the photo with these bytes, where it is not there any more."""
    edited: int | None = None
    """The photo whose original lay here before it got these bytes."""
    elsewhere: Path | None = None
    """Where the former bytes of that photo are too, if anywhere."""


def _refuse_pulled(record: ImportRecord, failed: ScannedFile | Blocked) -> None:
    """Raise when a file failed because the disk that it is on was pulled out."""
    for source in record.sources:
        if not source.exists() and source in Path(failed.path).parents:
            raise _unplugged(source)


def _shown(found: ScannedFile) -> str:
    return display_name(Path(found.path))


def _unplugged(folder: Path) -> AlbumError:
    return AlbumError(
        f"The folder {display_name(folder)} is not there: plug its disk in or put it back, and"
        " import it again; nothing was changed."
    )
