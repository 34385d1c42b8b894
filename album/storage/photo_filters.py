"""Filters as boolean masks over the rows of the photo table."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from album.domain.filters import (
    AtHours,
    ByCamera,
    ByLens,
    Captioned,
    Fact,
    Favourite,
    Filter,
    ImportedBy,
    InMonths,
    InPlace,
    Labelled,
    OfType,
    OnDays,
    OnWeekdays,
    Placed,
    Screenshot,
    Shaped,
    TakenBetween,
    Writes,
)
from album.domain.known_names import KnownNames
from album.domain.photo import PlaceCount, SearchFilters
from album.storage.database import Database
from album.storage.label_names import read_synonyms
from album.storage.photo_rows import place_from_row
from album.storage.photo_table import Facts, Ids, Mask
from album.storage.text_tokens import fold

FAVOURITE_STARS = 4
FAVOURITE_LABELS = frozenset({"favourite", "favorite", "favourites", "favorites", "즐겨찾기", "★"})
_SHAPES = {"landscape": 1, "square": 0, "portrait": -1}
_MONDAY_OFFSET = 3  # day 0, the first of 1970, was a Thursday


class FilterMasks:
    """Masks over the facts of one moment."""

    def __init__(
        self, database: Database, facts: Facts, written: Mapping[str, Ids] | None = None
    ) -> None:
        """Use the photos of `facts`, and photo ids by phrase."""
        self._database = database
        self._facts = facts
        self._written = {} if written is None else written
        self._masks: dict[Hashable, Mask] = {}

    def passing(self, filters: SearchFilters, conditions: Sequence[Filter]) -> Mask:
        """Return (n,) whether each photo passes the filters and meets the conditions.

        Raises:
            KeyError: `written` lacks a phrase.
        """
        mask = self._meeting(_as_conditions(filters)) & self._meeting(conditions)
        camera, label = filters.camera, filters.label
        country, town = filters.country, filters.town
        if camera is not None:
            mask &= self._cached(
                ("camera", camera), lambda: self._named("camera", lambda name: name == camera)
            )
        if label is not None:
            mask &= self._cached(("label", label), lambda: self._among(self._labelled([label])))
        if country is not None:
            mask &= self._cached(
                ("place", country, town),
                lambda: np.isin(self._facts.rows["place_id"], self._places_in(country, town)),
            )
        return mask

    def count(self, filters: SearchFilters, conditions: Sequence[Filter]) -> int:
        """Count the photos that pass the filters and meet the conditions."""
        return int(np.count_nonzero(self.passing(filters, conditions)))

    def _meeting(self, conditions: Iterable[Filter]) -> Mask:
        """Return (n,) whether each photo meets the conditions.

        Facts of one type are alternatives, except labels and phrases. Excluded facts must not hold.
        """
        mask = np.ones(len(self._facts.rows), dtype=bool)
        alternatives: dict[type[Fact], Mask] = {}
        for condition in conditions:
            holds = self._holds(condition.fact)
            if condition.excluded:
                mask &= ~holds
            elif isinstance(condition.fact, Labelled | Writes):
                mask &= holds
            else:
                kind = type(condition.fact)
                alternatives[kind] = alternatives[kind] | holds if kind in alternatives else holds
        for holds in alternatives.values():
            mask &= holds
        return mask

    def _holds(self, fact: Fact) -> Mask:
        """Return (n,) whether each photo is known to have the fact."""
        return self._cached(fact, lambda: self._mask_of(fact))

    def _cached(self, key: Hashable, build: Callable[[], Mask]) -> Mask:
        """Return the cached mask of a fact or filter. Don't write into it."""
        if key not in self._masks:
            self._masks[key] = build()
        return self._masks[key]

    def _mask_of(self, fact: Fact) -> Mask:
        facts, rows = self._facts, self._facts.rows
        mask: Mask
        match fact:
            case TakenBetween(first, last):
                mask = np.ones(len(rows), dtype=bool)
                if first is not None:
                    mask &= facts.days >= np.datetime64(first)
                if last is not None:
                    mask &= facts.days <= np.datetime64(last)
            case InMonths(months):
                mask = np.isin(facts.months, months)
            case OnDays(days):
                numbers = [100 * month + day for month, day in days]
                mask = np.isin(100 * facts.months + facts.days_of_month, numbers)
            case OnWeekdays(weekdays):  # a file's time will do, as for any other day
                mask = np.isin((facts.days.astype(np.int64) + _MONDAY_OFFSET) % 7, weekdays)
            case AtHours(first, last, or_unknown):
                hours = facts.seconds // 3600 % 24
                mask = (hours >= first) & (hours < last)
                if last <= first:
                    mask = (hours >= first) | (hours < last)
                mask = mask | ~rows["timed"] if or_unknown else mask & rows["timed"]
            case InPlace(name):
                mask = np.isin(rows["place_id"], self._places_called(name))
            case ByCamera(name):
                mask = self._named("camera", lambda known: fold(name) in fold(known))
            case ByLens(name):
                mask = self._named("lens", lambda known: fold(name) in fold(known))
            case OfType(file_types):
                mask = self._named("file_type", lambda known: known in file_types)
            case Shaped(orientation):
                mask = rows["shape"] == _SHAPES[orientation]
            case Screenshot():
                mask = rows["screenshot"]
            case Favourite():
                labels = self._labels_where(FAVOURITE_LABELS.__contains__)
                mask = (rows["rating"] >= FAVOURITE_STARS) | self._among(self._labelled(labels))
            case Labelled(label, or_keyword):
                labels = self._labels_where(fold(label).__eq__)
                mask = self._among(self._labelled(labels))
                if or_keyword:
                    mask = mask | self._among(self._with_keyword(fold(label)))
            case Captioned():
                mask = rows["captioned"]
            case Placed():
                mask = rows["placed"]
            case ImportedBy(import_id):
                mask = self._among(self._added_by(import_id))
            case Writes(phrase):
                mask = self._among(self._written[phrase])
        return mask

    def _named(self, column: str, wanted: Callable[[str], bool]) -> Mask:
        """Return (n,) whether the name in a column is wanted."""
        names = self._facts.names(column)
        table = np.zeros(max(names, default=0) + 1, dtype=bool)
        table[[number for number, name in names.items() if wanted(name)]] = True
        mask: Mask = table[self._facts.rows[column]]
        return mask

    def _labels_where(self, test: Callable[[str], bool]) -> list[str]:
        """Return the labels whose folded text passes the test."""
        return [label for label in all_labels(self._database) if test(fold(label))]

    def _among(self, photo_ids: Ids) -> Mask:
        return np.isin(self._facts.photo_ids, photo_ids)

    def _labelled(self, labels: Sequence[str]) -> Ids:
        return self._ids_of("SELECT group_concat(photo_id) FROM labels WHERE label = ?", labels)

    def _with_keyword(self, folded: str) -> Ids:
        keywords = [
            keyword
            for keyword in all_keywords(self._database)
            if folded in map(fold, _levels(keyword))
        ]
        return self._ids_of(
            "SELECT group_concat(photo_id) FROM keywords WHERE keyword = ?", keywords
        )

    def _added_by(self, import_id: int) -> Ids:
        row = self._database.connection.execute(
            "SELECT group_concat(photo_id) FROM photos WHERE import_id = ?", (import_id,)
        ).fetchone()
        return np.fromstring(row[0] or "", dtype=np.int64, sep=",")

    def _ids_of(self, statement: str, names: Sequence[str]) -> Ids:
        ids: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
        for name in names:
            row = self._database.connection.execute(statement, (name,)).fetchone()
            ids.append(np.fromstring(row[0] or "", dtype=np.int64, sep=","))
        return np.concatenate(ids)

    def _places_called(self, name: str) -> list[int]:
        return [
            place_id
            for place_id, *names in self._database.connection.execute(
                "SELECT place_id, town, town_ko, country, country_ko FROM places"
            )
            if fold(name) in {fold(place) for place in names if place}
        ]

    def _places_in(self, country_code: str, town: str | None) -> list[int]:
        rows = self._database.connection.execute(
            "SELECT place_id FROM places WHERE country_code = ?1 AND (?2 IS NULL OR town = ?2)",
            (country_code, town),
        )
        return [row[0] for row in rows]


def all_labels(database: Database, table: str = "labels") -> list[str]:
    """Return the distinct labels of a table in order."""
    return _distinct(database, table, "label")


def all_keywords(database: Database) -> list[str]:
    """Return the distinct keywords of files in order."""
    return _distinct(database, "keywords", "keyword")


def _distinct(database: Database, table: str, column: str) -> list[str]:
    """Return the distinct values of a column in order, by jumps in its index."""
    rows = database.connection.execute(
        f"WITH RECURSIVE each (name) AS (SELECT min({column}) FROM {table} UNION ALL"
        f" SELECT (SELECT min({column}) FROM {table} WHERE {column} > each.name) FROM each"
        " WHERE each.name IS NOT NULL) SELECT name FROM each WHERE name IS NOT NULL"
    )
    return [str(row[0]) for row in rows]


def _levels(keyword: str) -> list[str]:
    """Return a keyword and, of one written as a branch, each of its levels."""
    return [keyword, *re.split(r"[/|]", keyword)]


def _as_conditions(filters: SearchFilters) -> list[Filter]:
    """Convert filters to the equivalent conditions."""
    conditions = []
    if filters.after is not None or filters.before is not None:
        conditions.append(Filter(TakenBetween(filters.after, filters.before)))
    if filters.has_place is not None:
        conditions.append(Filter(Placed(), excluded=not filters.has_place))
    if filters.has_caption is not None:
        conditions.append(Filter(Captioned(), excluded=not filters.has_caption))
    if filters.orientation is not None:
        conditions.append(Filter(Shaped(filters.orientation)))
    if filters.file_type is not None:
        conditions.append(Filter(OfType((filters.file_type,))))
    return conditions


def read_places(database: Database, facts: Facts) -> list[PlaceCount]:
    """Count the photos of each country and, behind it, of each of its towns.

    Those with the most photos come first.
    """
    counts: dict[tuple[str, str], PlaceCount] = {}  # by country and town, "" for a whole country
    for row in database.connection.execute("SELECT * FROM places ORDER BY place_id"):
        photos = facts.photos_by_place.get(row["place_id"], 0)
        if not photos:
            continue
        town = place_from_row(row)
        for place in dict.fromkeys((town, replace(town, town="", town_ko=""))):
            known = counts.setdefault((place.country_code, place.town), PlaceCount(place, 0))
            counts[place.country_code, place.town] = replace(known, photos=known.photos + photos)

    def order(count: PlaceCount) -> tuple[int, str, bool, int, str]:
        code, town = count.place.country_code, count.place.town
        return -counts[code, ""].photos, code, bool(town), -count.photos, town

    return sorted(counts.values(), key=order)


def read_known_names(database: Database, facts: Facts) -> KnownNames:
    """Read the places, cameras, lenses, labels and keywords of the photos."""
    labels = frozenset(all_labels(database))
    places = database.connection.execute(
        "SELECT place_id, town, town_ko, country, country_ko FROM places"
    )
    return KnownNames(
        places=frozenset(
            name
            for place_id, *names in places
            if place_id in facts.photos_by_place
            for name in names
            if name
        ),
        cameras=frozenset(facts.names("camera").values()),
        lenses=frozenset(facts.names("lens").values()),
        labels=labels,
        label_synonyms=read_synonyms(database, labels),
        keywords=frozenset(
            level for keyword in all_keywords(database) for level in _levels(keyword) if level
        ),
    )
