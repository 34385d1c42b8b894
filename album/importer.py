"""Journey 1: PhotoImporter takes files in: look at each once, encode in batches, store in groups.

Files are identified and decoded a bounded look-ahead before the batch that is being encoded. A file
that was seen before with the same size and time is not opened again. A group of photos is one
transaction, together with the counters of the import: a kill between any two lines leaves files
that `repair` (at the next start) and going on with the import put right.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

from album.active_encoder import ActiveEncoder
from album.decoder import DECODING_THREADS, Decoder
from album.errors import (
    AlbumError,
    ModelLoadingError,
    PhotoNotFoundError,
    UnreadableImageError,
)
from album.folders import Blocked, Finder, Found
from album.image_files import THUMBNAIL_PX, read_photo, thumbnail
from album.import_progress import SAVE_EVERY_S, OnProgress, Tally, Wishes
from album.import_store import ImportStore
from album.looking import Looked, Looker
from album.originals import Originals, display_name
from album.photo import ImportRecord, Photo, Place, Wish
from album.store import NewPhoto, PhotoStore
from album.words_beside import WordsBeside
from models.interfaces import Embeddings

log = logging.getLogger(__name__)

BATCH = 32
LOOK_AHEAD = 2 * BATCH


class NamesPlaces(Protocol):
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
        places: NamesPlaces,
    ) -> None:
        self._store = store
        self._imports = imports
        self._originals = originals
        self._active = active
        self._decoder = decoder
        self._places = places
        self._words = WordsBeside(store.database)

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
        self._imports.enter(import_id, "running")
        record = self._imports.get(import_id)
        if not self._model_came(Wishes(self._imports, import_id, closing)):
            self._end(record, self._imports.get(import_id).wish, closing())
            return
        self._refuse_unplugged(record)
        uploads = self._originals.uploads(import_id) if record.kind == "upload" else []
        finder = Finder(uploads or record.sources, self._originals.photos_dir.parent)
        if not record.total:
            self._imports.found(import_id, *finder.count())
            record = self._imports.get(import_id)
        tally = Tally(self._imports, record, on_progress)
        wish = self._look_through(record, finder, tally, closing)
        if wish == "run" and not closing():
            self._note_missing(record, tally)
        tally.save()
        if wish == "run" and not closing():
            then(self._imports.get(import_id))
        self._end(record, wish, closing())

    def repair(self) -> None:
        """Finish what a crash interrupted between a row and its original; cheap when nothing is.

        Takes nothing that is new: it may belong to an import that another process is running.
        """
        for sha256, file in list(self._originals.identified()):
            photo = self._store.by_sha256(sha256)
            if photo is not None and photo.path is None and self._lost(photo):
                self._originals.keep(file, photo)
        self._originals.forget_old()

    def make_missing_thumbnails(self, stopped: Callable[[], bool]) -> None:
        """Make the thumbnails that are gone from the cache again."""
        for photo in self._store.all_photos():
            if stopped():
                return
            target = self._originals.thumbnail(photo.sha256)
            if target.exists():
                continue
            try:
                image, _ = read_photo(self._originals.find(photo), THUMBNAIL_PX)
            except (UnreadableImageError, PhotoNotFoundError) as error:
                log.warning("no thumbnail for photo %d: %s", photo.photo_id, error)
                continue
            self._originals.write_cache(target, thumbnail(image))

    # The course of an import

    def _model_came(self, wishes: Wishes) -> bool:
        """Wait for the model, without which no photo is taken in; False when somebody ends that
        first. One that is loaded when it is needed is not waited for: there may be no new photo.

        Raises:
            ModelLoadingError: there will be none, for the album is closing.
        """
        if self._active.loads_when_needed:
            return True
        while not wishes.to_end():
            try:
                self._active.current(wait_s=SAVE_EVERY_S)
            except ModelLoadingError:
                if self._active.stopped:
                    raise
            else:
                return True
        return False

    def _look_through(
        self,
        record: ImportRecord,
        finder: Finder,
        tally: Tally,
        closing: Callable[[], bool],
    ) -> Wish:
        """Take in every file that was not done before; what somebody wished meanwhile."""
        looker = Looker(
            record,
            self._store,
            self._imports,
            self._originals,
            self._decoder,
            lambda: self._active.current().encoder.image_size,
        )
        wishes = Wishes(self._imports, record.import_id, closing)
        ahead: deque[tuple[Found, Future[Looked]]] = deque()
        batch: list[Looked] = []

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
                with self._imports.writing():
                    finish = self._already_here(record, looked, tally)
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
        return wishes.wish

    def _is_known(self, record: ImportRecord, found: Found, tally: Tally) -> bool:
        """Whether a file needs no look: it was seen before and has not changed since."""
        seen = self._imports.seen(found.path)
        if seen is None or seen.stamp != found.stamp:
            return False
        if seen.import_id == record.import_id:
            return True  # and was counted, before this import was interrupted
        if seen.photo_id is None:
            if record.kind != "rescan":
                return False  # it could not be read, but that may have been the album's fault
            tally.count(found.name, again=found.path)
            return True
        if seen.missing and seen.own:
            self._imports.mark_missing(seen.photo_id, False)
        elif not seen.own and self._lost(self._store.get(seen.photo_id)):
            return False  # it can take the place of the original
        tally.count(found.name, "already_here", again=found.path)
        return True

    def _fail(self, record: ImportRecord, found: Found, reason: str, tally: Tally) -> None:
        _refuse_pulled(record, found)
        log.warning("left out %s: %s", found.name, reason)
        path = Path(found.path)
        with self._imports.writing():
            if record.kind == "upload":
                path = self._originals.within_incoming(path)
            elif found.stamp is not None:
                self._imports.see(record.import_id, path, found.stamp, None)
            self._imports.fail(record.import_id, path, reason)
            tally.count(_shown(found))
            tally.save()

    def _add(self, record: ImportRecord, batch: list[Looked], tally: Tally) -> None:
        """Encode a batch and store its photos: all of them or none."""
        if not batch:
            return
        active = self._active.current()
        images = [looked.decoded.image for looked in batch if looked.decoded is not None]
        embeddings = active.encoder.encode_images(images)  # (b, d)
        news = [self._new_photo(looked) for looked in batch]
        finish: list[Callable[[], None]] = []
        with self._imports.writing():
            for looked, new, embedding in zip(batch, news, embeddings, strict=True):
                known = self._store.by_sha256(looked.sha256)
                if known is None:
                    photo_id = self._store_new(record, looked, new, embedding, tally)
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
                finish.append(self._already_here(record, looked, tally, what))
            tally.save()
        for move in finish:  # only now: `repair` and the next start go by the rows
            move()
        active.index.sync()

    def _new_photo(self, looked: Looked) -> NewPhoto:
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
        looked: Looked,
        new: NewPhoto,
        embedding: Embeddings,
        tally: Tally,
    ) -> int:
        """Store bytes that the album does not have; the id of their photo."""
        model_id = self._active.current().encoder.model_id
        before = None if looked.kept else self._imports.seen(looked.found.path)
        edited = before.photo_id if before is not None and before.own else None
        if edited is not None and not self._moved_from(Path(looked.found.path), edited):
            self._active.forget_matrices()  # the same photo with other bytes
            self._store.replace(edited, new, model_id, embedding)
            tally.count(_shown(looked.found), "updated")
            return edited
        photo_id = self._store.add(new, model_id, embedding, import_id=record.import_id)
        assert photo_id is not None  # under the write lock, and asked for just before
        tally.count(_shown(looked.found), "added")
        return photo_id

    def _already_here(
        self, record: ImportRecord, looked: Looked, tally: Tally, what: str = "already_here"
    ) -> Callable[[], None]:
        """Count a photo that the album has; where its original was lost, this one replaces it.

        Returns:
            What is to be done with the file once the transaction holds.
        """
        photo = self._store.by_sha256(looked.sha256)
        assert photo is not None  # photos are never deleted while an import runs
        lost = self._lost(photo)
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
        tally.count(_shown(looked.found), what)
        if not looked.kept:
            return lambda: None
        if lost:
            return partial(self._keep, looked.path, photo.photo_id)
        return partial(self._originals.drop, looked.path)

    def _keep(self, path: Path, photo_id: int) -> None:
        self._originals.keep(path, self._store.get(photo_id))

    def _see(self, record: ImportRecord, looked: Looked, photo_id: int) -> None:
        found = looked.found
        if record.kind != "upload" and found.stamp is not None:
            self._imports.see(record.import_id, Path(found.path), found.stamp, photo_id)

    # Its beginning and its end

    def _refuse_unplugged(self, record: ImportRecord) -> None:
        for source in record.sources:
            empty = source.is_dir() and not any(source.iterdir())
            if (empty or not source.exists()) and self._imports.counts_below(source)[0]:
                raise _unplugged(source)

    def _note_missing(self, record: ImportRecord, tally: Tally) -> None:
        """Mark the photos that are gone from the folders that were walked."""
        for source in record.sources:
            if not source.is_dir():
                continue
            for path, photo_id in self._imports.unseen_below(source, record.import_id):
                if os.path.lexists(path):
                    continue  # another import saw it, or it is in a folder that is closed
                photo = self._store.get(photo_id)
                if photo.path != path or photo.missing:
                    continue
                if not self._moved_from(path, photo_id):
                    self._imports.mark_missing(photo_id, True)
                    tally.add("missing")

    def _end(self, record: ImportRecord, wish: Wish, closing: bool) -> None:
        """Note how an import ended, and tidy up behind its uploads."""
        import_id = record.import_id
        if wish == "pause":
            self._imports.enter(import_id, "paused")
            return
        if closing and wish == "run":
            self._imports.enter(import_id, "waiting")
            return
        if record.kind == "upload":
            some_failed = bool(self._imports.failures(import_id, 1))
            for upload in self._originals.uploads(import_id):
                if wish == "run" and some_failed:  # a zip, some of whose files failed
                    self._originals.set_aside(upload)
                else:
                    self._originals.drop(upload)
        self._imports.enter(import_id, "cancelled" if wish == "cancel" else "done")
        now = self._imports.get(import_id)
        log.info(
            "import %d: %d photos in %.1f s; %d were here, %d failed",
            import_id, now.added, now.seconds, now.already_here, now.failed,
        )  # fmt: skip

    def _moved_from(self, path: Path, photo_id: int) -> bool:
        """Whether the bytes of a photo are elsewhere too, which is its place from now on."""
        others = (it for it in self._imports.places_of(photo_id) if it != path and it.is_file())
        other = next(others, None)
        if other is not None:
            self._store.move(photo_id, other, display_name(other))
        return other is not None

    def _lost(self, photo: Photo) -> bool:
        return not self._originals.path_of(photo).is_file()


def _refuse_pulled(record: ImportRecord, failed: Found | Blocked) -> None:
    """Raise when a file failed because the disk that it is on was pulled out."""
    for source in record.sources:
        if not source.exists() and source in Path(failed.path).parents:
            raise _unplugged(source)


def _shown(found: Found) -> str:
    return display_name(Path(found.path))


def _unplugged(folder: Path) -> AlbumError:
    return AlbumError(
        f"The folder {display_name(folder)} is not there: plug its disk in or put it back, and"
        " import it again; nothing was changed."
    )
