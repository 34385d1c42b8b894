"""Zips of photos: list of contents and unpacking of members.

A zip may come from anybody. Its own figures are trusted only where they make it larger than it is.
No name in it becomes a path. What photos never do, such as growing a thousand times when unpacked,
is refused with a sentence.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath

from album.errors import UnreadableImageError
from album.images.file_types import Kind, file_kind
from album.metadata import takeout, xmp

SYSTEM_FOLDERS = frozenset(
    {"@eadir", "$recycle.bin", "system volume information", "lost+found", "#recycle", "__macosx"}
)
"""Folders, in lower case, that disks and home servers make for themselves."""
MAX_SIDECAR_BYTES = max(xmp.MAX_BYTES, takeout.MAX_BYTES)
"""A longer file about a photo is not imported: no parser would read it."""
SIDECAR_TOO_LARGE = (
    f"This file about a photo is larger than {MAX_SIDECAR_BYTES >> 20} MB: it was left out, and its"
    " photo was not."
)
MAX_MEMBERS = 200_000
MAX_DIRECTORY_BYTES = 64 << 20  # so many members have about 30 MB of names and figures
MAX_PHOTO_BYTES = 1_000_000_000
MAX_RATIO = 100  # unpacked to packed: JPEG has 1, drawings in BMP about 50
SMALL_BYTES = 32_000_000  # up to here any ratio is allowed: a blank page packs tightly
MAX_WHOLE_BYTES = 200_000_000_000
MAX_WHOLE_RATIO, WHOLE_SMALL_BYTES = 50, 100_000_000
_COPY_BYTES = 1 << 20
_ENTRY = b"PK\x01\x02"  # begins each member in the list of contents
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Other methods have no limit on what a few bytes become in memory."""
# What zipfile raises for crafted bytes, beside OSError and RuntimeError.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    LookupError,
    ArithmeticError,
)
_DAMAGED = "This file of the zip is damaged or packed in an unknown way: fetch the zip again."


class Archive:
    """An open zip. Any thread may read its members."""

    def __init__(self, path: Path) -> None:
        """Read the list of contents.

        Raises:
            UnreadableImageError: the file is no zip, is cut short, cannot be opened, or is larger
                than zips of photos are.
        """
        self.path = path
        try:
            if not path.is_file():  # opening a FIFO would block
                raise FileNotFoundError(path)
            self._zip = zipfile.ZipFile(_Bounded(io.FileIO(path)))
            self._size_bytes = path.stat().st_size
        except (OSError, *_ZIP_ERRORS) as error:
            raise UnreadableImageError(
                "The zip cannot be opened: it is cut short or damaged; fetch it again."
            ) from error
        self._members = {
            f"{path}/{_decoded_name(info)}": info
            for info in self._zip.infolist()
            if not info.filename.endswith("/")  # a folder. `is_dir` fails for an empty name
        }
        self.unpacked_bytes = sum(
            info.file_size for name, info in self._members.items() if self._is_imported(name, info)
        )
        """Size of its photos and their sidecars after unpacking."""
        most = min(self._size_bytes * MAX_WHOLE_RATIO + WHOLE_SMALL_BYTES, MAX_WHOLE_BYTES)
        if self.unpacked_bytes > most:
            raise UnreadableImageError(
                "The zip would become {unpacked_bytes} MB when it is unpacked, far more than "
                "photos do: if you trust it, unpack it yourself and import the folder.",
                unpacked_bytes=self.unpacked_bytes // 1000000,
            )

    def names(self) -> Iterable[str]:
        """Return the members' paths as if the zip were a folder."""
        return self._members.keys()

    def kind(self, name: str) -> Kind:
        """Return a member's kind, "other" in hidden and system folders."""
        *folders, file_name = PurePosixPath(name[len(str(self.path)) :]).parts[1:] or [""]
        hidden = any(
            (folder.startswith(".") and folder != "..") or folder.lower() in SYSTEM_FOLDERS
            for folder in folders
        )
        return "other" if hidden else file_kind(file_name)

    def stamp(self, name: str) -> tuple[int, int]:
        """Return (size in bytes, checksum) of a member, to notice changes."""
        info = self._members[name]
        return info.file_size, info.CRC

    def write(self, name: str, target: Path) -> None:
        """Unpack a member into a file with the member's time.

        Raises:
            UnreadableImageError: it is damaged, encrypted, packed in an unknown way, or larger
                than photos are.
            OSError: `target` cannot be written.
        """
        info = self._members[name]
        if problem := self._problem(info):
            raise UnreadableImageError(problem)
        try:
            with self._zip.open(info) as packed, target.open("wb") as file:
                for part in iter(partial(packed.read, _COPY_BYTES), b""):
                    if file.tell() + len(part) > info.file_size:
                        raise UnreadableImageError(_DAMAGED)
                    file.write(part)
        except _ZIP_ERRORS as error:
            raise UnreadableImageError(_DAMAGED) from error
        except RuntimeError as error:
            raise UnreadableImageError(
                "This file of the zip has a password: unpack the zip and import the folder."
            ) from error
        _set_time(target, info)

    def _is_imported(self, name: str, info: zipfile.ZipInfo) -> bool:
        kind = self.kind(name)
        if kind == "sidecar":
            return info.file_size <= MAX_SIDECAR_BYTES
        return kind == "photo" and self._problem(info) is None

    def _problem(self, info: zipfile.ZipInfo) -> str | None:
        """Return why a member is not unpacked, or None if it is."""
        if info.compress_size > self._size_bytes:
            return _DAMAGED
        if info.compress_type not in _PACKINGS:
            return (
                "This file of the zip is packed in a way that the album does not unpack: unpack the"
                " zip and import the folder."
            )
        most = min(max(info.compress_size * MAX_RATIO, SMALL_BYTES), MAX_PHOTO_BYTES)
        if info.file_size > most:
            return (
                "This file of the zip becomes too large when it is unpacked: if you trust it,"
                " unpack the zip yourself and import the folder."
            )
        return None


class _Bounded(io.BufferedReader):
    """A zip file with a limit on its list of contents."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read like any file. `zipfile` reads the whole list at once.

        Raises:
            UnreadableImageError: it lists more than a zip may hold.
        """
        too_long = size is not None and size > MAX_DIRECTORY_BYTES
        content = b"" if too_long else super().read(size)
        if too_long or content.count(_ENTRY) > MAX_MEMBERS:
            raise UnreadableImageError(
                "The zip holds more than {limit} files: divide it into smaller ones.",
                limit=MAX_MEMBERS,
            )
        return content


def _decoded_name(info: zipfile.ZipInfo) -> str:
    """Decode a member's name. Old Korean programs write CP949 without a flag."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("cp949")
    except UnicodeError:
        return info.filename


def _set_time(path: Path, info: zipfile.ZipInfo) -> None:
    try:
        seconds = datetime(*info.date_time).timestamp()
        os.utime(path, (seconds, seconds))
    except (ValueError, OverflowError, OSError):  # month 0 stands for "unknown"
        pass
