"""Commands import no large library, and load no model, that they do not need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.commands import read, run
from tests.support.images.make import make_photo

CHECKOUT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from album.__main__ import cli
try:
    cli(sys.argv[2:])
except SystemExit as ended:
    status = ended.code
with open(sys.argv[1], "w") as file:
    json.dump({"status": status, "modules": sorted(sys.modules)}, file)
"""
NETWORKS = {"torch", "torchvision", "open_clip", "transformers", "timm"}
LARGE = NETWORKS | {
    *("gradio", "gradio_client", "fastapi", "pandas", "matplotlib", "scipy", "sklearn"),
    *("huggingface_hub", "google.generativeai", "google.api_core", "grpc"),
}
EXIV2 = {"exiv2"}


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """A library with two photos of the folder `mine` beside it."""
    folder = tmp_path_factory.mktemp("light")
    make_photo(folder / "mine" / "red.png", "red")
    make_photo(folder / "mine" / "blue.png", "blue")
    assert read(run(folder / "data", "import", folder / "mine", "--json"))["added"] == 2
    return folder


def modules_after(library: Path, *words: object) -> set[str]:
    """What a command in a process of its own had imported when it had done its work."""
    told = library / "modules.json"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(told), *map(str, words)],
        cwd=CHECKOUT,
        env={**os.environ, "ALBUM_MODEL": "auto", "ALBUM_DATA_DIR": str(library / "data")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(told.read_text())
    assert said["status"] == 0, done.stderr
    return set(said["modules"])


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["import", "MINE"],
        ["imports"],
        ["resume", "1"],
        ["retry", "1"],
        ["search", "a red bus"],
        ["search", "빨간 버스", "--rest", "--json"],
        ["search", "2019"],
        ["search", "--like", "1"],
        ["similar", "2"],
        ["status"],
        ["caption", "--jobs"],
        ["caption", "--lacking", "--dry-run"],
        ["labels"],
        ["labels", "acts"],
        ["verify", "--deep"],
        ["verify", "--repair"],
        ["backup", "BACKUP", "--overwrite"],
    ],
    ids=" ".join,
)
def test_command_imports_no_unneeded_large_library(library, words):
    named = {"MINE": library / "mine", "BACKUP": library / "backup.zip"}
    modules = modules_after(library, *(named.get(word, word) for word in words))

    assert not modules & (LARGE | EXIV2)


def test_writing_sidecars_needs_the_toolkit_and_nothing_else(library, tmp_path):
    modules = modules_after(library, "export", "--to", tmp_path / "out")

    assert not modules & LARGE


def test_picture_search_and_import_need_the_network(library, tmp_path):
    assert "torch" in modules_after(library, "similar", library / "mine" / "red.png")
    make_photo(tmp_path / "new.png", "white")

    modules = modules_after(library, "import", tmp_path / "new.png")
    assert NETWORKS - {"timm", "torchvision"} <= modules
    assert not modules & (LARGE - NETWORKS - {"scipy", "sklearn", "pandas", "huggingface_hub"})
