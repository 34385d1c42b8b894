"""Looking after a library on the command line: verify, repair, backup, restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images.make import make_photo
from tests.model.commands import read, run


@pytest.fixture
def library(tmp_path) -> Path:
    for colour in ("red", "blue"):
        make_photo(tmp_path / "mine" / f"{colour}.png", colour)
    read(run(tmp_path / "data", "import", tmp_path / "mine", "--copy", "--json"))
    return tmp_path / "data"


def test_a_backup_comes_back_elsewhere_and_is_sound(library, tmp_path):
    saved = read(run(library, "backup", tmp_path / "album.zip", "--originals", "--json"))
    restored = read(run(tmp_path / "other", "restore", tmp_path / "album.zip", "--json"))
    found = read(run(tmp_path / "other", "search", "--json"))

    assert (saved["photos"], saved["originals"], saved["problems"]) == (2, 2, [])
    assert (restored["photos"], restored["missing"]) == (2, 0)
    assert {Path(hit["path"]).parents[2] for hit in found["hits"]} == {tmp_path / "other"}
    repaired = run(tmp_path / "other", "verify", "--repair")
    assert repaired.exit_code == 0
    assert "Put right: 2 thumbnails" in repaired.stderr
    assert run(tmp_path / "other", "verify", "--deep").exit_code == 0


def test_a_backup_is_not_overwritten_unless_that_is_said(library, tmp_path):
    (tmp_path / "album.zip").write_text("mine")

    refused = run(library, "backup", tmp_path / "album.zip")

    assert refused.exit_code == 1
    assert "is there already" in refused.stderr
    assert (tmp_path / "album.zip").read_text() == "mine"
    assert run(library, "backup", tmp_path / "album.zip", "--overwrite").exit_code == 0


def test_an_album_is_never_restored_over_another(library, tmp_path):
    read(run(library, "backup", tmp_path / "album.zip", "--json"))

    refused = run(library, "restore", tmp_path / "album.zip")

    assert refused.exit_code == 1
    assert "has an album in it already" in refused.stderr


def test_repair_puts_right_what_verify_names_and_imports_what_no_photo_owns(library):
    thumbnail, *_ = (library / "thumbnails").rglob("*.jpg")
    thumbnail.write_bytes(b"")
    make_photo(library / "photos" / "ab" / f"{'ab' * 32}.png", "green")
    assert run(library, "verify").exit_code == 1

    repaired = read(run(library, "verify", "--repair", "--json"))

    assert (repaired["thumbnails"], repaired["imported"]) == (1, 1)
    assert read(run(library, "status", "--json"))["photos"] == 3


def test_what_cannot_be_repaired_is_named_with_what_to_do(library):
    next((library / "photos").rglob("*.png")).unlink()

    repaired = run(library, "verify", "--repair")

    assert repaired.exit_code == 1
    assert ".png" in repaired.stdout
