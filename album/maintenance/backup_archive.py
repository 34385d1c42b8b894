"""The backup file: one zip, written a member at a time and read with distrust.

    photos/<ab>/<sha256>.<ext>   originals, stored as they are, and the sidecars of the album's own
    album.db                     one consistent copy of the database, deflated
    manifest.json                versions, date, counts; size, sha256 and time of every other member

Any unpacker opens it. Reading takes nothing on trust: not names, not sizes, not bytes.
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
from types import TracebackType
from typing import Any, Self

from album.errors import AlbumError, PhotoNotFoundError
from album.storage.database import MIGRATIONS

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "album.db"
UNCHECKED_DATABASE = "saved.db"
"""What the database of a backup is called while its rows are checked."""
DATABASE_SUFFIXES = ("", "-wal", "-shm", "-journal")
"""Behind the name of a database: itself, and what SQLite puts beside it."""
UNPLACED_ZIP = "whole.zip"
"""What a backup is called before it is whole and goes to its place."""

SIDECAR_SUFFIXES = (".xmp", ".json")
"""Behind the name of an original: files that describe it."""

_ENDING = r"\.[a-z0-9]{1,8}"
_PHOTO = re.compile(rf"photos/([0-9a-f]{{2}})/\1[0-9a-f]{{62}}({_ENDING}){{0,2}}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK_BYTES = 1 << 20
_MANIFEST_BYTES = 1 << 20, 1 << 10  # at the most: in all, and more for each member
_DATABASE_BYTES = 64 << 20, 50  # at the most: in all, or so many times what is in the zip
_OURS = {
    UNPLACED_ZIP,
    UNCHECKED_DATABASE,
    "photos",
    "thumbnails",
    "incoming",
    *(DATABASE + log for log in DATABASE_SUFFIXES),
}
_LEFT_BEHIND_S = 3600  # work that nobody has touched for so long was cut off by a kill
# What zipfile raises for bytes that somebody made up, beside OSError.
_ZIP_ERRORS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, ValueError,
    NotImplementedError, RuntimeError, LookupError, ArithmeticError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PhotoProblem:
    """A photo that is not as it should be, and why, in one sentence."""

    photo_id: int
    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a backup, as the manifest has it."""

    size_bytes: int
    sha256: str
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    made_at: datetime
    with_originals: bool
    counts: Mapping[str, int]
    members: Mapping[str, Member]
    """By name; what is in the zip beside them was cut short while it was written."""


class BackupWriter:
    """A zip that grows; of no worth before `finish`."""

    def __init__(self, path: Path) -> None:
        """Begin a new file at `path`.

        Raises:
            OSError: it cannot be written, here and in every method.
        """
        self._file = path.open("xb")
        self._zip = zipfile.ZipFile(self._file, "w")
        self._members: dict[str, Member] = {}

    def add(self, name: str, source: Path, *, deflate: bool = False) -> Member:
        """Copy a file into the zip, block by block.

        Raises:
            PhotoNotFoundError: the file cannot be read; what is in the zip of it does not count.
        """
        digest, size_bytes = hashlib.sha256(), 0
        try:
            reading = source.open("rb")
        except OSError as error:
            raise PhotoNotFoundError(_read_error(error)) from error
        with reading:
            mtime_ns = os.fstat(reading.fileno()).st_mtime_ns
            lost: OSError | None = None
            with self._zip.open(_info(name, mtime_ns, deflate), "w", force_zip64=True) as member:
                while True:
                    try:
                        block = reading.read(_BLOCK_BYTES)
                    except OSError as error:  # a disk that was unplugged meanwhile
                        lost = error
                        break
                    if not block:
                        break
                    digest.update(block)
                    size_bytes += member.write(block)
        if lost is not None:
            raise PhotoNotFoundError(_read_error(lost)) from lost
        self._members[name] = Member(size_bytes, digest.hexdigest(), mtime_ns)
        return self._members[name]

    def finish(self, with_originals: bool, counts: Mapping[str, int]) -> None:
        """Write the manifest and bring everything to the disk."""
        manifest = {
            "format": FORMAT,
            "schema": len(MIGRATIONS),
            "made_at": datetime.now().astimezone().isoformat(timespec="seconds"),
            "with_originals": with_originals,
            "counts": dict(counts),
            "members": {
                name: {"size": it.size_bytes, "sha256": it.sha256, "mtime_ns": it.mtime_ns}
                for name, it in self._members.items()
            },
        }
        self._zip.writestr(_info(MANIFEST, time.time_ns(), deflate=True), json.dumps(manifest))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.fp = None  # else it would complain, sooner or later, that it has no end
        with suppress(OSError):  # what `finish` has not brought to the disk is of no worth
            self._file.close()


class BackupReader:
    """A backup that somebody says is one."""

    def __init__(self, path: Path) -> None:
        """Open a backup and hold its list of contents against its manifest.

        Raises:
            AlbumError: it is no backup, one of a later version, a damaged or a hostile one.
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
        """The sentence that refuses this file."""
        return AlbumError(
            f"{self._path} is no backup of an album, or is damaged: {why}; try another copy of it."
        )

    def extract(self, name: str, target: Path) -> None:
        """Write a member to `target`, which must not exist, with its time.

        Raises:
            AlbumError: it is not what the manifest says.
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
            said = json.loads(self._zip.read(info))
            if not isinstance(said, dict) or type(said["format"]) is not int:
                raise ValueError(said)
            later = said["format"] > FORMAT or int(said["schema"]) > len(MIGRATIONS)
            manifest = None if later else _manifest(said)
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
    """What an original is called in a backup, by where the album keeps it or would keep it."""
    sha256, ending = kept.stem[:64], kept.suffix
    return f"photos/{sha256[:2]}/{sha256}{ending if re.fullmatch(_ENDING, ending) else ''}"


@contextmanager
def working_folder(folder: Path) -> Iterator[Path]:
    """A folder for half-made work: for one at a time, and gone afterwards however that ends.

    Raises:
        AlbumError: somebody else is at work in it.
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
    """Whether only an earlier run can have made `folder`, and no run is at work in it."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    inside = list(folder.iterdir())
    touched = max(path.stat().st_mtime for path in (folder, *inside))
    return {path.name for path in inside} <= _OURS and touched < time.time() - _LEFT_BEHIND_S


def _manifest(said: dict[str, Any]) -> Manifest:
    members = {name: _member(it) for name, it in said["members"].items() if name != MANIFEST}
    counts = {str(name): int(number) for name, number in said["counts"].items()}
    return Manifest(
        datetime.fromisoformat(said["made_at"]), said["with_originals"] is True, counts, members
    )


def _member(said: dict[str, Any]) -> Member:
    member = Member(int(said["size"]), said["sha256"], int(said["mtime_ns"]))
    if not _SHA256.fullmatch(member.sha256) or abs(member.mtime_ns) >= 1 << 62:
        raise ValueError(said)
    return member


def _info(name: str, mtime_ns: int, deflate: bool) -> zipfile.ZipInfo:
    when = time.localtime(min(max(mtime_ns // 10**9, 0), 4_000_000_000))
    info = zipfile.ZipInfo(name, (min(max(when.tm_year, 1980), 2107), *when[1:6]))
    info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _read_error(error: OSError) -> str:
    return f"The file cannot be read: {error.strerror or error}."
