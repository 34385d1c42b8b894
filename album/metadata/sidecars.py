"""Which files of a folder describe which photo, by their names alone.

XMP sidecars are called after the whole name of the photo (`x.jpg.xmp`, as darktable and digiKam do)
or after its stem (`x.xmp`, as Lightroom does; a raw file and its JPEG then share it). Google
Takeout lays a JSON file beside each photo, cuts the names of those, and numbers doubles in a place
of its own. Names are compared without regard to case, and to how a disk composes Korean letters.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Collection
from pathlib import Path

_XMP, _JSON = ".xmp", ".json"
_SUPPLEMENT = ".supplemental-metadata"
_TAKEOUT_LENGTH = 46
"""Letters that Takeout leaves of a JSON file's name, its ending not counted."""
_NUMBERED = re.compile(r"(.+)(\(\d{1,4}\))(\.[^.]*)?", re.DOTALL)
# What Google Photos adds to the name of an edited copy, in the language of the account.
_EDITED = re.compile(
    r"(.+)-(?:edited|편집됨|수정됨|編集済み|已修改|已編輯|bearbeitet|modifié|editado|modificato)"
    r"(\(\d{1,4}\))?(\.[^.]*)?",
    re.DOTALL,
)
_MOST_OF_A_STEM = 8


class Siblings:
    """The names of one folder, prepared once so that each photo finds its own at once."""

    def __init__(self, names: Collection[str]) -> None:
        """Sort the names of the files of one folder into those that describe and the rest."""
        self._described: dict[str, list[str]] = {}
        """The real names of sidecars by their keys."""
        self._photos: set[str] = set()
        """The keys of all other files."""
        self._by_stem: dict[str, list[str]] = {}
        """Those keys by their stems."""
        for name in names:
            key = _key(name)
            if key.endswith((_XMP, _JSON)):
                self._described.setdefault(key, []).append(name)
            elif key not in self._photos:
                self._photos.add(key)
                self._by_stem.setdefault(_stem(key), []).append(key)

    def sidecars_for(self, name: str) -> list[str]:
        """The names in the folder that describe the photo `name`, most telling first."""
        key = _key(name)
        found = [*self._xmp_of(key), *self._json_of(key)]
        return [self._real(sidecar, name) for sidecar in dict.fromkeys(found)]

    def sidecar_target(self, name: str, *, raw: bool) -> tuple[str, str | None]:
        """Where XMP about the photo `name` is to be written, and what has its say until then.

        The sidecar that the photo has; a new one is called after its whole name, which darktable
        and digiKam read, and which no other photo can share. One after its stem, which Lightroom
        reads for raw files alone, is the raw file's where a JPEG has the same stem: the new one of
        the JPEG hides it, and must say what it said.

        Args:
            name: of a photo of this folder.
            raw: whether that is a camera raw file.

        Returns:
            The name of the file, there already or not, and that of the file that it hides.
        """
        key = _key(name)
        found = [self._real(sidecar, name) for sidecar in self._xmp_of(key)]
        if not found:
            return name + _XMP, None
        own = _key(found[0]) == key + _XMP
        if own or raw or not self.shares_stem(name):
            return found[0], None
        return name + _XMP, found[0]

    def shares_stem(self, name: str) -> bool:
        """Whether another photo of the folder has the same stem."""
        key = _key(name)
        return any(other != key for other in self._by_stem.get(_stem(key), []))

    def _xmp_of(self, key: str) -> list[str]:
        whole, short = key + _XMP, _stem(key) + _XMP
        found = [whole] if whole in self._described else []
        if short not in self._described or _stem(key) in self._photos:
            return found  # the other is the whole name of another photo
        # A photo with one of its own leaves the shared one to the raw file that lacks one.
        others = self._by_stem.get(_stem(key), [])
        if found and any(other != key for other in others):
            return found
        return [*found, short]

    def _json_of(self, key: str) -> list[str]:
        for title in [key, *self._originals_of(key)]:
            for candidate in _takeout_names(title):
                if candidate in self._described:
                    return [candidate]
        # Pictures without an ending in Google Photos get one only when they leave it.
        bare = _stem(key) + _JSON
        return [bare] if bare in self._described and _stem(key) not in self._photos else []

    def _originals_of(self, key: str) -> list[str]:
        """The photos that `key` may be an edited copy of; an edited HEIC is a JPEG."""
        found = _EDITED.fullmatch(key)
        if found is None:
            return []
        stem = found[1] + (found[2] or "")
        return [stem + (found[3] or ""), *self._by_stem.get(stem, [])[:_MOST_OF_A_STEM]]

    def _real(self, key: str, photo: str) -> str:
        """The real name behind a key: where several differ in case alone, the photo's own."""
        names = self._described[key]
        stem = _stem(photo)
        return next((name for name in names if name.startswith(stem)), names[0])


def find_sidecars(name: str, siblings: Collection[str]) -> list[str]:
    """Which of the names in the same folder describe the photo `name`; for many, use `Siblings`."""
    return Siblings(siblings).sidecars_for(name)


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a small file; none of one that is longer, gone, locked, or no file at all."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return b""  # opening a pipe would wait for ever
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return b""
    return content if len(content) <= limit else b""


def _takeout_names(key: str) -> list[str]:
    """The keys under which Takeout may lay the JSON file of a photo, likeliest first."""
    numbered = _NUMBERED.fullmatch(key)
    names = []
    if numbered is not None:  # x(1).jpg is described by x.jpg(1).json
        title, number = numbered[1] + (numbered[3] or ""), numbered[2]
        names = [cut + number + _JSON for cut in _cuts(title)]
    return [*names, *(cut + _JSON for cut in _cuts(key))]


def _cuts(title: str) -> list[str]:
    """A title with as much of its supplement as Takeout may have left, from all to none."""
    if len(title) > _TAKEOUT_LENGTH:
        return [title, title[:_TAKEOUT_LENGTH]]
    return [title + _SUPPLEMENT[:kept] for kept in range(len(_SUPPLEMENT), -1, -1)]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name
