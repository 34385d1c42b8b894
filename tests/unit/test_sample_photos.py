"""The sample photos of an empty album: real photos, large enough to look at."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from album.importing import sample_photos as samples
from album.importing.sample_photos import SAMPLES, sample_photos

LEAST_PX = 400
LEAST_COLOURS = 200  # a drawing, a logo or a screenshot has large areas of one value
MOST_OF_ONE_VALUE = 0.2


def test_all_sample_photos_are_installed():
    files = sample_photos()

    assert [file.name for file in files] == [name.rpartition("/")[2] for _, name in SAMPLES]
    assert len(files) == len(set(files)) >= 10
    assert len({file.read_bytes() for file in files}) == len(files)


@pytest.mark.parametrize("file", sample_photos(), ids=lambda file: file.name)
def test_samples_are_large_photos(file: Path):
    with Image.open(file) as image:
        width, height = image.size
        values = np.asarray(image.convert("L"))

    assert min(width, height) >= LEAST_PX
    counts = np.bincount(values.ravel(), minlength=256)
    assert np.count_nonzero(counts) >= LEAST_COLOURS
    assert counts.max() < MOST_OF_ONE_VALUE * values.size


def test_missing_package_leaves_its_samples_out(monkeypatch):
    monkeypatch.setattr(
        samples, "SAMPLES", (*SAMPLES, ("no_such_package", "a.jpg"), ("gradio", "no/such.jpg"))
    )

    assert len(sample_photos()) == len(SAMPLES)


def test_finding_samples_imports_no_package():
    before = set(sys.modules)

    sample_photos()

    assert not {"skimage", "matplotlib"} & (set(sys.modules) - before)
