"""`python -m album evaluate search`: how good the album's search is with the embedded model.

The floors are loose: they fall when the cut-off, the veto or the fusion breaks, not when a weight
changes.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from album.encoding.score_calibration import SURE
from album.search.evaluation import (
    EXCLUSIONS,
    Judged,
    LabelledQuery,
    best_threshold,
    interval,
    read_queries,
    totals,
)
from album.search.fusion import WRITTEN
from tests.benchmarks.precision import LABELLED
from tests.models.commands import read, run
from tests.support.images.make import make_photo

COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 160, 0)}


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for name, colour in COLOURS.items():
        make_photo(folder / "deep" / f"{name}.jpg", colour)
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture
def write(tmp_path):
    def table(name: str, *rows: str) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return table


def test_each_query_is_told_and_the_library_of_the_person_is_left_alone(tmp_path, photos, write):
    queries = write(
        "queries.csv", "query,query_ko,relevant", "red,빨강,deep/red.jpg gone.jpg", "giraffe,,"
    )
    captions = write("captions.csv", "file,caption", "deep/red.jpg,something red")

    told = read(
        run(
            tmp_path / "mine",
            *("evaluate", "search", photos, "--queries", queries),
            *("--captions", captions, "--split", "all", "--json"),
        )
    )

    assert told["photos"] == 3
    assert told["missing"] == ["gone.jpg"]
    english, korean = told["languages"]["en"], told["languages"]["ko"]
    assert [it["query"] for it in english["looks"]["per_query"]] == ["red", "giraffe"]
    assert english["looks"]["absent_queries"] == 1
    assert english["looks"]["recall_at_10"] == 1
    assert english["captions"]["per_query"][0]["right_shown"] == 1
    assert english["lowered_by_captions"] == []
    assert [it["query"] for it in korean["looks"]["per_query"]] == ["빨강"]
    assert not (tmp_path / "mine").exists()


def test_it_is_told_in_lines_for_a_person(tmp_path, photos, write):
    queries = write("queries.csv", "query,relevant", "red,deep/red.jpg", "giraffe,")

    done = run(tmp_path, "evaluate", "search", photos, "--queries", queries, "--split", "all")

    assert done.exit_code == 0, done.stderr
    assert "red " in done.stdout
    assert "precision@10 0.100" in done.stdout
    assert "of 1 queries" in done.stdout


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("query,of", "red,"), "has no column relevant"),
        (("query,relevant",), "holds no query"),
        (None, "cannot be read"),
    ],
)
def test_a_table_that_is_no_good_is_said_in_a_sentence(tmp_path, photos, write, rows, said):
    queries = tmp_path / "none.csv" if rows is None else write("queries.csv", *rows)

    done = run(tmp_path, "evaluate", "search", photos, "--queries", queries)

    assert done.exit_code == 1
    assert said in done.stderr


def test_a_folder_without_photos_is_said_in_a_sentence(tmp_path, write):
    queries = write("queries.csv", "query,relevant", "red,a.jpg")
    (tmp_path / "empty").mkdir()

    for folder, said in (("empty", "holds no photo"), ("none", "is not a folder")):
        done = run(tmp_path, "evaluate", "search", tmp_path / folder, "--queries", queries)
        assert done.exit_code == 1
        assert said in done.stderr


def judged(scores: list[float], truth: list[bool], shown: int = 0, right: int = 0) -> Judged:
    return Judged(
        *("a", "tune", sum(truth), 0, shown, right, 0, 0),
        np.array(scores, np.float32),
        np.array(truth),
    )


def test_the_best_threshold_is_that_of_the_slow_obvious_way():
    rng = np.random.default_rng(0)
    queries = [
        judged((rng.random(60) + truth * 0.5).tolist(), truth.tolist())
        for truth in (rng.random((6, 60)) < 0.1)
    ]
    slow = max(np.mean([it.f1_at(t) for it in queries]) for it in queries for t in it.scores)

    assert np.mean([it.f1_at(best_threshold(queries)) for it in queries]) >= slow - 0.02


def test_totals_tell_absent_queries_from_those_that_have_photos():
    some = judged([0.9, 0.8, 0.1], [True, False, True], shown=2, right=1)
    none = judged([0.2, 0.7, 0.1], [False] * 3, shown=1)

    told = totals([some, none], threshold=0.75)

    assert (told["queries"], told["absent_queries"]) == (1, 1)
    assert told["cut_off"]["f1"] == told["fixed_threshold"]["f1"] == 0.5
    assert told["cut_off"]["false_hit_rate"] == 1
    assert told["fixed_threshold"]["false_hit_rate"] == 0


def test_the_interval_is_the_same_each_time_and_holds_the_mean():
    gains = np.random.default_rng(1).normal(0.1, 0.2, 50)

    low, high = interval(gains)

    assert low < gains.mean() < high
    assert interval(gains) == (low, high)
    assert interval(np.empty(0)) == (None, None)


def test_half_of_the_queries_are_held_back(write):
    names = [f"query {number}" for number in range(200)]
    queries = read_queries(write("q.csv", "query,relevant", *(f"{name}," for name in names)))

    assert 80 < sum(it.split == "tune" for it in queries) < 120
    assert LabelledQuery("query 1", {}, frozenset()).split == queries[1].split


def test_there_are_twenty_exclusions():
    assert len(EXCLUSIONS) == 20
    assert not [it for it in EXCLUSIONS if it.unwanted in it.wanted]
    assert SURE >= WRITTEN > 0


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> dict:
    if not LABELLED.is_dir():
        pytest.skip("the labelled photos are not on this machine")
    folder = tmp_path_factory.mktemp("labelled")
    captions = folder / "captions.csv"
    with (LABELLED / "classes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with captions.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "caption"])
        writer.writerows([row["file"], row["class"]] for row in rows)
    done = run(
        folder,
        *("evaluate", "search", LABELLED / "photos", "--queries", LABELLED / "queries.csv"),
        *("--captions", captions, "--split", "all", "--json"),
    )
    return json.loads(done.stdout)["languages"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_cut_off_shows_hardly_anything_of_what_is_not_there(labelled, language):
    looks = labelled[language]["looks"]

    assert looks["cut_off"]["f1"] > 0.55
    assert looks["f1_gain"]["high"] > 0  # beside the threshold that is best for these very queries
    assert looks["cut_off"]["false_hit_rate"] <= 0.1
    assert looks["cut_off"]["false_hit_rate"] <= looks["fixed_threshold"]["false_hit_rate"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_captions_never_push_a_right_photo_out_of_the_first_ten(labelled, language):
    facts = labelled[language]

    assert facts["lowered_by_captions"] == []
    assert facts["captions"]["precision_at_10"] >= facts["looks"]["precision_at_10"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_exclusion_drops_what_is_unwanted_and_keeps_the_rest(labelled, language):
    veto = labelled[language]["exclusion"]["mean"]["veto"]

    assert veto["kept"] > 0.6
    assert veto["dropped"] > 0.7
