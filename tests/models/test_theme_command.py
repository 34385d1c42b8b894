"""The themes of a library on the command line."""

from __future__ import annotations

import pytest

from tests.models.commands import read, run
from tests.support.images.make import scene


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("themes")
    (folder / "photos").mkdir()
    for n in range(64):
        scene((64, 48), seed=n).save(folder / "photos" / f"{n}.png")
    assert run(folder / "data", "import", folder / "photos").exit_code == 0
    return folder / "data"


def test_themes_are_listed_with_their_photos(library):
    listed = read(run(library, "themes", "--json"))["themes"]

    assert sum(theme["photos"] for theme in listed) == 64
    assert all(set(theme["words"]) == {"en", "ko"} for theme in listed)
    lines = run(library, "themes").stdout.splitlines()
    assert len(lines) == len(listed)
    assert lines[0].startswith(f"{listed[0]['theme']}: ")
    photos = read(run(library, "themes", listed[0]["theme"], "-k", 3, "--json"))
    assert len(photos["hits"]) == min(3, listed[0]["photos"])
    assert run(library, "themes", listed[0]["theme"]).stdout.splitlines()[0].endswith(".png")


def test_unknown_theme_is_one_sentence(library):
    result = run(library, "themes", 999)

    assert result.exit_code == 1
    assert result.stderr == "This theme is no longer there: choose another one under Themes.\n"


def test_few_photos_are_one_sentence(tmp_path):
    scene((64, 48)).save(tmp_path / "one.png")
    run(tmp_path / "data", "import", tmp_path / "one.png")

    result = run(tmp_path / "data", "themes")

    assert result.exit_code == 1
    assert result.stderr == "Themes need at least 60 photos that the album has looked at.\n"
