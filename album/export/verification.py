"""Does what was exported come back? Sidecars are read into an empty library, which is compared.

The same code finds the sidecars, reads them and takes in what they say as in an import, into a
library of its own in a temporary folder; then both are asked the same questions. Photos themselves
are neither decoded nor copied nor read: no model is needed, and 200,000 photos take minutes. So a
folder of sidecars alone is checked like one that has the photos, too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from album.domain.photo import ImageFacts, Photo
from album.domain.progress import OnProgress
from album.errors import AlbumError
from album.export.exporter import Folders, PhotoExport
from album.export.files import XMP
from album.export.xmp_sidecar import SidecarContent, photo_of
from album.importing.sidecar_import import SidecarImporter
from album.metadata import xmp
from album.metadata.reader import read_sidecars
from album.metadata.sidecars import read_bytes
from album.storage.database import Database
from album.storage.labels import LabelStore
from album.storage.originals import Originals
from album.storage.photos import NewPhoto, PhotoStore

_AT_ONCE = 500  # photos of one transaction


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that would not come back as it is."""

    photo_id: int
    filename: str
    what: str
    """"caption" with its language, "labels", or "stars"."""
    here: str
    """What the album says."""
    there: str
    """What is read back."""


@dataclass(slots=True)
class VerifyReport:
    """What came of reading an export back."""

    photos: int = 0
    """Photos that were looked at."""
    same: int = 0
    """Those of them that come back as they are."""
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
    """Read sidecars back into an empty library, and compare captions, labels and stars.

    Args:
        store: the album's photos.
        labels: their labels.
        originals: their files.
        folder: the folder that was exported into; None: the sidecars beside the photos.
        photo_ids: which photos; None: all.
        on_progress: called after each photo.

    Raises:
        AlbumError: the folder is not there.
    """
    export = PhotoExport(store, labels, originals)
    exported = None if folder is None else _by_sha256(folder)
    ids = export.ids(photo_ids)
    report = VerifyReport()
    folders = Folders()
    with tempfile.TemporaryDirectory(prefix="album-") as place:
        database = Database(Path(place) / "album.db")
        try:
            empty = PhotoStore(database), LabelStore(database)
            words = SidecarImporter(database)
            back = PhotoExport(*empty, originals)
            for start in range(0, len(ids), _AT_ONCE):
                some = store.get_many(ids[start : start + _AT_ONCE])
                with database.writing():
                    for photo in some.values():
                        if folder is None or exported is None:
                            sidecars = _beside(originals.path_of(photo), folders)
                        else:
                            sidecars = _in_folder(folder, exported, photo)
                        _take_in(empty[0], words, photo, sidecars)
                for done, photo in enumerate(some.values(), start + 1):
                    again = empty[0].by_sha256(photo.sha256)
                    assert again is not None  # it was just added
                    found = list(_compared(photo, export.said_of(photo), back.said_of(again)))
                    report.photos += 1
                    report.same += not found
                    report.differences += found
                    on_progress(done, len(ids), photo.filename)
        finally:
            database.close()
    return report


def _by_sha256(folder: Path) -> dict[str, list[str]]:
    """The names of the sidecars of a folder, by the photo that they were written for."""
    if not folder.is_dir():
        raise AlbumError(f"There is no folder {folder}: name the one that was exported into.")
    found: dict[str, list[str]] = {}
    for name in sorted(it.name for it in folder.iterdir()):
        if name.lower().endswith(XMP):
            sha256 = photo_of(read_bytes(folder / name, xmp.MAX_BYTES))
            if sha256 is not None:
                found.setdefault(sha256, []).append(name)
    return found


def _in_folder(folder: Path, exported: Mapping[str, Sequence[str]], photo: Photo) -> list[Path]:
    """The sidecars of a photo in a folder; none that lie beside other bytes of its name.

    An import goes by all of the bytes; their number is what can be seen without reading them.
    """
    found = []
    for name in exported.get(photo.sha256, []):
        try:
            size_bytes = (folder / name[: -len(XMP)]).stat().st_size
        except OSError:
            size_bytes = photo.size_bytes  # the sidecars alone were exported
        if size_bytes == photo.size_bytes:
            found.append(folder / name)
    return found


def _beside(photo: Path, folders: Folders) -> list[Path]:
    try:
        names = folders.beside(photo).sidecars_for(photo.name)
    except OSError:
        return []
    return [photo.with_name(name) for name in names]


def _take_in(
    store: PhotoStore, words: SidecarImporter, photo: Photo, sidecars: Sequence[Path]
) -> None:
    """Add a photo of which nothing is known but what its sidecars say."""
    rating, told = read_sidecars(sidecars)
    photo_id = store.add(
        NewPhoto(
            photo.sha256,
            photo.filename,
            photo.path,
            photo.size_bytes,
            ImageFacts(photo.file_type, photo.width, photo.height, rating=rating, words=told),
            photo.taken_at,
        )
    )
    assert photo_id is not None  # each photo is there once
    words.take_in(photo_id, photo.sha256, told)


def _compared(photo: Photo, here: SidecarContent, there: SidecarContent) -> Iterator[Difference]:
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
