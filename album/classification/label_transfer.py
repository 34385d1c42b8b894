"""Labels and trained classifiers as JSON, from one album to another.

    {"version": 1,
     "labels": [{"label": "cat",
                 "photos": [{"sha256": "...", "given_by": "words", "probability": 0.93}],
                 "refused": ["<sha256>"],
                 "rule": {"kind": "words", "definition": {...}, "living": true}}],
     "classifiers": [{"name": "pets", "files": {"card.json": "<base64>", ...}}],
     "classifiers_left_out": ["<name of one that is too large>"]}

Photos are named by the sha256 of their bytes, so that an album of the same photos can import the
labels. Nothing is written before all of the JSON has been checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast, get_args

from album.classification.classifier_transfer import damaged, is_small, pack, unpack
from album.classification.trained_classifiers import TrainedHeads
from album.domain.labels import GivenLabel, Giver, LabelRule, checked_rule, label_name
from album.errors import AlbumError, QueryError
from album.storage.label_history import LabelRow
from album.storage.labels import LabelStore
from models.interfaces import Classifiers

VERSION: Final = 1
MOST_BYTES: Final = 500_000_000
"""Of a file to import."""
SHA256: Final = re.compile(r"[0-9a-f]{64}")


class LabelledAlbum(Protocol):
    """An album to export labels from or import them into, such as `album.service.Album`."""

    labels: LabelStore
    heads: TrainedHeads
    classifiers: Classifiers


@dataclass(frozen=True, slots=True)
class LabelsTaken:
    """The result of an import of labels."""

    act_id: int | None
    """Undoes the import. None where no label was new."""
    labels: tuple[str, ...]
    photos: int
    """How many of the export's photos are in this album."""
    unknown: int
    """How many are not."""
    written: int
    """How many labels and refusals are new here."""
    rules: int
    """How many rules are new here."""
    rules_left: tuple[str, ...]
    """Labels whose own rule here stays."""
    classifiers: tuple[str, ...]
    """Trained classifiers that are new here."""
    classifiers_left: tuple[str, ...]
    """Trained classifiers whose name is taken here."""


@dataclass(frozen=True, slots=True)
class _ImportedLabel:
    label: str
    photos: dict[str, GivenLabel | None]
    """By the sha256 of the photos, None for a refusal."""
    rule: LabelRule | None


def export_labels(album: LabelledAlbum, labels: Sequence[str] = ()) -> dict[str, Any]:
    """Export labels as JSON for `import_labels`.

    Args:
        album: to read from.
        labels: which ones, none for all of them with all trained classifiers.

    Raises:
        QueryError: there is no such label.
    """
    known = {summary.label: summary.rule for summary in album.labels.summaries()}
    chosen = [label_name(label) for label in labels] or list(known)
    for label in chosen:
        if label not in known:
            raise QueryError("There is no label “{label}”.", label=label)
    rules = [rule for label in chosen if (rule := known[label])]
    used = {rule.definition.get("head") for rule in rules}
    names = [card.name for card in album.heads.cards() if not labels or card.name in used]
    small = [name for name in names if is_small(album.heads.folder / name)]
    return {
        "version": VERSION,
        "labels": [_label_json(album, label, known[label]) for label in dict.fromkeys(chosen)],
        "classifiers": [pack(album.heads.folder / name) for name in small],
        "classifiers_left_out": [name for name in names if name not in small],
    }


def import_labels(album: LabelledAlbum, data: Any) -> LabelsTaken:
    """Import another album's labels of the same photos, all of them or nothing.

    Labels and refusals by people here stay, and so do the rules and the classifiers of this album.
    A living label is given to photos that come from now on.

    Args:
        album: to write into.
        data: JSON as `export_labels` makes it, or anything else.

    Raises:
        AlbumError: it is no such JSON. Nothing is written.
    """
    if not isinstance(data, dict) or "version" not in data:
        raise AlbumError("This is no export of labels: choose a file that an album has written.")
    if data["version"] != VERSION or isinstance(data["version"], bool):
        raise AlbumError("The export is of another version of the album: update this one.")
    labels = [_read_label(value, place) for place, value in enumerate(_list(data, "labels"), 1)]
    if len({label.label for label in labels}) < len(labels):
        raise damaged("a label stands there twice")
    named = {sha256 for label in labels for sha256 in label.photos}
    ids = album.labels.ids_of(named)
    rules = [label.rule for label in labels if label.rule is not None]
    names = [label.label for label in labels]
    with unpack(_list(data, "classifiers"), album.heads.folder, album.classifiers) as (new, left):
        rows = (row for label in labels for row in _rows(label, ids))
        act, written, taken = album.labels.merge(rules, rows, names)
    return LabelsTaken(
        act_id=None if act is None else act.act_id,
        labels=tuple(names),
        photos=len(ids),
        unknown=len(named) - len(ids),
        written=written,
        rules=len(taken),
        rules_left=tuple(rule.label for rule in rules if rule.label not in taken),
        classifiers=new,
        classifiers_left=left,
    )


def read_labels(file: Path) -> Any:
    """Read the JSON in a file.

    Raises:
        AlbumError: it is too large, cannot be read, or is no JSON.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise AlbumError(
                "{file} is larger than {limit} MB: export fewer labels at once.",
                file=file,
                limit=MOST_BYTES // 10**6,
            )
        return json.loads(file.read_bytes())
    except OSError as error:
        raise AlbumError(
            "{file} cannot be read: {reason}.", file=file, reason=error.strerror or error
        ) from error
    except (ValueError, RecursionError) as error:
        raise AlbumError("{file} is not JSON, or it is damaged.", file=file) from error


# Export


def _label_json(album: LabelledAlbum, label: str, rule: LabelRule | None) -> dict[str, Any]:
    rows = album.labels.export_rows(label)
    return {
        "label": label,
        "photos": [
            {"sha256": sha256, "given_by": giver, "probability": probability}
            for sha256, giver, probability in rows
            if giver != "refused"
        ],
        "refused": [sha256 for sha256, giver, _ in rows if giver == "refused"],
        "rule": rule
        and {"kind": rule.kind, "definition": dict(rule.definition), "living": rule.living},
    }


# Import


def _read_label(value: Any, place: int) -> _ImportedLabel:
    where = f"label {place}"
    if not isinstance(value, dict) or not isinstance(name := value.get("label"), str):
        raise damaged(where)
    name = label_name(name)
    photos: dict[str, GivenLabel | None] = {}
    for photo in _list(value, "photos"):
        if not isinstance(photo, dict):
            raise damaged(where)
        giver, share = photo.get("given_by"), photo.get("probability")
        if giver not in get_args(Giver) or not _is_share(giver, share):
            raise damaged(where)
        photos[_sha256(photo.get("sha256"), photos, where)] = GivenLabel(
            name, cast("Giver", giver), None if share is None else float(share)
        )
    for sha256 in _list(value, "refused"):
        photos[_sha256(sha256, photos, where)] = None
    rule = value.get("rule")
    if rule is None:
        return _ImportedLabel(name, photos, None)
    if not isinstance(rule, dict):
        raise damaged(where)
    checked = checked_rule(name, rule.get("kind"), rule.get("definition"), rule.get("living"))
    return _ImportedLabel(name, photos, checked)


def _is_share(giver: Any, share: Any) -> bool:
    if giver == "person":
        return share is None
    return isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1


def _sha256(value: Any, known: dict[str, Any], where: str) -> str:
    if not isinstance(value, str) or not SHA256.fullmatch(value) or value in known:
        raise damaged(where)
    return value


def _rows(label: _ImportedLabel, ids: dict[str, int]) -> Iterator[LabelRow]:
    for sha256, given in label.photos.items():
        if sha256 not in ids:
            continue
        if given is None:
            yield label.label, ids[sha256], "refused", None
        else:
            yield label.label, ids[sha256], given.given_by, given.probability


def _list(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise damaged(key)
    return value
