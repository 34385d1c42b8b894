"""The file of an album's themes, a cache beside the matrix of their model.

    embeddings/<model>.themes.npz

If something is wrong with it, the themes are found again.
"""

from __future__ import annotations

import json
import logging
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from album.organizing.map_layout import MapLayout
from album.organizing.theme_names import ThemeName
from models.prompts import EVERYDAY_WORDS

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ThemeData:
    """Themes and map as they were found, k themes of n photos."""

    keys: Ids
    """(k,) numbers of the themes in addresses, which stay when the themes are found again."""
    next_key: int
    """Number of the next new theme. None is used twice."""
    names: tuple[ThemeName, ...]
    centres: Floats
    """(k, d)"""
    layout: MapLayout
    ids: Ids
    """(n,) photos, in the order of the matrix."""
    positions: npt.NDArray[np.uint16]
    """(n, 2) their places on the map."""


def read_themes(path: Path, d: int) -> ThemeData | None:
    """Read the themes of a model of width `d`. None if the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        return _checked(values, d)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s is made again: %s", path.name, error)
        with suppress(OSError):
            path.unlink()  # said once
        return None


def write_themes(path: Path, data: ThemeData) -> None:
    """Replace the file. On a disk that takes none, the themes are found again next time."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(
                file,
                keys=data.keys,
                next_key=np.array(data.next_key),
                names=_packed(data.names),
                centres=data.centres,
                landmarks=data.layout.vectors,
                landmark_positions=data.layout.positions,
                ids=data.ids,
                positions=data.positions,
            )
        part.replace(path)
    except OSError as error:
        log.warning("%s could not be kept: %s", path.name, error.strerror)


def _checked(values: dict[str, npt.NDArray[Any]], d: int) -> ThemeData:
    """Check what a file holds.

    Raises:
        ValueError, KeyError, TypeError: it is no table of themes.
    """
    keys = _array(values, "keys", np.int64, 1)
    centres = _array(values, "centres", np.float32, 2)
    landmarks = _array(values, "landmarks", np.float16, 2)
    landmark_positions = _array(values, "landmark_positions", np.float32, 2)
    ids = _array(values, "ids", np.int64, 1)
    positions = _array(values, "positions", np.uint16, 2)
    k, n, m = len(keys), len(ids), len(landmarks)
    shapes = (centres.shape, landmarks.shape, landmark_positions.shape, positions.shape)
    if shapes != ((k, d), (m, d), (m, 2), (n, 2)) or not 0 < k < 256:
        raise ValueError("its shapes do not agree")
    numbers = (centres, landmarks, landmark_positions)
    next_key = int(values["next_key"].item())
    if not all(np.isfinite(array).all() for array in numbers) or len(np.unique(keys)) < k:
        raise ValueError("its numbers are damaged")
    if keys.min() < 1 or next_key <= keys.max():
        raise ValueError("its themes have impossible numbers")
    names = _unpacked(bytes(_array(values, "names", np.uint8, 1)))
    if len(names) != k:
        raise ValueError("names are missing")
    layout = MapLayout(landmarks, landmark_positions)
    return ThemeData(keys, next_key, names, centres, layout, ids, positions)


def _array(
    values: dict[str, npt.NDArray[Any]], name: str, kind: type, axes: int
) -> npt.NDArray[Any]:
    array = values[name]
    if array.dtype != kind or array.ndim != axes:
        raise ValueError("an array is of another kind")
    return array


def _packed(names: tuple[ThemeName, ...]) -> npt.NDArray[np.uint8]:
    """Pack names with the words themselves: another list of words needs other names."""
    english = [[EVERYDAY_WORDS[word][0] for word in name.words] for name in names]
    guesses = [[EVERYDAY_WORDS[word][0] for word in name.guesses] for name in names]
    text = json.dumps({"words": english, "guesses": guesses})
    return np.frombuffer(text.encode(), np.uint8)


def _unpacked(text: bytes) -> tuple[ThemeName, ...]:
    places = {english: place for place, (english, _) in enumerate(EVERYDAY_WORDS)}
    value = json.loads(text)
    return tuple(
        ThemeName(tuple(places[word] for word in words), tuple(places[word] for word in guesses))
        for words, guesses in zip(value["words"], value["guesses"], strict=True)
    )
