"""What folders are called: by a CSV, by themselves, in two languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.classifiers.zero_shot import class_embeddings
from models.errors import ModelError
from models.evaluation.class_names import class_names
from models.prompts import TEMPLATES
from tests.support.fakes import FakeEncoder

ROWS = """source,folder,en,ko,tags
one,n1,goldfish,금붕어,fish;pet
one,n2,hen,,bird
two,n1,golden fish,금붕어,
two,n3,spider,거미,
"""


@pytest.fixture
def labels(tmp_path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(ROWS, "utf-8")
    return path


def test_folders_are_named_as_on_disk_with_spaces():
    names = class_names(["school_bus", "cat"], None, None)

    assert names.synonyms("en") == [["school bus"], ["cat"]]
    assert names.unnamed["en"] == ()


def test_a_source_decides_what_a_folder_is_called(labels):
    assert class_names(["n1"], labels, "one").synonyms("en") == [["goldfish"]]
    assert class_names(["n1"], labels, "two").synonyms("en") == [["golden fish"]]


def test_missing_name_is_listed_and_replaced(labels):
    names = class_names(["n1", "n2", "other_thing"], labels, "one")

    assert names.synonyms("ko") == [["금붕어"], ["hen"], ["other thing"]]
    assert names.unnamed == {"en": ("other_thing",), "ko": ("n2", "other_thing")}
    assert names.synonyms("en", "ko") == [["goldfish", "금붕어"], ["hen"], ["other thing"]]


@pytest.mark.parametrize(
    ("folders", "source", "sentence"),
    [
        (["n1"], None, "--source"),
        (["n1"], "three", "one, two"),
        (["n9"], "one", "n9"),
    ],
)
def test_labels_that_do_not_fit_are_one_sentence(labels, folders, source, sentence):
    with pytest.raises(ModelError, match=sentence):
        class_names(folders, labels, source)


def test_missing_labels_or_columns_are_one_sentence(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("folder,name\nn1,fish\n", "utf-8")

    with pytest.raises(ModelError, match="source or en or ko"):
        class_names(["n1"], path, None)
    with pytest.raises(ModelError, match="cannot be read"):
        class_names(["n1"], tmp_path / "none.csv", None)


def test_class_names_fit_other_templates_by_language():
    encoder = FakeEncoder()
    templates = {"en": ("a drawing of {}", "{}!"), "ko": ("{} 그림",)}

    rows = class_embeddings(encoder, [["xyz"], ["가나", "xyz"]], templates=templates)

    english = encoder.encode_texts(["a drawing of xyz", "xyz!"]).mean(axis=0)
    both = encoder.encode_texts(["가나 그림"])[0] + english
    expected = np.stack([english, both])
    assert rows == pytest.approx(expected / np.linalg.norm(expected, axis=1)[:, None], abs=1e-6)
    usual = TEMPLATES["ensemble"]
    assert class_embeddings(encoder, [["xyz"], ["가나"]]) == pytest.approx(
        class_embeddings(encoder, [["xyz"], ["가나"]], templates=usual)
    )
