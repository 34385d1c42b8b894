import pytest

from album.images.file_types import PHOTO_SUFFIXES, RAW_SUFFIXES, file_kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("IMG_0001.JPG", "photo"),
        ("IMG_0001.heic", "photo"),
        ("a.b.jxl", "photo"),
        ("scan.jp2", "photo"),
        ("DSC_0001.NEF", "photo"),
        ("IMG_0001.CR3", "photo"),
        ("여름 휴가.png", "photo"),
        ("IMG_0001.MOV", "video"),
        ("PXL.mp4", "video"),
        ("memo.m4a", "sound"),
        ("IMG_0001.xmp", "sidecar"),
        ("IMG_0001.jpg.json", "sidecar"),
        ("IMG_0001.AAE", "sidecar"),
        ("MVI_0001.THM", "sidecar"),
        ("letter.pdf", "document"),
        ("한글.hwp", "document"),
        ("takeout.zip", "archive"),
        ("takeout.tar.gz", "archive"),
        ("program.exe", "other"),
        ("jpg", "other"),
        ("", "other"),
        ("photo.jpg.part", "other"),
    ],
)
def test_suffix_decides_the_kind(name, kind):
    assert file_kind(name) == kind


@pytest.mark.parametrize("name", [".jpg", "._IMG_0001.JPG", ".hidden.mp4", ".DS_Store"])
def test_hidden_files_are_other(name):
    assert file_kind(name) == "other"


def test_kind_depends_on_last_path_part():
    assert file_kind("holiday.jpg/readme.txt") == "document"
    assert file_kind(".cache/a.jpg") == "photo"


def test_photo_suffixes_are_lower_case():
    assert RAW_SUFFIXES < PHOTO_SUFFIXES
    for suffix in PHOTO_SUFFIXES:
        assert suffix == suffix.lower()
        assert file_kind(f"a{suffix}") == "photo"
