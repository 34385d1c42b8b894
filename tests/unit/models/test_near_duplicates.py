"""Test photos are found again in a training set, whatever was done to them; others are not."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from models.datasets import ImageFile
from models.training.near_duplicates import describe, main, near_duplicates, thumbnails
from tests.support.images.make import scene


def pairs(training: list[Image.Image], test: list[Image.Image], **how: float) -> list:
    of = [np.stack([thumbnails(image) for image in images]) for images in (training, test)]
    return list(near_duplicates(*of, **how))


def test_smaller_grey_and_cropped_copies_are_duplicates():
    photo, other = scene((640, 480), seed=1), scene((640, 480), seed=2)
    copies = [photo.resize((64, 48)), photo.convert("L"), photo.crop((80, 0, 560, 480))]
    assert pairs(copies, [other, photo]) == [(0, 1), (1, 1), (2, 1)]


def test_other_and_empty_images_are_kept():
    photos = [scene((320, 240), seed=seed) for seed in range(12)]
    flat = [Image.new("RGB", (64, 64), "grey"), Image.new("RGB", (64, 64), "white")]
    assert pairs(photos[:6] + flat, photos[6:] + flat) == []


def test_blocks_find_the_duplicates_of_one_comparison(monkeypatch):
    photos = [scene((64, 64), seed=seed) for seed in range(30)]
    rows = np.stack([thumbnails(photo) for photo in photos])
    slow = {
        (i, j)
        for i in range(30)
        for j in range(0, 30, 3)
        if max(float(a @ b) for a in rows[i] for b in rows[j]) > 0.95
    }
    monkeypatch.setattr("models.training.near_duplicates.BLOCK", 7)
    found = {(i, 3 * j) for i, j in near_duplicates(rows, rows[::3])}
    assert found == slow == {(i, i) for i in range(0, 30, 3)}


def test_what_cannot_be_read_is_passed_over(tmp_path):
    scene((64, 48)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    described, rows = describe([ImageFile(tmp_path / name) for name in ("bad.png", "good.png")])
    assert described.shape == (1, 2, 256)
    assert rows == [1]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    for name, seed in (("zoo/cat/1.png", 1), ("zoo/cat/2.png", 2), ("judged/x.png", 2)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        scene((96, 64), seed=seed).save(tmp_path / name)
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"out: o\narchitecture: RN50\nsteps: 1\nbatch_size: 1\ndata_root: {tmp_path}\n"
        "sources: [{name: zoo, path: zoo}]\n"
    )
    return path


def left_out_by_the_command(recipe: Path, tmp_path: Path) -> list[dict[str, str]]:
    app = typer.Typer()
    app.command()(main)
    out = tmp_path / "excluded.csv"
    options = ["--config", str(recipe), "--test", str(tmp_path / "judged"), "--out", str(out)]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    with out.open() as file:
        return list(csv.DictReader(file))


def test_command_reads_last_stage_of_recipe(recipe, tmp_path):
    text = recipe.read_text()
    sources = text[text.index("sources") :]
    stages = "stages:\n  - {name: words, text: distilled, teacher: t.npz}\n  - name: photos\n    "
    recipe.write_text(text.replace(sources, stages + sources))

    (row,) = left_out_by_the_command(recipe, tmp_path)

    assert (row["source"], row["path"]) == ("zoo", "zoo/cat/2.png")


def test_command_writes_table_that_recipe_reads(recipe, tmp_path):
    (row,) = left_out_by_the_command(recipe, tmp_path)
    assert (row["source"], row["path"]) == ("zoo", "zoo/cat/2.png")
    assert row["like"].endswith("judged/x.png")
