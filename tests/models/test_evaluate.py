"""`python -m models.evaluate`: what its commands print, and what they say about bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from models import evaluate
from models.evaluate import cli
from models.evaluation import speed
from models.evaluation.search_precision import JudgedQuery, rank_photos
from tests.benchmarks.precision import LABELLED, precision
from tests.support.fakes import FakeEncoder
from tests.support.images.make import make_photo, make_text

ROOT = Path(__file__).parents[2]
COLOURS = {
    "red": ((255, 0, 0), "빨간"),
    "green": ((0, 160, 0), "초록"),
    "blue": ((0, 0, 255), "파란"),
    "yellow": ((255, 255, 0), "노란"),
    "black": ((0, 0, 0), "검은"),
    "white": ((255, 255, 255), "하얀"),
}


class ColourBlind(FakeEncoder):
    """Reads and sees as its parent does, but takes every picture for a grey one."""

    def encode_images(self, images):
        return super().encode_images([image.convert("L").convert("RGB") for image in images])


@pytest.fixture
def colours(monkeypatch) -> None:
    """The model that sees colours in place of a real one; "blind" is one that sees none."""

    def load(model: str, weights_dir: Path, device: str) -> FakeEncoder:
        return ColourBlind("blind") if model == "blind" else FakeEncoder()

    monkeypatch.setattr(evaluate, "load", load)


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def read(result: Result):
    assert result.exit_code == 0, result.output + result.stderr
    return json.loads(result.stdout)


def write_csv(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", "utf-8")
    return path


@pytest.fixture
def pairs(tmp_path) -> Path:
    """Six photos with two captions each, and three rows that cannot be used."""
    for name, (colour, _) in COLOURS.items():
        make_photo(tmp_path / f"{name}.png", colour)
    make_text(tmp_path / "text.png")
    rows = [f"{name}.png,something {name},{ko} 것" for name, (_, ko) in COLOURS.items()]
    return write_csv(
        tmp_path / "pairs.csv",
        "image_path,caption0,caption1",
        *rows,
        "gone.png,a,b",
        "text.png,c,d",
        "red.png,,",
    )


def test_recall_is_one_for_a_perfect_model(colours, pairs):
    facts = read(run("retrieval", "--pairs", pairs, "--json"))

    assert (facts["model_id"], facts["images"], facts["texts"]) == ("fake", 6, 12)
    assert facts["image_to_text"]["R@1"] == {"value": 1, "chance": pytest.approx(1 / 6)}
    assert facts["text_to_image"]["R@1"] == {"value": 1, "chance": pytest.approx(1 / 6)}
    assert facts["text_to_image"]["R@5"]["chance"] == pytest.approx(5 / 6)
    assert facts["text_to_image"]["median_rank"] == {"value": 1, "chance": 3}
    counts = {reason: it["count"] for reason, it in facts["skipped"].items()}
    assert counts == {"missing file": 1, "unreadable image": 1, "empty caption": 1}
    assert "text.png" in facts["skipped"]["unreadable image"]["first"][0]


def test_recall_is_lower_for_a_colour_blind_model(colours, pairs):
    facts = read(run("retrieval", "--pairs", pairs, "--model", "blind", "--json"))

    assert facts["model_id"] == "blind"
    assert facts["text_to_image"]["R@1"]["value"] < 0.7


def test_text_report_has_chance_and_skipped_names(colours, pairs):
    result = run("retrieval", "--pairs", pairs)

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == ["fake", "6 images, 12 captions"]
    assert [line.split()[:3] for line in lines[3:]] == [
        ["image", "to", "text"],
        ["by", "chance", "16.7"],
        ["text", "to", "image"],
        ["by", "chance", "16.7"],
    ]
    assert "left out, missing file: 1 (gone.png)" in result.stderr


def test_a_limit_takes_the_same_images_each_time(colours, pairs):
    once, again = (read(run("retrieval", "--pairs", pairs, "--limit", 3, "--json")) for _ in "12")

    assert once == again
    assert once["images"] == 3
    assert once["texts"] == 6


def test_split_and_image_folder_are_options(colours, pairs, tmp_path):
    where = tmp_path / "elsewhere"
    where.mkdir()
    table = write_csv(
        where / "pairs.csv",
        "file,split,caption",
        "red.png,train,red",
        "blue.png,hold,blue",
        "green.png,hold,green",
    )

    facts = read(
        run("retrieval", "--pairs", table, "--split", "hold", "--images-root", tmp_path, "--json")
    )

    assert facts["images"] == 2


@pytest.fixture
def by_class(tmp_path) -> Path:
    """A folder per colour with two photos each."""
    for name, (colour, _) in COLOURS.items():
        for number in (1, 2):
            make_photo(tmp_path / "classes" / f"n_{name}" / f"{number}.png", colour)
    return tmp_path / "classes"


@pytest.fixture
def labels(tmp_path) -> Path:
    rows = [f"colours,n_{name},{name},{ko},tag" for name, (_, ko) in COLOURS.items()]
    return write_csv(tmp_path / "labels.csv", "source,folder,en,ko,tags", *rows)


def test_classes_are_recognized_by_names_in_both_languages(colours, by_class, labels):
    facts = read(run("zero-shot", by_class, "--labels", labels, "--language", "both", "--json"))

    assert (facts["images"], facts["classes"]) == (12, 6)
    assert facts["chance"] == {"top_1": pytest.approx(1 / 6), "top_5": pytest.approx(5 / 6)}
    assert list(facts["languages"]) == ["en", "ko", "en+ko"]
    for report in facts["languages"].values():
        assert report["wordings"]["ensemble"] == {"top_1": 1, "top_5": 1}
        assert set(report["wordings"]) == {"bare name", "one template", "ensemble"}
        assert report["calibration"]["accuracy"] == 1
        assert report["calibration"]["logit_scale"] == FakeEncoder.logit_scale
        assert report["held_out"]["best_scale"]["nll"] < report["held_out"]["own_scale"]["nll"]
        assert len(report["per_class"]) == 6
    assert facts["languages"]["en+ko"]["per_class"][0]["name"] == "black / 검은"
    assert facts["skipped"] == {}


def test_accuracy_is_counted_by_class(colours, by_class):
    make_photo(by_class / "n_red" / "2.png", COLOURS["blue"][0])

    facts = read(run("zero-shot", by_class, "--json"))

    report = facts["languages"]["en"]
    by_folder = {it["folder"]: it["top_1"] for it in report["per_class"]}
    assert by_folder["n_red"] == 0.5
    assert by_folder["n_blue"] == 1
    assert report["wordings"]["ensemble"]["top_1"] == pytest.approx(11 / 12)


def test_classes_can_come_from_a_csv_too(colours, by_class, tmp_path):
    paths = sorted(by_class.rglob("*.png"))
    rows = [f"{path.relative_to(by_class)},{path.parent.name}" for path in paths]
    table = write_csv(tmp_path / "classes.csv", "image_path,label", *rows)

    by_csv = read(run("zero-shot", table, "--images-root", by_class, "--json"))

    assert by_csv["languages"] == read(run("zero-shot", by_class, "--json"))["languages"]


def test_a_person_reads_accuracy_calibration_and_classes(colours, by_class):
    result = run("zero-shot", by_class)

    assert result.exit_code == 0
    for words in ("12 images, 6 classes", "ensemble", "by chance", "ECE", "held-out half", "n red"):
        assert words in result.stdout


@pytest.fixture
def queries(tmp_path) -> tuple[Path, Path]:
    """Queries, and a folder of twelve red and three blue photos."""
    photos = tmp_path / "photos"
    red = [make_photo(photos / f"r{i:02}.png", (255, i, 0)).name for i in range(12)]
    blue = [make_photo(photos / f"b{i}.png", (0, i, 255)).name for i in range(3)]
    table = write_csv(
        tmp_path / "queries.csv",
        "query,query_ko,relevant",
        f"red,빨간,{' '.join(red)}",
        f"blue,파란,{' '.join(blue)} gone.png",
        f"green,초록,{red[0]}",
        "white,하얀,",
    )
    return table, photos


def test_both_definitions_of_precision_are_given_by_language(colours, queries):
    table, photos = queries

    facts = read(run("search", "--queries", table, "--photos", photos, "--json"))

    assert (facts["photos"], facts["rows_left_out"]) == (15, 1)
    for language in ("en", "ko"):
        of = facts["languages"][language]
        hits = {it["text"]: it for it in of["queries"]}
        first, second, third = hits.values()
        assert (first["relevant"], first["in_first_10"]) == (12, 10)
        assert (second["relevant"], second["in_first_10"], second["in_first_relevant"]) == (3, 3, 3)
        assert third["in_first_relevant"] == 0
        assert of["precision_at_min_10_relevant"] == pytest.approx(2 / 3)
        assert of["precision_at_10"] == pytest.approx((1 + 0.3 + third["in_first_10"] / 10) / 3)
        assert of["chance"] == pytest.approx((12 + 3 + 1) / 15 / 3)
    assert facts["skipped"]["relevant photo that is not there"]["first"] == ["gone.png"]


def test_against_lists_queries_with_changed_hits(colours, queries):
    table, photos = queries

    facts = read(run("search", "--queries", table, "--photos", photos, *against("blind")))
    turned = read(
        run("search", "--queries", table, "--photos", photos, "--model", "blind", *against("fake"))
    )

    changed = facts["against"]["changes"]["en"]
    assert changed["better"]
    assert changed["worse"] == []
    assert {it["query"] for it in changed["better"]} <= {"red", "blue"}
    assert all(it["before"] < it["after"] <= it["places"] for it in changed["better"])
    worse = turned["against"]["changes"]["en"]["worse"]
    assert [(it["query"], it["after"]) for it in worse] == [
        (it["query"], it["before"]) for it in changed["better"]
    ]
    text = run("search", "--queries", table, "--photos", photos, "--against", "blind").stdout
    assert "P@min(10,relevant)" in text
    assert "P@10" in text
    assert "against blind" in text


def against(model: str) -> tuple[str, str, str]:
    return "--against", model, "--json"


def test_precision_is_defined_as_in_the_benchmark():
    rng = np.random.default_rng(0)
    names = [f"{i}.jpg" for i in range(40)]
    photos, texts = (rng.standard_normal((n, 8)).astype(np.float32) for n in (40, 12))
    relevant = [set(rng.choice(names, size)) for size in (1, 2, 3, 5, 8, 9, 10, 11, 15, 20, 30, 40)]
    queries = [JudgedQuery({"en": f"query {i}"}, frozenset(it)) for i, it in enumerate(relevant)]

    hits = rank_photos(photos, names, texts, queries, "en")

    ranks = [[names[i] for i in np.argsort(-(photos @ text))] for text in texts]
    mean = np.mean([it.precision_at_relevant for it in hits])
    assert 100 * mean == pytest.approx(precision(ranks, relevant))
    plain = [
        len(right & set(order[:10])) / 10 for right, order in zip(relevant, ranks, strict=True)
    ]
    assert [it.precision_at_10 for it in hits] == pytest.approx(plain)
    assert [it.first for it in hits] == [order[:10] for order in ranks]


def test_pocket_finds_labelled_photos_better_than_chance():
    if not LABELLED.is_dir():
        pytest.skip("no labelled photos beside this checkout")

    facts = read(
        run(
            *("search", "--queries", LABELLED / "queries.csv"),
            *("--photos", LABELLED / "photos", "--json"),
        )
    )

    assert facts["skipped"] == {}
    for of in facts["languages"].values():
        assert of["precision_at_min_10_relevant"] > 5 * of["chance"] > 0
        assert of["precision_at_10"] <= of["precision_at_min_10_relevant"]


def test_speed_is_measured_by_batch_with_pocket(monkeypatch):
    monkeypatch.setattr(speed, "PER_RUN", 2)
    facts = read(
        run(
            *("speed", "--batch", 1, "--batch", 4, "--runs", 1, "--device", "cpu"),
            *("--width", 160, "--height", 120, "--json"),
        )
    )

    assert facts["model_id"].startswith("pocket@")
    assert facts["device"].startswith("cpu, ")
    assert [it["batch"] for it in facts["batches"]] == [1, 4]
    for it in facts["batches"]:
        assert min(it["images_per_s"], it["jpegs_per_s"], it["queries_per_s"]) > 0


def test_speed_is_a_table_for_a_person(colours):
    result = run("speed", "--batch", 2, "--runs", 1, "--width", 64, "--height", 48)

    assert result.exit_code == 0, result.output
    assert "decoded images/s" in result.stdout
    assert "64 x 48" in result.stdout


def test_the_figures_can_be_drawn(colours, pairs, by_class, labels, tmp_path):
    recall, classes = tmp_path / "recall.png", tmp_path / "classes plot.png"

    read(run("retrieval", "--pairs", pairs, "--plot", recall, "--json"))
    read(
        run(
            *("zero-shot", by_class, "--labels", labels, "--language", "ko"),
            *("--plot", classes, "--json"),
        )
    )

    for path in (recall, classes):
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 300
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 10  # not an empty page


def test_pocket_runs_each_evaluation_on_few_photos(pairs, by_class, tmp_path):
    assert read(run("retrieval", "--pairs", pairs, "--json"))["images"] == 6
    report = read(run("zero-shot", by_class, "--limit", 4, "--json"))
    assert report["images"] == 4
    assert report["classes"] == 6
    table = write_csv(tmp_path / "queries.csv", "query,relevant", "red,red.png")
    make_photo(tmp_path / "few" / "red.png")
    make_photo(tmp_path / "few" / "blue.png", "blue")
    facts = read(run("search", "--queries", table, "--photos", tmp_path / "few", "--json"))
    assert list(facts["languages"]) == ["en"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["retrieval", "--pairs", "{tmp}/none.csv"], "none.csv"),
        (["retrieval", "--pairs", "{tmp}/columns.csv"], "no column"),
        (["retrieval", "--pairs", "{tmp}/labels only.csv"], "no caption"),
        (["retrieval", "--pairs", "{tmp}/pairs.csv", "--split", "none"], "no picture"),
        (["retrieval", "--pairs", "{tmp}/pairs.csv", "--model", "nothing"], "nothing"),
        (["retrieval", "--pairs", "{tmp}/pairs.csv", "--device", "abacus"], "abacus"),
        (["retrieval", "--pairs", "{tmp}/pairs.csv", "--plot", "{tmp}/no/a.png"], "no/a.png"),
        (["retrieval", "--pairs", "{tmp}/unreadable.csv"], "can be read"),
        (["zero-shot", "{tmp}/empty"], "empty"),
        (["zero-shot", "{tmp}/one class"], "at least two"),
        (["zero-shot", "{tmp}/classes", "--language", "ko"], "--labels"),
        (["zero-shot", "{tmp}/classes", "--labels", "{tmp}/none.csv"], "none.csv"),
        (["zero-shot", "{tmp}/pairs.csv"], "no label"),
        (["search", "--queries", "{tmp}/pairs.csv", "--photos", "{tmp}/classes"], "query"),
        (["search", "--queries", "{tmp}/none.csv", "--photos", "{tmp}/classes"], "none.csv"),
        (["search", "--queries", "{tmp}/none.csv", "--photos", "{tmp}/empty"], "no photo"),
        (["search", "--queries", "{tmp}/none.csv", "--photos", "{tmp}/nowhere"], "not a folder"),
        (["search", "--queries", "{tmp}/q.csv", "--photos", "{tmp}/classes"], "no query"),
        (["speed", "--model", "ViT-B-32/nobody"], "nobody"),
    ],
)
def test_bad_input_is_one_sentence_and_status_1(pairs, by_class, tmp_path, words, sentence):
    write_csv(tmp_path / "columns.csv", "picture,words", "a.png,b")
    write_csv(tmp_path / "labels only.csv", "image_path,label", "red.png,red")
    write_csv(tmp_path / "unreadable.csv", "image_path,caption", "text.png,a")
    write_csv(tmp_path / "q.csv", "query,relevant", "red,gone.png")
    (tmp_path / "empty").mkdir()
    make_photo(tmp_path / "one class" / "a" / "b.png")

    result = run(*(word.format(tmp=tmp_path) for word in words))

    assert result.exit_code == 1, result.output
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_program_runs_and_writes_its_sentence_to_stderr():
    done = subprocess.run(
        [sys.executable, "-m", "models.evaluate", "retrieval", "--pairs", "nowhere.csv"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("nowhere.csv ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_names_every_command_and_loads_no_model():
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from models.evaluate import cli\n"
        "print(CliRunner().invoke(cli, ['--help']).output)\n"
        "print(sorted(set(sys.modules) & {'torch', 'open_clip', 'matplotlib'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)

    for command in ("retrieval", "zero-shot", "search", "speed"):
        assert command in done.stdout
    assert done.stdout.strip().endswith("[]")
