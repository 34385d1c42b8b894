"""Composition of English and Korean captions from building blocks.

Hand-written sentences teach how people speak. Composed ones show every block in many contexts, so
that a text tower learns what each word adds. A block has its English, the Korean form that precedes
a noun, and for verbs the form that ends a sentence.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.datasets import open_table
from models.errors import ModelError
from models.training.texts import Meaning

COLUMNS = {"slot", "en", "ko", "ko_full"}


@dataclass(frozen=True)
class Block:
    """A building block in both languages."""

    en: str
    ko: str
    ko_full: str


Slots = dict[str, list[Block]]


def read_slots(path: Path) -> Slots:
    """Read a CSV `slot,en,ko,ko_full`.

    Raises:
        ModelError: it cannot be read, or lacks a column.
    """
    slots: Slots = {}
    with open_table(path) as reader:
        for row in reader:
            if not row.keys() >= COLUMNS:
                raise ModelError(f"{path} lacks the column {min(COLUMNS - row.keys())}.")
            block = Block(row["en"].strip(), row["ko"].strip(), (row["ko_full"] or "").strip())
            slots.setdefault(row["slot"], []).append(block)
    return slots


def compose(slots: Slots, count: int, rng: random.Random) -> list[Meaning]:
    """Compose `count` captions from random patterns and blocks."""
    patterns = [pattern for pattern, weight in PATTERNS for _ in range(weight)]

    def compose_one() -> Meaning:
        english, korean = rng.choice(patterns)(lambda slot: rng.choice(slots[slot]), rng)
        return Meaning((" ".join(english.split()),), (" ".join(korean.split()),))

    return [compose_one() for _ in range(count)]


def subject(noun: str, rng: random.Random) -> str:
    """Add a subject or topic particle to a Korean noun."""
    return noun + rng.choice(("이", "은") if ends_closed(noun) else ("가", "는"))


def ends_closed(noun: str) -> bool:
    """Check whether a Korean noun ends in a consonant."""
    last = noun.rstrip()[-1]
    return "가" <= last <= "힣" and (ord(last) - ord("가")) % 28 > 0


def bare(english: str) -> str:
    """Remove the article of an English noun phrase."""
    first, _, noun = english.partition(" ")
    return noun if first in ("a", "an", "the") else english


def with_article(english: str) -> str:
    """Add the indefinite article to a phrase."""
    return f"{'an' if english[:1] in 'aeiou' else 'a'} {english}"


# ---------------------------------------------------------------------------------- patterns

Pick = Callable[[str], Block]
Pattern = Callable[[Pick, random.Random], tuple[str, str]]


def _does(who_slot: str, what_slot: str) -> Pattern:
    def pattern(pick: Pick, rng: random.Random) -> tuple[str, str]:
        who, what = pick(who_slot), pick(what_slot)
        if rng.random() < 0.5:
            return f"{who.en} {what.en}", f"{what.ko} {who.ko}"
        return f"{who.en} {what.en}", f"{subject(who.ko, rng)} {what.ko_full}"

    return pattern


def _does_somewhere(who_slot: str, what_slot: str) -> Pattern:
    def pattern(pick: Pick, rng: random.Random) -> tuple[str, str]:
        who, what, where = pick(who_slot), pick(what_slot), pick("place")
        english = f"{who.en} {what.en} {where.en}"
        if rng.random() < 0.5:
            return english, f"{where.ko} {what.ko} {who.ko}"
        return english, f"{subject(who.ko, rng)} {where.ko} {what.ko_full}"

    return pattern


def _somewhere(who_slot: str) -> Pattern:
    def pattern(pick: Pick, rng: random.Random) -> tuple[str, str]:
        who, where = pick(who_slot), pick("place")
        return f"{who.en} {where.en}", f"{where.ko_full} {who.ko}"

    return pattern


_person_does = _does("person", "does")
_person_does_somewhere = _does_somewhere("person", "does")
_animal_does = _does("animal", "animal_does")
_animal_does_somewhere = _does_somewhere("animal", "animal_does")


def _dressed_person(pick: Pick, rng: random.Random) -> tuple[str, str]:
    who, wear = pick("person"), pick("wear")
    return f"{who.en} {wear.en}", f"{wear.ko} {who.ko}"


def _dressed_person_does(pick: Pick, rng: random.Random) -> tuple[str, str]:
    who, wear, what = pick("person"), pick("wear"), pick("does")
    english = f"{who.en} {wear.en} {what.en}"
    if rng.random() < 0.4:
        return english, f"{what.ko} {wear.ko} {who.ko}"
    return english, f"{subject(f'{wear.ko} {who.ko}', rng)} {what.ko_full}"


def _dressed_person_does_somewhere(pick: Pick, rng: random.Random) -> tuple[str, str]:
    who, wear, what, where = pick("person"), pick("wear"), pick("does"), pick("place")
    english = f"{who.en} {wear.en} {what.en} {where.en}"
    if rng.random() < 0.4:
        return english, f"{where.ko} {what.ko} {wear.ko} {who.ko}"
    return english, f"{subject(f'{wear.ko} {who.ko}', rng)} {where.ko} {what.ko_full}"


def _person_and(pick: Pick, rng: random.Random) -> tuple[str, str]:
    who, other = pick("person"), pick(rng.choice(("animal", "thing", "person")))
    particles = ("과", "이랑", "하고") if ends_closed(who.ko) else ("와", "랑", "하고")
    return f"{who.en} and {other.en}", f"{who.ko}{rng.choice(particles)} {other.ko}"


def _when(pick: Pick, rng: random.Random) -> tuple[str, str]:
    english, korean = rng.choice((_person_does, _person_does_somewhere, _animal_does))(pick, rng)
    time = pick("time")
    return f"{english} {time.en}", f"{time.ko} {korean}"


def _quality_thing(pick: Pick, rng: random.Random) -> tuple[str, str]:
    quality, thing = pick("quality"), pick("thing")
    english = f"{quality.en} {bare(thing.en)}"
    return with_article(english) if thing.en.startswith(
        "a"
    ) else english, f"{quality.ko} {thing.ko}"


def _thing_somewhere(pick: Pick, rng: random.Random) -> tuple[str, str]:
    thing, where = pick("thing"), pick("thing_place")
    if rng.random() < 0.6:
        return f"{thing.en} {where.en}", f"{where.ko} {thing.ko}"
    return f"{thing.en} {where.en}", f"{subject(thing.ko, rng)} {where.ko_full}"


def _quality_thing_somewhere(pick: Pick, rng: random.Random) -> tuple[str, str]:
    english, korean = _quality_thing(pick, rng)
    where = pick("thing_place")
    return f"{english} {where.en}", f"{where.ko} {korean}"


def _two_things(pick: Pick, rng: random.Random) -> tuple[str, str]:
    first, second = pick("thing"), pick("thing")
    return f"{first.en} and {second.en}", f"{first.ko}하고 {second.ko}"


def _scene(pick: Pick, rng: random.Random) -> tuple[str, str]:
    scene = pick("scene")
    if rng.random() < 0.5:
        return scene.en, scene.ko
    who = pick(rng.choice(("person", "animal")))
    return f"{who.en} in {scene.en}", f"{scene.ko} 속의 {who.ko}"


PATTERNS: tuple[tuple[Pattern, int], ...] = (
    (_person_does, 4),
    (_person_does_somewhere, 4),
    (_dressed_person, 2),
    (_dressed_person_does, 4),
    (_dressed_person_does_somewhere, 4),
    (_somewhere("person"), 1),
    (_animal_does, 3),
    (_animal_does_somewhere, 3),
    (_somewhere("animal"), 1),
    (_person_and, 1),
    (_when, 2),
    (_quality_thing, 2),
    (_thing_somewhere, 2),
    (_quality_thing_somewhere, 1),
    (_two_things, 1),
    (_scene, 1),
)
"""Each pattern and how often it is chosen."""
