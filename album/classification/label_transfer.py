"""Labels and trained classifiers as JSON, out of one album and into another.

    {"version": 1,
     "labels": [{"label": "cat",
                 "photos": [{"sha256": "...", "given_by": "words", "probability": 0.93}],
                 "refused": ["<sha256>"],
                 "rule": {"kind": "words", "definition": {...}, "living": true}}],
     "classifiers": [{"name": "pets", "files": {"card.json": "<base64>", ...}}],
     "classifiers_left_out": ["<name of one that is too large>"]}

Photos are named by their bytes, so that an album of the same photos can take the labels in. What is
read is believed only when all of it has been checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast, get_args

from album.classification.classifier_transfer import damaged, is_small, packed, unpacked
from album.classification.trained_classifiers import TrainedHeads
from album.domain.labels import GivenLabel, Giver, LabelRule, checked_rule, label_name
from album.errors import AlbumError, QueryError
from album.storage.label_history import LabelRow
from album.storage.labels import LabelStore
from models.interfaces import Classifiers

VERSION: Final = 1
MOST_BYTES: Final = 500_000_000
"""Of a file that is read."""
SHA256: Final = re.compile(r"[0-9a-f]{64}")


class LabelledAlbum(Protocol):
    """What labels are read from and written into: `album.service.Album` is one."""

    labels: LabelStore
    heads: TrainedHeads
    classifiers: Classifiers


@dataclass(frozen=True, slots=True)
class LabelsTaken:
    """What came of an export that was taken in."""

    act_id: int | None
    """To undo it by; None where no label was new."""
    labels: tuple[str, ...]
    photos: int
    """How many of the photos named are in this album."""
    unknown: int
    """How many are not."""
    written: int
    """How many labels and refusals are new here."""
    rules: int
    """How many labels are given as there from now on."""
    rules_left: tuple[str, ...]
    """Labels that are given in a way of their own here, which stays."""
    classifiers: tuple[str, ...]
    """Trained classifiers that are new here."""
    classifiers_left: tuple[str, ...]
    """Those whose name is taken here."""


@dataclass(frozen=True, slots=True)
class _LabelOfFile:
    label: str
    said: dict[str, GivenLabel | None]
    """By the sha256 of the photos; None: refused."""
    rule: LabelRule | None


def export_labels(album: LabelledAlbum, labels: Sequence[str] = ()) -> dict[str, Any]:
    """What `import_labels` takes in.

    Args:
        album: whose labels.
        labels: which of them; none: all, with all trained classifiers.

    Raises:
        QueryError: there is no such label.
    """
    known = {it.label: it.rule for it in album.labels.summaries()}
    chosen = [label_name(it) for it in labels] or list(known)
    for label in chosen:
        if label not in known:
            raise QueryError(f"There is no label “{label}”.")
    rules = [rule for it in chosen if (rule := known[it])]
    used = {it.definition.get("head") for it in rules}
    names = [card.name for card in album.heads.cards() if not labels or card.name in used]
    small = [name for name in names if is_small(album.heads.folder / name)]
    return {
        "version": VERSION,
        "labels": [_label_json(album, label, known[label]) for label in dict.fromkeys(chosen)],
        "classifiers": [packed(album.heads.folder / name) for name in small],
        "classifiers_left_out": [name for name in names if name not in small],
    }


def import_labels(album: LabelledAlbum, data: Any) -> LabelsTaken:
    """Merge what another album says of the same photos; all of it or nothing.

    What somebody said here stays, and so do the rules and the classifiers of this album. A living
    label is given to photos that come from now on.

    Args:
        album: into which.
        data: JSON as `export_labels` makes it, or anything else.

    Raises:
        AlbumError: it is no such JSON; nothing is written.
    """
    if not isinstance(data, dict) or "version" not in data:
        raise AlbumError("This is no export of labels: choose a file that an album has written.")
    if data["version"] != VERSION or isinstance(data["version"], bool):
        raise AlbumError("The export is of another version of the album: update this one.")
    labels = [_label_of(it, place) for place, it in enumerate(_list(data, "labels"), 1)]
    if len({it.label for it in labels}) < len(labels):
        raise damaged("a label stands there twice")
    named = {sha256 for it in labels for sha256 in it.said}
    ids = album.labels.ids_of(named)
    rules = [it.rule for it in labels if it.rule is not None]
    names = [it.label for it in labels]
    with unpacked(_list(data, "classifiers"), album.heads.folder, album.classifiers) as (new, left):
        rows = (row for it in labels for row in _rows(it, ids))
        act, written, taken = album.labels.merge(rules, rows, names)
    return LabelsTaken(
        act_id=None if act is None else act.act_id,
        labels=tuple(names),
        photos=len(ids),
        unknown=len(named) - len(ids),
        written=written,
        rules=len(taken),
        rules_left=tuple(it.label for it in rules if it.label not in taken),
        classifiers=new,
        classifiers_left=left,
    )


def read_labels(file: Path) -> Any:
    """The JSON in a file.

    Raises:
        AlbumError: there is none.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise AlbumError(
                f"{file} is larger than {MOST_BYTES // 10**6} MB: export fewer labels at once."
            )
        return json.loads(file.read_bytes())
    except OSError as error:
        raise AlbumError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise AlbumError(f"{file} is not JSON, or it is damaged.") from error


# Out


def _label_json(album: LabelledAlbum, label: str, rule: LabelRule | None) -> dict[str, Any]:
    said = album.labels.export_rows(label)
    return {
        "label": label,
        "photos": [
            {"sha256": sha256, "given_by": giver, "probability": probability}
            for sha256, giver, probability in said
            if giver != "refused"
        ],
        "refused": [sha256 for sha256, giver, _ in said if giver == "refused"],
        "rule": rule
        and {"kind": rule.kind, "definition": dict(rule.definition), "living": rule.living},
    }


# In


def _label_of(it: Any, place: int) -> _LabelOfFile:
    where = f"label {place}"
    if not isinstance(it, dict) or not isinstance(name := it.get("label"), str):
        raise damaged(where)
    name = label_name(name)
    said: dict[str, GivenLabel | None] = {}
    for photo in _list(it, "photos"):
        if not isinstance(photo, dict):
            raise damaged(where)
        giver, share = photo.get("given_by"), photo.get("probability")
        if giver not in get_args(Giver) or not _is_share(giver, share):
            raise damaged(where)
        said[_sha256(photo.get("sha256"), said, where)] = GivenLabel(
            name, cast("Giver", giver), None if share is None else float(share)
        )
    for sha256 in _list(it, "refused"):
        said[_sha256(sha256, said, where)] = None
    rule = it.get("rule")
    if rule is None:
        return _LabelOfFile(name, said, None)
    if not isinstance(rule, dict):
        raise damaged(where)
    made = checked_rule(name, rule.get("kind"), rule.get("definition"), rule.get("living"))
    return _LabelOfFile(name, said, made)


def _is_share(giver: Any, share: Any) -> bool:
    if giver == "person":
        return share is None
    return isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1


def _sha256(value: Any, known: dict[str, Any], where: str) -> str:
    if not isinstance(value, str) or not SHA256.fullmatch(value) or value in known:
        raise damaged(where)
    return value


def _rows(it: _LabelOfFile, ids: dict[str, int]) -> Iterator[LabelRow]:
    for sha256, given in it.said.items():
        if sha256 not in ids:
            continue
        if given is None:
            yield it.label, ids[sha256], "refused", None
        else:
            yield it.label, ids[sha256], given.given_by, given.probability


def _list(of: dict[str, Any], key: str) -> list[Any]:
    value = of.get(key, [])
    if not isinstance(value, list):
        raise damaged(key)
    return value
