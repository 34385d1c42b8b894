"""Verification of an export by importing its sidecars into an empty library.

The code of the import finds and reads the sidecars into a temporary library, which is then compared
with the album. Photos are not read, so no model is needed and 200,000 photos take minutes. A folder
of sidecars alone is checked like one with photos.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from album.domain.photo import ImageFacts, Photo
from album.domain.progress import OnProgress
from album.errors import AlbumError
from album.export.exporter import FolderListings, PhotoExport
from album.export.files import XMP
from album.export.sidecar_content import SidecarContent
from album.export.xmp_sidecar import sha256_in
from album.importing.sidecar_import import SidecarImporter
from album.metadata import xmp
from album.metadata.reader import read_sidecars
from album.metadata.sidecars import read_bytes
from album.storage.database import Database
from album.storage.labels import LabelStore
from album.storage.originals import Originals
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore

_BATCH = 500  # photos in one transaction


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that would not be restored as it is."""

    photo_id: int
    filename: str
    what: str
    """"caption" with its language, "labels", or "stars"."""
    here: str
    """Value in the album."""
    there: str
    """Value that was read back."""


@dataclass(slots=True)
class VerifyReport:
    """The result of reading an export back."""

    photos: int = 0
    """Photos compared."""
    same: int = 0
    """Photos without a difference."""
    differences: list[Difference] = field(default_factory=list)


def verify_export(
    store: PhotoStore,
    labels: LabelStore,
    originals: Originals,
    folder: Path | None,
    photo_ids: Sequence[int] | None = None,
    *,
    on_progress: OnProgress = lambda done, total, name: None,
) -> VerifyReport:
    """Import sidecars into an empty library and compare captions, labels and stars.

    Args:
        store: the album's photos.
        labels: their labels.
        originals: their files.
        folder: the folder of the export, or None for beside the photos.
        photo_ids: which photos, or None for all.
        on_progress: called after each photo.

    Raises:
        AlbumError: the folder does not exist.
    """
    export = PhotoExport(store, labels, originals)
    exported = None if folder is None else _by_sha256(folder)
    ids = export.ids(photo_ids)
    report = VerifyReport()
    listings = FolderListings()
    with tempfile.TemporaryDirectory(prefix="album-") as place:
        database = Database(Path(place) / "album.db")
        try:
            empty = PhotoStore(database), LabelStore(database)
            importer = SidecarImporter(database)
            restored = PhotoExport(*empty, originals)
            for start in range(0, len(ids), _BATCH):
                photos = store.get_many(ids[start : start + _BATCH])
                with database.writing():
                    for photo in photos.values():
                        if folder is None or exported is None:
                            sidecars = _beside(originals.path_of(photo), listings)
                        else:
                            sidecars = _in_folder(folder, exported, photo)
                        _add_photo(empty[0], importer, photo, sidecars)
                for done, photo in enumerate(photos.values(), start + 1):
                    copy = empty[0].by_sha256(photo.sha256)
                    assert copy is not None  # it was just added
                    here, there = export.content(photo), restored.content(copy)
                    differences = list(_differences(photo, here, there))
                    report.photos += 1
                    report.same += not differences
                    report.differences += differences
                    on_progress(done, len(ids), photo.filename)
        finally:
            database.close()
    return report


def _by_sha256(folder: Path) -> dict[str, list[str]]:
    """List the sidecars of a folder by the sha256 of their photo."""
    if not folder.is_dir():
        raise AlbumError(
            "There is no folder {folder}: name the one that was exported into.", folder=folder
        )
    sidecars: dict[str, list[str]] = {}
    for name in sorted(path.name for path in folder.iterdir()):
        if name.lower().endswith(XMP):
            sha256 = sha256_in(read_bytes(folder / name, xmp.MAX_BYTES))
            if sha256 is not None:
                sidecars.setdefault(sha256, []).append(name)
    return sidecars


def _in_folder(folder: Path, exported: Mapping[str, Sequence[str]], photo: Photo) -> list[Path]:
    """List a photo's sidecars in a folder, except those beside another photo.

    An import compares all bytes of the photo. Here its size is compared, which is fast.
    """
    sidecars = []
    for name in exported.get(photo.sha256, []):
        try:
            size_bytes = (folder / name[: -len(XMP)]).stat().st_size
        except OSError:
            size_bytes = photo.size_bytes  # the sidecars alone were exported
        if size_bytes == photo.size_bytes:
            sidecars.append(folder / name)
    return sidecars


def _beside(photo: Path, listings: FolderListings) -> list[Path]:
    try:
        names = listings.beside(photo).sidecars_for(photo.name)
    except OSError:
        return []
    return [photo.with_name(name) for name in names]


def _add_photo(
    store: PhotoStore, importer: SidecarImporter, photo: Photo, sidecars: Sequence[Path]
) -> None:
    """Add a photo with the content of its sidecars only."""
    rating, words = read_sidecars(sidecars)
    photo_id = store.add(
        NewPhoto(
            photo.sha256,
            photo.filename,
            photo.path,
            photo.size_bytes,
            ImageFacts(photo.file_type, photo.width, photo.height, rating=rating, words=words),
            photo.taken_at,
        )
    )
    assert photo_id is not None  # each photo is there once
    importer.import_sidecars(photo_id, photo.sha256, words)


def _differences(photo: Photo, here: SidecarContent, there: SidecarContent) -> Iterator[Difference]:
    for language in sorted({*here.captions, *there.captions}):
        texts = here.captions.get(language, ""), there.captions.get(language, "")
        if texts[0] != texts[1]:
            what = f"caption ({language})" if language else "caption"
            yield Difference(photo.photo_id, photo.filename, what, *texts)
    if list(here.labels) != list(there.labels):
        names = ", ".join(here.labels), ", ".join(there.labels)
        yield Difference(photo.photo_id, photo.filename, "labels", *names)
    stars = here.rating or 0, there.rating or 0
    if stars[0] != stars[1]:
        yield Difference(photo.photo_id, photo.filename, "stars", *map(str, stars))
