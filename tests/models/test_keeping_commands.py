"""Looking after a library on the command line: verify, repair, backup, restore."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.commands import read, run
from tests.support.images.make import make_photo

ROOT = Path(__file__).parents[2]


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


def test_backup_is_overwritten_only_by_option(library, tmp_path):
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


def test_repair_fixes_faults_and_imports_unowned_originals(library):
    thumbnail, *_ = (library / "thumbnails").rglob("*.jpg")
    thumbnail.write_bytes(b"")
    make_photo(library / "photos" / "ab" / f"{'ab' * 32}.png", "green")
    assert run(library, "verify").exit_code == 1

    repaired = read(run(library, "verify", "--repair", "--json"))

    assert (repaired["thumbnails"], repaired["imported"]) == (1, 1)
    assert read(run(library, "status", "--json"))["photos"] == 3


def test_unrepairable_fault_is_named_with_advice(library):
    next((library / "photos").rglob("*.png")).unlink()

    repaired = run(library, "verify", "--repair")

    assert repaired.exit_code == 1
    assert ".png" in repaired.stdout


DAMAGE = {
    "empty": lambda good: b"",
    "no database": lambda good: b"Dear diary" * 1000,
    "a page zeroed": lambda good: good[:4096] + bytes(8192) + good[12_288:],
    "cut in half": lambda good: good[: len(good) // 2],
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_database_sentence_names_restore(library, tmp_path, how):
    for log in ("-wal", "-shm"):
        (library / f"album.db{log}").unlink(missing_ok=True)
    content = DAMAGE[how]((library / "album.db").read_bytes())

    backup = tmp_path / "x.zip"
    for command in (["verify"], ["verify", "--repair"], ["backup", str(backup)]):
        (library / "album.db").write_bytes(content)
        told = run(library, *command)

        assert told.exit_code == 1
        said = (told.stdout + told.stderr).strip()
        assert "restore" in said.splitlines()[-1], command
        assert "Traceback" not in said
    assert not backup.exists()


def test_page_start_reports_a_damaged_database(library):
    for log in ("-wal", "-shm"):
        (library / f"album.db{log}").unlink(missing_ok=True)
    (library / "album.db").write_bytes(b"")

    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "ALBUM_DATA_DIR": str(library), "ALBUM_MODEL": "pocket"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "python -m album restore" in done.stderr
    assert "Traceback" not in done.stderr
