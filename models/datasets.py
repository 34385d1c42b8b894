"""Images with their texts on disk, for training and evaluation.

Three forms are understood:

- a CSV (also .csv.gz) with a row per image or per caption. The image's column is `image_path` (or
  `file`, `filepath`). Its texts are every column whose name begins with `caption`, or `text`.
  `label` and `split` are read if present. Paths are relative to the CSV.
- the same CSV beside a tar of its own name (`dogs.csv.gz`, `dogs.tar` or `dogs.tar.gz`), whose
  members are the images.
- a folder per class: the first folder below the root is the label, at any depth of the files.

Unusable rows are counted and named, and cost nothing else.
"""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageOps

from models.errors import ModelError

IMAGE_COLUMNS = ("image_path", "file", "filepath", "image")
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

MISSING_FILE = "missing file"
UNREADABLE_IMAGE = "unreadable image"
EMPTY_CAPTION = "empty caption"


class UnreadableExampleError(ModelError):
    """Raised for one unreadable image of a set."""


@dataclass(frozen=True)
class ImageFile:
    """Location of an image: a file, or a member of a tar."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        """Path for messages, with the member of a tar."""
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"

    def open(self, at_least_px: int | None = None) -> Image.Image:
        """Decode the image, upright and RGB.

        JPEGs are decoded at reduced size, but never below `at_least_px`.

        Raises:
            UnreadableExampleError: there is no such file, or it is no image.
        """
        try:
            source = (
                self.path if self.member is None else io.BytesIO(_tar(self.path).read(self.member))
            )
            with Image.open(source) as image:
                if at_least_px is not None:
                    image.draft("RGB", (at_least_px, at_least_px))
                return ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, ValueError, SyntaxError, KeyError, Image.DecompressionBombError) as error:
            raise UnreadableExampleError(f"{self.name} cannot be read as a picture.") from error


@dataclass(frozen=True)
class Example:
    """One image with its captions, its class, or both."""

    image: ImageFile
    captions: tuple[str, ...] = ()
    label: str = ""


@dataclass
class ExampleSet:
    """Examples in reading order, and skipped names by reason."""

    examples: list[Example] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, reason: str, name: str) -> None:
        """Record an unusable example."""
        self.skipped.setdefault(reason, []).append(name)


def first_of(names: Sequence[str], most: int) -> str:
    """Join the first `most` names: `a.jpg, b.jpg, ...`."""
    return ", ".join([*names[:most], *["..."][: len(names) > most]])


def read_examples(
    path: Path, *, split: str | None = None, images: Path | None = None, texts: str | None = None
) -> ExampleSet:
    """Read a folder per class, or a CSV with its images.

    Args:
        path: The folder or the CSV.
        split: Only rows with this value in the column `split`.
        images: A folder or tar of the images, if they are not beside the CSV.
        texts: The one column of texts to read, instead of all captions.

    Raises:
        ModelError: `path` has neither form, or not a single usable row.
    """
    if path.is_dir():
        example_set = _read_folders(path)
    elif path.is_file() and path.name.removesuffix(".gz").endswith(".csv"):
        example_set = _read_csv(path, split, images, texts)
    else:
        raise ModelError(f"{path} is neither a folder with a folder per class nor a CSV.")
    if not example_set.examples:
        why = ", ".join(f"{len(names)} x {reason}" for reason, names in example_set.skipped.items())
        raise ModelError(f"{path} holds no picture that can be used ({why or 'it is empty'}).")
    return example_set


def _read_folders(root: Path) -> ExampleSet:
    example_set = ExampleSet()
    for folder in sorted(entry for entry in root.iterdir() if entry.is_dir()):
        example_set.examples += [
            Example(ImageFile(path), label=folder.name) for path in image_files(folder)
        ]
    return example_set


def image_files(folder: Path) -> list[Path]:
    """List the image files below `folder`, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)


def _read_csv(
    path: Path, split: str | None, images: Path | None, column_of_texts: str | None
) -> ExampleSet:
    example_set = ExampleSet()
    where = images or _tar_beside(path) or path.parent
    captions: dict[ImageFile, list[str]] = {}
    labels: dict[ImageFile, str] = {}
    for row in _rows(path):
        if split is not None and row.get("split") != split:
            continue
        name = next((row[column] for column in IMAGE_COLUMNS if row.get(column)), "")
        image = _locate(where, name)
        if image is None:
            example_set.skip(MISSING_FILE, name or "(no name)")
            continue
        words = [
            text.strip()
            for column, text in row.items()
            if _holds_words(column, column_of_texts) and text and text.strip()
        ]
        if not words and not row.get("label"):
            example_set.skip(EMPTY_CAPTION, name)
            continue
        captions.setdefault(image, []).extend(words)
        labels.setdefault(image, row.get("label") or "")
    example_set.examples = [
        Example(image, tuple(dict.fromkeys(words)), labels[image])
        for image, words in captions.items()
    ]
    return example_set


def _holds_words(column: str, only: str | None) -> bool:
    return column == only if only else column.startswith("caption") or column == "text"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with open_table(path) as reader:
        if not set(IMAGE_COLUMNS) & set(reader.fieldnames or []):
            raise ModelError(
                f"{path} has no column named {IMAGE_COLUMNS[0]}: its first line must name the "
                f"columns, such as {IMAGE_COLUMNS[0]},caption."
            )
        yield from reader


@contextmanager
def open_table(path: Path) -> Iterator[csv.DictReader[str]]:
    """Open a CSV in UTF-8, also .csv.gz, as dictionaries.

    Raises:
        ModelError: it cannot be read, now or at a later row.
    """
    try:
        # utf-8-sig: spreadsheets write a mark at the beginning that would hide the first column.
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="")
        ) as file:
            yield csv.DictReader(file)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"{path} cannot be read as a CSV in UTF-8: {error}.") from error


def _tar_beside(path: Path) -> Path | None:
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    candidates = (path.with_name(stem + suffix) for suffix in (".tar", ".tar.gz"))
    return next((tar for tar in candidates if tar.is_file()), None)


def _locate(where: Path, name: str) -> ImageFile | None:
    if not name:
        return None
    if where.is_dir():
        return ImageFile(where / name) if (where / name).is_file() else None
    member = _tar(where).find(name)
    return None if member is None else ImageFile(where, member)


class _Tar:
    """Open tar with random access to its members.

    A compressed one is unpacked into a temporary file first. Otherwise each step back would unpack
    it again from its beginning.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._stem = path.name.removesuffix(".gz").removesuffix(".tar")
        try:
            if path.suffix == ".gz":
                file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the set is used
                with gzip.open(path) as packed:
                    shutil.copyfileobj(packed, file)
                file.seek(0)
                self._tar = tarfile.open(fileobj=file)  # noqa: SIM115 - likewise
            else:
                self._tar = tarfile.open(path)  # noqa: SIM115 - likewise
            self._members = {member.name: member for member in self._tar if member.isfile()}
        except (OSError, EOFError, tarfile.TarError) as error:
            raise ModelError(f"{path} cannot be read as a tar: {error}.") from error

    def find(self, name: str) -> str | None:
        """Resolve a name, with or without a folder named like the tar."""
        return next((m for m in (name, f"{self._stem}/{name}") if m in self._members), None)

    def read(self, member: str) -> bytes:
        with self._lock:
            file = self._tar.extractfile(self._members[member])
            return b"" if file is None else file.read()


@lru_cache(64)
def _tar(path: Path) -> _Tar:
    return _Tar(path)
