"""Classes as people write them: one a line, with synonyms, kinds, weights and priors.

    고양이 | cat | 2:kitten     names of one class in any language, one of which counts double
    두루미 | crane (bird)       an ambiguous name with the kind that is meant
    dog * 3                     three times as common as a class without a number

The first name of a class is its label. On the page, commas separate classes as well.
"""

from __future__ import annotations

import re
import unicodedata

from album.domain.class_names import KIND, PRIOR, SYNONYMS, WEIGHT
from album.errors import QueryError
from models.interfaces import ClassName, ClassSpec

MOST_CLASSES = 5_000
MOST_NAMES = 20_000
LONGEST_NAME = 100
LONGEST_LIST = 5_000_000  # characters, enough for that many names with kinds and weights
SMALLEST, LARGEST = 0.01, 100.0  # weights, and how common a class is
QUOTED = 30  # characters of a name that a sentence repeats
_MARKS = re.compile(r"[()（）]|[,，、\n\r]+")  # what separates classes, and brackets


def split_classes(text: str) -> str:
    """Put each class on a line of its own, where commas separate them, too.

    A comma in brackets belongs to its name. A line that is repeated is dropped.
    """
    parts, start, is_inside = [], 0, False
    for mark in _MARKS.finditer(text):
        if mark[0] in "()（）":
            is_inside = mark[0] in "(（"
        elif not is_inside or "\n" in mark[0] or "\r" in mark[0]:
            parts.append(text[start : mark.start()])
            start, is_inside = mark.end(), False
    lines: dict[str, str] = {}
    for part in (*parts, text[start:]):
        if line := " ".join(part.split()):
            lines.setdefault(line.casefold(), line)
    return "\n".join(lines.values())


def parse_classes(text: str, least: int = 2) -> list[ClassSpec]:
    """Parse classes from lines such as `학 | 2:crane (bird) | heron * 3`.

    Empty lines, and names repeated in a line, are dropped.

    Args:
        text: one class a line.
        least: how many there must be.

    Raises:
        QueryError: fewer than `least` classes, too many, a repeated one, or a name or number that
            cannot be used.
    """
    if len(text) > LONGEST_LIST:
        raise QueryError(
            "The list of classes has more than {limit} characters; cut it.", limit=LONGEST_LIST
        )
    lines = [" ".join(_clean(line).split()) for line in text.splitlines()]
    classes = [spec for line in lines if (spec := _class(line)) is not None]
    if len(classes) > MOST_CLASSES:
        raise QueryError(
            "These are {count} classes; {limit} at most work at once.",
            count=len(classes),
            limit=MOST_CLASSES,
        )
    names = sum(len(spec.names) for spec in classes)
    if names > MOST_NAMES:
        raise QueryError(
            "These are {names} names; {limit} at most work at once.", names=names, limit=MOST_NAMES
        )
    labels: set[str] = set()
    for spec in classes:
        if spec.label.casefold() in labels:
            raise QueryError(
                "“{short}” stands there twice; begin each line with another name.",
                short=_short(spec.label),
            )
        labels.add(spec.label.casefold())
    if len(classes) < least:
        if least > 1:
            raise QueryError("Write at least two classes, with commas between them.")
        raise QueryError("Write what the class is called.")
    return classes


def _class(line: str) -> ClassSpec | None:
    """Parse a line with single blanks, and return None where it has no names."""
    prior = 1.0
    if match := PRIOR.search(line):
        line, prior = line[: match.start()], _number(match[1])
    names: dict[tuple[str, str], ClassName] = {}
    for part in line.split(SYNONYMS):
        if part := part.strip():
            name = _name(part)
            names.setdefault((name.text.casefold(), name.kind.casefold()), name)
    return ClassSpec(tuple(names.values()), prior) if names else None


def _name(part: str) -> ClassName:
    text, kind, weight = part, "", 1.0
    if match := WEIGHT.match(text):
        text, weight = text[match.end() :], _number(match[1])
    if match := KIND.search(text):
        text, kind = text[: match.start()].rstrip(), match[1].strip()
    if max(len(text), len(kind)) > LONGEST_NAME:
        raise QueryError(
            "A name of a class can have {limit} characters at most; shorten “{short}”.",
            limit=LONGEST_NAME,
            short=_short(text),
        )
    if not any(letter.isalnum() for letter in text):
        raise QueryError("“{short}” has no letter to read; write it in words.", short=_short(text))
    return ClassName(text, kind, weight)


def _number(digits: str) -> float:
    number = float(digits)
    if not SMALLEST <= number <= LARGEST:
        raise QueryError(
            "Weights and how common a class is go from {smallest:g} to {largest:g}; change "
            "{short}.",
            smallest=SMALLEST,
            largest=LARGEST,
            short=_short(digits),
        )
    return number


def _clean(line: str) -> str:
    """Compose letters, and drop control characters, byte order marks and lone surrogates."""
    whole = unicodedata.normalize("NFC", line.encode(errors="replace").decode())
    return "".join(
        " " if unicodedata.category(letter) == "Cc" else letter
        for letter in whole
        if letter != "\ufeff"
    )


def _short(name: str) -> str:
    return name if len(name) <= QUOTED else f"{name[:QUOTED]}…"
