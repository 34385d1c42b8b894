"""What lies in the files, folders and zips that somebody named: photos, and what describes them.

Looks at names, sizes and times alone; opens nothing but the list of contents of a zip.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from album.errors import UnreadableImageError
from album.images.file_types import file_kind
from album.importing.zip_archive import MAX_SIDECAR_BYTES, SYSTEM_FOLDERS, Archive
from album.metadata.sidecars import Siblings
from album.storage.imports import FileStamp


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file to import, as far as it is known without opening it."""

    path: str
    """Of a member of a zip: the path it would have if the zip were a folder."""
    stamp: FileStamp | None
    """None: there is no such file."""
    sidecars: tuple[str, ...] = ()
    """Paths of the files that describe it; members of the same zip for a member."""
    too_large: tuple[str, ...] = ()
    """Paths of those that are longer than any file about a photo: they are not taken along."""
    archive: Archive | None = None
    """The zip that it is a member of."""

    @property
    def name(self) -> str:
        """The file's own name."""
        return os.path.basename(self.path)  # noqa: PTH119  # of 200,000 strings, not Paths

    def copy(self, path: str, target: Path) -> None:
        """Write the file, or one of its sidecars, to `target`, with its time.

        Raises:
            UnreadableImageError: a member of a zip is damaged, encrypted or packed unknown.
            OSError: it cannot be read, or `target` not written.
        """
        if self.archive is None:
            shutil.copyfile(path, target)
            shutil.copystat(path, target)  # its time may be all that is known of the capture
        else:
            self.archive.write(path, target)


@dataclass(frozen=True, slots=True)
class Blocked:
    """A folder or zip that cannot be looked into, and why, in one sentence."""

    path: str
    reason: str


class FileScanner:
    """Walks what was named; a file named by itself is always tried, zips are looked into."""

    def __init__(self, sources: Sequence[Path], leave_out: Path) -> None:
        """Walk `sources`, but never into `leave_out`, the album's own data."""
        self._sources = sources
        self._leave_out = os.path.realpath(leave_out)

    def count(self) -> tuple[int, Counter[str]]:
        """How many files `walk` will give, and how many others there are by kind."""
        photos = 0
        others: Counter[str] = Counter()
        for source in self._sources:
            if source.is_dir():
                for _, names, _ in self._folders(source):
                    kinds = Counter(map(file_kind, names))
                    photos += kinds.pop("photo", 0)
                    others += kinds
            elif _is_zip(source):
                try:
                    archive = Archive(source)
                except UnreadableImageError:
                    continue
                kinds = Counter(map(archive.kind, archive.names()))
                photos += kinds.pop("photo", 0)
                others += kinds
            else:
                photos += 1
        others.pop("sidecar", None)  # they are read with their photos
        return photos, others

    def walk(self) -> Iterator[ScannedFile | Blocked]:
        """Every file to import, in order of name; and what cannot be looked into."""
        for source in self._sources:
            if source.is_dir():
                yield from self._walk_folder(source)
            elif _is_zip(source):
                yield from _walk_zip(source)
            else:
                yield _found(source.parent, source.name, Siblings(_names_beside(source)))

    def _walk_folder(self, folder: Path) -> Iterator[ScannedFile | Blocked]:
        for parent, names, problem in self._folders(folder):
            if problem is not None:
                yield Blocked(str(parent), problem)
            siblings = Siblings(names)
            yield from (
                _found(parent, name, siblings) for name in names if file_kind(name) == "photo"
            )

    def _folders(self, folder: Path) -> Iterator[tuple[Path, list[str], str | None]]:
        """Each folder with the names of its files in order; hidden and system folders left out."""
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            yield folder, [], "The album may not look into this folder."
            return
        inside = [entry for entry in listed if entry.is_dir(follow_symlinks=False)]
        folders = {entry.name for entry in inside}
        names = [entry.name for entry in listed if entry.name not in folders]
        yield folder, [name for name in names if not name.startswith(".")], None
        for entry in inside:
            hidden = entry.name.startswith(".") or entry.name.lower() in SYSTEM_FOLDERS
            if not hidden and os.path.realpath(entry.path) != self._leave_out:
                yield from self._folders(Path(entry.path))


def _found(parent: Path, name: str, siblings: Siblings) -> ScannedFile:
    folder = str(parent)
    path = os.path.join(folder, name)  # noqa: PTH118  # of 200,000 strings, not Paths
    try:
        status = os.stat(path)  # noqa: PTH116  # likewise
    except OSError:
        return ScannedFile(path, None)
    sidecars: list[str] = []
    stamps: list[str] = []
    too_large: list[str] = []
    for beside in siblings.sidecars_for(name):
        sidecar = os.path.join(folder, beside)  # noqa: PTH118  # likewise
        try:
            its = os.stat(sidecar)  # noqa: PTH116  # likewise
        except OSError:
            continue
        (too_large if its.st_size > MAX_SIDECAR_BYTES else sidecars).append(sidecar)
        stamps.append(f"{beside}/{its.st_size}/{its.st_mtime_ns}")
    stamp = FileStamp(status.st_size, status.st_mtime_ns, _as_text("|".join(stamps)))
    return ScannedFile(path, stamp, tuple(sidecars), tuple(too_large))


def _walk_zip(path: Path) -> Iterator[ScannedFile | Blocked]:
    try:
        archive = Archive(path)
    except UnreadableImageError as error:
        yield Blocked(str(path), str(error))
        return
    by_folder: dict[str, list[str]] = {}
    for name in archive.names():
        folder, _, own = name.rpartition("/")
        by_folder.setdefault(folder, []).append(own)
    for folder in sorted(by_folder):
        names = sorted(by_folder[folder])
        siblings = Siblings(names)
        for own in names:
            if archive.kind(f"{folder}/{own}") != "photo":
                continue
            stamps = {
                it: archive.stamp(it)
                for it in (f"{folder}/{it}" for it in siblings.sidecars_for(own))
            }
            described = "|".join(f"{it}/{stamp}" for it, stamp in stamps.items())
            stamp = FileStamp(*archive.stamp(f"{folder}/{own}"), described)
            sidecars = tuple(it for it, (size, _) in stamps.items() if size <= MAX_SIDECAR_BYTES)
            too_large = tuple(it for it in stamps if it not in sidecars)
            yield ScannedFile(f"{folder}/{own}", stamp, sidecars, too_large, archive)


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _names_beside(path: Path) -> Collection[str]:
    try:
        return os.listdir(path.parent)  # noqa: PTH208  # names, not Paths
    except OSError:
        return ()


def _as_text(names: str) -> str:
    return os.fsencode(names).decode("utf-8", "replace")
