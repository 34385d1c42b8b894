"""Marks around the names of a class, as people write them: `고양이 | 2:cat (animal) * 3`."""

from __future__ import annotations

import re

SYNONYMS = "|"
PRIOR = re.compile(r" ?[*×] ?(\d+(?:\.\d+)?)$")
WEIGHT = re.compile(r"(\d+(?:\.\d+)?) ?: ?(?=.)")
KIND = re.compile("(?<=\\S) ?[(\uff08]([^()\uff08\uff09]+)[)\uff09]$")  # full-width ones too


def names_in(line: str) -> list[str]:
    """Return the names in one class, without weights, kinds and prior."""
    names = []
    for part in PRIOR.sub("", " ".join(line.split())).split(SYNONYMS):
        name = part.strip()
        if match := WEIGHT.match(name):
            name = name[match.end() :]
        names.append(KIND.sub("", name).strip())
    return [name for name in names if name]
