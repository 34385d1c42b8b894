"""The album service: one library with all its services."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from album.captioning.caption_matching import CaptionRanker
from album.captioning.captions import CaptionPace, PhotoCaptions
from album.captioning.query_translation import QueryTranslator
from album.classification.embedding_cache import ClassEmbeddingCache
from album.classification.evaluation import ClassEvaluation
from album.classification.few_shot import FewShotLearner
from album.classification.label_sources import SourceServices
from album.classification.labelling import Labelling
from album.classification.trained_classifiers import TrainedHeads
from album.classification.zero_shot import PhotoClassifier
from album.domain.labels import LabelChange, stored_names
from album.domain.photo import ImportRecord, Photo, WatchedFolder
from album.encoding.active_encoder import ActiveEncoder
from album.errors import AlbumError
from album.images.decoder import Decoder
from album.images.decoder_pool import DecodePool
from album.importing.folder_watcher import FolderWatcher
from album.importing.image_cache import ImageCache
from album.importing.importer import PhotoImporter
from album.importing.jobs import ImportJobs
from album.importing.uploads import sort_uploads
from album.maintenance.verify import find_faults
from album.metadata.geocoder import TownGeocoder
from album.organizing.discovery import Discovery
from album.organizing.timeline import Timeline
from album.runtime.status import AlbumStatus
from album.runtime.supervised_loop import SupervisedLoop, loop_problems
from album.search.search import PhotoSearch
from album.storage.captions import CaptionStore
from album.storage.database import Database
from album.storage.imports import ImportStore
from album.storage.labels import LabelStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore
from album.storage.text_index import TextIndex
from models.errors import CaptionerUnavailableError
from models.interfaces import Captioner, Classifiers

log = logging.getLogger(__name__)

SYNC_EVERY_S = 1.0
AUTO_LABELS_WHILE_IMPORTING_S = 10.0  # auto labels take much of a machine that imports
THUMBNAILS_EVERY_S = 15.0
"""How often the album checks for deleted thumbnails."""
TEXTS_AT_ONCE = 2000  # about a second of work, after which a stop is noticed
URGENT_WORKERS = 2


class _Stoppable(Protocol):
    """A service that works in the background."""

    def stop(self, timeout_s: float) -> object:
        """End after the work in hand, or after `timeout_s` seconds."""


class Album:
    """Opens a data folder. Encoders arrive later through `active.set_encoder`."""

    def __init__(
        self,
        data_dir: Path,
        classifiers: Classifiers,
        captioner: Captioner,
        *,
        folders: Sequence[Path] = (),
        rescan_every_s: float = 900.0,
        decoder: Decoder | None = None,
        caption_pace: CaptionPace | None = None,
    ) -> None:
        """Open or create a library, and repair it after a crash.

        An existing library on a read-only disk opens for browsing and searching.

        Args:
            data_dir: the folder of the library.
            classifiers: makes classifiers from words, examples and trained heads.
            captioner: writes captions.
            folders: the folders that a running album watches.
            rescan_every_s: how often they are rescanned without a reported change.
            decoder: decodes all files. None: worker processes of its own.
            caption_pace: rate limits of the captioner.

        Raises:
            AlbumError: the folder cannot be used, or is of a later version.
        """
        try:
            self.originals = Originals(data_dir)
        except OSError as error:
            raise AlbumError(
                "{data_dir} cannot be used for the album: {reason}.",
                data_dir=data_dir,
                reason=error,
            ) from error
        self.data_dir = data_dir
        self.embeddings_dir = data_dir / "embeddings"
        self.database = Database(data_dir / "album.db")
        self.store = store = PhotoStore(self.database)
        self.caption_store = captions = CaptionStore(self.database)
        self.texts = texts = TextIndex(self.database)
        self.import_store = imports = ImportStore(self.database)
        self.labels = labels = LabelStore(self.database)
        self.classifiers = classifiers
        originals, embeddings_dir = self.originals, self.embeddings_dir
        self.decoder = decoder or DecodePool()
        # For files that a person waits for, so that no import goes first.
        self.urgent_decoder = urgent = decoder or DecodePool(URGENT_WORKERS, niceness=0)
        self.active = active = ActiveEncoder(store, originals, embeddings_dir, self.decoder)
        places = TownGeocoder(data_dir / "places")
        self.importer = PhotoImporter(store, imports, originals, active, self.decoder, places)
        self.imports = ImportJobs(
            imports, self.importer, originals, data_dir / "imports", self._complete_import
        )
        self._folders = tuple(folders)
        self._watch = FolderWatcher(self._folders, self._rescan_if_changed, rescan_every_s)
        self.discovery = themes = Discovery(active, embeddings_dir)
        self.search = PhotoSearch(store, captions, texts, active, embeddings_dir, urgent, themes)
        self.timeline = Timeline(store, captions, self.search.listed_ids)
        cache = ClassEmbeddingCache(classifiers, embeddings_dir)
        self.classifier = PhotoClassifier(store, active, classifiers, cache, urgent)
        self.teacher = FewShotLearner(store, labels, active, classifiers, cache)
        self.heads = TrainedHeads(
            store, originals, active, classifiers, data_dir / "classifiers", urgent
        )
        self.sources = SourceServices(self.classifier, self.teacher, self.heads, labels)
        self.class_evaluation = ClassEvaluation(self.sources, classifiers)
        self.labelling = Labelling(self.sources, active)
        self.describer = CaptionRanker(store, captions, active, urgent, cache.relevance)
        self.captions = PhotoCaptions(
            store,
            captions,
            originals,
            captioner,
            caption_pace,
            decoder=self.decoder,
            urgent_decoder=urgent,
        )
        self._translator = QueryTranslator(captioner)
        self.images = ImageCache(self.originals, self.urgent_decoder)
        self._stopped = threading.Event()
        self._loops = [
            SupervisedLoop("texts", self._sync_texts),
            SupervisedLoop("searches", self._prepare_search),
            SupervisedLoop("themes", lambda: themes.refresh(self._stopped.is_set)),
        ]
        if not self.database.read_only:
            self._loops += [
                SupervisedLoop("thumbnails", self._make_thumbnails),
                SupervisedLoop("labels", self._apply_auto_labels),
            ]
            self.importer.repair()
            self.imports.complete_finished()
        self._thumbnails_state: object = None

    def start(self) -> None:
        """Start the background work.

        It writes captions and thumbnails, watches folders, prepares searches and resumes imports.
        """
        for loop in self._loops:
            loop.start()
        if self.database.read_only:
            log.warning("%s cannot be written to: it can be looked at alone", self.data_dir)
            return
        self.captions.start()
        self.imports.resume_unfinished()
        self._watch.start()

    def close(self, within_s: float = 30.0) -> None:
        """Finish the photos in hand and close the library.

        Args:
            within_s: in seconds. The next start resumes what takes longer.
        """
        deadline = time.monotonic() + within_s
        self._stopped.set()
        parts: tuple[_Stoppable, ...] = (
            self._watch,
            self.imports,
            self.captions,
            self.active,
            *self._loops,
        )
        for part in parts:  # all at once, and only then wait for each
            part.stop(0.0)
        for part in parts:
            part.stop(max(deadline - time.monotonic(), 0.0))
        try:
            self.imports.release()
        except AlbumError as error:
            log.warning("an import is left as it is: %s", error)
        self.decoder.close()
        self.urgent_decoder.close()
        self.database.close()

    @property
    def serving(self) -> str | None:
        """The model with the most encoded photos, to search with."""
        counts = self.store.encoded_by()
        return max(counts, key=lambda model_id: counts[model_id], default=None)

    def upload(
        self,
        uploads: Sequence[tuple[Path, str]],
        caption_language: str | None = None,
        *,
        whole_folder: bool = False,
    ) -> int:
        """Import (file, name) uploads in the background.

        Args:
            uploads: temporary files, which are removed from where they are.
            caption_language: queue the new photos for captions, "ko", "en" or "ko,en". None: don't.
            whole_folder: the files were not chosen one by one, so those that are no photos by
                their name are counted and skipped, not failures.

        Returns:
            The id of the import.
        """
        files = sort_uploads(uploads, whole_folder=whole_folder)
        import_id = self.imports.start_uploads(
            files.photos, caption_language, files.skipped, files.rejected
        )
        for file in files.sidecar_files:
            file.unlink(missing_ok=True)
        return import_id

    def watched(self) -> list[WatchedFolder]:
        """Return the watched folders with counts of their photos."""
        return [
            WatchedFolder(folder, *self.import_store.counts_below(folder), folder.is_dir())
            for folder in self._folders
        ]

    def rescan(self, number: int) -> int:
        """Rescan a watched folder now. Returns the id of the import.

        Args:
            number: which of `watched()`, from 0.

        Raises:
            AlbumError: there is no such folder.
        """
        if not 0 <= number < len(self._folders):
            raise AlbumError("This folder is not one that the album watches.")
        return self.imports.start([self._folders[number]])

    def large_view(self, photo_id: int) -> Path:
        """Return the file of a photo's large JPEG, made if missing.

        If it cannot be made, because the original is gone or damaged or the disk full, this is the
        photo's thumbnail.

        Raises:
            PhotoNotFoundError: no such photo, or neither its original nor its thumbnail is there.
            UnreadableImageError: the original is damaged, and its thumbnail is not there.
        """
        return self.images.view(self.store.get(photo_id))

    def picture_of(self, file: Path) -> bytes:
        """Return a small JPEG of an uploaded file, cached.

        Raises:
            UnreadableImageError: it is no image.
        """
        return self.images.upload_thumbnail(file)

    def photo(self, photo_id: int) -> Photo:
        """Return the photo with this id.

        Raises:
            PhotoNotFoundError: there is none.
        """
        return self.store.get(photo_id)

    @property
    def can_translate(self) -> bool:
        """Whether `translate` can work at all. Nothing is sent to find out."""
        return self._translator.is_available

    def translate(self, text: str, language: str = "en") -> str:
        """Translate search words into "ko" or "en". Nothing else is sent.

        Raises:
            QueryError: too many words, or another language.
            CaptionerUnavailableError: no key, network or quota.
            CaptionRefusedError: it answered without a translation.
        """
        return self._translator.translate(text, language)

    def labels_of(self, photo_id: int) -> list[str]:
        """Return the labels on a photo."""
        return [label.label for label in self.labels.get(photo_id)]

    def label_names(self) -> list[str]:
        """Return every label in use, most frequent first."""
        return self.store.values_of("label")

    def change_labels(
        self, photo_id: int, *, gives: Sequence[str] = (), takes: Sequence[str] = ()
    ) -> LabelChange | None:
        """Add labels to a photo and remove others.

        Returns:
            The change, to undo it. None: nothing had to be changed.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: a label is too long, or they become too many.
        """
        self.store.get(photo_id)
        return self.labels.change_by_person(photo_id, stored_names(gives), stored_names(takes))

    def status(self) -> AlbumStatus:
        """Return the state of the album."""
        captions, waiting, failed = self.caption_store.counts()
        job = self.imports.running
        return AlbumStatus(
            photos=self.store.count(),
            model_id=self.active.model_id,
            encoding=self.active.filling,
            changes_model=self.active.changes,
            importing=None if job is None or job.halted else (job.done, job.total),
            captions=captions,
            captions_waiting=waiting,
            captions_failed=failed,
            problems=loop_problems(
                [*self._loops, *self.captions.loops, self.active.loop, *self._watch.loops]
            ),
        )

    def faults(self, *, deep: bool = False) -> Iterator[str]:
        """Yield one line for each inconsistency in the library."""
        yield from find_faults(self.store, self.originals, self.embeddings_dir, deep=deep)
        yield from self.texts.faults()

    def _make_thumbnails(self) -> float:
        """Make missing thumbnails at the start, and deleted ones later."""
        state = self.originals.state_of_thumbnails()
        # A running import makes thumbnails itself.
        if state != self._thumbnails_state and self.imports.running_here is None:
            if self.importer.make_missing_thumbnails(self._stopped.is_set):
                return 0.0  # check again at once: some may have been deleted during this round
            self._thumbnails_state = state
        return THUMBNAILS_EVERY_S

    def _sync_texts(self) -> float:
        """Index new texts before somebody searches for them."""
        self.texts.sync(TEXTS_AT_ONCE)
        return SYNC_EVERY_S

    def _prepare_search(self) -> float:
        """Index new vectors before somebody searches for them."""
        self.search.get_ready()
        return SYNC_EVERY_S

    def _apply_auto_labels(self) -> float:
        """Apply auto labels to new photos, also those of other processes."""
        self.labelling.catch_up(self._stopped.is_set)
        return SYNC_EVERY_S if self.imports.running_here is None else AUTO_LABELS_WHILE_IMPORTING_S

    def _rescan_if_changed(self, folder: Path) -> None:
        if self.importer.tracker.has_news(folder.resolve(), self._stopped.is_set):
            self.imports.start([folder], "rescan")

    def _complete_import(self, record: ImportRecord) -> None:
        """Apply auto labels, and queue captions if requested."""
        try:
            self.labelling.catch_up(self._stopped.is_set)
        except Exception:  # no reason to fail the import: the loop tries the rules again
            log.exception("the new photos have to wait for their living labels")
        if record.caption_language is None:
            return
        added = self.import_store.added_by(record.import_id)
        captioned = self.caption_store.get_many(added)  # their sidecars had captions
        lacking = [photo_id for photo_id in added if photo_id not in captioned]
        try:
            if lacking:
                self.captions.request(lacking, record.caption_language.split(","))
        except CaptionerUnavailableError as error:
            log.warning("the new photos were not queued for captions: %s", error)
