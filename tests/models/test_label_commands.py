"""`python -m album` on labels, with the embedded model: taught, applied, carried and undone."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import gradio
import pytest

from tests.models.commands import read, run
from tests.support.images.make import make_photo

SAMPLES = Path(gradio.__file__).parent / "media_assets" / "images"
CATS = {"lion.jpg", "cheetah.jpg", "cheetah1.jpg"}
CLASSES = "big cat | lion | cheetah, tower, bus, logo"


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    data_dir = tmp_path_factory.mktemp("labels")
    assert read(run(data_dir, "import", SAMPLES, "--json"))["added"] == 9
    return data_dir


@pytest.fixture
def library(original, tmp_path) -> Path:
    """A library of the samples, of the test's own."""
    shutil.copytree(original, tmp_path / "library")
    return tmp_path / "library"


def labels_of(library):
    return {it["label"]: it for it in read(run(library, "labels", "--json"))["labels"]}


def files_with(library, label):
    hits = read(run(library, "search", label, "-k", 20, "--json"))
    assert [it["kind"] for it in hits["understood"]] == ["label"]
    return {Path(hit["path"]).name for hit in hits["hits"]}


def test_a_file_can_be_none_of_the_classes(library, tmp_path):
    told = run(
        library, "classify", SAMPLES / "lion.jpg", "--labels", "bus, tower", "--strict", 1000
    )
    found = read(
        run(library, "classify", SAMPLES / "lion.jpg", "--labels", "bus, tower", "--strict", 1000,
            "--json")
    )  # fmt: skip

    assert found["photos"][0]["none"] is True
    assert re.search(r"none of these \d+% \(", told.stdout)


def test_a_higher_temperature_is_less_sure(library):
    def surest(*more):
        words = ["classify", SAMPLES / "lion.jpg", "--labels", CLASSES, "--json", *more]
        return read(run(library, *words))["photos"][0]["labels"][0]["probability"]

    assert surest("--temperature", 20) < surest() < surest("--temperature", 0.1)


def test_a_dry_run_tells_and_writes_nothing(library):
    words = ["classify", "--labels", CLASSES, "--apply", "big cat", "--strict", -100, "--dry-run"]
    plan = read(run(library, *words, "--json"))
    told = run(library, *words).stdout

    (label,) = plan["labels"]
    assert set(plan) == {"labels", "none_of_these", "act"}
    assert plan["act"] is None
    assert (label["label"], label["loses"]) == ("big cat", 0)
    assert label["gets"] + plan["none_of_these"] == 9
    assert {Path(it["path"]).name for it in label["surest"][:3]} == CATS
    assert set(label["surest"][0]) == {"photo_id", "path", "probability"}
    assert f"big cat: {label['gets']} would get it" in told
    assert "undo" not in told
    assert labels_of(library) == {}


def test_labels_are_applied_found_and_undone(library):
    words = ["classify", "--labels", CLASSES, "--strict", -100]
    written = read(run(library, *words, "--apply", "big cat", "--apply", "tower", "--json"))
    act = written["act"]
    assert act["labels"] == ["big cat", "tower"]
    assert act["given"] == sum(it["gets"] for it in written["labels"])
    n = written["labels"][0]["gets"]

    cat = labels_of(library)["big cat"]
    assert set(cat) == {"label", "photos", "given", "refused", "rule"}
    assert (cat["photos"], cat["given"], cat["refused"]) == (n, {"words": n}, 0)
    assert (cat["rule"]["kind"], cat["rule"]["living"]) == ("words", False)
    assert len(files_with(library, "big cat")) == n
    assert files_with(library, "big cat") >= CATS
    assert run(library, "labels").stdout.splitlines()[0] == (
        f"big cat: {n} photos ({n} by words), given by words"
    )
    again = run(library, *words, "--apply", "big cat")
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    assert "nothing to write" in again.stderr

    assert f"{act['act_id']}: " in run(library, "labels", "acts").stdout
    assert "undo" in run(library, "labels", "remove", "tower").stdout
    undone = read(run(library, "labels", "undo", act["act_id"], "--json"))
    assert undone["undone_at"] is not None
    assert labels_of(library) == {}
    assert [it["act_id"] for it in read(run(library, "labels", "acts", "--json"))["acts"]] == [2, 1]
    assert "Undone: tower." in run(library, "labels", "undo", 2).stdout


def test_labels_are_renamed_and_merged(library):
    for label, photo in (("lion", "lion.jpg"), ("cat", "cheetah.jpg"), ("사자", "lion.jpg")):
        run(library, "teach", label, "--is", SAMPLES / photo)

    renamed = read(run(library, "labels", "rename", "lion", "big cat", "--json"))
    assert labels_of(library)["big cat"]["photos"] == 1
    merged = run(library, "labels", "merge", "big cat", "사자", "--into", "cat")
    assert "labels undo" in merged.stdout
    assert {label: it["photos"] for label, it in labels_of(library).items()} == {"cat": 2}

    for act_id in (renamed["act_id"] + 1, renamed["act_id"]):
        assert run(library, "labels", "undo", act_id).exit_code == 0
    assert sorted(labels_of(library)) == ["cat", "lion", "사자"]


def test_living_label_applies_to_later_imports(library, tmp_path):
    words = ["classify", "--labels", "red colour, blue colour", "--strict", -100]
    assert run(library, *words, "--apply", "red colour", "--living").exit_code == 0
    before = labels_of(library)["red colour"]

    for name, colour in (("red", "red"), ("blue", "blue")):
        run(library, "import", make_photo(tmp_path / "new" / f"{name}.png", colour, (300, 300)))

    after = labels_of(library)["red colour"]
    assert before["rule"]["living"]
    assert after["photos"] == before["photos"] + 1
    assert "red.png" in files_with(library, "red colour")
    assert ", also to new photos" in run(library, "labels").stdout


def test_taught_label_lists_its_least_sure_photos(library):
    shown = [
        "--is", SAMPLES / "lion.jpg", "--is", SAMPLES / "cheetah.jpg", "--is-not",
        SAMPLES / "bus.png", "--is-not", SAMPLES / "tower.jpg",
    ]  # fmt: skip
    taught = read(run(library, "teach", "고양이과", *shown, "--words", "big cat", "--json"))

    assert set(taught) == {
        "label", "positives", "negatives", "left_out", "threshold", "precision", "recall",
        "contradictions", "ask", "surest", "act",
    }  # fmt: skip
    assert (taught["positives"], taught["negatives"], taught["act"]) == (2, 2, None)
    assert 0 < len(taught["ask"]) <= 5
    assert set(taught["ask"][0]) == {"photo_id", "path"}
    assert Path(taught["ask"][0]["path"]).exists()
    cat = labels_of(library)["고양이과"]
    assert (cat["given"], cat["refused"], cat["rule"]) == ({"person": 2}, 2, None)

    told = run(library, "teach", "고양이과", "--is", taught["ask"][0]["photo_id"])
    assert told.exit_code == 0
    assert "learned from 3 and 2 not" in told.stdout
    assert "precision: " in told.stdout
    assert "least sure of" in told.stdout


def test_taught_label_is_applied_and_stays_living(library):
    shown = ["--is", SAMPLES / "lion.jpg", "--is-not", SAMPLES / "bus.png"]
    taught = read(
        run(library, "teach", "big cat", *shown, "--apply", "--living", "--two-stage", "--json")
    )

    cat = labels_of(library)["big cat"]
    assert cat["rule"]["living"]
    assert cat["rule"]["definition"]["two_stage"]
    assert taught["act"]["given"] == cat["given"].get("examples", 0)
    assert cat["given"]["person"] == 1


def test_labels_transfer_as_json_to_another_album(library, tmp_path):
    run(library, "teach", "mine", "--is", SAMPLES / "lion.jpg", "--is-not", SAMPLES / "bus.png")
    run(library, "classify", "--labels", CLASSES, "--strict", -100, "--apply", "tower")
    file = tmp_path / "labels.json"
    before = labels_of(library)

    facts = read(run(library, "labels", "export", file, "--json"))
    assert facts == {"file": str(file), "labels": 2, "classifiers": 0, "classifiers_left_out": []}
    assert run(library, "labels", "export", file).exit_code == 1
    assert run(library, "labels", "export", file, "--overwrite", "--label", "mine").exit_code == 0
    assert [it["label"] for it in json.loads(file.read_text())["labels"]] == ["mine"]
    run(library, "labels", "export", file, "--overwrite")

    other = tmp_path / "other"
    run(other, "import", SAMPLES)
    taken = read(run(other, "labels", "import", file, "--json"))
    assert (taken["labels"], taken["unknown"]) == (["mine", "tower"], 0)
    assert labels_of(other) == before
    assert "0 new" in run(other, "labels", "import", file).stdout
    assert run(other, "labels", "undo", taken["act_id"]).exit_code == 0
    assert labels_of(other) == {}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["classify"], "by --labels, or a trained classifier by --head"),
        (["classify", "a.jpg"], "by --labels, or a trained classifier by --head"),
        (["classify", "a.jpg", "--labels", "a, b", "--head", "c"], "by --labels, or"),
        (["classify", "--labels", "a, b"], "files to look at, or labels"),
        (["classify", "a.jpg", "--labels", "a, b", "--apply", "a"], "files to look at, or labels"),
        (["classify", "a.jpg", "--labels", "a, b", "--living"], "go with --apply"),
        (["classify", "a.jpg", "--labels", "a, b", "--dry-run"], "go with --apply"),
        (["classify", "--labels", "a, b", "--apply", "c"], "“c” is none of the classes"),
        (["classify", "--head", "none", "--apply", "a"], "no trained classifier"),
        (["classify", "a.jpg", "--labels", "a, b", "--temperature", "-1"], "temperature"),
        (["labels", "undo", "99"], "nothing of this number"),
        (["labels", "remove", "pink"], "no label “pink”"),
        (["labels", "rename", "pink", "red"], "no label “pink”"),
        (["labels", "merge", "pink", "--into", "red"], "no label “pink”"),
        (["labels", "export", "out.json", "--label", "pink"], "no label “pink”"),
        (["labels", "import", "none.json"], "cannot be read"),
        (["teach", " "], "name for the label"),
        (["teach", "x" * 101, "--is", "1"], "100 characters"),
        (["teach", "cat"], "at least one photo"),
        (["teach", "cat", "--is", "99999"], "not in the album"),
        (["teach", "cat", "--is", "1", "--is-not", "1"], "cannot be both"),
        (["teach", "cat", "--is", "1", "--living"], "goes with --apply"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(original, words, sentence):
    result = run(original, *words)

    assert result.exit_code == 1, result.output
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert labels_of(original) == {}
