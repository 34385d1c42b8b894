"""`python -m album` with the embedded model: what programs read, and the exit codes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import gradio
import pytest
from typer.testing import CliRunner

from album.__main__ import cli
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from tests.models.commands import read, run
from tests.support.fakes import FakeCaptioner
from tests.support.gemini_server import GeminiServer, describes
from tests.support.images.make import make_photo, make_text

SAMPLES = Path(gradio.__file__).parent / "media_assets" / "images"
IMPORT_KEYS = {
    *("import_id", "kind", "state", "total", "done", "added", "already_here", "updated"),
    *("missing", "failed", "skipped", "problem", "seconds"),
}
HIT_KEYS = {"photo_id", "path", "score", "taken_at", "caption", "band", "why", "burst"}
COUNT_KEYS = {"query", "model_id", "total", "sure", "maybe", "rest", "hits"}
SEARCH_KEYS = {
    *COUNT_KEYS, "understood", "visual", "notices", "unread", "vetoed", "nearest", "absent",
    "ways_out",
}  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """A library with the sample photos, imported as copies."""
    data_dir = tmp_path_factory.mktemp("library")
    result = run(data_dir, "import", SAMPLES, "--copy", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert set(report) == IMPORT_KEYS
    assert (report["added"], report["already_here"], report["failed"]) == (9, 1, [])
    return data_dir


def file_of(hit) -> str:
    """The sample that a hit is, whose original the album keeps under another name."""
    content = Path(hit["path"]).read_bytes()
    return next(file.name for file in SAMPLES.iterdir() if file.read_bytes() == content)


@pytest.mark.parametrize("query", ["a big cat", "고양이과 동물"])
def test_big_cat_ranks_first_in_both_languages(library, query):
    found = read(run(library, "search", query, "-k", "4", "--json"))

    assert set(found) == SEARCH_KEYS
    assert (found["query"], found["sure"] + found["maybe"] + found["rest"]) == (query, 9)
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


def test_non_matching_hits_appear_only_on_request(library):
    words = ["search", "a big cat", "-k", 20]

    bare = read(run(library, *words, "--json"))
    whole = read(run(library, *words, "--rest", "--json"))

    assert len(bare["hits"]) < len(whole["hits"]) == 9
    assert "rest" not in [hit["band"] for hit in bare["hits"]]
    bands = [hit["band"] for hit in whole["hits"]]
    assert bands == sorted(bands, key=["sure", "maybe", "rest"].index)
    assert bands.count("rest") == whole["rest"]
    lines = run(library, *words, "--rest").stdout.splitlines()
    assert len(lines) == 9 + len(set(bands) - {"sure"})
    assert lines[lines.index("These do not match:") + 1].endswith("]")


def test_hits_sort_by_date_within_their_band(library):
    hits = read(run(library, "search", "a big cat", "--rest", "--sort", "date", "--json"))["hits"]

    for band in ("sure", "maybe", "rest"):
        days = [hit["taken_at"] for hit in hits if hit["band"] == band]
        assert days == sorted(days, reverse=True)


def test_pictures_and_album_photos_form_one_query(library):
    ids = {
        file_of(hit): hit["photo_id"]
        for hit in read(run(library, "search", "-k", 20, "--json"))["hits"]
    }
    cats = ["--image", SAMPLES / "lion.jpg", "--image", SAMPLES / "cheetah.jpg"]

    both = read(run(library, "search", *cats, "--rest", "--json"))
    like = read(
        run(library, "search", "--like", ids["lion.jpg"], "--like", ids["cheetah1.jpg"], "--rest",
            "--json")
    )  # fmt: skip

    assert {file_of(hit) for hit in both["hits"][:2]} <= {"lion.jpg", "cheetah.jpg", "cheetah1.jpg"}
    assert len(like["hits"]) == 7
    assert not {"lion.jpg", "cheetah1.jpg"} & {file_of(hit) for hit in like["hits"]}


def test_empty_result_is_reported_with_status_0(library):
    none = run(library, "search", "big cat", "--before", "1990")
    first, *ways = none.stdout.splitlines()
    assert (none.exit_code, first) == (0, "No photo fits.")
    assert len(ways) == 1
    assert re.fullmatch(r"Without “days”: \d+", ways[0])


def test_similar_takes_a_file_or_an_id(library):
    by_file = read(run(library, "similar", SAMPLES / "lion.jpg", "--json"))
    assert set(by_file) == COUNT_KEYS
    assert len(by_file["hits"]) == 9
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
    assert set(lion) == {"path", "labels", "none", "none_probability"}
    assert lion["labels"][0]["label"] == "big cat"
    assert tower["labels"][0]["label"] == "tower"
    shares = [it["probability"] for it in lion["labels"]]
    assert sum(shares) + lion["none_probability"] == pytest.approx(1, abs=1e-4)


def test_classify_reports_unreadable_file_and_continues(library, tmp_path):
    bad = make_text(tmp_path / "text.jpg")

    result = run(
        library, "classify", bad, SAMPLES / "lion.jpg", "--labels", "bus, big cat", "--json"
    )

    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["photos"]) == 1
    assert str(bad) in result.stderr


def test_in_place_import_reports_failures_with_reason(tmp_path):
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


def test_data_dir_option_works_on_both_sides(library, tmp_path):
    for words in (
        ["--data-dir", library, "status", "--json"],
        ["status", "--data-dir", library, "--json"],
    ):
        status = read(run(tmp_path / "other", *words))
        assert status["photos"] == 9
        assert status["model_id"].startswith("pocket")


def test_verify_reports_only_faults(library, tmp_path):
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


def test_captions_come_from_gemini(library, tmp_path):
    data_dir = tmp_path / "library"
    shutil.copytree(library, data_dir)
    with GeminiServer() as server:
        said = {"caption_ko": "사자 한 마리", "keywords": [], "text_in_photo": ""}
        server.answers.append(describes(**said))
        env = {"GEMINI_API_KEY": "key", "ALBUM_GEMINI_ENDPOINT": server.url}
        answer = read(run(data_dir, "caption", SAMPLES / "lion.jpg", "--json", **env))

    (caption,) = answer["captions"]
    assert caption["caption"] == "사자 한 마리"
    assert caption["language"] == "ko"
    assert answer["failed"] == []
    found = read(run(data_dir, "similar", SAMPLES / "lion.jpg", "-k", 1, "--json"))
    assert found["hits"][0]["caption"] == "사자 한 마리"


def test_describe_ranks_file_lines_for_foreign_photo(tmp_path):
    captions = tmp_path / "captions.txt"
    lines = ["a red bus", "", "  고양이과 동물  ", "a tower", "a red bus", "cheese and bread"]
    captions.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())

    found = read(
        run(tmp_path / "empty", "describe", SAMPLES / "lion.jpg", "--from", captions, "--top", 3,
            "--json")
    )  # fmt: skip

    assert set(found) == {"query", "model_id", "total", "captions"}
    assert (found["query"], found["total"]) == (str(SAMPLES / "lion.jpg"), 4)
    assert found["model_id"].startswith("pocket")
    assert [set(it) for it in found["captions"]] == [{"text", "score", "fits"}] * 3
    assert found["captions"][0]["text"] == "고양이과 동물"
    scores = [it["score"] for it in found["captions"]]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)
    every = read(
        run(tmp_path / "empty", "describe", SAMPLES / "lion.jpg", "--from", captions, "--json")
    )
    assert every["captions"][:3] == found["captions"]
    assert {it["fits"] for it in every["captions"]} <= {"well", "maybe", "hardly"}


def test_describe_ranks_album_captions_for_photo_id(library, tmp_path):
    data_dir = tmp_path / "library"
    shutil.copytree(library, data_dir)
    ids = {
        file_of(hit): hit["photo_id"]
        for hit in read(run(data_dir, "search", "-k", 20, "--json"))["hits"]
    }
    words = {"lion.jpg": "고양이과 동물", "tower.jpg": "a\ntower"}
    album = Album(data_dir, DefaultClassifiers(), FakeCaptioner())
    for name, text in words.items():
        album.captions.write(ids[name], text)
    album.close()

    for name, best in words.items():
        by_id = read(run(data_dir, "describe", ids[name], "--json"))
        by_file = read(run(data_dir, "describe", SAMPLES / name, "--json"))
        assert by_id["captions"][0]["text"] == by_file["captions"][0]["text"] == best
        assert by_id["total"] == 2
    plain = run(data_dir, "describe", ids["tower.jpg"], "--top", 1)
    assert re.fullmatch(r"fits (well|maybe|hardly) *[ -]0\.\d{3}  a tower\n", plain.stdout)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"", "has no captions in it"),
        (b"\xef\xbb\xbf\r\n \t\n\n", "has no captions in it"),
        ("고양이".encode("cp949"), "is not UTF-8 text"),
        ("a cat".encode("utf-16"), "is not UTF-8 text"),
    ],
)
def test_unusable_captions_file_is_named_in_one_sentence(library, tmp_path, content, sentence):
    captions = tmp_path / "captions.txt"
    if content is not None:
        captions.write_bytes(content)

    result = run(library, "describe", SAMPLES / "lion.jpg", "--from", captions)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"{captions} {sentence}")
    assert len(result.stderr.strip().splitlines()) == 1


def test_undescribable_picture_is_named_in_one_sentence(library, tmp_path):
    captions = tmp_path / "captions.txt"
    captions.write_text("a cat")
    bad = make_text(tmp_path / "text.jpg")

    result = run(library, "describe", bad, "--from", captions)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"{bad}: This is not an image")
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["caption", "1"], "GEMINI_API_KEY"),
        (["caption"], "--pending"),
        (["caption", "nothing.jpg"], "cannot be read"),
        (["similar", "999999"], "not in the album"),
        (["search", "x", "--after", "yesterday"], "yesterday"),
        (["search", "x", "--image", "nothing.jpg"], "cannot be opened"),
        (["search", "x", "--sort", "size"], "--sort is best or date."),
        (["search", "x", "--like", "999999"], "not in the album"),
        (["classify", "nothing.jpg", "--labels", "only one"], "at least two"),
        (["describe", "999999", "--from", __file__], "not in the album"),
        (["describe", "nothing.jpg", "--from", __file__], "nothing.jpg: The file cannot be opened"),
        (["describe", SAMPLES / "lion.jpg"], "No photo of the album has a caption yet"),
    ],
)
def test_errors_print_one_sentence_and_exit_1(library, words, sentence):
    result = run(library, *words)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_commands_have_help_and_json_option():
    for command in cli.registered_commands:
        name = command.name or command.callback.__name__
        result = CliRunner().invoke(cli, [name, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})

        assert result.exit_code == 0
        assert re.search(r"--data-dir", result.output)
        assert name == "serve" or "--json" in result.output
