"""Labels and classifiers out of one album and into another; hostile files leave no trace."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import math
import sqlite3

import numpy as np
import pytest
from safetensors.numpy import save

from album.classification.label_sources import TextClasses, TrainedClassifier
from album.classification.label_transfer import export_labels, import_labels, read_labels
from album.domain.labels import SortOptions
from album.errors import AlbumError, QueryError
from tests.support.fakes import FakeEncoder
from tests.support.images.make import make_photo
from tests.support.importing import opened, take_in

ALL = SortOptions(strictness=-math.inf)
COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 160, 0)}


@pytest.fixture
def files(tmp_path):
    """A red, a blue and a green photo, which both albums have."""
    return [make_photo(tmp_path / "photos" / f"{it}.png", it) for it in COLOURS]


@pytest.fixture
def labelled(album, files, tmp_path):
    """An album with labels by people, words and a trained classifier."""
    take_in(album, [*files, make_photo(tmp_path / "own" / "grey.png", "grey")])
    train(album, "colours")
    album.labels.give("mine", [1, 4])
    album.labels.refuse("mine", [2])
    album.labels.refuse("blue", [3])
    album.labelling.apply(album.labelling.plan(TextClasses("red\nblue\ngreen", ALL)), living=True)
    album.labelling.apply(
        album.labelling.plan(TrainedClassifier("colours", threshold=0.0), only=["Blue"])
    )
    return album


@pytest.fixture
def other(tmp_path, files, towns):
    """Another album with the first three photos, in another order."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "places").symlink_to(towns)
    album = opened(tmp_path / "other")
    take_in(album, [make_photo(tmp_path / "own" / "white.png", "white")])
    take_in(album, files[::-1])
    yield album
    album.close()


def train(album, name):
    """A classifier of colours, as training leaves it in the folder of the album."""
    classes = [it.capitalize() for it in COLOURS]
    weight = FakeEncoder().encode_texts(list(COLOURS)) * 20
    weights = save({"head.weight": weight, "head.bias": np.zeros(len(classes), np.float32)})
    card = {
        "format": 1, "classes": classes, "photos": [5] * len(classes), "mode": "features",
        "backbone": "clip", "model_id": "fake", "d": weight.shape[1],
        "accuracy": {"value": 0.9, "low": 0.8, "high": 1.0}, "trained_at": "2026-11-21T10:00:00",
        "sha256": hashlib.sha256(weights).hexdigest(),
    }  # fmt: skip
    folder = album.heads.folder / name
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "head.safetensors").write_bytes(weights)


def known(album):
    """What is said of which photo, by its file name."""
    names = {it.sha256: it.filename for it in album.store.all_photos()}
    return {
        it.label: {
            names[sha256]: (by, share) for sha256, by, share in album.labels.export_rows(it.label)
        }
        for it in album.labels.summaries()
    }


def nothing_written(album):
    acts = album.labels.acts()
    folder = album.heads.folder
    return not known(album) and not acts and (not folder.is_dir() or not list(folder.iterdir()))


def test_labels_rules_and_classifiers_are_imported_whole(labelled, other):
    data = json.loads(json.dumps(export_labels(labelled), allow_nan=False))

    taken = import_labels(other, data)

    expected = known(labelled)
    assert expected["mine"].pop("grey.png") == ("person", None)  # a photo that is not there
    for said in expected.values():
        said.pop("grey.png", None)
    assert known(other) == expected
    assert other.labels.rules() == labelled.labels.rules()
    assert [it.name for it in other.heads.cards()] == ["colours"]
    assert (taken.photos, taken.unknown, taken.rules) == (3, 1, 4)
    assert taken.classifiers == ("colours",)
    assert set(taken.labels) == set(expected)
    assert data["labels"][0]["label"] == "Blue"
    assert {it["given_by"] for it in data["labels"][0]["photos"]} == {"model"}


def test_imported_labels_and_rules_work_as_before(labelled, other, tmp_path):
    import_labels(other, export_labels(labelled))
    other.labelling.catch_up()

    (blue,) = take_in(other, [make_photo(tmp_path / "b.png", (9, 9, 240))]).added

    assert [it.label for it in other.labels.get(blue)] == ["blue"]
    assert other.labelling.plan_again("Blue").labels[0].adds.tolist() == [blue]


def test_imported_living_label_skips_existing_photos(labelled, other):
    """A living label that comes in is not given to photos that are here."""
    data = export_labels(labelled, ["red"])
    data["labels"][0]["photos"] = []

    import_labels(other, data)

    assert other.labels.rule("red").living
    assert other.labelling.catch_up() == 0


def test_export_of_labels_brings_their_classifiers_along(labelled):
    assert [it["label"] for it in export_labels(labelled, [" red ", "red"])["labels"]] == ["red"]
    assert export_labels(labelled, ["red"])["classifiers"] == []
    assert [it["name"] for it in export_labels(labelled, ["Blue"])["classifiers"]] == ["colours"]
    with pytest.raises(QueryError, match="no label “pink”"):
        export_labels(labelled, ["pink"])


def test_marks_and_rule_labels_here_survive_import(labelled, other):
    ids = {it.filename: it.photo_id for it in other.store.all_photos()}
    other.labels.refuse("mine", [ids["red.png"]])
    other.labels.give("mine", [ids["blue.png"]])
    other.labels.give("red", [ids["green.png"]])
    unsure = SortOptions(temperature=9, strictness=-math.inf)
    other.labelling.apply(other.labelling.plan(TextClasses("blue\nred", unsure), only=["blue"]))
    share = known(other)["blue"]["blue.png"]

    taken = import_labels(other, export_labels(labelled))

    after = known(other)
    assert after["mine"] == {"red.png": ("refused", None), "blue.png": ("person", None)}
    assert after["red"]["green.png"] == ("person", None)
    assert after["blue"]["blue.png"] == share
    assert after["blue"]["green.png"] == ("refused", None)
    assert taken.rules_left == ("blue",)
    assert not other.labels.rule("blue").living


def test_classifier_with_a_taken_name_is_skipped(labelled, other):
    data = export_labels(labelled)
    (other.heads.folder / "colours").mkdir(parents=True)

    taken = import_labels(other, data)

    assert (taken.classifiers, taken.classifiers_left) == ((), ("colours",))
    assert list((other.heads.folder / "colours").iterdir()) == []


def test_too_large_classifier_is_named(labelled):
    with (labelled.heads.folder / "colours" / "head.safetensors").open("r+b") as file:
        file.truncate(30_000_000)

    data = export_labels(labelled)

    assert (data["classifiers"], data["classifiers_left_out"]) == ([], ["colours"])


def test_import_is_one_change_that_undoes(labelled, other):
    ids = {it.filename: it.photo_id for it in other.store.all_photos()}
    other.labels.give("red", [ids["green.png"]])
    before, rules = known(other), other.labels.rules()

    taken = import_labels(other, export_labels(labelled))
    assert known(other) != before
    assert taken.act_id is not None
    other.labelling.undo(taken.act_id)

    assert known(other) == before
    assert other.labels.rules() == rules


def test_undoing_the_first_import_keeps_the_second(labelled, other):
    data = export_labels(labelled, ["red"])
    first = copy.deepcopy(data)
    first["labels"][0]["photos"] = []
    one, two = import_labels(other, first), import_labels(other, data)

    other.labelling.undo(one.act_id)

    assert other.labels.rules() == []
    assert known(other)["red"].keys() == {"red.png"}
    other.labelling.undo(two.act_id)
    assert known(other) == {}


def test_own_export_is_imported_without_a_change(labelled):
    before = known(labelled)

    taken = import_labels(labelled, export_labels(labelled))

    assert known(labelled) == before
    assert (taken.act_id, taken.written, taken.unknown, taken.rules) == (None, 0, 0, 0)


def test_empty_album_exports_and_imports_nothing(album):
    data = export_labels(album)

    assert (data["labels"], data["classifiers"]) == ([], [])
    assert import_labels(album, data).act_id is None


# Hostile


def changed(data, path, value):
    """A copy with one value changed."""
    data = copy.deepcopy(data)
    at = data
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return data


PHOTO = ("labels", 1, "photos", 0)
HEAD = ("classifiers", 0)
WRONG = [
    ((), None), ((), []), ((), {}), ((), {"labels": []}), (("version",), 2), (("version",), True),
    (("version",), "1"), (("labels",), None), (("labels",), {"a": 1}), (("labels", 0), "cat"),
    (("labels", 0, "label"), 7), (("labels", 0, "label"), ""), (("labels", 0, "label"), "x" * 101),
    (("labels", 0, "label"), "red"), (("labels", 0, "photos"), "all"), ((*PHOTO,), 7),
    ((*PHOTO, "sha256"), "../../etc/passwd"), ((*PHOTO, "sha256"), 7),
    ((*PHOTO, "sha256"), "F" * 64), ((*PHOTO, "given_by"), "somebody"),
    ((*PHOTO, "given_by"), ["words"]), ((*PHOTO, "probability"), math.nan),
    ((*PHOTO, "probability"), 1.5), ((*PHOTO, "probability"), None),
    ((*PHOTO, "probability"), "0.5"), ((*PHOTO, "probability"), True),
    (("labels", 1, "refused"), ["a" * 64] * 2), (("labels", 1, "refused"), [7]),
    (("labels", 0, "rule"), 7), (("labels", 0, "rule", "kind"), "poetry"),
    (("labels", 0, "rule", "living"), 1), (("labels", 0, "rule", "definition"), []),
    (("labels", 0, "rule", "definition", "threshold"), math.inf),
    (("classifiers",), 7), ((*HEAD,), 7), ((*HEAD, "name"), "../out"), ((*HEAD, "name"), ".hidden"),
    ((*HEAD, "name"), "a/b"), ((*HEAD, "name"), "a\\b"), ((*HEAD, "name"), "a\n"),
    ((*HEAD, "name"), 7), ((*HEAD, "name"), "x" * 200), ((*HEAD, "files"), {}),
    ((*HEAD, "files", "card.json"), "no base64!"), ((*HEAD, "files", "card.json"), 7),
    ((*HEAD, "files", "card.json"), base64.b64encode(b"{}").decode()),
    ((*HEAD, "files", "head.safetensors"), base64.b64encode(b"weights").decode()),
    ((*HEAD, "files", "../../evil.py"), "AAAA"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda it: str(it)[:40])
def test_other_files_are_refused_and_write_nothing(labelled, other, path, value):
    good = export_labels(labelled)
    bad = changed(good, path, value) if path else value

    with pytest.raises(AlbumError, match=r"^\S[^\n]*\.$"):
        import_labels(other, bad)

    assert nothing_written(other)
    import_labels(other, good)  # which is what was changed


def test_duplicate_labels_and_classifiers_are_refused(labelled, other):
    good = export_labels(labelled)
    for key in ("labels", "classifiers"):
        with pytest.raises(AlbumError, match="twice"):
            import_labels(other, {**good, key: good[key] * 2})

    assert nothing_written(other)


def test_crash_during_import_leaves_nothing(labelled, other):
    with other.database.writing() as db:
        db.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON label_rules BEGIN SELECT RAISE(ABORT, 'x'); END"
        )

    with pytest.raises(sqlite3.IntegrityError):
        import_labels(other, export_labels(labelled))

    assert nothing_written(other)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000])
def test_non_json_file_is_one_sentence(tmp_path, content):
    (tmp_path / "labels.json").write_bytes(content)

    with pytest.raises(AlbumError, match=r"labels\.json is not JSON"):
        read_labels(tmp_path / "labels.json")


def test_missing_or_huge_file_is_one_sentence(tmp_path):
    """A file that is not there or far too large is one sentence."""
    with pytest.raises(AlbumError, match=r"cannot be read: No such file"):
        read_labels(tmp_path / "none.json")
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(600_000_000)
    with pytest.raises(AlbumError, match="larger than 500 MB"):
        read_labels(tmp_path / "large.json")
