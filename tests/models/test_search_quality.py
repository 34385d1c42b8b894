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
from album.search.evaluation.exclusion import EXCLUSIONS
from album.search.evaluation.labelled_queries import LabelledQuery, read_queries
from album.search.evaluation.metrics import JudgedSearch, best_threshold, interval, totals
from album.search.fusion import FULL_MATCH_BONUS
from album.search.request import SearchRequest
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.clip.encoder import ClipEncoder
from models.clip.spec import POCKET_DIR, WEIGHTS_FILE
from tests.benchmarks import precision
from tests.benchmarks.precision import LABELLED
from tests.models.commands import read, run
from tests.support.fakes import FakeCaptioner
from tests.support.images.make import make_photo
from tests.support.importing import take_in

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


def test_evaluation_reports_each_query_outside_the_library(tmp_path, photos, write):
    queries = write(
        "queries.csv", "query,query_ko,relevant", "red,빨강,deep/red.jpg gone.jpg", "giraffe,,"
    )
    captions = write("captions.csv", "file,caption", "deep/red.jpg,something red")

    report = read(
        run(
            tmp_path / "mine",
            *("evaluate", "search", photos, "--queries", queries),
            *("--captions", captions, "--split", "all", "--json"),
        )
    )

    assert report["photos"] == 3
    assert report["missing"] == ["gone.jpg"]
    english, korean = report["languages"]["en"], report["languages"]["ko"]
    assert [row["query"] for row in english["looks"]["per_query"]] == ["red", "giraffe"]
    assert english["looks"]["absent_queries"] == 1
    assert english["looks"]["recall_at_10"] == 1
    assert english["captions"]["per_query"][0]["right_shown"] == 1
    assert english["lowered_by_captions"] == []
    assert [row["query"] for row in korean["looks"]["per_query"]] == ["빨강"]
    assert not (tmp_path / "mine").exists()


def test_evaluation_prints_lines(tmp_path, photos, write):
    queries = write("queries.csv", "query,relevant", "red,deep/red.jpg", "giraffe,")

    done = run(tmp_path, "evaluate", "search", photos, "--queries", queries, "--split", "all")

    assert done.exit_code == 0, done.stderr
    assert "red " in done.stdout
    assert "precision@10 0.100" in done.stdout
    assert "of 1 queries" in done.stdout
    assert "with the same constants" in done.stdout
    assert "80% to 90%" in done.stdout


def test_evaluation_compares_models_and_their_degraded_versions(tmp_path, photos, write):
    queries = write("queries.csv", "query,query_ko,relevant", "red,빨강,deep/red.jpg", "giraffe,,")
    checkpoint = f"pocket/{POCKET_DIR / WEIGHTS_FILE}"  # other weights, as far as the id says

    report = read(
        run(
            tmp_path,
            *("evaluate", "search", photos, "--queries", queries, "--degraded", "--json"),
            *("--model", "pocket", "--model", checkpoint),
        )
    )

    rows = report["transfer"]
    models = list(dict.fromkeys(row["model_id"].split("@")[0] for row in rows))
    damages = list(dict.fromkeys(row["model_id"].partition(", ")[2] for row in rows))
    assert models == ["pocket", f"pocket/{Path(WEIGHTS_FILE).stem}"]
    assert damages == ["", "noise", "half resolution"]
    assert [row["language"] for row in rows] == ["en", "ko"] * 6
    assert {row["absent_queries"] for row in rows if row["language"] == "en"} == {1}
    assert rows[0]["precision_at_10"] == rows[6]["precision_at_10"]


def test_unknown_model_is_one_sentence(tmp_path, photos, write):
    queries = write("queries.csv", "query,relevant", "red,deep/red.jpg")

    done = run(tmp_path, "evaluate", "search", photos, "--queries", queries, "--model", "retina")

    assert done.exit_code == 1
    assert '"retina" does not name a model' in done.stderr


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (("query,of", "red,"), "has no column relevant"),
        (("query,relevant",), "holds no query"),
        (None, "cannot be read"),
    ],
)
def test_bad_table_is_one_sentence(tmp_path, photos, write, rows, sentence):
    queries = tmp_path / "none.csv" if rows is None else write("queries.csv", *rows)

    done = run(tmp_path, "evaluate", "search", photos, "--queries", queries)

    assert done.exit_code == 1
    assert sentence in done.stderr


def test_folder_without_photos_is_one_sentence(tmp_path, write):
    queries = write("queries.csv", "query,relevant", "red,a.jpg")
    (tmp_path / "empty").mkdir()

    for folder, sentence in (("empty", "holds no photo"), ("none", "is not a folder")):
        done = run(tmp_path, "evaluate", "search", tmp_path / folder, "--queries", queries)
        assert done.exit_code == 1
        assert sentence in done.stderr


def judged(scores: list[float], truth: list[bool], shown: int = 0, right: int = 0) -> JudgedSearch:
    return JudgedSearch(
        "a",
        "tune",
        relevant=sum(truth),
        right_in_10=0,
        shown=shown,
        right_shown=right,
        sure=0,
        right_sure=0,
        scores=np.array(scores, np.float32),
        truth=np.array(truth),
        likeness=np.zeros(len(scores), np.float32),
    )


def test_best_threshold_matches_the_slow_way():
    rng = np.random.default_rng(0)
    queries = [
        judged((rng.random(60) + truth * 0.5).tolist(), truth.tolist())
        for truth in (rng.random((6, 60)) < 0.1)
    ]
    slow = max(np.mean([q.f1_at(t) for q in queries]) for query in queries for t in query.scores)

    assert np.mean([query.f1_at(best_threshold(queries)) for query in queries]) >= slow - 0.02


def test_totals_separate_absent_queries():
    present = judged([0.9, 0.8, 0.1], [True, False, True], shown=2, right=1)
    absent = judged([0.2, 0.7, 0.1], [False] * 3, shown=1)

    report = totals([present, absent], threshold=0.75)

    assert (report["queries"], report["absent_queries"]) == (1, 1)
    assert report["cut_off"]["f1"] == report["fixed_threshold"]["f1"] == 0.5
    assert report["cut_off"]["false_hit_rate"] == 1
    assert report["fixed_threshold"]["false_hit_rate"] == 0


def test_interval_is_repeatable_and_holds_the_mean():
    gains = np.random.default_rng(1).normal(0.1, 0.2, 50)

    low, high = interval(gains)

    assert low < gains.mean() < high
    assert interval(gains) == (low, high)
    assert interval(np.empty(0)) == (None, None)


def test_half_of_the_queries_are_held_back(write):
    names = [f"query {number}" for number in range(200)]
    queries = read_queries(write("q.csv", "query,relevant", *(f"{name}," for name in names)))

    assert 80 < sum(query.split == "tune" for query in queries) < 120
    assert LabelledQuery("query 1", {}, frozenset()).split == queries[1].split


def test_there_are_twenty_exclusions():
    assert len(EXCLUSIONS) == 20
    assert not [one for one in EXCLUSIONS if one.unwanted in one.wanted]
    assert SURE >= FULL_MATCH_BONUS > 0


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
def test_cut_off_shows_little_for_absent_things(labelled, language):
    looks = labelled[language]["looks"]

    assert looks["cut_off"]["f1"] > 0.55
    assert looks["f1_gain"]["high"] > 0  # beside the threshold that is best for these very queries
    assert looks["cut_off"]["false_hit_rate"] <= 0.1
    assert looks["cut_off"]["false_hit_rate"] <= looks["fixed_threshold"]["false_hit_rate"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_captions_never_lower_the_first_ten(labelled, language):
    facts = labelled[language]

    assert facts["lowered_by_captions"] == []
    assert facts["captions"]["precision_at_10"] >= facts["looks"]["precision_at_10"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_exclusion_drops_unwanted_and_keeps_wanted(labelled, language):
    veto = labelled[language]["exclusion"]["mean"]["veto"]

    assert veto["kept"] > 0.6
    assert veto["dropped"] > 0.7


EVERYDAY = (
    ("dog", "강아지", {"dog"}),
    ("bird", "새", {"bird"}),
    ("cat", "고양이", {"cat"}),
    ("monkey", "원숭이", {"monkey"}),
    ("car", "자동차", {"car or truck"}),
    ("boat", "배", {"boat"}),
    ("building", "건물", {"building"}),
    ("bug", "벌레", {"insect or spider"}),
    ("food", "음식", {"food or drink", "fruit or vegetable"}),
    ("musical instrument", "악기", {"musical instrument"}),
)
"""English, Korean, and groups of the photos that show it."""


@pytest.fixture(scope="module")
def everyday(tmp_path_factory, weights_dir) -> list:
    """The twenty queries: each with its page, and which of its photos are right."""
    if not LABELLED.is_dir():
        pytest.skip("the labelled photos are not on this machine")
    groups = dict(read_pairs(Path(precision.__file__).with_name("everyday_groups.csv")))
    group_of = {name: groups.get(label) for name, label in read_pairs(LABELLED / "classes.csv")}
    album = Album(tmp_path_factory.mktemp("album"), DefaultClassifiers(), FakeCaptioner())
    album.active.set_encoder(ClipEncoder("pocket", weights_dir), fill=False)
    take_in(album, [LABELLED / "photos"])
    answers = []
    for english, korean, right in EVERYDAY:
        for text in (english, korean):
            page = album.search.find(SearchRequest(text))
            answers.append((page, [group_of[hit.photo.filename] in right for hit in page.hits]))
    album.close()
    return answers


def read_pairs(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def test_no_right_photo_is_denied(everyday):
    denied = [page.query.text for page, right in everyday if page.is_absent and any(right)]

    assert denied == []


def test_most_sure_photos_are_right(everyday):
    right = [
        is_right
        for page, truth in everyday
        for hit, is_right in zip(page.hits, truth, strict=True)
        if hit.band == "sure"
    ]

    assert len(right) > 20
    assert np.mean(right) >= 0.85
