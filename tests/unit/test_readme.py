"""What the documentation names exists, and what exists is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from album.__main__ import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
IN_ALBUM = (ROOT / "album" / "README.md").read_text("utf-8")
DOCUMENTS = ("README.md", "album/README.md", "models/README.md", "tests/benchmarks/README.md")
LONGEST_LINES = 200


def test_the_space_runs_the_gradio_that_is_pinned():
    front_matter = README.split("---")[1]
    (pinned,) = re.findall(r"^gradio==(\S+)", (ROOT / "requirements.txt").read_text(), re.M)

    assert f"sdk_version: {pinned}\n" in front_matter
    assert "sdk: gradio\n" in front_matter
    assert "app_file: app.py\n" in front_matter


def test_every_requirement_is_bounded_with_a_reason():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            requirement, _, reason = line.partition("#")
            assert re.search(r"==|<", requirement), line
            assert len(reason) > 20, line


def test_readme_is_short():
    assert len(README.splitlines()) <= LONGEST_LINES


def test_readme_names_every_make_target():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {"run", "test", "test-browser", "bench", "lint"} <= set(targets)
    for target in targets:
        assert f"make {target}" in README


def test_album_readme_names_every_command():
    for command in cli.registered_commands:
        assert f"python -m album {command.name or command.callback.__name__}" in IN_ALBUM
    for group in cli.registered_groups:
        assert f"python -m album {group.name}" in IN_ALBUM


@pytest.mark.parametrize("document", DOCUMENTS)
def test_document_links_lead_somewhere(document):
    source = ROOT / document
    for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^)]*)\)", source.read_text("utf-8")):
        linked = source.parent / target if target else source
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text("utf-8")), f"{target}#{anchor}"


def test_code_map_names_every_package():
    (tree,) = re.findall(r"## Code map\n\n(.*?)\n\n", IN_ALBUM, re.S)
    named = set(re.findall(r"\b([a-z_]+)/", tree)) - {"album", "models"}
    packages = {
        folder.name
        for parent in ("album", "models")
        for folder in (ROOT / parent).glob("[a-z]*/")
        if any(entry.is_file() for entry in folder.iterdir())
    }

    assert named == packages


def test_code_map_files_exist():
    (tree,) = re.findall(r"## Code map\n\n(.*?)\n\n", IN_ALBUM, re.S)
    for name in re.findall(r"\b[a-z_]+\.py\b", tree):
        assert list(ROOT.glob(name)) or list(ROOT.glob(f"[am]*/**/{name}")), name


def anchors(document: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
