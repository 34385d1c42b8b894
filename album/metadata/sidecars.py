"""Matching of sidecars to photos of the same folder, by name.

An XMP sidecar has the full name of the photo (`x.jpg.xmp`: darktable, digiKam) or its stem
(`x.xmp`: Lightroom). With the stem, a raw file and its JPEG share it. Google Takeout writes a JSON
file for each photo, truncates its name, and puts the number of a duplicate elsewhere. Names are
compared without case and without Unicode normal form, because macOS decomposes Korean letters.
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
"""Length to which Takeout truncates the name of a JSON file, without its suffix."""
_NUMBERED = re.compile(r"(.+)(\(\d{1,4}\))(\.[^.]*)?", re.DOTALL)
# Google Photos adds this to the name of an edited copy, in the account's language.
_EDITED = re.compile(
    r"(.+)-(?:edited|편집됨|수정됨|編集済み|已修改|已編輯|bearbeitet|modifié|editado|modificato)"
    r"(\(\d{1,4}\))?(\.[^.]*)?",
    re.DOTALL,
)
_MAX_ORIGINALS = 8


class Siblings:
    """Names of one folder, indexed once for all its photos."""

    def __init__(self, names: Collection[str]) -> None:
        """Index the names of all files of a folder."""
        self._sidecars: dict[str, list[str]] = {}
        """Sidecar names by key."""
        self._photos: set[str] = set()
        """Keys of all other files."""
        self._by_stem: dict[str, list[str]] = {}
        """Keys in `_photos` by stem."""
        for name in names:
            key = _key(name)
            if key.endswith((_XMP, _JSON)):
                self._sidecars.setdefault(key, []).append(name)
            elif key not in self._photos:
                self._photos.add(key)
                self._by_stem.setdefault(_stem(key), []).append(key)

    def sidecars_for(self, name: str) -> list[str]:
        """Return the sidecars of the photo `name`, most trusted first."""
        key = _key(name)
        keys = dict.fromkeys([*self._xmp_keys(key), *self._json_keys(key)])
        return [self._file_name(sidecar, name) for sidecar in keys]

    def sidecar_target(self, name: str, *, raw: bool) -> tuple[str, str | None]:
        """Return where to write XMP about the photo `name`, and which sidecar that hides.

        An existing sidecar is kept. A new one gets the full name of the photo, which darktable and
        digiKam read and which no other photo shares. Lightroom reads a sidecar with the stem for
        raw files only. So where a raw file and a JPEG share a stem, that sidecar is the raw file's.
        The new one of the JPEG hides it and must repeat its content.

        Args:
            name: a photo of this folder.
            raw: whether it is a camera raw file.

        Returns:
            The name to write, existing or not, and the name of the hidden sidecar.
        """
        key = _key(name)
        existing = [self._file_name(sidecar, name) for sidecar in self._xmp_keys(key)]
        if not existing:
            return name + _XMP, None
        if _key(existing[0]) == key + _XMP or raw or not self.shares_stem(name):
            return existing[0], None
        return name + _XMP, existing[0]

    def shares_stem(self, name: str) -> bool:
        """Return whether another photo of the folder has the stem of `name`."""
        return self._shares_stem(_key(name))

    def _shares_stem(self, key: str) -> bool:
        return any(photo != key for photo in self._by_stem.get(_stem(key), []))

    def _xmp_keys(self, key: str) -> list[str]:
        full, short = key + _XMP, _stem(key) + _XMP
        keys = [full] if full in self._sidecars else []
        if short not in self._sidecars or _stem(key) in self._photos:
            return keys  # the short name is the full name of another photo
        # A photo with its own sidecar leaves the shared one to the raw file.
        if keys and self._shares_stem(key):
            return keys
        return [*keys, short]

    def _json_keys(self, key: str) -> list[str]:
        for title in [key, *self._originals(key)]:
            for candidate in _takeout_names(title):
                if candidate in self._sidecars:
                    return [candidate]
        # Photos without a suffix in Google Photos get one only on export.
        bare = _stem(key) + _JSON
        return [bare] if bare in self._sidecars and _stem(key) not in self._photos else []

    def _originals(self, key: str) -> list[str]:
        """Return photos of which `key` may be an edited copy, such as a HEIC."""
        match = _EDITED.fullmatch(key)
        if match is None:
            return []
        stem = match[1] + (match[2] or "")
        return [stem + (match[3] or ""), *self._by_stem.get(stem, [])[:_MAX_ORIGINALS]]

    def _file_name(self, key: str, photo: str) -> str:
        """Return the name with a key, the photo's own where several differ in case."""
        names = self._sidecars[key]
        stem = _stem(photo)
        return next((name for name in names if name.startswith(stem)), names[0])


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the bytes of a small file, or b"" if it is longer or unreadable."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return b""  # opening a FIFO would block
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return b""
    return content if len(content) <= limit else b""


def _takeout_names(key: str) -> list[str]:
    """Return keys that Takeout's JSON of a photo may have, most likely first."""
    numbered = _NUMBERED.fullmatch(key)
    names = []
    if numbered is not None:  # x(1).jpg is described by x.jpg(1).json
        title, number = numbered[1] + (numbered[3] or ""), numbered[2]
        names = [cut + number + _JSON for cut in _cuts(title)]
    return [*names, *(cut + _JSON for cut in _cuts(key))]


def _cuts(title: str) -> list[str]:
    """Return a title with every part of the supplement that Takeout may have kept."""
    if len(title) > _TAKEOUT_LENGTH:
        return [title, title[:_TAKEOUT_LENGTH]]
    return [title + _SUPPLEMENT[:length] for length in range(len(_SUPPLEMENT), -1, -1)]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name
