import os
import unicodedata

import pytest

from album.metadata.sidecars import Siblings, read_bytes

LONG = "사진 그 이름이 아주 길어서 구글이 잘라 버린 여름 휴가 바닷가 가족사진 열두 번째.jpg"
LONG_ASCII = "a-very-long-name-of-a-photo-that-takeout-cuts-12.jpg"


@pytest.mark.parametrize(
    ("photo", "sidecar"),
    [
        *(("x.jpg", "x.jpg.xmp"), ("x.jpg", "x.xmp"), ("X.JPG", "x.XMP"), ("a.b.jpg", "a.b.xmp")),
        *(("x.jpg", "x.jpg.json"), ("x.jpg", "x.json"), ("x.JPG", "X.jpg.JSON")),
        ("x.jpg", "x.jpg.supplemental-metadata.json"),
        *(("x.jpg", "x.jpg.supplemental-me.json"), ("x.jpg", "x.jpg.suppl.json")),
        *(("x.jpg", "x.jpg.s.json"), ("x.jpg", "x.jpg..json")),
        *((LONG_ASCII, LONG_ASCII[:46] + ".json"), (LONG, LONG[:46] + ".json")),
        *(("x(1).jpg", "x.jpg(1).json"), ("x(1).jpg", "x(1).jpg.json")),
        ("x(12).jpg", "x.jpg.supplemental-metadata(12).json"),
        ("x(1).jpg", "x.jpg.supplemental-met(1).json"),
        *(("x-edited.jpg", "x.jpg.json"), ("x-편집됨.jpg", "x.jpg.json")),
        *(("x-수정됨.jpg", "x.jpg.suppl.json"), ("x-edited(1).jpg", "x.jpg(1).json")),
        (unicodedata.normalize("NFD", "x-편집됨.jpg"), "x.jpg.json"),
        (unicodedata.normalize("NFD", "가족.jpg"), "가족.jpg.xmp"),
    ],
)
def test_sidecar_matches_photo(photo, sidecar):
    assert Siblings([photo, "x.jpg", "other.jpg", "other.jpg.json", sidecar]).sidecars_for(
        photo
    ) == [sidecar]


@pytest.mark.parametrize(
    ("photo", "stranger"),
    [
        *(("x.jpg", "y.xmp"), ("x.jpg", "x.jpg.txt"), ("x.jpg", "x.png.xmp"), ("x.jpg", "xx.json")),
        *(("x.jpg", "x.jpg(1).json"), ("x(1).jpg", "x.jpg.json"), ("x(1).jpg", "x.jpg(2).json")),
        *(("x(1).jpg", "x.jpg.xmp"), ("x-edited.jpg", "x.jpg.xmp"), ("x.jpg", "x.jpg.supper.json")),
        ("x.jpg", "x-edited.jpg.json"),
    ],
)
def test_sidecar_does_not_match_photo(photo, stranger):
    assert Siblings([photo, stranger]).sidecars_for(photo) == []


def test_raw_file_and_jpeg_share_stem_sidecar():
    folder = Siblings(["x.CR2", "x.jpg", "x.xmp"])

    assert folder.sidecars_for("x.CR2") == folder.sidecars_for("x.jpg") == ["x.xmp"]


def test_shared_sidecar_is_left_to_the_other_photo():
    folder = Siblings(["x.CR2", "x.jpg", "x.xmp", "x.jpg.xmp"])

    assert folder.sidecars_for("x.jpg") == ["x.jpg.xmp"]
    assert folder.sidecars_for("x.CR2") == ["x.xmp"]
    assert Siblings(["x.jpg", "x.xmp", "x.jpg.xmp"]).sidecars_for("x.jpg") == ["x.jpg.xmp", "x.xmp"]


def test_full_name_is_no_stem_of_another_photo():
    folder = Siblings(["x.jpg", "x.jpg.png", "x.jpg.xmp", "y.json", "y", "y.jpg"])

    assert folder.sidecars_for("x.jpg") == ["x.jpg.xmp"]
    assert folder.sidecars_for("x.jpg.png") == []
    assert folder.sidecars_for("y.jpg") == []


def test_numbered_photos_have_separate_json():
    folder = Siblings(["x.jpg", "x(1).jpg", "x.jpg.json", "x.jpg(1).json"])

    assert folder.sidecars_for("x.jpg") == ["x.jpg.json"]
    assert folder.sidecars_for("x(1).jpg") == ["x.jpg(1).json"]


def test_edited_copy_uses_json_of_its_original():
    folder = Siblings(
        ["x.HEIC", "x-edited.jpg", "x.HEIC.json", "y-edited.jpg", "y-edited.jpg.json"]
    )

    assert folder.sidecars_for("x-edited.jpg") == ["x.HEIC.json"]
    assert folder.sidecars_for("y-edited.jpg") == ["y-edited.jpg.json"]


def test_xmp_precedes_json():
    names = ["x.jpg", "x.jpg.json", "x.jpg.xmp"]

    assert Siblings(names).sidecars_for("x.jpg") == ["x.jpg.xmp", "x.jpg.json"]


def test_sidecar_of_same_case_is_preferred():
    folder = Siblings(["X.JPG", "x.jpg", "X.JPG.xmp", "x.jpg.xmp"])

    assert folder.sidecars_for("x.jpg") == ["x.jpg.xmp"]
    assert folder.sidecars_for("X.JPG") == ["X.JPG.xmp"]


def test_folder_names_are_iterated_once():
    walks = []

    class Names(list):
        def __iter__(self):
            walks.append(1)
            return super().__iter__()

        def __contains__(self, name):
            walks.append(1)
            return super().__contains__(name)

    folder = Siblings(Names([*(f"{n}.jpg" for n in range(100)), "7.xmp", "8.jpg.json"]))

    assert [folder.sidecars_for(f"{n}.jpg") for n in (7, 8, 9)] == [["7.xmp"], ["8.jpg.json"], []]
    assert len(walks) == 1


def test_read_bytes_skips_large_and_unreadable_files(tmp_path):
    small, large, pipe = tmp_path / "small", tmp_path / "large", tmp_path / "pipe"
    small.write_bytes(b"1234")
    large.write_bytes(b"12345")
    os.mkfifo(pipe)

    assert read_bytes(small, 4) == b"1234"
    for path in (large, pipe, tmp_path, tmp_path / "gone", tmp_path / "\0"):
        assert read_bytes(path, 4) == b""
