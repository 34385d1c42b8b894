"""Originals: where the bytes of photos lie, and how they arrive without ever being half there.

    data/incoming/half/<uuid>            being written; of no worth after a crash
    data/incoming/new/<token>/<name>     arrived, not looked at yet; `copy-<token>`: of a copy
    data/incoming/<sha256>.<token>/<name>  looked at; its row may come any moment
    data/incoming/failed/<token>/<name>  an upload that could not be read, kept for some days
    data/photos/<ab>/<sha256>.<ext>      the original of a row, byte for byte, never written again
    data/thumbnails/<ab>/<sha256>.jpg    caches that can be made again, the only files that the
    data/thumbnails/large/...            page serves as a folder

A token begins with the id of its import. Sidecars, the files that describe a photo, arrive beside
it and stay beside it as `<sha256>.<ext>.xmp` and `.json`. A photo imported in place stays where it
is: its row has the path and only caches are made here.

People may call their files as they like. So what is half there is told by the folder it lies in,
and where the album gives the names, by a name that is none of a photo.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from album.domain.photo import Photo
from album.errors import CANNOT_OPEN, PhotoNotFoundError, UnreadableImageError
from album.images.file_types import file_kind
from album.runtime.files import sha256_of

SUFFIXES = {
    "JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif",
    "BMP": ".bmp", "TIFF": ".tif", "HEIC": ".heic", "AVIF": ".avif",
    "JXL": ".jxl",
}  # fmt: skip
"""Others, such as those of the many kinds of RAW, keep the ending that they came with."""
PARTIAL = ".part"  # behind a UUID: being written, in a folder whose names the album gives
COPY = "copy-"  # likewise where it has no row yet; an upload is all there is of a photo
COPIES_KEPT_S = 86_400  # an import that is running keeps a copy waiting for seconds
FAILED_KEPT_S = 7 * 86_400
_HALF = re.compile(rf"[0-9a-f]{{32}}{re.escape(PARTIAL)}")
_ENDING = re.compile(r"\.[a-z0-9]{1,8}")
_LONGEST_NAME = 255  # bytes that a disk takes; zips have longer ones


class Originals:
    """The files of one data folder, by the sha256 of the photo."""

    def __init__(self, data_dir: Path) -> None:
        """Use (and make) the folders below `data_dir`."""
        self.photos_dir = data_dir / "photos"
        self.thumbnails_dir = data_dir / "thumbnails"
        self.incoming_dir = data_dir / "incoming"
        self._new = self.incoming_dir / "new"
        self._failed = self.incoming_dir / "failed"
        self._half = self.incoming_dir / "half"
        self._not_arrivals = (self._new, self._failed, self._half)
        for folder in (self.photos_dir, self.thumbnails_dir, *self._not_arrivals):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError:
                if not data_dir.is_dir():
                    raise
                # One that cannot be written to can still be looked at.

    # Where things are

    def kept(self, photo: Photo) -> Path:
        """Where the album keeps an original of its own."""
        suffix = SUFFIXES.get(photo.file_type) or Path(photo.filename).suffix.lower()
        plain = self.photos_dir / photo.sha256[:2] / photo.sha256
        kept = plain.with_name(f"{plain.name}{suffix}")
        # An ending that is none could be longer than a disk takes, and is in no backup.
        return kept if _ENDING.fullmatch(suffix) or os.path.lexists(kept) else plain

    def path_of(self, photo: Photo) -> Path:
        """Where the original of a photo belongs, whether it is there now or not."""
        return photo.path or self.kept(photo)

    def find(self, photo: Photo) -> Path:
        """The original, wherever it lies.

        Raises:
            PhotoNotFoundError: it is not there any more.
        """
        path = self.path_of(photo)
        if not path.is_file():
            raise PhotoNotFoundError(
                f"The original of {photo.filename} is not where it was; put it back or import it"
                " again."
            )
        return path

    def thumbnail(self, sha256: str) -> Path:
        """Where the thumbnail of a photo belongs."""
        return self.thumbnails_dir / sha256[:2] / f"{sha256}.jpg"

    def large_view(self, sha256: str) -> Path:
        """Where the large view of a photo belongs; made when it is first looked at."""
        return self.thumbnails_dir / "large" / sha256[:2] / f"{sha256}.jpg"

    # How they arrive

    def receive_upload(
        self,
        source: Path,
        name: str,
        *,
        import_id: int,
        sidecars: Iterable[tuple[Path, str]] = (),
    ) -> Path:
        """Take an upload away into the album's keeping under its own name.

        Args:
            source: the file, whatever its name here.
            name: what the person called it, without folders.
            import_id: the import that it belongs to.
            sidecars: the files that describe it, which stay where they are, for they may describe
                others too; and what the person called them.
        """
        folder = self._folder(import_id, copy=False)
        for sidecar, its_name in sidecars:  # first: when the photo is there, all of it is
            shutil.copyfile(sidecar, folder / its_name)
        return _move(source, folder / name, self.new_half())

    def new_folder(self, import_id: int) -> Path:
        """A folder for one copy, which is moved into it when it is whole."""
        return self._folder(import_id, copy=True)

    def new_half(self) -> Path:
        """Where a file can be written before it is moved to its place on the same disk."""
        return self._half / uuid.uuid4().hex

    def place_in(self, folder: Path, name: str) -> Path:
        """Where a copy called `name` goes in a folder of its own; a name too long is cut."""
        return folder / _short(name)

    def note_identity(
        self, arrived: Path, sha256: str, sidecars: Iterable[Path] = ()
    ) -> tuple[Path, list[Path]]:
        """File an arrived original, with what describes it, under its sha256, so that a crash
        cannot separate the two."""
        token = arrived.parent.name.rpartition(".")[2]  # alone, where it was looked at before
        folder = self.incoming_dir / f"{sha256}.{token}"
        arrived.parent.replace(folder)
        return folder / arrived.name, [folder / sidecar.name for sidecar in sidecars]

    def keep(self, identified: Path, photo: Photo) -> None:
        """Move an identified original to its final place. Doing it twice does no harm, also not
        by two processes at once."""
        final = self.kept(photo)
        final.parent.mkdir(exist_ok=True)
        for sidecar in _files(identified.parent):
            if sidecar != identified and file_kind(sidecar.name) == "sidecar":
                beside = final.with_name(final.name + sidecar.suffix.lower())
                _move_if_there(sidecar, beside)
        if not final.exists():
            _move_if_there(identified, final)
            if not final.exists():
                raise FileNotFoundError(identified)
        self.drop(identified)

    def drop(self, arrived: Path) -> None:
        """Forget a file that arrived: it is here already, cannot be read, or was cancelled."""
        if self.incoming_dir in arrived.parent.parents:  # never a folder of the person's own
            shutil.rmtree(arrived.parent, ignore_errors=True)

    def quarantine(self, upload: Path) -> None:
        """Keep an upload that could not be read for some days, to be tried again."""
        if self.incoming_dir in upload.parent.parents:
            upload.parent.replace(self._failed / upload.parent.name.rpartition(".")[2])

    def is_upload(self, arrived: Path) -> bool:
        """Whether a file on its way is an upload, all there is of it, and no copy."""
        return COPY not in arrived.parent.name

    def within_incoming(self, arrived: Path) -> Path:
        """`<token>/<name>` of a file on its way, without the folders that the album put it in."""
        parts = arrived.relative_to(self.incoming_dir).parts
        return Path(*parts[1:] if parts[0] == self._new.name else parts)

    def has_set_aside(self, import_id: int) -> bool:
        """Whether uploads of an import that could not be read are still here."""
        return any(self._failed.glob(f"{import_id}-*"))

    def retry(self, failed_import: int, import_id: int) -> list[Path]:
        """Bring uploads that were set aside by one import on their way again for another."""
        brought = []
        for folder in sorted(self._failed.glob(f"{failed_import}-*")):
            again = self._new / f"{import_id}-{uuid.uuid4().hex}"
            folder.replace(again)
            brought += _whole_files(again)
        return brought

    def hand_over(self, upload: Path, import_id: int) -> None:
        """Make an upload on its way belong to another import."""
        upload.parent.replace(self._new / f"{import_id}-{uuid.uuid4().hex}")

    def identified(self) -> Iterator[tuple[str, Path]]:
        """(sha256, file) of every original that is on its way to its final place."""
        for folder in _folders(self.incoming_dir):
            if folder not in self._not_arrivals:
                sha256 = folder.name.partition(".")[0]
                yield from ((sha256, file) for file in _whole_files(folder, sha256))

    def uploads(self, import_id: int | None = None) -> list[Path]:
        """Uploads on their way, looked at or not; None: of all imports. Folders without one go."""
        folders = [
            folder
            for parent in (self.incoming_dir, self._new)
            for folder in _folders(parent)
            if folder not in self._not_arrivals and COPY not in folder.name
        ]
        return [
            file
            for folder in folders
            if import_id is None or _import_of(folder) == str(import_id)
            for file in _whole_files(folder)
        ]

    def uploads_without(self, import_ids: Iterable[int]) -> list[Path]:
        """Uploads on their way that belong to none of these imports."""
        uploads = self.uploads()
        theirs = self.uploads_of(uploads, import_ids)
        return [file for file in uploads if file not in theirs]

    def uploads_of(self, uploads: Iterable[Path], import_ids: Iterable[int]) -> set[Path]:
        """Those of some uploads on their way that belong to one of these imports."""
        known = {str(import_id) for import_id in import_ids}
        return {file for file in uploads if _import_of(file.parent) in known}

    def forget_old(self) -> None:
        """Take away copies that a crash left on their way, and uploads that failed long ago."""
        for pattern, kept_s in (
            (f"*.{COPY}*", COPIES_KEPT_S),
            (f"new/{COPY}*", COPIES_KEPT_S),
            ("failed/*", FAILED_KEPT_S),
            ("half/*", COPIES_KEPT_S),
        ):
            for left in self.incoming_dir.glob(pattern):
                try:
                    status = left.stat()
                    # A copy has the time of its source before it is moved to its place.
                    at = status.st_ctime if left.parent == self._half else status.st_mtime
                    old = at < time.time() - kept_s
                    if old and not left.is_dir():
                        left.unlink()
                    elif old:
                        shutil.rmtree(left, ignore_errors=True)
                except FileNotFoundError:  # of an import that is running
                    continue

    # Caches

    def state_of_thumbnails(self) -> list[int]:
        """Differs after a thumbnail was made or deleted: when each of their folders changed."""
        try:
            with os.scandir(self.thumbnails_dir) as folders:
                # Large views are made when they are looked at.
                small = [it for it in folders if it.is_dir() and it.name != "large"]
                return [it.stat().st_mtime_ns for it in sorted(small, key=lambda it: it.name)]
        except OSError:
            return []

    def write_cache(self, path: Path, content: bytes) -> None:
        """Write a thumbnail so that a reader sees all of it or nothing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{uuid.uuid4().hex}{PARTIAL}")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise

    def _folder(self, import_id: int, *, copy: bool) -> Path:
        folder = self._new / f"{COPY if copy else ''}{import_id}-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        return folder


def is_half(file: Path) -> bool:
    """Whether a file among the album's own is still being written, or was when all ended."""
    return _HALF.fullmatch(file.name) is not None


def _move(source: Path, target: Path, half: Path | None = None) -> Path:
    """`target` becomes the whole file at once, on the same disk or from another.

    Args:
        source: what is moved.
        target: where to.
        half: on the disk of `target`, for what comes from another; None: beside it.
    """
    try:
        return source.replace(target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk: copy, then take it away
        partial = half or target.with_name(uuid.uuid4().hex + PARTIAL)
        shutil.copyfile(source, partial)
        shutil.copystat(source, partial)  # its time may be all that is known of the capture
        partial.replace(target)
        source.unlink(missing_ok=True)
        return target


def _move_if_there(source: Path, target: Path) -> None:
    """Move a file; another process may have done it already."""
    try:
        _move(source, target)
    except FileNotFoundError:
        return


def _import_of(folder: Path) -> str:
    """The id of the import in the token of a folder, as text."""
    return folder.name.rpartition(".")[2].removeprefix(COPY).partition("-")[0]


def _folders(folder: Path) -> list[Path]:
    """What is in a folder, which somebody may have deleted."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):  # another process's import went on meanwhile
        return []


def _short(name: str) -> str:
    """A name that a disk takes, with its ending; it may end in the middle of a letter."""
    whole, ending = os.fsencode(name), os.fsencode(Path(name).suffix)
    if len(whole) <= _LONGEST_NAME:
        return name
    ending = ending if len(ending) <= _LONGEST_NAME // 4 else b""
    return os.fsdecode(whole[: _LONGEST_NAME - len(ending)] + ending)


def _whole_files(folder: Path, sha256: str = "") -> list[Path]:
    """The file that arrived in this folder, without what describes it; a folder with none goes.

    A photo may be called as files are that describe one; then `sha256`, if it is known, tells it.
    """
    found = _files(folder)
    files = [file for file in found if file_kind(file.name) != "sidecar"]
    files = files or [file for file in found if sha256 and _has_bytes(file, sha256)]
    if not files:
        shutil.rmtree(folder, ignore_errors=True)
    return files


def _has_bytes(file: Path, sha256: str) -> bool:
    try:
        return sha256_of(file) == sha256
    except OSError:  # it was moved to its place just now
        return False


def file_time(path: Path) -> datetime:
    """When the file was last changed: naive local time, to the second.

    Raises:
        UnreadableImageError: the file cannot be opened.
    """
    try:
        seconds = int(path.stat().st_mtime)
    except OSError as error:
        raise UnreadableImageError(CANNOT_OPEN) from error
    # Some disks hold times that no calendar does; 1970 to 2106 is what 32 bits can say.
    return datetime.fromtimestamp(min(max(seconds, 0), 2**32 - 1))
