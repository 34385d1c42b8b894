"""Other names of labels, from the rules that give them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from album.domain.class_names import SYNONYMS, names_in
from album.storage.database import Database


def rules_version(database: Database) -> tuple[int, str]:
    """Return what changes with every change of a rule."""
    row = database.connection.execute(
        "SELECT count(*), coalesce(max(made_at), '') FROM label_rules"
    ).fetchone()
    return int(row[0]), str(row[1])


def read_synonyms(database: Database, labels: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Read (name, label) of the labels in use: (puppy, dog) of a class `dog | puppy`."""
    rows = database.connection.execute("SELECT label, definition FROM label_rules")
    return frozenset(
        (name, label)
        for label, definition in rows
        if label in labels
        for line in _classes(label, definition)
        for name in names_in(line)
        if name not in labels
    )


def _classes(label: str, definition: str) -> Iterator[str]:
    """Yield the lines that name a rule's class, of words or of examples."""
    values = json.loads(definition)
    if words := values.get("words"):
        yield words
    name = values.get("class", label)
    for line in values.get("classes", ()):
        if SYNONYMS in line and name in line and names_in(line)[:1] == [name]:
            yield line
