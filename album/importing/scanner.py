"""Scan of files, folders and zips for photos and their sidecars.

It reads names, sizes and times alone, and opens only the list of contents of a zip.
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
from album.runtime.files import display_name
from album.storage.import_rows import FileStamp


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file to import, as known without opening it."""

    path: str
    """A member of a zip has the path that it would have if the zip were a folder."""
    stamp: FileStamp | None
    """None: there is no such file."""
    sidecars: tuple[str, ...] = ()
    """Paths of the files that describe it. For a member of a zip: members of that zip."""
    too_large: tuple[str, ...] = ()
    """Paths of sidecars that are not imported because they are too long to be sidecars."""
    archive: Archive | None = None
    """The zip that it is a member of."""

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return os.path.basename(self.path)  # noqa: PTH119  # of 200,000 strings, not Paths

    @property
    def display_name(self) -> str:
        """The file's name as readable text."""
        return display_name(Path(self.path))

    def copy(self, path: str, target: Path) -> None:
        """Copy the file, or one of its sidecars, with its time.

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
    """A folder or zip that cannot be read."""

    path: str
    reason: str
    """One sentence for a person."""


class FileScanner:
    """Walks through sources. Always tries files that are sources."""

    def __init__(self, sources: Sequence[Path], excluded_dir: Path) -> None:
        """Walk `sources`, but never into `excluded_dir`, the album's own data."""
        self._sources = sources
        self._excluded_dir = os.path.realpath(excluded_dir)

    def count(self) -> tuple[int, Counter[str]]:
        """Count the files that `walk` yields, and the other files by kind."""
        photos = 0
        skipped: Counter[str] = Counter()
        for source in self._sources:
            if source.is_dir():
                for _, names, _ in self._folders(source):
                    kinds = Counter(map(file_kind, names))
                    photos += kinds.pop("photo", 0)
                    skipped += kinds
            elif _is_zip(source):
                try:
                    archive = Archive(source)
                except UnreadableImageError:
                    continue
                kinds = Counter(map(archive.kind, archive.names()))
                photos += kinds.pop("photo", 0)
                skipped += kinds
            else:
                photos += 1
        skipped.pop("sidecar", None)  # they are read with their photos
        return photos, skipped

    def walk(self) -> Iterator[ScannedFile | Blocked]:
        """Yield files to import by name, and unreadable folders and zips."""
        for source in self._sources:
            if source.is_dir():
                yield from self._walk_folder(source)
            elif _is_zip(source):
                yield from _walk_zip(source)
            else:
                yield _scan_file(source.parent, source.name, Siblings(_names_beside(source)))

    def _walk_folder(self, folder: Path) -> Iterator[ScannedFile | Blocked]:
        for parent, names, problem in self._folders(folder):
            if problem is not None:
                yield Blocked(str(parent), problem)
            siblings = Siblings(names)
            yield from (
                _scan_file(parent, name, siblings) for name in names if file_kind(name) == "photo"
            )

    def _folders(self, folder: Path) -> Iterator[tuple[Path, list[str], str | None]]:
        """Yield (folder, sorted file names, problem) recursively.

        Hidden and system folders are left out.
        """
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            yield folder, [], "The album may not look into this folder."
            return
        folders = {entry.name: entry for entry in listed if entry.is_dir(follow_symlinks=False)}
        names = [entry.name for entry in listed if entry.name not in folders]
        yield folder, [name for name in names if not name.startswith(".")], None
        for entry in folders.values():
            hidden = entry.name.startswith(".") or entry.name.lower() in SYSTEM_FOLDERS
            if not hidden and os.path.realpath(entry.path) != self._excluded_dir:
                yield from self._folders(Path(entry.path))


def _scan_file(parent: Path, name: str, siblings: Siblings) -> ScannedFile:
    folder = str(parent)
    path = os.path.join(folder, name)  # noqa: PTH118  # of 200,000 strings, not Paths
    try:
        status = os.stat(path)  # noqa: PTH116  # likewise
    except OSError:
        return ScannedFile(path, None)
    sidecars: list[str] = []
    stamps: list[str] = []
    too_large: list[str] = []
    for sidecar_name in siblings.sidecars_for(name):
        sidecar = os.path.join(folder, sidecar_name)  # noqa: PTH118  # likewise
        try:
            about = os.stat(sidecar)  # noqa: PTH116  # likewise
        except OSError:
            continue
        (too_large if about.st_size > MAX_SIDECAR_BYTES else sidecars).append(sidecar)
        stamps.append(f"{sidecar_name}/{about.st_size}/{about.st_mtime_ns}")
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
        folder, _, file_name = name.rpartition("/")
        by_folder.setdefault(folder, []).append(file_name)
    for folder in sorted(by_folder):
        names = sorted(by_folder[folder])
        siblings = Siblings(names)
        for name in names:
            member = f"{folder}/{name}"
            if archive.kind(member) != "photo":
                continue
            beside = [f"{folder}/{sibling}" for sibling in siblings.sidecars_for(name)]
            stamps = {sidecar: archive.stamp(sidecar) for sidecar in beside}
            text = "|".join(f"{sidecar}/{stamp}" for sidecar, stamp in stamps.items())
            sidecars = tuple(
                sidecar for sidecar, (size, _) in stamps.items() if size <= MAX_SIDECAR_BYTES
            )
            too_large = tuple(sidecar for sidecar in stamps if sidecar not in sidecars)
            stamp = FileStamp(*archive.stamp(member), text)
            yield ScannedFile(member, stamp, sidecars, too_large, archive)


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _names_beside(path: Path) -> Collection[str]:
    try:
        return os.listdir(path.parent)  # noqa: PTH208  # names, not Paths
    except OSError:
        return ()


def _as_text(names: str) -> str:
    return os.fsencode(names).decode("utf-8", "replace")
