"""Atomic reading and writing of the files of an export, without links."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import Path

from album.domain.photo import Photo
from album.errors import is_full
from album.export.xmp_document import SidecarError
from album.export.xmp_sidecar import sha256_in
from album.images.file_types import file_kind
from album.metadata import xmp
from album.runtime.files import sha256_of
from album.storage.originals import PARTIAL

XMP = ".xmp"
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')  # by one system or another
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_LONGEST = 200  # bytes of a name, which leaves room for a number and endings


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The content and identity of a sidecar file."""

    packet: bytes
    """b"" if there is none."""
    identity: tuple[int, int, int] | None
    """Inode, size in bytes and mtime in ns, or None without a file."""


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar that may be extended.

    Raises:
        SidecarError: it is a link, no file, too long, or read-only.
        OSError: it cannot be read.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return Sidecar(b"", None)
    if stat.S_ISLNK(status.st_mode):
        raise SidecarError("The sidecar is a link to another file: nothing is written through it.")
    if not stat.S_ISREG(status.st_mode):
        raise SidecarError("Something that is no file has the name of the sidecar.")
    if status.st_size > xmp.MAX_BYTES:
        raise SidecarError("The sidecar is too long to be read: it stays as it is.")
    if not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise SidecarError("The sidecar is protected against writing: allow it, and export again.")
    descriptor = os.open(
        path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    )
    with open(descriptor, "rb") as file:  # noqa: PTH123
        return Sidecar(file.read(xmp.MAX_BYTES + 1), _identity(os.fstat(file.fileno())))


def write_sidecar(path: Path, packet: bytes, before: Sidecar) -> None:
    """Replace a sidecar atomically.

    Raises:
        SidecarError: another program changed the sidecar since it was read.
        OSError: it cannot be written. The old sidecar stays.
    """
    partial = path.with_name(f".{uuid.uuid4().hex}{PARTIAL}")
    try:
        with partial.open("xb") as file:
            file.write(packet)
            file.flush()
            os.fsync(file.fileno())
        if before.identity is not None:
            shutil.copymode(path, partial, follow_symlinks=False)
        if read_sidecar(path).identity != before.identity:
            raise SidecarError("Another program changed the sidecar meanwhile: export again.")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def copy_photo(source: Path, target: Path) -> None:
    """Copy an original with its time atomically, without overwriting a file.

    Raises:
        OSError: it cannot be read or written.
    """
    partial = target.with_name(f".{uuid.uuid4().hex}{PARTIAL}")
    try:
        shutil.copyfile(source, partial)
        shutil.copystat(source, partial)  # the mtime may be the only capture time
        partial.chmod(partial.stat().st_mode | stat.S_IWUSR)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


class NamesInFolder:
    """Unique names for photos in one folder, stable across exports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: set[str] = set()

    def name_for(self, photo: Photo, original: Path) -> str:
        """Choose the name of a photo in the folder.

        Its sidecar adds `XMP`. Where another photo has this name, the beginning of the sha256 is
        added.

        Raises:
            SidecarError: other files have all possible names.
        """
        stem, suffix = _split(safe_name(photo.filename, original.suffix))
        for number in ("", f" ({photo.sha256[:8]})", f" ({photo.sha256[:16]})"):
            name = f"{stem}{number}{suffix}"
            key = unicodedata.normalize("NFC", name).casefold()
            if key not in self._taken and self._is_for(name, photo):
                self._taken.add(key)
                return name
        raise SidecarError("Other files have all the names that this photo could have there.")

    def _is_for(self, name: str, photo: Photo) -> bool:
        """Tell whether a name is free, or taken by this photo."""
        path = self._folder / name
        sidecar = self._folder / (name + XMP)
        if os.path.lexists(sidecar):
            try:
                about = sha256_in(read_sidecar(sidecar).packet)
            except (SidecarError, OSError):
                return False
            if about is not None:
                return about == photo.sha256 and self._may_be(path, photo)
        if not os.path.lexists(path):
            return not os.path.lexists(sidecar)
        return self._may_be(path, photo) and sha256_of(path) == photo.sha256

    @staticmethod
    def _may_be(path: Path, photo: Photo) -> bool:
        """Tell whether a path is free or has the photo's size.

        Another program may have put a file there since the sidecar was written.
        """
        if not os.path.lexists(path):
            return True
        return path.is_file() and path.stat().st_size == photo.size_bytes


def safe_name(filename: str, suffix: str) -> str:
    """Make a photo's file name valid on every system.

    Its ending is one that the album recognises as a photo.

    Args:
        filename: the name of the photo.
        suffix: of its original, for a name without one.
    """
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", filename)).strip(" .") or "photo"
    if _RESERVED.match(name):
        name = f"_{name}"
    if file_kind(name) != "photo":
        name += suffix.lower()
    stem, suffix = _split(name)
    room = _LONGEST - len(suffix.encode())
    return stem.encode()[: max(room, 1)].decode(errors="ignore") + suffix


def write_error(error: OSError) -> str:
    """Explain why a file could not be read or written."""
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return "The album may not write there: allow it, or export into another folder."
    if is_full(error):
        return "The disk is full: make room, and export again."
    return f"It could not be written: {error.strerror or error}."


def _split(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and len(ending.encode()) <= 16 else (name, "")


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns
