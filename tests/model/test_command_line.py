"""`python -m album` with the embedded model: what programs read, and the exit codes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import gradio
import pytest
from click.testing import Result
from typer.testing import CliRunner

from album.__main__ import cli
from tests.gemini_server import GeminiServer
from tests.images.make import make_photo, make_text

SAMPLES = Path(gradio.__file__).parent / "media_assets" / "images"
HIT_KEYS = {"photo_id", "path", "score", "taken_at", "caption"}


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """A library with the sample photos, imported as copies."""
    data_dir = tmp_path_factory.mktemp("library")
    result = run(data_dir, "import", SAMPLES, "--copy", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert set(report) == {"added", "already_here", "failed", "seconds"}
    assert (report["added"], report["already_here"], report["failed"]) == (9, 1, [])
    return data_dir


def run(data_dir: Path, *words: object, **env: str) -> Result:
    clean = {"ALBUM_MODEL": "pocket", "GEMINI_API_KEY": "", "ALBUM_DATA_DIR": str(data_dir), **env}
    return CliRunner().invoke(cli, [str(word) for word in words], env=clean)


def read(result: Result):
    assert result.exit_code == 0, result.output + result.stderr
    return json.loads(result.stdout)


def file_of(hit) -> str:
    """The sample that a hit is, whose original the album keeps under another name."""
    content = Path(hit["path"]).read_bytes()
    return next(file.name for file in SAMPLES.iterdir() if file.read_bytes() == content)


@pytest.mark.parametrize("query", ["a big cat", "고양이과 동물"])
def test_a_big_cat_is_found_first_in_both_languages(library, query):
    found = read(run(library, "search", query, "-k", "4", "--json"))

    assert set(found) == {"query", "model_id", "total", "hits"}
    assert (found["query"], found["total"], len(found["hits"])) == (query, 9, 4)
    assert found["model_id"].startswith("pocket")
    assert all(set(hit) == HIT_KEYS for hit in found["hits"])
    assert {file_of(hit) for hit in found["hits"][:2]} <= {
        "cheetah.jpg",
        "cheetah1.jpg",
        "lion.jpg",
    }


def test_a_search_combines_words_a_picture_and_days(library):
    found = read(
        run(library, "search", "big cat", "--image", SAMPLES / "lion.jpg", "-k", 1, "--json")
    )
    assert file_of(found["hits"][0]) == "lion.jpg"

    none = read(run(library, "search", "big cat", "--before", "1990", "--json"))
    assert (none["total"], none["hits"]) == (0, [])

    every = read(run(library, "search", "--after", "1990-01-01", "--json"))
    assert every["total"] == 9
    assert every["hits"][0]["score"] is None


def test_similar_takes_a_file_or_an_id(library):
    by_file = read(run(library, "similar", SAMPLES / "lion.jpg", "--json"))
    lion = by_file["hits"][0]
    assert file_of(lion) == "lion.jpg"
    assert lion["score"] == pytest.approx(1, abs=1e-3)

    by_id = read(run(library, "similar", lion["photo_id"], "--json"))
    assert lion["photo_id"] not in [hit["photo_id"] for hit in by_id["hits"]]
    assert by_id["hits"][0]["photo_id"] == by_file["hits"][1]["photo_id"]


def test_classify_prints_every_label_with_its_probability(library):
    labels = "bus, tower, big cat | 큰 고양이과 동물"
    found = read(
        run(library, "classify", SAMPLES / "lion.jpg", SAMPLES / "tower.jpg", "--labels", labels,
            "--json")
    )  # fmt: skip

    assert set(found) == {"model_id", "photos"}
    lion, tower = found["photos"]
    assert set(lion) == {"path", "labels"}
    assert lion["labels"][0]["label"] == "big cat"
    assert tower["labels"][0]["label"] == "tower"
    assert sum(it["probability"] for it in lion["labels"]) == pytest.approx(1, abs=1e-4)


def test_classify_names_the_file_that_it_cannot_read_and_still_does_the_others(library, tmp_path):
    bad = make_text(tmp_path / "text.jpg")

    result = run(
        library, "classify", bad, SAMPLES / "lion.jpg", "--labels", "bus, big cat", "--json"
    )

    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["photos"]) == 1
    assert str(bad) in result.stderr


def test_import_in_place_reports_failures_with_path_and_reason(tmp_path):
    good = make_photo(tmp_path / "photos" / "a.png", "red")
    bad = make_text(tmp_path / "photos" / "text.jpg")
    data_dir = tmp_path / "data"

    report = read(run(data_dir, "import", tmp_path / "photos", "--json"))
    (hit,) = read(run(data_dir, "search", "red", "--json"))["hits"]

    assert report["added"] == 1
    (failure,) = report["failed"]
    assert set(failure) == {"path", "reason"}
    assert failure["path"] == str(bad)
    assert hit["path"] == str(good)


def test_the_library_is_named_by_an_option_before_or_after_the_command(library, tmp_path):
    for words in (
        ["--data-dir", library, "status", "--json"],
        ["status", "--data-dir", library, "--json"],
    ):
        status = read(run(tmp_path / "other", *words))
        assert status["photos"] == 9
        assert status["model_id"].startswith("pocket")


def test_verify_is_silent_on_a_sound_library_and_names_each_fault_of_a_broken_one(
    library, tmp_path
):
    assert read(run(library, "verify", "--deep", "--json")) == {"faults": []}
    broken = tmp_path / "broken"
    shutil.copytree(library, broken)
    original = next((broken / "photos").rglob("*.jpg"))
    original.unlink()
    next((broken / "thumbnails").rglob("*.jpg")).unlink()
    (broken / "photos" / "ab" / "stray.jpg").parent.mkdir(exist_ok=True)
    (broken / "photos" / "ab" / "stray.jpg").write_bytes(b"stray")

    result = run(broken, "verify")

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert any("original is gone" in line for line in lines)
    assert any("thumbnail is missing" in line for line in lines)
    assert any("stray.jpg" in line for line in lines)


def test_verify_finds_an_original_whose_bytes_were_changed(library, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(library, changed)
    original = next((changed / "photos").rglob("*.jpg"))
    content = bytearray(original.read_bytes())
    content[-10] ^= 1
    original.write_bytes(content)

    assert run(changed, "verify").exit_code == 0
    result = run(changed, "verify", "--deep")
    assert result.exit_code == 1
    assert "other bytes" in result.stdout


def test_captions_go_to_gemini_and_come_back_with_the_photo(library, tmp_path):
    data_dir = tmp_path / "library"
    shutil.copytree(library, data_dir)
    with GeminiServer() as server:
        server.text = "사자 한 마리"
        env = {"GEMINI_API_KEY": "key", "ALBUM_GEMINI_ENDPOINT": server.url}
        answer = read(run(data_dir, "caption", SAMPLES / "lion.jpg", "--json", **env))

    (caption,) = answer["captions"]
    assert caption["caption"] == "사자 한 마리"
    assert caption["language"] == "ko"
    assert answer["failed"] == []
    found = read(run(data_dir, "similar", SAMPLES / "lion.jpg", "-k", 1, "--json"))
    assert found["hits"][0]["caption"] == "사자 한 마리"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["caption", "1"], "GEMINI_API_KEY"),
        (["caption"], "--pending"),
        (["caption", "nothing.jpg"], "cannot be read"),
        (["similar", "999999"], "not in the album"),
        (["search", "x", "--after", "yesterday"], "yesterday"),
        (["search", "x", "--image", "nothing.jpg"], "cannot be opened"),
        (["classify", "nothing.jpg", "--labels", "only one"], "at least two"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_status_1(library, words, sentence):
    result = run(library, *words)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_every_command_has_help_and_takes_json_but_the_one_that_serves():
    for command in cli.registered_commands:
        name = command.name or command.callback.__name__
        result = CliRunner().invoke(cli, [name, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})

        assert result.exit_code == 0
        assert re.search(r"--data-dir", result.output)
        assert name == "serve" or "--json" in result.output
