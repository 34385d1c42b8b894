"""Discovery: the themes of the album and its map, found in the background and kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from album.encoding.active_encoder import Active, ActiveEncoder
from album.encoding.score_calibration import ScoreCalibrator
from album.errors import AlbumError, QueryError
from album.organizing.assignment import Assignment, Theme, assign
from album.organizing.clustering import nearest_centre
from album.organizing.map_layout import MapLayout
from album.organizing.theme_cache import ThemeData, read_themes, write_themes
from album.organizing.theme_names import name_themes
from album.organizing.worker_process import NICENESS, Arrays, run_worker
from album.storage.vector_index import VectorIndex, is_in, matrix_files
from models.interfaces import Embeddings

log = logging.getLogger(__name__)

FEWEST_PHOTOS = 60
NEW_SHARE, NEW_PHOTOS = 0.1, 500
"""Themes are found again when so many photos are new or gone."""
MUCH_NEW_SHARE = 0.5  # does not wait for the end of a long import
SETTLED_S = 10.0
LOOK_AGAIN_S = 3.0
SAME_THEME = 0.8  # correlation from which a theme keeps its number when themes are found again

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DiscoveryState:
    """Whether there is something to discover, and else why not."""

    kind: Literal["ready", "working", "few", "no_model", "failed"]
    share: float = 0.0
    """Of the work that is done, in [0, 1]."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AlbumMap:
    """Places of n photos on the map."""

    ids: Ids
    """(n,)"""
    positions: npt.NDArray[np.uint16]
    """(n, 2)"""
    themes: npt.NDArray[np.uint8]
    """(n,) places of their themes in `Discovery.themes`."""


class Discovery:
    """Themes and map of the model in use, safe to ask from any thread."""

    def __init__(self, active: ActiveEncoder, cache_dir: Path) -> None:
        """Prepare, without reading or computing yet.

        Args:
            active: the model in use.
            cache_dir: where the themes of each model are kept.
        """
        self._active = active
        self._cache_dir = cache_dir
        self._lock = threading.Lock()
        self._found: tuple[Active, ThemeData] | None = None
        self._assigned: tuple[ThemeData, Assignment] | None = None
        self._share: float | None = None
        self._problem = ""
        self._count, self._counted_at = -1, 0.0

    # Questions

    def state(self) -> DiscoveryState:
        """Return whether themes can be shown, and else why not."""
        if self._active.model_id is None:
            return DiscoveryState("no_model")
        active = self._active.current()
        if self._data(active) is not None:
            return DiscoveryState("ready", self._share or 0.0)
        if len(active.index) < FEWEST_PHOTOS:
            return DiscoveryState("few")
        if self._share is None and self._problem:
            return DiscoveryState("failed", problem=self._problem)
        return DiscoveryState("working", self._share or 0.0)

    def themes(self) -> tuple[Theme, ...]:
        """Return the themes, the largest first. Empty until they have been found."""
        assigned = self._now()
        return () if assigned is None else tuple(it for it in assigned.themes if it.photos)

    def theme(self, key: int) -> Theme:
        """Return one theme.

        Raises:
            QueryError: there is none of this number.
        """
        assigned, place = self._place_of(key)
        return assigned.themes[place]

    def photo_ids(self, key: int) -> Ids:
        """Return (n,) photos of a theme, those nearest its centre first.

        Raises:
            QueryError: there is no theme of this number.
        """
        assigned, place = self._place_of(key)
        rows = np.flatnonzero(assigned.labels == place)
        return assigned.ids[rows[np.argsort(assigned.distances[rows], kind="stable")]]

    def map(self) -> AlbumMap | None:
        """Return the places of all photos, or None until they have been found."""
        assigned = self._now()
        if assigned is None:
            return None
        return AlbumMap(assigned.ids, assigned.positions, assigned.labels)

    def _place_of(self, key: int) -> tuple[Assignment, int]:
        """Return all photos by theme, and the place of one theme among them.

        Raises:
            QueryError: there is none of this number.
        """
        assigned = self._now()
        if assigned is None:
            raise QueryError("The themes of this album have not been found yet: try again soon.")
        for place, theme in enumerate(assigned.themes):
            if theme.key == key and theme.photos:
                return assigned, place
        raise QueryError("This theme is no longer there: choose another one under Themes.")

    # Background work

    def refresh(self, is_stopped: Callable[[], bool] = lambda: False) -> float:
        """Find the themes if there are none, or if the album has changed much.

        Args:
            is_stopped: ends the work early.

        Returns:
            Seconds until the next look.

        Raises:
            AlbumError: they cannot be found now.
        """
        if self._active.model_id is None or self._active.filling is not None:
            return LOOK_AGAIN_S
        active = self._active.current()
        ids, _ = active.index.snapshot()
        if len(ids) != self._count:
            self._count, self._counted_at = len(ids), time.monotonic()
        data = self._data(active)
        if len(ids) >= FEWEST_PHOTOS and self._is_due(data, ids):
            self.find(is_stopped)
        elif data is not None:
            self._now()  # so that nobody waits for the places of new photos
        return LOOK_AGAIN_S

    def find(
        self, is_stopped: Callable[[], bool] = lambda: False, niceness: int = NICENESS
    ) -> None:
        """Find the themes of all photos now, in a process of their own.

        Args:
            is_stopped: ends the work early.
            niceness: of the process, in [0, 19].

        Raises:
            QueryError: the album has too few photos.
            AlbumError: they cannot be found.
        """
        active = self._active.current()
        ids, matrix = active.index.snapshot()
        if len(ids) < FEWEST_PHOTOS:
            raise QueryError(
                "Themes need at least {fewest} photos that the album has looked at.",
                fewest=FEWEST_PHOTOS,
            )
        old = self._data(active)
        started = time.monotonic()
        self._share = 0.0
        try:
            result = run_worker(
                *matrix_files(self._cache_dir, active.index.model_id),
                len(ids),
                self._note_share,
                is_stopped,
                niceness,
            )
            if result is None:
                return
            data = self._named(active, old, ids, matrix, result)
            write_themes(self._file(active.index), data)
            with self._lock:
                self._found, self._problem = (active, data), ""
            self._now()
            log.info(
                "%d themes of %d photos in %.0f s",
                len(data.keys),
                len(ids),
                time.monotonic() - started,
            )
        except AlbumError as error:
            self._problem = str(error)
            raise
        finally:
            self._share = None

    def ensure(self) -> tuple[Theme, ...]:
        """Return the themes, found now if there are none or they are out of date.

        Raises:
            AlbumError: as `find`.
        """
        active = self._active.current()
        data = self._data(active)
        if data is None or self._has_changed(data, active.index.snapshot()[0], NEW_SHARE):
            self.find(niceness=0)  # somebody waits
        return self.themes()

    def _is_due(self, data: ThemeData | None, ids: Ids) -> bool:
        """Return whether the themes have to be found again, once photos stop coming."""
        if data is not None and self._has_changed(data, ids, MUCH_NEW_SHARE):
            return True
        settled = time.monotonic() - self._counted_at >= SETTLED_S
        return settled and (data is None or self._has_changed(data, ids, NEW_SHARE))

    def _has_changed(self, data: ThemeData, ids: Ids, share: float) -> bool:
        """Return whether more than this share of the photos are new or gone."""
        if data.ids is ids:
            return False
        new = int(np.count_nonzero(~is_in(ids, data.ids)))
        gone = int(np.count_nonzero(~is_in(data.ids, ids)))
        changed = max(new, gone)
        limit = share * len(data.ids)
        return changed > (min(limit, NEW_PHOTOS) if share == NEW_SHARE else limit)

    def _data(self, active: Active) -> ThemeData | None:
        """Return what was found for this model, perhaps by an earlier process."""
        with self._lock:
            if self._found is None or self._found[0] is not active:
                data = read_themes(self._file(active.index), active.index.d)
                if data is None:
                    return None
                self._found = active, data
            return self._found[1]

    def _file(self, index: VectorIndex) -> Path:
        path, _ = matrix_files(self._cache_dir, index.model_id)
        return path.with_suffix(".themes.npz")

    def _now(self) -> Assignment | None:
        """Return the current photos by theme."""
        if self._active.model_id is None:
            return None
        active = self._active.current()
        data = self._data(active)
        if data is None:
            return None
        ids, matrix = active.index.snapshot()
        with self._lock:
            known = self._assigned
        if known is not None and known[0] is data and known[1].ids is ids:
            return known[1]
        before = None if known is None or known[0] is not data else known[1]
        assigned = assign(data, ids, matrix, before)
        with self._lock:
            self._assigned = data, assigned
        return assigned

    def _note_share(self, share: float) -> None:
        self._share = share

    def _named(
        self,
        active: Active,
        old: ThemeData | None,
        ids: Ids,
        matrix: Embeddings,
        result: Arrays,
    ) -> ThemeData:
        """Name what the worker found, and number it as before where it is the same."""
        centres = np.asarray(result["centres"], np.float32)
        labels, _ = nearest_centre(matrix, centres)
        calibrator = ScoreCalibrator(active.encoder, active.index, self._cache_dir)
        languages = active.encoder.languages
        reads_korean = not languages or "ko" in languages
        names = name_themes(calibrator, labels, len(centres), reads_korean)
        keys, next_key = _numbered(centres, old)
        return ThemeData(
            keys=keys,
            next_key=next_key,
            names=tuple(names),
            centres=centres,
            layout=MapLayout(
                np.asarray(result["landmarks"], np.float16),
                np.asarray(result["landmark_positions"], np.float32),
            ),
            ids=ids,
            positions=np.asarray(result["positions"], np.uint16),
        )


def _numbered(centres: Floats, old: ThemeData | None) -> tuple[Ids, int]:
    """Give themes the numbers of earlier ones that they are like, others new ones.

    Returns:
        (k,) numbers, and the next free one.
    """
    k = len(centres)
    if old is None or old.centres.shape[1] != centres.shape[1]:
        return np.arange(1, k + 1), k + 1
    middle = old.centres.mean(axis=0)
    alike = _unit(centres - middle) @ _unit(old.centres - middle).T  # (k, j)
    keys = np.zeros(k, np.int64)
    for place in np.argsort(-alike, axis=None, kind="stable"):
        here, there = divmod(int(place), alike.shape[1])
        if alike[here, there] < SAME_THEME:
            break
        key = old.keys[there]
        if not keys[here] and key not in keys:
            keys[here] = key
    new = np.flatnonzero(keys == 0)
    keys[new] = old.next_key + np.arange(len(new))
    return keys, old.next_key + len(new)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)
