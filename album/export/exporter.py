"""Export of captions, labels and stars into XMP sidecars.

Photos are never modified, and sidecars that are up to date are not touched. Each failure is
reported with its reason and never stops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from album.domain.photo import Photo, SearchFilters
from album.domain.progress import OnProgress
from album.errors import AlbumError, PhotoNotFoundError, QueryError, is_full
from album.export.files import (
    XMP,
    NamesInFolder,
    copy_photo,
    read_sidecar,
    write_error,
    write_sidecar,
)
from album.export.sidecar_content import SidecarContent, collect_content
from album.export.xmp_document import SidecarError
from album.export.xmp_sidecar import extend_packet, refuse_broken, sha256_in
from album.metadata import xmp
from album.metadata.sidecars import Siblings, read_bytes
from album.storage.captions import CaptionStore
from album.storage.labels import LabelStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore


@dataclass(frozen=True, slots=True)
class ExportProblem:
    """A sidecar that could not be written, or differs from the album."""

    photo_id: int
    filename: str
    path: Path | None
    """The sidecar, or None where no place was found for one."""
    reason: str
    """One sentence."""


@dataclass(slots=True)
class ExportReport:
    """The counts and problems of an export."""

    folder: Path | None
    """None: beside the photos."""
    photos: int = 0
    """Photos to export."""
    new: int = 0
    """Sidecars created."""
    extended: int = 0
    """Existing sidecars changed."""
    unchanged: int = 0
    """Sidecars that were up to date."""
    nothing: int = 0
    """Photos that need no sidecar."""
    copied: int = 0
    """Photos copied into the folder."""
    failed: list[ExportProblem] = field(default_factory=list)
    """Photos whose sidecar, or copy, could not be written."""
    notes: list[ExportProblem] = field(default_factory=list)
    """Differences from the album in sidecars that were written or up to date."""
    not_reached: int = 0
    """Photos left when the disk became full or the export was stopped."""


class FolderListings:
    """Listings of photo folders, each read once."""

    def __init__(self) -> None:
        self._listings: dict[Path, Siblings] = {}

    def beside(self, photo: Path) -> Siblings:
        """List the names beside a photo.

        Raises:
            OSError: its folder cannot be read.
        """
        if photo.parent not in self._listings:
            self._listings[photo.parent] = Siblings([path.name for path in photo.parent.iterdir()])
        return self._listings[photo.parent]


@dataclass(frozen=True, slots=True)
class _Place:
    """The path of a photo's sidecar, which need not exist."""

    sidecar: Path
    seed: Path | None = None
    """An existing sidecar whose content a new one starts with."""
    copy: Path | None = None
    """Path for a copy of the photo."""
    beside: bool = False
    """Whether `seed` describes the photo as the sidecar would."""


class PhotoExport:
    """Writes captions, labels and stars into sidecars."""

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
        """Write sidecars beside the photos or into a folder.

        Args:
            folder: the target, or None for beside each photo in a folder of the user's own.
            photo_ids: which photos, or None for all.
            with_photos: also copy the photos into the folder.
            replace: overwrite captions and stars of other programs.
            on_progress: called after each photo.
            stopped: called before each photo. True ends the export.

        Raises:
            QueryError: `with_photos` without a folder.
            AlbumError: the folder is the album's own, or cannot be created.
        """
        if folder is None and with_photos:
            raise QueryError("Photos are copied into a folder: name one.")
        names = None if folder is None else NamesInFolder(self._prepare(folder))
        ids = self.ids(photo_ids)
        report = ExportReport(folder, photos=len(ids))
        listings = FolderListings()
        for done, photo_id in enumerate(ids):
            if stopped():
                report.not_reached = len(ids) - done
                break
            name = ""
            place: _Place | None = None
            try:
                photo = self._store.get(photo_id)
                name = photo.filename
                place = self._place(photo, folder, names, listings, with_photos)
                self._write(photo, place, replace, report)
            except (SidecarError, PhotoNotFoundError) as error:
                report.failed.append(_problem(photo_id, name, place, str(error)))
            except OSError as error:
                report.failed.append(_problem(photo_id, name, place, write_error(error)))
                if is_full(error):
                    report.not_reached = len(ids) - done - 1
                    break
            on_progress(done + 1, len(ids), name)
        return report

    def content(self, photo: Photo) -> SidecarContent:
        """Collect what the sidecar of a photo is to hold."""
        return collect_content(photo, self._labels, self._captions, self._store)

    def ids(self, photo_ids: Sequence[int] | None) -> list[int]:
        """Remove duplicates from the ids, or return those of all photos."""
        if photo_ids is None:
            return list(map(int, self._store.matching_ids(SearchFilters())))
        return list(dict.fromkeys(photo_ids))

    def _prepare(self, folder: Path) -> Path:
        data_dir = self._originals.photos_dir.parent.resolve()
        if folder.resolve().is_relative_to(data_dir):
            raise AlbumError(
                "What is exported into the album's own folder is lost with it: choose another"
                " folder."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AlbumError(
                "{folder} cannot be made: {reason}; choose another folder.",
                folder=folder,
                reason=error.strerror or error,
            ) from error
        return folder

    def _place(
        self,
        photo: Photo,
        folder: Path | None,
        names: NamesInFolder | None,
        listings: FolderListings,
        with_photos: bool,
    ) -> _Place:
        """Choose the path of a sidecar.

        Raises:
            SidecarError: there is no place for one.
            PhotoNotFoundError: the photo is needed, but gone.
            OSError: a folder or sidecar cannot be read.
        """
        original = self._originals.path_of(photo)
        if folder is None or names is None:
            if photo.path is None:
                raise SidecarError(
                    "The album keeps this photo itself: export it into a folder instead."
                )
            return self._place_beside(photo, self._originals.find(photo), listings)
        if with_photos:
            self._originals.find(photo)
        target = folder / names.name_for(photo, original)
        siblings = (
            listings.beside(original).sidecars_for(original.name)
            if original.parent.is_dir()
            else []
        )
        seeds = [original.with_name(name) for name in siblings if name.lower().endswith(XMP)]
        return _Place(
            target.with_name(target.name + XMP),
            seeds[0] if seeds else None,
            target if with_photos else None,
        )

    @staticmethod
    def _place_beside(photo: Photo, path: Path, listings: FolderListings) -> _Place:
        beside = listings.beside(path)
        home, hidden = beside.sidecar_target(path.name, raw=photo.file_type == "RAW")
        if hidden is None and home != path.name + XMP and beside.shares_stem(path.name):
            about = sha256_in(read_sidecar(path.with_name(home)).packet)
            if about not in (None, photo.sha256):  # two raw files of one name
                home, hidden = path.name + XMP, home
        seed = None if hidden is None else path.with_name(hidden)
        return _Place(path.with_name(home), seed, beside=True)

    def _write(self, photo: Photo, place: _Place, replace: bool, report: ExportReport) -> None:
        """Write one sidecar, and copy its photo.

        Raises:
            SidecarError: it cannot be extended.
            PhotoNotFoundError: the original is gone.
            OSError: a file cannot be read or written.
        """
        if place.copy is not None and not place.copy.exists():
            copy_photo(self._originals.find(photo), place.copy)
            report.copied += 1
        content = self.content(photo)
        before = read_sidecar(place.sidecar)
        packet = before.packet
        if before.identity is None and place.seed is not None:
            packet = self._seed(photo, place, report)
        is_new = before.identity is None
        if is_new and not content.needs_file and (place.beside or not packet):
            report.nothing += 1
            return
        result = extend_packet(packet, content, replace=replace)
        new_packet = result.packet or (packet if is_new and not place.beside else None)
        if new_packet is None:
            report.unchanged += 1
        else:
            write_sidecar(place.sidecar, new_packet, before)
            report.extended += not is_new
            report.new += is_new
        for note in result.notes:
            report.notes.append(_problem(photo.photo_id, photo.filename, place, note))

    @staticmethod
    def _seed(photo: Photo, place: _Place, report: ExportReport) -> bytes:
        """Read the packet that a new sidecar starts with."""
        assert place.seed is not None
        try:
            packet = read_bytes(place.seed, xmp.MAX_BYTES)
            refuse_broken(packet)
        except SidecarError:
            note = _problem(
                photo.photo_id,
                photo.filename,
                place,
                f"What {place.seed.name} says could not be taken along: it is damaged, or"
                " cannot be read.",
            )
            report.notes.append(note)
            return b""
        return packet


def _problem(photo_id: int, filename: str, place: _Place | None, reason: str) -> ExportProblem:
    return ExportProblem(photo_id, filename, None if place is None else place.sidecar, reason)
