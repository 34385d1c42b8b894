"""`python -m album export`, as somebody types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from album.metadata import xmp
from tests.models.commands import read, run
from tests.support.captioning import set_caption
from tests.support.images.make import make_photo
from tests.support.importing import opened, take_in


@pytest.fixture
def library(tmp_path) -> Path:
    for colour in ("red", "blue"):
        make_photo(tmp_path / "mine" / f"{colour}.png", colour)
    album = opened(tmp_path / "data")
    try:
        for photo_id in take_in(album, [tmp_path / "mine"]).added:
            set_caption(album.database, photo_id, f"사진 {photo_id}", "")
            album.labels.set_by_person(photo_id, [album.photo(photo_id).filename])
    finally:
        album.close()
    return tmp_path / "data"


def test_sidecars_are_written_and_read_back(library, tmp_path):
    exported = read(run(library, "export", "--beside", "--json"))
    verified = read(run(library, "export", "--beside", "--verify", "--json"))

    assert (exported["new"], exported["failed"], exported["folder"]) == (2, [], None)
    assert verified == {"photos": 2, "same": 2, "differences": []}
    assert xmp.read((tmp_path / "mine" / "red.png.xmp").read_bytes()).captions.keys() == {""}


def test_verify_reports_differences_with_status_1(library, tmp_path):
    read(run(library, "export", "--to", tmp_path / "out", "--with-photos", "--json"))
    (tmp_path / "out" / "red.png.xmp").unlink()

    verified = run(library, "export", "--to", tmp_path / "out", "--verify")

    assert verified.exit_code == 1
    assert "red.png" in verified.stdout
    assert "1 of 2 photos" in verified.stderr


def test_unwritable_sidecar_is_reported_with_status_1(library, tmp_path):
    (tmp_path / "mine" / "red.png.xmp").write_text("<broken")

    exported = run(library, "export", "--beside")

    assert exported.exit_code == 1
    assert "red.png.xmp: The sidecar is damaged" in exported.stderr
    assert "1 new" in exported.stdout


def test_only_the_photos_that_were_named_are_exported(library, tmp_path):
    by_label = read(run(library, "export", "--to", tmp_path / "a", "--label", "red.png", "--json"))

    assert by_label["photos"] == by_label["new"] == 1
    assert [it.name for it in (tmp_path / "a").iterdir()] == ["red.png.xmp"]


def test_a_photo_that_is_not_there_is_named(library, tmp_path):
    exported = run(library, "export", "--to", tmp_path / "out", "2", "77")

    assert exported.exit_code == 1
    assert "77: This photo is not in the album." in exported.stderr
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--beside", "--to", "x"),
        ("--beside", "--with-photos"),
        ("--beside", "--verify", "--replace"),
    ],
)
def test_an_export_is_never_guessed(library, words, tmp_path):
    refused = run(library, "export", *words)

    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*.xmp"))
