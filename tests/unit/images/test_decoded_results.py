import os
import struct
from datetime import datetime

import pytest
from PIL import Image, ImageCms

from album.images.decoding import (
    full_view,
    large_view,
    read_photo,
    small_jpeg,
    thumbnail,
)
from album.storage.originals import file_time
from tests.support.images.formats import (
    LABELLED_EXIF,
    difference,
    open_bytes,
    shared,
    thumbnail_size,
)
from tests.support.images.make import (
    gps_tags,
    make_broken_exif,
    make_exif,
    make_photo,
    make_turned,
    quarters,
    scene,
)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.heic", "a.avif", "a.jxl"])
def test_exif_facts_are_read_from_every_format(tmp_path, name):
    _, facts = read_photo(make_photo(tmp_path / name, exif=LABELLED_EXIF), 48)

    assert facts.taken_at == datetime(2019, 3, 21, 11, 4, 22)
    assert (facts.camera, facts.lens) == ("Canon EOS 40D", "EF 50mm")
    assert (facts.latitude, facts.longitude) == pytest.approx((37.51, 127.0))


def test_photo_without_exif_has_only_its_size(tmp_path):
    _, facts = read_photo(make_photo(tmp_path / "a.jpg"), 48)

    assert (facts.taken_at, facts.camera, facts.lens) == (None, None, None)
    assert (facts.latitude, facts.longitude) == (None, None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.heic"])
@pytest.mark.parametrize(
    "junk", [b"MM\0*\xff\xff\xff\xff nonsense", b"?", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 60]
)
def test_nonsense_for_exif_leaves_the_photo_a_photo(tmp_path, name, junk):
    image, facts = read_photo(make_broken_exif(tmp_path / name, junk), 48)

    assert image.size == (64, 48)
    assert (facts.taken_at, facts.camera, facts.latitude) == (None, None, None)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_gps_directory_keeps_the_date(tmp_path):
    exif = make_exif(
        main={0x0132: "2019:03:21 11:04:22"}, gps=gps_tags((1, 2, 3), "N", (4, 5, 6), "E")
    )
    entry = exif.index(struct.pack(">HHI", 0x8825, 4, 1)) + 8  # where the directory is said to be
    exif = exif[:entry] + b"\xff\xff\xff\xf0" + exif[entry + 4 :]

    _, facts = read_photo(make_photo(tmp_path / "a.jpg", exif=exif), 48)

    assert facts.taken_at == datetime(2019, 3, 21, 11, 4, 22)
    assert facts.latitude is None


@pytest.mark.filterwarnings("ignore")
def test_shared_photos_with_bad_exif_are_photos():
    for path in [*shared("exif/invalid/*.jpg"), *shared("exif/corrupted.jpg")]:
        image, facts = read_photo(path, 320)
        assert image.mode == "RGB"
        assert facts.width > 0


def test_shared_photos_with_a_position_have_one():
    for path in shared("exif/gps/*.jpg"):
        _, facts = read_photo(path, 320)
        assert facts.latitude == pytest.approx(43.466, abs=0.01), path.name
        assert facts.longitude == pytest.approx(11.882, abs=0.01), path.name
        assert facts.camera == "NIKON COOLPIX P6000"
    assert read_photo(shared("metadata/gps-position/empty_gps.jpg")[0], 320)[1].latitude is None


def test_a_files_time_is_local_and_whole_seconds(tmp_path):
    path = make_photo(tmp_path / "a.jpg")
    moment = datetime(2015, 6, 7, 8, 9, 10)
    os.utime(path, (0, moment.timestamp() + 0.7))

    assert file_time(path) == moment


@pytest.mark.parametrize("seconds", [-(2**40), 2**36])
def test_impossible_file_time_is_clamped(tmp_path, seconds):
    path = make_photo(tmp_path / "a.jpg")
    os.utime(path, (0, seconds))

    assert 1969 <= file_time(path).year <= 2106


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 1200), (427, 320)),
        ((1200, 1600), (320, 427)),
        ((2000, 500), (960, 240)),
        ((500, 2000), (240, 960)),
        ((100, 50), (100, 50)),
        ((2000, 1), (960, 1)),
    ],
)
def test_a_thumbnail_fits_and_is_never_enlarged(size, expected):
    assert thumbnail_size(Image.new("RGB", size)) == expected


def test_a_thumbnail_looks_like_its_photo():
    assert difference(open_bytes(thumbnail(scene((1200, 900)))), scene((1200, 900))) < 3


@pytest.mark.parametrize(("view", "longest_px"), [(large_view, 2560), (small_jpeg, 1024)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_views_are_upright_with_documented_size(tmp_path, view, longest_px, orientation):
    path = make_turned(tmp_path / "a.jpg", orientation, (2600, 1300))

    jpeg = open_bytes(view(path))

    assert (jpeg.format, jpeg.size) == ("JPEG", (longest_px, longest_px // 2))
    assert difference(jpeg, quarters((200, 100))) < 6


@pytest.mark.parametrize("view", [large_view, full_view])
def test_small_photo_view_is_not_enlarged(tmp_path, view):
    assert open_bytes(view(make_photo(tmp_path / "a.png", size=(70, 50)))).size == (70, 50)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((3000, 2000), (3000, 2000)),  # as large as it is
        ((10_000, 8000), (7071, 5657)),  # 40 megapixels
        ((40_000, 40), (16_384, 16)),  # no longer than browsers draw
    ],
)
def test_full_view_has_documented_size(tmp_path, size, expected):
    path = tmp_path / "a.png"
    Image.new("L", size).save(path)

    assert open_bytes(full_view(path)).size == expected


def test_full_view_is_upright_and_unchanged(tmp_path):
    path = make_turned(tmp_path / "a.jpg", 6, (2600, 1300))

    assert difference(open_bytes(full_view(path)), quarters((200, 100))) < 6


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.heic", "a.avif"])
def test_nothing_but_pixels_leaves_with_a_view(tmp_path, name):
    secret = "secret-of-the-photographer"
    exif = make_exif(
        main={0x010E: secret, 0x010F: "Canon"}, gps=gps_tags((37, 30, 36), "N", (127, 0, 0), "E")
    )
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    extra = {"icc_profile": profile}
    if name == "a.jpg":
        extra |= {"comment": secret, "xmp": f"<x>{secret}</x>".encode()}
    path = make_photo(tmp_path / name, size=(400, 300), exif=exif, **extra)
    assert secret.encode() in path.read_bytes()

    with Image.open(path) as original:
        original.load()
        carried = original.convert("RGB")  # keeps what the file said, as a careless caller might
    for jpeg in (large_view(path), full_view(path), small_jpeg(path), thumbnail(carried)):
        assert secret.encode() not in jpeg
        assert b"Exif" not in jpeg
        assert b"ICC_PROFILE" not in jpeg
        assert set(open_bytes(jpeg).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
