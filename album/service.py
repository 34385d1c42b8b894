"""The album service: one library on disk with its journeys, ready to be used by any face."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from album.captioning.caption_matching import CaptionRanker
from album.captioning.captions import CaptionPace, PhotoCaptions
from album.classification.embedding_cache import ClassEmbeddingCache
from album.classification.evaluation import ClassEvaluation
from album.classification.few_shot import FewShotLearner
from album.classification.label_sources import SourceServices
from album.classification.labelling import Labelling
from album.classification.trained_classifiers import TrainedHeads
from album.classification.zero_shot import PhotoClassifier
from album.domain.labels import LabelChange, label_name
from album.domain.photo import ImportRecord, Photo, WatchedFolder
from album.encoding.active_encoder import ActiveEncoder
from album.errors import AlbumError, PhotoNotFoundError, QueryError, UnreadableImageError
from album.images.decoder import Decoder
from album.images.decoder_pool import DecodePool
from album.images.file_types import kind_of
from album.importing.folder_watcher import FolderWatcher
from album.importing.importer import PhotoImporter
from album.importing.jobs import ImportJobs
from album.importing.zip_archive import MAX_SIDECAR_BYTES, SIDECAR_TOO_LARGE
from album.maintenance.verify import find_faults
from album.metadata.geocoder import Places
from album.metadata.sidecars import Siblings
from album.runtime.supervised_loop import LoopProblem, SupervisedLoop, problems_of
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

READY_EVERY_S = 1.0
LABELS_WHILE_IMPORTING_S = 10.0  # living labels ask much of a machine that imports
THUMBNAILS_EVERY_S = 15.0
"""How often it is seen whether thumbnails were deleted."""
TEXTS_AT_ONCE = 2000  # a second's work or so, after which closing is noticed
TRANSLATIONS = ("en", "ko")
MAX_TRANSLATED = 1000
DESCRIBES_NOTHING = (
    "This file is no photo, and describes none that was sent with it: send both at once."
)
URGENT_WORKERS = 2
PICTURES_KEPT = 232  # with some 20 kB each: 200 that were classified, and 32 of searches


class _Stoppable(Protocol):
    """A part of the album that works in the background."""

    def stop(self, timeout_s: float) -> object:
        """End after what is in hand; wait for that for so long at the most."""


@dataclass(frozen=True, slots=True)
class AlbumStatus:
    """The album at a glance."""

    photos: int
    model_id: str | None
    """The model it sees with; None while the first is being loaded."""
    encoding: tuple[int, int] | None
    """(done, total) while photos are encoded for a model."""
    importing: tuple[int, int] | None
    """(done, total) of the running import."""
    captions: int
    captions_waiting: int
    captions_failed: int
    problems: tuple[LoopProblem, ...] = ()
    """What fails in the background now, and is tried again."""


class Album:
    """Opens a data folder; encoders arrive later through `active.set_encoder`."""

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
        """Open or create the library in `data_dir` and finish what a crash interrupted.

        On a disk that cannot be written to, one that is there opens for looking and searching.

        Args:
            data_dir: where everything is kept.
            classifiers: makes classifiers out of words, examples and trained heads.
            captioner: writes captions.
            folders: the folders that a running album keeps up with.
            rescan_every_s: how often they are looked through though nothing was heard of them.
            decoder: decodes all files; None: processes of its own.
            caption_pace: how fast the captioner is asked.

        Raises:
            AlbumError: the folder cannot be used, or is of a later version.
        """
        try:
            self.originals = Originals(data_dir)
        except OSError as error:
            raise AlbumError(f"{data_dir} cannot be used for the album: {error}.") from error
        self.data_dir = data_dir
        self.embeddings_dir = data_dir / "embeddings"
        self.database = Database(data_dir / "album.db")
        self.store = PhotoStore(self.database)
        self.caption_store = CaptionStore(self.database)
        self.texts = TextIndex(self.database)
        self.import_store = ImportStore(self.database)
        self.decoder = decoder or DecodePool()
        self.urgent_decoder: Decoder = decoder or DecodePool(URGENT_WORKERS, niceness=0)
        """Of what somebody waits for, so that no import is waited for first."""
        self.active = ActiveEncoder(self.store, self.originals, self.embeddings_dir, self.decoder)
        self.importer = PhotoImporter(
            self.store,
            self.import_store,
            self.originals,
            self.active,
            self.decoder,
            Places(data_dir / "places"),
        )
        self.imports = ImportJobs(
            self.import_store,
            self.importer,
            self.originals,
            data_dir / "imports",
            self._after_import,
        )
        self._folders = tuple(folders)
        self._watch = FolderWatcher(self._folders, self._rescan_quietly, rescan_every_s)
        self.search = PhotoSearch(
            self.store,
            self.caption_store,
            self.texts,
            self.active,
            self.embeddings_dir,
            self.urgent_decoder,
        )
        self.labels = LabelStore(self.database)
        self.classifiers = classifiers
        words = ClassEmbeddingCache(classifiers, self.embeddings_dir)
        self.classifier = PhotoClassifier(
            self.store, self.active, classifiers, words, self.urgent_decoder
        )
        self.teacher = FewShotLearner(self.store, self.labels, self.active, classifiers, words)
        self.heads = TrainedHeads(
            self.store,
            self.originals,
            self.active,
            classifiers,
            data_dir / "classifiers",
            self.urgent_decoder,
        )
        self.sources = SourceServices(self.classifier, self.teacher, self.heads, self.labels)
        self.class_evaluation = ClassEvaluation(self.sources, classifiers)
        self.labelling = Labelling(self.sources, self.active)
        self.describer = CaptionRanker(
            self.store, self.caption_store, self.active, self.urgent_decoder
        )
        self.captions = PhotoCaptions(
            self.store,
            self.caption_store,
            self.originals,
            captioner,
            caption_pace,
            decoder=self.decoder,
            urgent_decoder=self.urgent_decoder,
        )
        self._captioner = captioner
        self._pictures = lru_cache(PICTURES_KEPT)(self.urgent_decoder.thumbnail)
        self._stopped = threading.Event()
        self._loops = [
            SupervisedLoop("texts", self._take_in_texts),
            SupervisedLoop("searches", self._get_ready),
        ]
        if not self.database.read_only:
            self._loops += [
                SupervisedLoop("thumbnails", self._make_thumbnails),
                SupervisedLoop("labels", self._give_living_labels),
            ]
            self.importer.repair()
            self.imports.settle()
        self._seen_thumbnails: object = None

    def start(self) -> None:
        """Do in the background what a running album does: captions, thumbnails, folders, what
        searches need, and the imports that were interrupted."""
        for loop in self._loops:
            loop.start()
        if self.database.read_only:
            log.warning("%s cannot be written to: it can be looked at alone", self.data_dir)
            return
        self.captions.start()
        self.imports.resume_unfinished()
        self._watch.start()

    def close(self, within_s: float = 30.0) -> None:
        """Stop the background work after the photos in hand and close the library.

        Args:
            within_s: what takes longer is left as it is, and gone on with at the next start.
        """
        patience = time.monotonic() + within_s
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
            part.stop(max(patience - time.monotonic(), 0.0))
        try:
            self.imports.put_down()
        except AlbumError as error:
            log.warning("an import is left as it is: %s", error)
        self.decoder.close()
        self.urgent_decoder.close()
        self.database.close()

    @property
    def serving(self) -> str | None:
        """The model that has encoded the most photos: the one to search with; None if none has."""
        counts = self.store.encoded_by()
        return max(counts, key=lambda model_id: counts[model_id], default=None)

    def upload(
        self,
        uploads: Sequence[tuple[Path, str]],
        caption_language: str | None = None,
        *,
        whole_folder: bool = False,
    ) -> int:
        """Take (file, name) uploads into the album's keeping and import them in the background.

        Args:
            uploads: temporary files, which are taken away from where they are.
            caption_language: queue the new photos for captions, "ko", "en" or "ko,en"; None: don't.
            whole_folder: the files were not chosen one by one, so those that are no photos by
                their name are counted and left out, not failures.

        Returns:
            The id of the import.
        """
        siblings = Siblings([name for _, name in uploads])
        sidecars = {name: file for file, name in uploads if kind_of(name) == "sidecar"}
        left_out = {
            name: SIDECAR_TOO_LARGE
            for name, file in sidecars.items()
            if file.stat().st_size > MAX_SIDECAR_BYTES
        }
        photos, skipped, read = [], Counter[str](), set(left_out)
        for file, name in uploads:
            kind = kind_of(name)
            if kind == "photo" or (kind != "sidecar" and not whole_folder):
                said = [it for it in siblings.of(name) if it in sidecars and it not in left_out]
                photos.append((file, name, [(sidecars[it], it) for it in said]))
                read.update(said)
            elif kind != "sidecar":
                skipped[kind] += 1
        if not whole_folder:
            for name in sidecars.keys() - read:
                if siblings.shares(name):  # such as the edits of an iPhone, beside their photo
                    skipped["other"] += 1
                else:
                    left_out[name] = DESCRIBES_NOTHING
        import_id = self.imports.start_uploads(
            photos, caption_language, skipped, list(left_out.items())
        )
        for file in sidecars.values():  # each photo that it describes has its own
            file.unlink(missing_ok=True)
        return import_id

    def watched(self) -> list[WatchedFolder]:
        """The folders that the owner named, with what the album has of them."""
        return [
            WatchedFolder(folder, *self.import_store.counts_below(folder), folder.is_dir())
            for folder in self._folders
        ]

    def rescan(self, number: int) -> int:
        """Look through a watched folder now; the id of the import.

        Args:
            number: which of `watched()`, from 0.

        Raises:
            AlbumError: there is no such folder.
        """
        if not 0 <= number < len(self._folders):
            raise AlbumError("This folder is not one that the album watches.")
        return self.imports.start([self._folders[number]])

    def large_view(self, photo_id: int) -> Path:
        """The photo as a JPEG for looking at; made on the first look.

        Its thumbnail, where that cannot be made: the original is gone or damaged, or the disk full.

        Raises:
            PhotoNotFoundError: no such photo, or neither its original nor its thumbnail is there.
            UnreadableImageError: the original is damaged, and its thumbnail is not there.
        """
        photo = self.store.get(photo_id)
        target = self.originals.large_view(photo.sha256)
        if target.exists():
            return target
        try:
            view = self.urgent_decoder.large_view(self.originals.find(photo))
            self.originals.write_cache(target, view)
        except (PhotoNotFoundError, UnreadableImageError, OSError) as error:
            thumbnail = self.originals.thumbnail(photo.sha256)  # still a picture
            if not thumbnail.exists():
                raise
            log.warning("photo %d is shown by its thumbnail: %s", photo_id, error)
            return thumbnail
        return target

    def picture_of(self, file: Path) -> bytes:
        """Make a small JPEG of an uploaded file, or take the one that was made of it before.

        Raises:
            UnreadableImageError: it is no image.
        """
        return self._pictures(file)

    def photo(self, photo_id: int) -> Photo:
        """The photo with this id.

        Raises:
            PhotoNotFoundError: there is none.
        """
        return self.store.get(photo_id)

    @property
    def can_translate(self) -> bool:
        """Whether `translate` can be asked at all; nothing is sent for that."""
        try:
            self._captioner.check()
        except CaptionerUnavailableError:
            return False
        return True

    def translate(self, text: str, language: str = "en") -> str:
        """What somebody searches for, in another language; `text` alone leaves the machine.

        Args:
            text: the words; "" where they are blank, without asking.
            language: of the answer, "ko" or "en".

        Raises:
            QueryError: too many words, or another language.
            CaptionerUnavailableError: no key, network or quota.
            CaptionRefusedError: it answered without a translation.
        """
        words = " ".join(text.encode(errors="replace").decode().split())
        if language not in TRANSLATIONS:
            raise QueryError(f"Searches can be translated into {' or '.join(TRANSLATIONS)}.")
        if len(words) > MAX_TRANSLATED:
            raise QueryError(f"{MAX_TRANSLATED} characters at most can be translated; say less.")
        return self._captioner.translate(words, language) if words else ""

    def labels_of(self, photo_id: int) -> list[str]:
        """The labels on this photo."""
        return [it.label for it in self.labels.given(photo_id)]

    def label_names(self) -> list[str]:
        """Every label in use, most frequent first."""
        return self.store.values_of("label")

    def set_labels(self, photo_id: int, labels: Sequence[str]) -> LabelChange | None:
        """Replace the labels of a photo; blanks and doubles go.

        What is new is the person's own; a label of a rule that goes is refused from now on.

        Returns:
            What can be undone; None: nothing had to be changed.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: a label is too long, or these are too many.
        """
        self.store.get(photo_id)
        return self.labels.set_by_person(photo_id, _label_names(labels))

    def change_labels(
        self, photo_id: int, *, gives: Sequence[str] = (), takes: Sequence[str] = ()
    ) -> LabelChange | None:
        """Give a photo some labels and take others from it; all others stay as they are.

        Returns:
            What can be undone; None: nothing had to be changed.

        Raises:
            PhotoNotFoundError: there is no such photo.
            AlbumError: a label is too long, or they become too many.
        """
        self.store.get(photo_id)
        return self.labels.change_by_person(photo_id, _label_names(gives), _label_names(takes))

    def status(self) -> AlbumStatus:
        """The album at a glance."""
        captions, waiting, failed = self.caption_store.counts()
        job = self.imports.running
        return AlbumStatus(
            photos=self.store.count(),
            model_id=self.active.model_id,
            encoding=self.active.filling,
            importing=None if job is None or job.halted else (job.done, job.total),
            captions=captions,
            captions_waiting=waiting,
            captions_failed=failed,
            problems=problems_of(
                [*self._loops, *self.captions.loops, self.active.loop, *self._watch.loops]
            ),
        )

    def faults(self, *, deep: bool = False) -> Iterator[str]:
        """One line for each thing that is not as it must be."""
        yield from find_faults(self.store, self.originals, self.embeddings_dir, deep=deep)
        yield from self.texts.faults()

    # The background loops

    def _make_thumbnails(self) -> float:
        """Make thumbnails that are missing at the start, and those that are deleted later."""
        now = self.originals.state_of_thumbnails()
        if now != self._seen_thumbnails and self.imports.running_here is None:  # it makes them
            if self.importer.make_missing_thumbnails(self._stopped.is_set):
                return 0.0  # check again at once: some may have been deleted during this round
            self._seen_thumbnails = now
        return THUMBNAILS_EVERY_S

    def _take_in_texts(self) -> float:
        """Take in new texts before somebody searches for them."""
        self.texts.sync(TEXTS_AT_ONCE)
        return READY_EVERY_S

    def _get_ready(self) -> float:
        """Take in new looks before somebody searches for them."""
        self.search.get_ready()
        return READY_EVERY_S

    def _give_living_labels(self) -> float:
        """Give new photos, also those of other processes, their living labels."""
        self.labelling.catch_up(self._stopped.is_set)
        return READY_EVERY_S if self.imports.running_here is None else LABELS_WHILE_IMPORTING_S

    def _rescan_quietly(self, folder: Path) -> None:
        if self.importer.has_news(folder.resolve(), self._stopped.is_set):
            self.imports.start([folder], "rescan")

    def _after_import(self, record: ImportRecord) -> None:
        """Give the new photos their living labels, and queue them for captions where somebody
        wanted that."""
        try:
            self.labelling.catch_up(self._stopped.is_set)
        except Exception:  # no reason to fail the import: the loop asks the rules again
            log.exception("the new photos have to wait for their living labels")
        if record.caption_language is None:
            return
        added = self.import_store.added_by(record.import_id)
        known = self.caption_store.get_many(added)  # they brought theirs along
        lacking = [it for it in added if it not in known]
        if not lacking:
            return
        try:
            self.captions.request(lacking, record.caption_language.split(","))
        except CaptionerUnavailableError as error:
            log.warning("the new photos were not queued for captions: %s", error)


def _label_names(labels: Sequence[str]) -> list[str]:
    """The labels as they are kept, without blank ones and doubles."""
    return list(dict.fromkeys(label_name(label) for label in labels if label.strip()))
