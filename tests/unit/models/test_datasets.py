"""Every form in which pictures and words may lie on disk, and every way a row can be bad."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import numpy as np
import pytest

from models.datasets import ImageFile, UnreadableExampleError, read_examples
from models.errors import ModelError
from tests.support.images.make import make_exif, make_photo, quarters


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("sea.jpg", "dog.png", "a/cat.webp"):
        make_photo(tmp_path / name)
    return tmp_path


def test_csv_collects_captions_of_each_image(photos):
    found = read_examples(
        write(
            photos / "pairs.csv",
            "image_path,caption",
            'sea.jpg,"the sea, at night"',
            "dog.png,a dog",
            "sea.jpg,밤바다",
        )
    )
    assert [(e.image.path.name, e.captions) for e in found.examples] == [
        ("sea.jpg", ("the sea, at night", "밤바다")),
        ("dog.png", ("a dog",)),
    ]
    assert found.skipped == {}


def test_captions_of_several_columns_stand_beside_each_other(photos):
    found = read_examples(
        write(
            photos / "pairs.csv",
            "file,label,caption0,caption1,caption_ko,note",
            "sea.jpg,sea,the sea,waves,바다,mine",
            "dog.png,dog,a dog,,개,",
        )
    )
    assert [e.captions for e in found.examples] == [("the sea", "waves", "바다"), ("a dog", "개")]
    assert [e.label for e in found.examples] == ["sea", "dog"]


def test_unusable_rows_are_named_by_reason(photos):
    found = read_examples(
        write(
            photos / "pairs.csv",
            "image_path,caption",
            "gone.jpg,a ghost",
            "sea.jpg,the sea",
            "dog.png,   ",
            ",no picture",
        )
    )
    assert [e.image.path.name for e in found.examples] == ["sea.jpg"]
    assert found.skipped == {
        "missing file": ["gone.jpg", "(no name)"],
        "empty caption": ["dog.png"],
    }


def test_broken_image_is_detected_when_opened(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture at all")
    with pytest.raises(UnreadableExampleError, match=r"broken\.jpg cannot be read as a picture"):
        ImageFile(broken).open()


def test_only_the_rows_of_the_split_are_read(photos):
    path = write(
        photos / "pairs.csv",
        "image_path,split,caption",
        "sea.jpg,train,the sea",
        "dog.png,hold,a dog",
    )
    assert [e.captions for e in read_examples(path, split="hold").examples] == [("a dog",)]
    with pytest.raises(ModelError, match="holds no picture that can be used"):
        read_examples(path, split="nowhere")


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
@pytest.mark.parametrize("in_folder", ["", "shard/"])
def test_images_are_read_from_tar_beside_csv(photos, ending, in_folder):
    with tarfile.open(photos / f"shard{ending}", "w:gz" if "gz" in ending else "w") as tar:
        tar.add(photos / "sea.jpg", f"{in_folder}x/sea.jpg")
        tar.add(photos / "dog.png", f"{in_folder}x/dog.png")
    rows = "file,label,text\nx/dog.png,dog,a dog\nx/sea.jpg,sea,the sea\nx/gone.png,gone,a ghost\n"
    with gzip.open(photos / "shard.csv.gz", "wt", encoding="utf-8") as file:
        file.write(rows)
    found = read_examples(photos / "shard.csv.gz")
    assert [(e.captions, e.label) for e in found.examples] == [
        (("a dog",), "dog"),
        (("the sea",), "sea"),
    ]
    assert found.skipped == {"missing file": ["x/gone.png"]}
    assert found.examples[0].image.open().size == (64, 48)


def test_first_folder_is_the_label_at_any_depth(tmp_path):
    for name in ("cat/images/1.jpg", "cat/2.png", "dog/deep/down/3.webp"):
        make_photo(tmp_path / name)
    write(tmp_path / "cat" / "boxes.txt", "not a picture")
    make_photo(tmp_path / "loose.jpg")
    found = read_examples(tmp_path)
    assert [(e.label, e.image.path.name) for e in found.examples] == [
        ("cat", "2.png"),
        ("cat", "1.jpg"),
        ("dog", "3.webp"),
    ]


def test_pictures_are_upright_and_in_colour(tmp_path):
    sideways = tmp_path / "sideways.jpg"
    quarters().save(sideways, exif=make_exif(main={0x0112: 6}))
    image = ImageFile(sideways).open()
    assert (image.mode, image.size) == ("RGB", (48, 64))
    grey = tmp_path / "grey.png"
    quarters().convert("LA").save(grey)
    assert ImageFile(grey).open().mode == "RGB"


def test_large_jpeg_is_decoded_small_within_its_limit(tmp_path):
    large = make_photo(tmp_path / "large.jpg", size=(1600, 1200))
    image = ImageFile(large).open(at_least_px=150)
    assert 150 <= min(image.size) < 1200
    assert np.asarray(image).shape[2] == 3


def test_a_spreadsheets_csv_is_read_too(photos):
    path = photos / "pairs.csv"
    path.write_bytes("image_path,caption\r\nsea.jpg,바다\r\n".encode("utf-8-sig"))
    assert read_examples(path).examples[0].captions == ("바다",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"path,words\nsea.jpg,the sea\n", "has no column named image_path"),
        (b"", "has no column named image_path"),
        (b"image_path,caption\nsea.jpg,\xff\xfe\n", "cannot be read as a CSV in UTF-8"),
        (b"image_path,caption\n", "holds no picture that can be used"),
    ],
)
def test_a_csv_that_is_none_gets_one_sentence(photos, content, sentence):
    path = photos / "pairs.csv"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=sentence):
        read_examples(path)


def test_neither_folder_nor_csv_is_one_sentence(photos):
    for path in (photos / "nowhere", photos / "sea.jpg"):
        with pytest.raises(ModelError, match="neither a folder with a folder per class nor a CSV"):
            read_examples(path)
    (photos / "pairs.tar").write_bytes(b"no tar")
    with pytest.raises(ModelError, match="cannot be read as a tar"):
        read_examples(write(photos / "pairs.csv", "image_path,caption", "sea.jpg,the sea"))
