"""The journey of words out of the album: captions, labels and stars into XMP sidecars.

Photos are never written to. What cannot be written is reported, each with its reason, and never
stops the others; a sidecar that says everything already is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from album.domain.photo import Photo, SearchFilters
from album.domain.progress import OnProgress
from album.errors import AlbumError, PhotoNotFoundError, QueryError, is_full
from album.export.files import XMP, NamesInFolder, copy_photo, read_sidecar, why_not, write_sidecar
from album.export.xmp_document import SidecarError
from album.export.xmp_sidecar import SidecarContent, extended, photo_of, refuse_broken
from album.metadata import xmp
from album.metadata.provenance import format_label_source, format_writer
from album.metadata.sidecars import Siblings, read_bytes
from album.storage.captions import CaptionStore
from album.storage.labels import LabelStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore


@dataclass(frozen=True, slots=True)
class ExportProblem:
    """What could not be written, or not as the album has it, and why."""

    photo_id: int
    filename: str
    path: Path | None
    """The sidecar that it is about; None where no place was found for one."""
    reason: str
    """In one sentence."""


@dataclass(slots=True)
class ExportReport:
    """What an export wrote."""

    folder: Path | None
    """None: beside the photos."""
    photos: int = 0
    """How many photos it was about."""
    new: int = 0
    """Sidecars that were not there before."""
    extended: int = 0
    """Sidecars that were there, and say more or other things now."""
    unchanged: int = 0
    """Sidecars that said all of it already."""
    nothing: int = 0
    """Photos without a sidecar of which the album has nothing to say."""
    copied: int = 0
    """Photos that were copied into the folder."""
    failed: list[ExportProblem] = field(default_factory=list)
    """Photos whose sidecar, or copy, could not be written."""
    notes: list[ExportProblem] = field(default_factory=list)
    """What is not as the album has it in sidecars that were written, or were right already."""
    not_reached: int = 0
    """Photos that were left when the disk became full, or somebody ended the export."""


class Folders:
    """What lies in the folders of photos, each listed once."""

    def __init__(self) -> None:
        self._listed: dict[Path, Siblings] = {}

    def beside(self, photo: Path) -> Siblings:
        """The names beside a photo.

        Raises:
            OSError: its folder cannot be looked into.
        """
        if photo.parent not in self._listed:
            self._listed[photo.parent] = Siblings([it.name for it in photo.parent.iterdir()])
        return self._listed[photo.parent]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the sidecar of a photo is, or will be."""

    sidecar: Path
    seed: Path | None = None
    """The sidecar that a new one begins as."""
    copy: Path | None = None
    """Where the photo is to be copied to."""
    beside: bool = False
    """Whether the seed is there for the photo as well as the sidecar would be."""


class PhotoExport:
    """Writes what the album says of photos into sidecars."""

    def __init__(self, store: PhotoStore, labels: LabelStore, originals: Originals) -> None:
        self._store = store
        self._labels = labels
        self._captions = CaptionStore(store.database)
        self._originals = originals

    def export(
        self,
        folder: Path | None,
        photo_ids: Sequence[int] | None = None,
        *,
        with_photos: bool = False,
        replace: bool = False,
        on_progress: OnProgress = lambda done, total, name: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> ExportReport:
        """Write sidecars beside the photos, or into a folder, where they bear the photos' names.

        Args:
            folder: where to; None: beside each photo that lies in a folder of the person's own.
            photo_ids: which photos; None: all.
            with_photos: copy the photos into the folder, too.
            replace: the album's captions and stars count where a sidecar has others.
            on_progress: called after each photo.
            stopped: asked before each photo; True ends the export.

        Raises:
            QueryError: photos are to be copied, but to no folder.
            AlbumError: the folder is the album's own, or cannot be made.
        """
        if folder is None and with_photos:
            raise QueryError("Photos are copied into a folder: name one.")
        names = None if folder is None else NamesInFolder(self._ready(folder))
        ids = self.ids(photo_ids)
        report = ExportReport(folder, photos=len(ids))
        folders = Folders()
        for done, photo_id in enumerate(ids):
            if stopped():
                report.not_reached = len(ids) - done
                break
            name = ""
            place: _Place | None = None
            try:
                photo = self._store.get(photo_id)
                name = photo.filename
                place = self._place(photo, folder, names, folders, with_photos)
                self._write(photo, place, replace, report)
            except (SidecarError, PhotoNotFoundError) as error:
                report.failed.append(_problem(photo_id, name, place, str(error)))
            except OSError as error:
                report.failed.append(_problem(photo_id, name, place, why_not(error)))
                if is_full(error):
                    report.not_reached = len(ids) - done - 1
                    break
            on_progress(done + 1, len(ids), name)
        return report

    def said_of(self, photo: Photo) -> SidecarContent:
        """What the album says of a photo, as sidecars are to say it."""
        given = self._labels.given(photo.photo_id)
        captions = self._captions.captions_by_language(photo.photo_id)
        return SidecarContent(
            photo.sha256,
            {language: it.text for language, it in captions.items()},
            {language: format_writer(it) for language, it in captions.items()},
            [it.label for it in given],
            [
                format_label_source(it.label, it.given_by, it.probability)
                for it in given
                if it.given_by != "person"
            ],
            self._store.keywords_of(photo.photo_id),
            photo.rating,
        )

    def ids(self, photo_ids: Sequence[int] | None) -> list[int]:
        """These photos, each once, or all."""
        if photo_ids is None:
            return [int(it) for it in self._store.matching_ids(SearchFilters())]
        return list(dict.fromkeys(photo_ids))

    def _ready(self, folder: Path) -> Path:
        own = self._originals.photos_dir.parent.resolve()
        target = folder.resolve()
        if target == own or own in target.parents:
            raise AlbumError(
                "What is exported into the album's own folder is lost with it: choose another"
                " folder."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AlbumError(
                f"{folder} cannot be made: {error.strerror or error}; choose another folder."
            ) from error
        return folder

    def _place(
        self,
        photo: Photo,
        folder: Path | None,
        names: NamesInFolder | None,
        folders: Folders,
        with_photos: bool,
    ) -> _Place:
        """Where to write.

        Raises:
            SidecarError: nowhere.
            PhotoNotFoundError: the photo is needed, and not there.
            OSError: something cannot be looked at.
        """
        original = self._originals.path_of(photo)
        if folder is None or names is None:
            if photo.path is None:
                raise SidecarError(
                    "The album keeps this photo itself: export it into a folder instead."
                )
            return self._place_beside(photo, self._originals.find(photo), folders)
        if with_photos:
            self._originals.find(photo)
        name = names.name_for(photo, original)
        own = (
            folders.beside(original).sidecars_for(original.name) if original.parent.is_dir() else []
        )
        seeds = [original.with_name(it) for it in own if it.lower().endswith(XMP)]
        return _Place(
            folder / (name + XMP),
            seeds[0] if seeds else None,
            folder / name if with_photos else None,
        )

    @staticmethod
    def _place_beside(photo: Photo, path: Path, folders: Folders) -> _Place:
        beside = folders.beside(path)
        home, hidden = beside.sidecar_target(path.name, raw=photo.file_type == "RAW")
        if hidden is None and home != path.name + XMP and beside.shares_stem(path.name):
            about = photo_of(read_sidecar(path.with_name(home)).packet)
            if about not in (None, photo.sha256):  # two raw files of one name
                home, hidden = path.name + XMP, home
        seed = None if hidden is None else path.with_name(hidden)
        return _Place(path.with_name(home), seed, beside=True)

    def _write(self, photo: Photo, place: _Place, replace: bool, report: ExportReport) -> None:
        """Write one sidecar, and copy its photo.

        Raises:
            SidecarError: it cannot be extended.
            PhotoNotFoundError: the original is not there.
            OSError: something cannot be read or written.
        """
        if place.copy is not None and not place.copy.exists():
            copy_photo(self._originals.find(photo), place.copy)
            report.copied += 1
        said = self.said_of(photo)
        before = read_sidecar(place.sidecar)
        packet = before.packet
        if before.seen is None and place.seed is not None:
            packet = self._seed(photo, place, report)
        is_new = before.seen is None
        if is_new and not said.worth_a_file and (place.beside or not packet):
            report.nothing += 1
            return
        result = extended(packet, said, replace=replace)
        written = result.packet or (packet if is_new and not place.beside else None)
        if written is None:
            report.unchanged += 1
        else:
            write_sidecar(place.sidecar, written, before)
            report.extended += not is_new
            report.new += is_new
        for note in result.notes:
            report.notes.append(_problem(photo.photo_id, photo.filename, place, note))

    @staticmethod
    def _seed(photo: Photo, place: _Place, report: ExportReport) -> bytes:
        """What a new sidecar begins as."""
        assert place.seed is not None
        try:
            packet = read_bytes(place.seed, xmp.MAX_BYTES)
            refuse_broken(packet)
        except SidecarError:
            report.notes.append(
                _problem(
                    photo.photo_id, photo.filename, place,
                    f"What {place.seed.name} says could not be taken along: it is damaged, or"
                    " cannot be read.",
                )
            )  # fmt: skip
            return b""
        return packet


def _problem(photo_id: int, filename: str, place: _Place | None, reason: str) -> ExportProblem:
    return ExportProblem(photo_id, filename, None if place is None else place.sidecar, reason)
