"""Writer and reader of the ZIP file of a backup.

    photos/<ab>/<sha256>.<ext>   originals, stored uncompressed, and their sidecars
    album.db                     one consistent copy of the database, deflated
    manifest.json                versions, date, counts, size, sha256 and time of all other members

Any unpacker opens it. The reader checks names, sizes and bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from album.errors import AlbumError, PhotoNotFoundError
from album.storage.migrations import MIGRATIONS

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "album.db"
UNCHECKED_DATABASE = "saved.db"
"""Name of the database of a backup while its rows are checked."""
DATABASE_SUFFIXES = ("", "-wal", "-shm", "-journal")
"""Suffixes of the database and of the files that SQLite puts beside it."""
UNPLACED_ZIP = "whole.zip"
"""Name of a backup until it is complete and moved to its place."""

SIDECAR_SUFFIXES = (".xmp", ".json")
"""Suffixes, after the name of an original, of files that describe it."""

_ENDING = r"\.[a-z0-9]{1,8}"
_PHOTO = re.compile(rf"photos/([0-9a-f]{{2}})/\1[0-9a-f]{{62}}({_ENDING}){{0,2}}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK_BYTES = 1 << 20
_MANIFEST_BYTES = 1 << 20, 1 << 10  # largest: fixed part, and part for each member
_DATABASE_BYTES = 64 << 20, 50  # largest: bytes, or multiple of the compressed size
_OWN_NAMES = {
    UNPLACED_ZIP,
    UNCHECKED_DATABASE,
    "photos",
    "thumbnails",
    "incoming",
    *(DATABASE + suffix for suffix in DATABASE_SUFFIXES),
}
_LEFT_BEHIND_S = 3600  # a folder untouched for this long was left by a killed process
# What zipfile raises for forged bytes, beside OSError.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    LookupError,
    ArithmeticError,
)


@dataclass(frozen=True, slots=True)
class PhotoProblem:
    """A photo with a problem, and its reason in one sentence."""

    photo_id: int
    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup in the manifest."""

    size_bytes: int
    sha256: str
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parsed manifest of a backup."""

    made_at: datetime
    with_originals: bool
    counts: Mapping[str, int]
    members: Mapping[str, Member]
    """By name. Other members of the ZIP were not written completely."""


class BackupWriter:
    """Incremental ZIP writer, whose file is invalid until `finish`."""

    def __init__(self, path: Path) -> None:
        """Create the file at `path`.

        Raises:
            OSError: it cannot be written. Every method may raise this.
        """
        self._file = path.open("xb")
        self._zip = zipfile.ZipFile(self._file, "w")
        self._members: dict[str, Member] = {}

    def add(self, name: str, source: Path, *, deflate: bool = False) -> Member:
        """Copy a file into the ZIP, block by block.

        Raises:
            PhotoNotFoundError: the file cannot be read. The manifest then omits the member.
        """
        digest, size_bytes = hashlib.sha256(), 0
        try:
            file = source.open("rb")
        except OSError as error:
            raise PhotoNotFoundError(_read_error(error)) from error
        with file:
            mtime_ns = os.fstat(file.fileno()).st_mtime_ns
            failure: OSError | None = None
            with self._zip.open(_info(name, mtime_ns, deflate), "w", force_zip64=True) as member:
                while True:
                    try:
                        block = file.read(_BLOCK_BYTES)
                    except OSError as error:  # such as an unplugged disk
                        failure = error
                        break
                    if not block:
                        break
                    digest.update(block)
                    size_bytes += member.write(block)
        if failure is not None:
            raise PhotoNotFoundError(_read_error(failure)) from failure
        self._members[name] = Member(size_bytes, digest.hexdigest(), mtime_ns)
        return self._members[name]

    def finish(self, with_originals: bool, counts: Mapping[str, int]) -> None:
        """Write the manifest and flush the file to the disk."""
        manifest = {
            "format": FORMAT,
            "schema": len(MIGRATIONS),
            "made_at": datetime.now().astimezone().isoformat(timespec="seconds"),
            "with_originals": with_originals,
            "counts": dict(counts),
            "members": {
                name: {
                    "size": member.size_bytes,
                    "sha256": member.sha256,
                    "mtime_ns": member.mtime_ns,
                }
                for name, member in self._members.items()
            },
        }
        self._zip.writestr(_info(MANIFEST, time.time_ns(), deflate=True), json.dumps(manifest))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.fp = None  # so that its destructor does not write an end
        with suppress(OSError):  # `finish` has flushed what counts
            self._file.close()


class BackupReader:
    """Reader of an untrusted backup."""

    def __init__(self, path: Path) -> None:
        """Open a backup and check its members against its manifest.

        Raises:
            AlbumError: it is no backup, of a later version, damaged or hostile.
        """
        self._path = path
        if not path.is_file():
            raise AlbumError(f"There is no backup at {path}.")
        try:
            self._zip = zipfile.ZipFile(path)
        except _ZIP_ERRORS as error:
            raise self.damaged("it is not a whole zip file") from error
        except OSError as error:
            raise AlbumError(f"{path} cannot be read: {error.strerror or error}.") from error
        try:
            self._infos = self._checked_infos()
            self.manifest = self._checked_manifest()
        except BaseException:
            self._zip.close()
            raise

    def damaged(self, why: str) -> AlbumError:
        """Make the error that refuses this file."""
        return AlbumError(
            f"{self._path} is no backup of an album, or is damaged: {why}; try another copy of it."
        )

    def extract(self, name: str, target: Path) -> None:
        """Write a member with its mtime to `target`, which must not exist.

        Raises:
            AlbumError: it differs from the manifest.
            OSError: it cannot be read or written.
        """
        member = self.manifest.members[name]
        digest, size_bytes = hashlib.sha256(), 0
        target.parent.mkdir(exist_ok=True)
        try:
            with self._zip.open(self._infos[name]) as source, target.open("xb") as file:
                while block := source.read(_BLOCK_BYTES):
                    digest.update(block)
                    size_bytes += file.write(block)
        except _ZIP_ERRORS as error:
            raise self.damaged(f"{name} cannot be unpacked") from error
        if (size_bytes, digest.hexdigest()) != (member.size_bytes, member.sha256):
            raise self.damaged(f"{name} has other bytes than were saved")
        os.utime(target, ns=(member.mtime_ns, member.mtime_ns))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def _checked_infos(self) -> dict[str, zipfile.ZipInfo]:
        infos: dict[str, zipfile.ZipInfo] = {}
        packed_bytes = 0
        for info in self._zip.infolist():
            name = info.filename
            if name not in (MANIFEST, DATABASE) and not _PHOTO.fullmatch(name):
                raise self.damaged("there is something in it that no backup has")
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise self.damaged(f"{name} is not a plain file")
            if name in infos:
                raise self.damaged(f"{name} is in it twice")
            if _PHOTO.fullmatch(name) and (
                info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size
            ):
                raise self.damaged(f"{name} is not stored as photos are")
            infos[name] = info
            packed_bytes += info.compress_size
        if packed_bytes > self._path.stat().st_size:  # members that share their bytes
            raise self.damaged("it claims to hold more than it does")
        if MANIFEST not in infos or DATABASE not in infos:
            raise self.damaged(f"it lacks {DATABASE if MANIFEST in infos else MANIFEST}")
        least, times = _DATABASE_BYTES
        if infos[DATABASE].file_size > max(least, times * infos[DATABASE].compress_size):
            raise self.damaged("its database would unpack to an absurd size")
        return infos

    def _checked_manifest(self) -> Manifest:
        fixed, each = _MANIFEST_BYTES
        info = self._infos[MANIFEST]
        if info.file_size > fixed + each * len(self._infos):
            raise self.damaged("its manifest is too long")
        try:
            data = json.loads(self._zip.read(info))
            if not isinstance(data, dict) or type(data["format"]) is not int:
                raise ValueError(data)
            is_later = data["format"] > FORMAT or int(data["schema"]) > len(MIGRATIONS)
            manifest = None if is_later else _manifest(data)
        except (*_ZIP_ERRORS, AttributeError, TypeError) as error:
            raise self.damaged("its manifest cannot be understood") from error
        if manifest is None:
            raise AlbumError(
                f"{self._path} was made by a later version of the album; update this one."
            )
        for name, member in manifest.members.items():
            if name not in self._infos or self._infos[name].file_size != member.size_bytes:
                raise self.damaged(f"{name} is missing or of another size")
        if DATABASE not in manifest.members:
            raise self.damaged(f"its manifest does not know {DATABASE}")
        return manifest


def member_name(kept: Path) -> str:
    """Return the name of an original in a backup.

    Args:
        kept: its path in the album's own folder, also for photos indexed in place.
    """
    sha256, ending = kept.stem[:64], kept.suffix
    return f"photos/{sha256[:2]}/{sha256}{ending if re.fullmatch(_ENDING, ending) else ''}"


@contextmanager
def working_folder(folder: Path) -> Iterator[Path]:
    """Create a folder for one task, and remove it afterwards.

    Raises:
        AlbumError: another process works in it.
    """
    try:
        folder.mkdir()
    except FileExistsError as error:
        if not _is_left_behind(folder):
            raise AlbumError(
                f"{folder} is of work that is going on, or was cut off a short time ago: wait, or"
                " delete it and try again."
            ) from error
        shutil.rmtree(folder)
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_left_behind(folder: Path) -> bool:
    """Tell whether a killed process left this folder."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    files = list(folder.iterdir())
    mtime = max(path.stat().st_mtime for path in (folder, *files))
    return {path.name for path in files} <= _OWN_NAMES and mtime < time.time() - _LEFT_BEHIND_S


def _manifest(data: dict[str, Any]) -> Manifest:
    members = {name: _member(entry) for name, entry in data["members"].items() if name != MANIFEST}
    counts = {str(name): int(number) for name, number in data["counts"].items()}
    return Manifest(
        datetime.fromisoformat(data["made_at"]), data["with_originals"] is True, counts, members
    )


def _member(data: dict[str, Any]) -> Member:
    member = Member(int(data["size"]), data["sha256"], int(data["mtime_ns"]))
    if not _SHA256.fullmatch(member.sha256) or abs(member.mtime_ns) >= 1 << 62:
        raise ValueError(data)
    return member


def _info(name: str, mtime_ns: int, deflate: bool) -> zipfile.ZipInfo:
    when = time.localtime(min(max(mtime_ns // 10**9, 0), 4_000_000_000))
    info = zipfile.ZipInfo(name, (min(max(when.tm_year, 1980), 2107), *when[1:6]))
    info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _read_error(error: OSError) -> str:
    return f"The file cannot be read: {error.strerror or error}."
