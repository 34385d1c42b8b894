"""Originals: where the bytes of photos lie, and how they arrive without ever being half there.

    data/incoming/new/<token>/<name>     arrived, not looked at yet; `copy-<token>`: of a copy
    data/incoming/<sha256>.<token>/<name>  looked at; its row may come any moment
    data/photos/<ab>/<sha256>.<ext>      the original of a row, byte for byte, never written again
    data/thumbnails/<ab>/<sha256>.jpg    caches that can be made again, the only files that the
    data/thumbnails/large/...            page serves as a folder

A photo imported in place stays where it is: its row has the path and only caches are made here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from album.errors import PhotoNotFoundError
from album.photo import Photo

SUFFIXES = {
    "JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif",
    "BMP": ".bmp", "TIFF": ".tif", "HEIC": ".heic", "AVIF": ".avif",
}  # fmt: skip
PARTIAL = ".part"  # being copied; of no worth after a crash, for its source is still there
COPY = "copy-"  # likewise where it has no row yet; an upload is all there is of a photo
OLD_S = 86_400  # an import that is running keeps a copy waiting for seconds


class Originals:
    """The files of one data folder, by the sha256 of the photo."""

    def __init__(self, data_dir: Path) -> None:
        """Use (and make) the folders below `data_dir`."""
        self.photos_dir = data_dir / "photos"
        self.thumbnails_dir = data_dir / "thumbnails"
        self.incoming_dir = data_dir / "incoming"
        for folder in (self.photos_dir, self.thumbnails_dir, self.incoming_dir / "new"):
            folder.mkdir(parents=True, exist_ok=True)

    # Where things are

    def kept(self, sha256: str, file_type: str) -> Path:
        """Where the album keeps an original of its own."""
        return self.photos_dir / sha256[:2] / f"{sha256}{SUFFIXES[file_type]}"

    def path_of(self, photo: Photo) -> Path:
        """Where the original of a photo belongs, whether it is there now or not."""
        return photo.path or self.kept(photo.sha256, photo.file_type)

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

    def receive(self, source: Path, name: str, *, move: bool) -> Path:
        """Bring a file into the album's keeping under its own name; whole or not at all.

        Args:
            source: the file.
            name: what the person called it, without folders.
            move: take the file away from `source`, as with an upload; else copy it.
        """
        folder = self.incoming_dir / "new" / f"{'' if move else COPY}{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        return _place(source, folder / name, move=move)

    def note_identity(self, arrived: Path, sha256: str) -> Path:
        """File an arrived original under its sha256, so that a crash cannot separate the two."""
        token = arrived.parent.name.rpartition(".")[2]  # alone, where it was looked at before
        folder = self.incoming_dir / f"{sha256}.{token}"
        arrived.parent.replace(folder)
        return folder / arrived.name

    def keep(self, identified: Path, sha256: str, file_type: str) -> None:
        """Move an identified original to its final place. Doing it twice does no harm, also not
        by two processes at once."""
        final = self.kept(sha256, file_type)
        if not final.exists():
            final.parent.mkdir(exist_ok=True)
            try:
                _place(identified, final, move=True)
            except FileNotFoundError:
                if not final.exists():
                    raise
        self.drop(identified)

    def drop(self, arrived: Path) -> None:
        """Forget a file that arrived: it is here already, cannot be read, or was cancelled."""
        shutil.rmtree(arrived.parent, ignore_errors=True)

    def identified(self) -> Iterator[tuple[str, Path]]:
        """(sha256, file) of every original that is on its way to its final place."""
        for folder in sorted(self.incoming_dir.iterdir()):
            if folder.name != "new":
                yield from ((folder.name.partition(".")[0], file) for file in _whole_files(folder))

    def uploads(self) -> list[Path]:
        """Whole uploads on their way, looked at or not; ends half-made ones."""
        looked_at = [file for _, file in self.identified() if COPY not in file.parent.name]
        new = sorted((self.incoming_dir / "new").iterdir())
        folders = [folder for folder in new if not folder.name.startswith(COPY)]
        return looked_at + [file for folder in folders for file in _whole_files(folder)]

    def forget_old_copies(self) -> None:
        """Take away copies that a crash left on their way."""
        for folder in [
            *self.incoming_dir.glob(f"*.{COPY}*"),
            *self.incoming_dir.glob(f"new/{COPY}*"),
        ]:
            try:
                old = folder.stat().st_mtime < time.time() - OLD_S
            except FileNotFoundError:  # of an import that is running
                continue
            if old:
                shutil.rmtree(folder, ignore_errors=True)

    # Caches

    def write_cache(self, path: Path, content: bytes) -> None:
        """Write a thumbnail so that a reader sees all of it or nothing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{uuid.uuid4().hex}{PARTIAL}")
        partial.write_bytes(content)
        partial.replace(path)


def _place(source: Path, target: Path, *, move: bool) -> Path:
    """`target` becomes the whole file at once, on the same disk or from another."""
    if move:
        try:
            return source.replace(target)
        except OSError:
            pass  # another disk: copy, then take it away
    partial = target.with_name(uuid.uuid4().hex + PARTIAL)
    shutil.copyfile(source, partial)
    shutil.copystat(source, partial)  # its time may be all that is known of the capture
    partial.replace(target)
    if move:
        source.unlink(missing_ok=True)
    return target


def _whole_files(folder: Path) -> list[Path]:
    """The file that arrived in this folder; a folder with none, or half a one, goes."""
    try:
        files = [file for file in folder.iterdir() if file.suffix != PARTIAL]
    except (FileNotFoundError, NotADirectoryError):  # another process's import went on meanwhile
        return []
    if not files:
        shutil.rmtree(folder, ignore_errors=True)
    return files


def sha256_of(path: Path) -> str:
    """The identity of a photo: the sha256 of its bytes, in lower-case hex.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def display_name(path: Path) -> str:
    """A file's name as text, also where an old Korean disk wrote it in CP949."""
    raw = os.fsencode(path.name)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp949", "replace")
