"""What README says is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

from album.__main__ import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


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


def test_every_make_target_and_every_command_is_in_the_readme():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {"run", "test", "test-browser", "bench", "lint"} <= set(targets)
    for target in targets:
        assert f"make {target}" in README
    for command in cli.registered_commands:
        assert f"python -m album {command.name or command.callback.__name__}" in README


def test_pictures_and_links_of_the_readme_exist():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_file_of_the_map_exists():
    (tree,) = re.findall(r"## Map of the code\n\n(.*?)\n\n", README, re.S)
    for name in re.findall(r"\b[a-z_]+\.py\b", tree):
        assert list(ROOT.glob(name)) or list(ROOT.glob(f"[am]*/**/{name}")), name
