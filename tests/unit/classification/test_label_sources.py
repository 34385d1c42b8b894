"""Label sources as values: the rules that they make, and the sources that rules were made from."""

from __future__ import annotations

import math

import pytest

from album.classification.label_sources import (
    SOURCES,
    ExampleLabel,
    LabelSource,
    TextClasses,
    TrainedClassifier,
    source_of,
)
from album.domain.labels import LabelRule, SortOptions
from album.errors import AlbumError, QueryError

ALL: list[LabelSource] = [
    TextClasses("cat | 고양이\ndog", SortOptions(2.0, -1.5, "name")),
    TextClasses("cat\ndog", SortOptions(strictness=-math.inf)),
    ExampleLabel("cat", "고양이 | cat", two_stage=True, threshold=0.7),
    ExampleLabel("cat"),
    TrainedClassifier("pets", 0.25),
]


@pytest.mark.parametrize("source", ALL, ids=str)
def test_rules_lead_back_to_their_source(source):
    rules = source.rules(["cat", "dog"])

    assert [source_of(rule) for rule in rules] == [source] * len(rules)
    assert {rule.kind for rule in rules} == {source.kind}


def test_every_kind_of_rule_has_its_source():
    assert {kind: source.kind for kind, source in SOURCES.items()} == {
        "words": "words",
        "examples": "examples",
        "model": "model",
    }


def test_classes_of_one_list_share_a_source():
    """One prediction then serves all of them."""
    cat, dog = (source_of(rule) for rule in ALL[0].rules(["cat", "dog"]))
    warm, cold = (source_of(*ExampleLabel(label).rules()) for label in ("warm", "cold"))

    assert len({cat, dog}) == 1
    assert len({warm, cold}) == 2


def test_only_known_classes_become_rules():
    source = ALL[0]

    assert [rule.label for rule in source.rules(["cat", "dog"], only=["dog", "dog"])] == ["dog"]
    with pytest.raises(QueryError, match="none of the classes"):
        source.rules(["cat", "dog"], only=["bird"])


def test_rule_that_cannot_be_understood_has_no_source():
    with pytest.raises(AlbumError, match="cannot be understood"):
        source_of(LabelRule("cat", "words", {"classes": "cat"}))
