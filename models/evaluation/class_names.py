"""English and Korean names of a data set's folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.datasets import open_table
from models.errors import ModelError

Language = Literal["en", "ko"]
COLUMNS = ("source", "folder", "en", "ko")


@dataclass(frozen=True)
class ClassNames:
    """Names of c classes in the order of their folders."""

    folders: tuple[str, ...]
    names: dict[Language, tuple[str, ...]]
    """By language, one for each folder."""
    unnamed: dict[Language, tuple[str, ...]]
    """The folders for which another name had to stand in."""

    def synonyms(self, *languages: Language) -> list[list[str]]:
        """Join the names of each class in `languages`, for class_embeddings()."""
        columns = [self.names[language] for language in languages]
        return [list(dict.fromkeys(names)) for names in zip(*columns, strict=True)]


def class_names(folders: Sequence[str], labels: Path | None, source: str | None) -> ClassNames:
    """Name each folder.

    The name of the folder stands in for a missing English name, with spaces for underscores, and
    the English name for a missing Korean one. Both are listed in `unnamed`.

    Args:
        folders: The classes as they are on disk.
        labels: A CSV with the columns source, folder, en and ko, None for the folders' own names.
        source: Which rows of it to use, if a folder has different names in different sources.

    Raises:
        ModelError: the CSV cannot be read, names none of the folders, or names one differently in
            two sources.
    """
    known = {} if labels is None else _read(labels, source)
    if labels is not None and not known.keys() & set(folders):
        raise ModelError(
            f"{labels} names none of the {len(folders)} classes, such as {folders[0]}"
            + (f", under the source {source}." if source else ".")
        )
    english = tuple(
        known.get(folder, ("", ""))[0] or folder.replace("_", " ") for folder in folders
    )
    korean = tuple(
        known.get(folder, ("", ""))[1] or name
        for folder, name in zip(folders, english, strict=True)
    )
    unnamed: dict[Language, tuple[str, ...]] = {
        "en": tuple(folder for folder in folders if not known.get(folder, ("", ""))[0])
        if labels
        else (),
        "ko": tuple(folder for folder in folders if not known.get(folder, ("", ""))[1]),
    }
    return ClassNames(tuple(folders), {"en": english, "ko": korean}, unnamed)


def _read(path: Path, source: str | None) -> dict[str, tuple[str, str]]:
    """Read English and Korean names by folder, either may be empty."""
    names: dict[str, tuple[str, str]] = {}
    sources: dict[str, None] = {}
    with open_table(path) as reader:
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ModelError(f"{path} has no column {' or '.join(missing)}.")
        for row in reader:
            sources[row["source"]] = None
            if source is not None and row["source"] != source:
                continue
            folder = row["folder"]
            entry = (row["en"] or "").strip(), (row["ko"] or "").strip()
            if names.setdefault(folder, entry) != entry:
                raise ModelError(
                    f"{path} names {folder} differently in different sources: say with "
                    f"--source which one of {', '.join(sources)} is meant."
                )
    if source is not None and source not in sources:
        raise ModelError(
            f'{path} has no source "{source}": it has {", ".join(list(sources)[:10]) or "none"}.'
        )
    return names
