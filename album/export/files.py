"""Files that an export reads and writes: whole or not at all, and never through a link."""

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
from album.export.xmp_sidecar import photo_of
from album.images.file_types import file_kind
from album.metadata import xmp
from album.runtime.files import sha256_of
from album.storage.originals import PARTIAL

XMP = ".xmp"
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')  # by one system or another
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_LONGEST = 200  # bytes of a name, so that it may still get a number, and an ending or two


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar as it lies on the disk."""

    packet: bytes
    """b"": there is none."""
    seen: tuple[int, int, int] | None
    """Which file it is, its size in bytes, and when it changed; None: there is none."""


def read_sidecar(path: Path) -> Sidecar:
    """A sidecar that may be extended.

    Raises:
        SidecarError: it is a link, no file, too long, or protected against writing.
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
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with open(opened, "rb") as file:  # noqa: PTH123  # a descriptor
        return Sidecar(file.read(xmp.MAX_BYTES + 1), _identity(os.fstat(file.fileno())))


def write_sidecar(path: Path, packet: bytes, before: Sidecar) -> None:
    """Put a packet in the place of the one that was read, all of it or nothing.

    Raises:
        SidecarError: another program changed the sidecar meanwhile.
        OSError: it cannot be written; what was there is there.
    """
    partial = path.with_name(f".{uuid.uuid4().hex}{PARTIAL}")
    try:
        with partial.open("xb") as file:
            file.write(packet)
            file.flush()
            os.fsync(file.fileno())
        if before.seen is not None:
            shutil.copymode(path, partial, follow_symlinks=False)
        if read_sidecar(path).seen != before.seen:
            raise SidecarError("Another program changed the sidecar meanwhile: export again.")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def copy_photo(source: Path, target: Path) -> None:
    """Copy an original with its time, all of it or nothing; nothing is written over.

    Raises:
        OSError: it cannot be read, or not be written.
    """
    partial = target.with_name(f".{uuid.uuid4().hex}{PARTIAL}")
    try:
        shutil.copyfile(source, partial)
        shutil.copystat(source, partial)  # its time may be all that is known of the capture
        partial.chmod(partial.stat().st_mode | stat.S_IWUSR)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


class NamesInFolder:
    """Finds each photo a name of its own in one folder, the same again at the next export."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._given: set[str] = set()

    def name_for(self, photo: Photo, original: Path) -> str:
        """The name that the photo has, or would have, in the folder; its sidecar adds `XMP`.

        It is the photo's own; where another photo has that, with the beginning of its sha256.
        """
        stem, suffix = _split(safe_name(photo.filename, original.suffix))
        for sign in ("", f" ({photo.sha256[:8]})", f" ({photo.sha256[:16]})"):
            name = f"{stem}{sign}{suffix}"
            key = unicodedata.normalize("NFC", name).casefold()
            if key not in self._given and self._is_for(name, photo):
                self._given.add(key)
                return name
        raise SidecarError("Other files have all the names that this photo could have there.")

    def _is_for(self, name: str, photo: Photo) -> bool:
        """Whether what lies under a name in the folder, if anything, is about the photo."""
        path = self._folder / name
        sidecar = self._folder / (name + XMP)
        if os.path.lexists(sidecar):
            try:
                about = photo_of(read_sidecar(sidecar).packet)
            except (SidecarError, OSError):
                return False
            if about is not None:
                return about == photo.sha256 and self._may_be(path, photo)
        if not os.path.lexists(path):
            return not os.path.lexists(sidecar)
        return self._may_be(path, photo) and sha256_of(path) == photo.sha256

    @staticmethod
    def _may_be(path: Path, photo: Photo) -> bool:
        """Whether a file, if there is one, is as long as the photo; others may have put one there
        since its sidecar was written."""
        if not os.path.lexists(path):
            return True
        return path.is_file() and path.stat().st_size == photo.size_bytes


def safe_name(filename: str, suffix: str) -> str:
    """A name that every system takes, and that the album knows for a photo's.

    Args:
        filename: as the person, or a program, named the photo.
        suffix: of its original, for a name that lacks one.
    """
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", filename)).strip(" .") or "photo"
    if _RESERVED.match(name):
        name = f"_{name}"
    if file_kind(name) != "photo":
        name += suffix.lower()
    stem, suffix = _split(name)
    room = _LONGEST - len(suffix.encode())
    return stem.encode()[: max(room, 1)].decode(errors="ignore") + suffix


def why_not(error: OSError) -> str:
    """Why a file could not be read or written, as a sentence."""
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
