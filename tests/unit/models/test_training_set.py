"""What a run trains on: pictures decoded once, words from tables and captions."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import ModelError
from models.training.config import TrainConfig
from models.training.decoded_images import square
from models.training.training_set import load_training_set, wordings
from tests.support.images.make import make_photo, quarters


def config(root: Path, *sources: dict, architecture: str = "RN50", **more: object) -> TrainConfig:
    return TrainConfig(
        out=root / "out",
        data_root=root,
        sources=sources,
        architecture=architecture,
        steps=1,
        batch_size=4,
        **more,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_photo(tmp_path / "zoo" / "n01" / "1.jpg", "orange")
    make_photo(tmp_path / "zoo" / "n01" / "2.jpg", "gold")
    make_photo(tmp_path / "zoo" / "n02" / "1.jpg", "grey")
    make_photo(tmp_path / "zoo" / "rubbish" / "1.jpg", "black")
    make_photo(tmp_path / "walks" / "a.jpg", "green")
    make_photo(tmp_path / "walks" / "b.jpg", "blue")
    (tmp_path / "walks" / "pairs.csv").write_text(
        "image_path,caption\na.jpg,Two puppies run on grass\na.jpg,강아지 두 마리\nb.jpg,the sea\n"
    )
    (tmp_path / "labels.csv").write_text(
        "source,folder,en,ko,tags\nzoo,n01,lion,사자,animal;big cat\nzoo,n02,wolf,늑대,animal\n"
    )
    (tmp_path / "tags.csv").write_text(
        "en,ko,words\nanimal,동물,dog;puppy\nbig cat,큰 고양이,\ndog,개,puppy\nsea,바다,\n"
        "puppies,강아지들,\n"
    )
    return tmp_path


def tables(root: Path) -> dict[str, Path]:
    return {"labels": root / "labels.csv", "tags": root / "tags.csv"}


ZOO = {"name": "zoo", "path": "zoo", "pixels": 16}
WALKS = {"name": "walks", "path": "walks/pairs.csv", "pixels": 24}


def test_folders_get_names_and_tags_from_the_table(root):
    data = load_training_set(config(root, ZOO, **tables(root)))
    assert [group.texts for group in data.groups] == [
        wordings("lion", "사자"),
        wordings("wolf", "늑대"),
    ]
    assert "사자 사진" in data.groups[0].texts
    assert data.groups[0].tags == {"animal", "big cat"}
    assert data.sources[0].groups.tolist() == [0, 0, 1]
    assert data.tags["big cat"] == ("big cat", "큰 고양이")


def test_folder_missing_from_the_table_is_skipped(root):
    data = load_training_set(config(root, ZOO, **tables(root)))
    assert len(data) == 3
    assert len(load_training_set(config(root, ZOO))) == 4  # no table: each by its own name


def test_captioned_image_is_a_group_with_its_tags(root):
    data = load_training_set(config(root, WALKS, **tables(root)))
    assert [group.texts for group in data.groups] == [
        ("Two puppies run on grass", "강아지 두 마리"),
        ("the sea",),
    ]
    assert data.groups[0].source == -1
    assert data.groups[0].tags == {"puppies"}  # "puppies" is not the plural "puppys"
    assert data.groups[1].tags == {"sea"}


def test_sources_keep_their_size_and_images_their_pixels(root):
    data = load_training_set(config(root, ZOO, WALKS, **tables(root)))
    zoo, walks = data.sources
    assert zoo.pixels.shape[1:] == (16, 16, 3)
    assert walks.pixels.shape[1:] == (24, 24, 3)
    green = walks.pixels[walks.rows[0]].numpy().mean((0, 1))
    assert np.allclose(green, (0, 128, 0), atol=4)


def test_doubles_of_test_photos_are_left_out(root):
    (root / "excluded.csv").write_text("source,path\nzoo,zoo/n01/2.jpg\n")
    data = load_training_set(config(root, ZOO, excluded=root / "excluded.csv", **tables(root)))
    assert len(data) == 2
    (root / "excluded.csv").write_text("path\nzoo/n01/1.jpg\nzoo/n01/2.jpg\nzoo/n02/1.jpg\n")
    with pytest.raises(ModelError, match="No picture is left to train on"):
        load_training_set(config(root, ZOO, excluded=root / "excluded.csv", **tables(root)))


def test_unreadable_image_is_named_and_the_others_stay(root, caplog):
    (root / "zoo" / "n01" / "1.jpg").write_bytes(b"broken")
    with caplog.at_level(logging.INFO):
        data = load_training_set(config(root, ZOO, **tables(root)))
    assert "1 x unreadable image" in caplog.text
    assert str(root / "zoo" / "n01" / "1.jpg") in caplog.text
    assert data.sources[0].groups.tolist() == [0, 1]
    gold, grey = (data.sources[0].pixels[row].numpy().mean((0, 1)) for row in data.sources[0].rows)
    assert np.allclose(gold, (255, 215, 0), atol=6)
    assert np.allclose(grey, (128, 128, 128), atol=6)


def test_images_are_decoded_again_only_when_one_changed(root, monkeypatch):
    opened = []
    from models.datasets import ImageFile

    really_open = ImageFile.open
    monkeypatch.setattr(
        ImageFile, "open", lambda self, **how: opened.append(1) or really_open(self, **how)
    )
    load_training_set(config(root, ZOO))
    assert len(opened) == 4
    load_training_set(config(root, ZOO))
    assert len(opened) == 4
    make_photo(root / "zoo" / "n02" / "1.jpg", "white", size=(99, 99))
    data = load_training_set(config(root, ZOO))
    assert len(opened) == 8
    assert data.sources[0].pixels[2].min() > 250


def test_parts_of_one_source_share_classes_not_images(root):
    make_photo(root / "more" / "n01" / "9.jpg", "red")
    more = {"name": "zoo", "path": "more", "pixels": 16}
    data = load_training_set(config(root, ZOO, more, **tables(root)))
    assert [source.groups.tolist() for source in data.sources] == [[0, 0, 1], [0]]
    assert data.sources[1].pixels[0].numpy().mean((0, 1))[0] > 250


def test_the_middle_square_is_kept():
    wide = quarters((96, 32))
    pixels = square(wide, 32)
    assert pixels.shape == (32, 32, 3)
    assert pixels[4, 4].tolist() == [255, 0, 0]
    assert pixels[4, 28].tolist() == [0, 255, 0]


def test_squashing_model_trains_on_whole_photos(root):
    wide = Image.new("RGB", (96, 32), "white")
    wide.paste("red", (0, 0, 32, 32))
    wide.save(root / "zoo" / "n01" / "1.jpg", quality=95)
    said = {"model_cfg": {}, "preprocess_cfg": {"resize_mode": "squash"}}
    (root / "model").mkdir()
    (root / "model" / "open_clip_config.json").write_text(json.dumps(said))

    def left_edge(architecture: str) -> list[int]:
        data = load_training_set(config(root, ZOO, architecture=architecture))
        return data.sources[0].pixels[0][8, 1].tolist()

    red, green, blue = left_edge(str(root / "model"))
    assert red > 240
    assert max(green, blue) < 20
    assert min(left_edge("RN50")) > 240


def test_a_table_without_its_columns_gets_one_sentence(root):
    (root / "labels.csv").write_text("folder,en\nn01,lion\n")
    with pytest.raises(ModelError, match=r"labels\.csv lacks the column"):
        load_training_set(config(root, ZOO, labels=root / "labels.csv"))
