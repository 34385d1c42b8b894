"""Trained classifiers as JSON: those that read embeddings are small enough.

{"name": "pets", "files": {"card.json": "<base64>", "head.safetensors": "<base64>"}}
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from album.errors import AlbumError
from models.errors import ModelError
from models.interfaces import Classifiers

FILES: Final = ("card.json", "head.safetensors")
MOST_BYTES: Final = 20_000_000
"""Of the files of one classifier. Networks that read images are larger."""
NAME: Final = re.compile(r"[\w-][\w. -]{0,99}")
"""Of a folder: no path out of its parent, and not hidden."""


def is_small(folder: Path) -> bool:
    """Return whether the classifier in a folder is small enough for an export."""
    sizes = (file.stat().st_size for name in FILES if (file := folder / name).is_file())
    return NAME.fullmatch(folder.name) is not None and sum(sizes) <= MOST_BYTES


def pack(folder: Path) -> dict[str, Any]:
    """Pack the classifier in a folder as JSON.

    Raises:
        AlbumError: it cannot be read.
    """
    try:
        files = {name: base64.b64encode((folder / name).read_bytes()).decode() for name in FILES}
    except OSError as error:
        raise AlbumError(
            "The trained classifier “{name}” cannot be read: {reason}.",
            name=folder.name,
            reason=error.strerror or error,
        ) from error
    return {"name": folder.name, "files": files}


@contextmanager
def unpack(
    wanted: Sequence[Any], folder: Path, classifiers: Classifiers
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Unpack classifiers into a folder, and remove them if the block raises.

    Args:
        wanted: JSON as `pack` makes it, or anything else.
        folder: where the album keeps them.
        classifiers: loads each one as a check.

    Yields:
        The names of the new ones, and of those whose name is taken there.

    Raises:
        AlbumError: one of them is damaged, or cannot be written. The folder is as it was.
    """
    files = dict(map(_check, wanted))
    if len(files) < len(wanted):
        raise damaged("a classifier stands there twice")
    taken = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    new = tuple(name for name in files if name not in taken)
    left = tuple(name for name in files if name in taken)
    if not new:
        yield (), left
        return
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made.append(place := Path(mkdtemp(prefix=".import-", dir=folder)))
        for name in new:
            (place / name).mkdir()
            for file, content in files[name].items():
                (place / name / file).write_bytes(content)
            classifiers.load_head(place, name)
        for name in new:
            made.append((place / name).rename(folder / name))
        yield new, left
        del made[1:]
    except ModelError as error:
        raise damaged("a classifier cannot be used") from error
    except OSError as error:
        raise AlbumError(
            "The trained classifiers cannot be written: {reason}.", reason=error.strerror or error
        ) from error
    finally:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)


def damaged(where: str) -> AlbumError:
    """Make the error for JSON that no album has written."""
    return AlbumError(
        "The export of labels is damaged ({where}); nothing of it was taken in.", where=where
    )


def _check(value: Any) -> tuple[str, dict[str, bytes]]:
    """Return the name and the files of a classifier, without a look into the files."""
    parts = value if isinstance(value, dict) else {}
    name, files = parts.get("name"), parts.get("files")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise damaged("the name of a classifier")
    if not isinstance(files, dict) or set(files) != set(FILES):
        raise damaged(f"classifier “{name}”")
    try:
        content = {file: base64.b64decode(text, validate=True) for file, text in files.items()}
    except (TypeError, ValueError) as error:
        raise damaged(f"classifier “{name}”") from error
    if sum(map(len, content.values())) > MOST_BYTES:
        raise damaged(f"classifier “{name}”")
    return name, content
