import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from album.images.decoding import (
    THUMBNAIL_PX,
    read_photo,
)
from album.images.file_types import PHOTO_SUFFIXES
from tests.support.images.formats import (
    FORMATS,
    NAMES,
    difference,
    shared,
    thumbnail_size,
)
from tests.support.images.make import (
    ink_profile,
    make_exif,
    make_photo,
    make_turned,
    p3_profile,
    quarters,
    scene,
)


@pytest.mark.parametrize(("name", "file_type"), FORMATS)
def test_every_format_is_read_as_upright_rgb(tmp_path, name, file_type):
    path = tmp_path / name
    quarters((64, 48)).save(path)

    image, facts = read_photo(path, 48)

    assert (image.mode, image.size, image.info) == ("RGB", (64, 48), {})
    assert (facts.file_type, facts.width, facts.height) == (file_type, 64, 48)
    assert difference(image, quarters((64, 48))) < 6


@pytest.mark.parametrize(("name", "file_type"), FORMATS)
def test_content_counts_and_the_name_does_not(tmp_path, name, file_type):
    path = make_photo(tmp_path / name).rename(tmp_path / "holiday.txt")

    assert read_photo(path, 48)[1].file_type == file_type


def test_every_format_has_its_suffix_on_the_list():
    assert {Path(name).suffix for name in NAMES} <= PHOTO_SUFFIXES


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.heic", "a.avif"])
def test_every_orientation_comes_out_upright(tmp_path, name, orientation):
    path = make_turned(tmp_path / name, orientation, (64, 48))

    image, facts = read_photo(path, 48)

    assert image.size == (facts.width, facts.height) == (64, 48)
    assert difference(image, quarters((64, 48))) < 6


@pytest.mark.parametrize("shape", ["landscape", "portrait"])
def test_shared_photos_of_every_orientation_are_upright(shape):
    first, *others = shared(f"exif/orientation/{shape}_*.jpg")
    upright, _ = read_photo(first, 400)

    assert len(others) == 7
    for path in others:
        image, facts = read_photo(path, 400)
        assert image.size == (facts.width, facts.height) == upright.size, path.name
        # Every file has another number painted on, so: nearer than any way to get it wrong.
        wrong = min(difference(image, upright.transpose(turn)) for turn in Image.Transpose)
        assert 2 * difference(image, upright) < wrong, path.name


@pytest.mark.parametrize(
    ("name", "mode", "fill", "expected", "save"),
    [
        ("grey.png", "L", 100, (100, 100, 100), {}),
        ("bit.png", "1", 1, (255, 255, 255), {}),
        ("palette.png", "P", 0, None, {}),
        ("clear.png", "RGBA", (200, 0, 0, 0), (255, 255, 255), {}),
        ("half.png", "RGBA", (200, 0, 0, 128), (227, 127, 127), {}),
        ("half.webp", "RGBA", (200, 0, 0, 128), (227, 127, 127), {"lossless": True}),
        ("half.tif", "RGBA", (200, 0, 0, 128), (227, 127, 127), {}),
        ("half.heic", "RGBA", (200, 0, 0, 128), (227, 127, 127), {}),
        ("grey-half.png", "LA", (0, 128), (127, 127, 127), {}),
        ("keyed.png", "RGB", (200, 0, 0), (255, 255, 255), {"transparency": (200, 0, 0)}),
        ("keyed.gif", "L", 7, (255, 255, 255), {"transparency": 7}),
        ("cmyk.jpg", "CMYK", (0, 255, 255, 0), (255, 0, 0), {}),
        ("cmyk.tif", "CMYK", (0, 255, 255, 0), (255, 0, 0), {}),
        ("luma.jpg", "YCbCr", (128, 128, 128), (128, 128, 128), {}),
        ("lab.tif", "LAB", (255, 128, 128), (255, 255, 255), {}),
        ("deep.png", "I;16", 128 * 257, (128, 128, 128), {}),
        ("deep.tif", "I;16", 128 * 257, (128, 128, 128), {}),
        ("deep-be.tif", "I;16B", 128 * 257, (128, 128, 128), {}),
        ("int.tif", "I", 128 * 257, (128, 128, 128), {}),
        ("float.tif", "F", 0.5, (127, 127, 127), {}),
        ("float-255.tif", "F", 128.0, (128, 128, 128), {}),
        ("half.jxl", "RGBA", (200, 0, 0, 128), (227, 127, 127), {"lossless": True}),
        ("half.jp2", "RGBA", (200, 0, 0, 128), (227, 127, 127), {}),
        ("grey.jxl", "L", 100, (100, 100, 100), {"lossless": True}),
        # Of more than 8 bits, this encoder says that they are linear light: 0.5 looks like 188.
        ("deep.jxl", "I;16", 128 * 257, (188, 188, 188), {"lossless": True}),
        ("deep.jp2", "I;16", 128 * 257, (128, 128, 128), {}),
        ("float.jxl", "F", 0.5, (188, 188, 188), {"lossless": True}),
    ],
)
def test_every_pixel_mode_becomes_rgb_over_white(tmp_path, name, mode, fill, expected, save):
    if mode == "P":
        quarters().convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / name)
    else:
        Image.new(mode, (64, 48), fill).save(tmp_path / name, **save)

    image, _ = read_photo(tmp_path / name, 24)

    assert image.mode == "RGB"
    if expected is None:
        assert difference(image, quarters()) < 6
    else:
        assert np.abs(np.asarray(image, dtype=int) - expected).max() <= 4


@pytest.mark.parametrize("name", ["wide.jpg", "wide.png", "wide.webp", "wide.tif", "wide.heic"])
def test_wide_gamut_scene_equals_srgb_scene(tmp_path, name):
    plain = Image.blend(quarters((96, 72)), Image.new("RGB", (96, 72), "grey"), 0.5)
    srgb = ImageCms.createProfile("sRGB")
    wide = ImageCms.profileToProfile(
        plain, srgb, ImageCms.ImageCmsProfile(io.BytesIO(p3_profile())), outputMode="RGB"
    )
    assert wide is not None
    wide.save(tmp_path / name, icc_profile=p3_profile(), quality=95)

    image, _ = read_photo(tmp_path / name, 72)

    assert difference(image, plain) < 2 < difference(wide, plain)


@pytest.mark.parametrize("name", ["inks.jpg", "inks.tif"])
@pytest.mark.parametrize("shortest_px", [48, 1200])
def test_cmyk_follows_its_profile(tmp_path, name, shortest_px):
    inks = Image.new("CMYK", (64, 48), (255, 0, 0, 0))
    inks.save(tmp_path / name, icc_profile=ink_profile())

    image, _ = read_photo(tmp_path / name, shortest_px)

    assert image.getpixel((20, 20)) == pytest.approx((0, 151, 218), abs=4)


def test_a_profile_in_jpeg_2000_is_followed(tmp_path):
    make_photo(tmp_path / "a.jp2", (200, 100, 50))
    whole = (tmp_path / "a.jp2").read_bytes()
    plain = struct.pack(">I4sBBBI", 15, b"colr", 1, 0, 0, 16)
    assert plain in whole
    wide = b"colr" + b"\2\0\0" + p3_profile()
    wide = struct.pack(">I", 4 + len(wide)) + wide
    header = whole.index(b"jp2h") - 4
    size = int.from_bytes(whole[header : header + 4], "big") + len(wide) - len(plain)
    whole = whole[:header] + size.to_bytes(4, "big") + whole[header + 4 :].replace(plain, wide)
    (tmp_path / "a.jp2").write_bytes(whole)

    image, _ = read_photo(tmp_path / "a.jp2", 48)

    assert image.getpixel((5, 5)) == pytest.approx((215, 93, 31), abs=2)


def test_colours_by_code_points_are_followed(tmp_path):
    make_photo(tmp_path / "a.png", (200, 100, 50))
    whole = (tmp_path / "a.png").read_bytes()
    chunk = b"cICP" + bytes((12, 13, 0, 1))
    chunk = struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "a.png").write_bytes(whole[:33] + chunk + whole[33:])
    points = struct.pack(">4sHHHB", b"nclx", 1, 13, 6, 0x80)
    make_photo(tmp_path / "a.avif", (200, 100, 50))
    whole = (tmp_path / "a.avif").read_bytes()
    assert points in whole
    (tmp_path / "a.avif").write_bytes(whole.replace(points, points[:5] + b"\x0c" + points[6:]))

    for name in ("a.png", "a.avif"):
        image, _ = read_photo(tmp_path / name, 48)
        assert image.getpixel((5, 5)) == pytest.approx((215, 93, 31), abs=4), name


@pytest.mark.parametrize(("index", "expected"), [("R03", (227, 100, 42)), ("R98", (200, 100, 50))])
def test_adobe_rgb_mark_in_exif_is_followed(tmp_path, index, expected):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    exif.get_ifd(0x8769)[0xA005] = {1: index}
    path = make_photo(tmp_path / "a.jpg", (200, 100, 50), exif=exif.tobytes(), quality=95)

    image, _ = read_photo(path, 48)

    assert image.getpixel((5, 5)) == pytest.approx(expected, abs=3)


@pytest.mark.parametrize("name", ["a.jxl", "b.jxl"])
def test_jpeg_recompressed_as_jpeg_xl_is_identical(tmp_path, name):
    # Only of the bytes of a JPEG does EXIF say how they lie; JPEG XL itself turns its pixels.
    path = make_turned(tmp_path / "a.jpg", 6)
    with warnings.catch_warnings(), Image.open(path) as jpeg:
        warnings.simplefilter("ignore")
        jpeg.save(tmp_path / "a.jxl")
    quarters().save(tmp_path / "b.jxl", exif=make_exif(main={0x0112: 6}))

    image, facts = read_photo(tmp_path / name, 48)

    assert (facts.width, facts.height) == (64, 48)
    assert difference(image, quarters()) < 6


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif", "a.avif"])
def test_of_several_frames_the_first_is_the_photo(tmp_path, name):
    later = [Image.new("RGB", (64, 48), colour) for colour in ("blue", "lime")]
    make_photo(tmp_path / name, "red", save_all=True, append_images=later)

    image, _ = read_photo(tmp_path / name, 48)

    assert np.abs(np.asarray(image, dtype=int) - (255, 0, 0)).max() <= 6


def test_mpo_is_read_as_jpeg(tmp_path):
    second = Image.new("RGB", (64, 48), "blue")
    make_photo(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])

    image, facts = read_photo(tmp_path / "a.jpg", 48)

    assert facts.file_type == "JPEG"
    assert np.abs(np.asarray(image, dtype=int) - (255, 0, 0)).max() <= 6


SHARED = {
    # type, upright size, mean colour
    "formats/jxl/16bit-HDR-P3-nclx.jxl": ("JXL", (5667, 3685), (91, 129, 108)),
    "formats/jxl/8bit-sRGB.jxl": ("JXL", (1440, 1080), (107, 96, 78)),
    "formats/avif/10bit-HDR-P3-nclx.avif": ("AVIF", (3681, 5594), (97, 143, 136)),
    "formats/avif/8bit-sRGB.avif": ("AVIF", (1617, 1080), (98, 85, 73)),
    "formats/png/density_plot.png": ("PNG", (800, 800), (151, 151, 151)),
    "formats/heic/IMG_2682.heic": ("HEIC", (4032, 3024), (73, 86, 91)),
    "formats/motionphoto/samsung-one-ui-6.heic": ("HEIC", (3000, 4000), (100, 96, 95)),
    "formats/jpeg/el_torcal_rocks.jpeg": ("JPEG", (512, 341), (57, 87, 108)),
    "formats/jpg/el_torcal_rocks.jpg": ("JPEG", (512, 341), (57, 87, 108)),
    "formats/webp/denali.webp": ("WEBP", (600, 315), (137, 127, 113)),
}


@pytest.mark.parametrize("name", SHARED)
def test_shared_photos_of_every_format_look_right(name):
    (path,) = shared(name)
    file_type, size, colour = SHARED[name]

    image, facts = read_photo(path, 320)

    assert (facts.file_type, facts.width, facts.height) == (file_type, *size)
    assert min(image.size) >= min(320, *size)
    assert np.asarray(image).mean(axis=(0, 1)) == pytest.approx(colour, abs=4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("folder", ["albums", "exif", "metadata"])
def test_every_shared_photo_is_read(folder):
    for path in shared(f"{folder}/**/*.jpg"):
        image, facts = read_photo(path, 64)

        pixels = np.asarray(image, dtype=float)
        assert facts.file_type == "JPEG", path.name
        assert (facts.width > facts.height) == (image.width > image.height), path.name
        assert 15 < pixels.mean() < 240, path.name
        assert pixels.std() > 5, path.name


# How much is decoded


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.heic"])
@pytest.mark.parametrize("shortest_px", [64, 100, 224, 320])
def test_decode_size_is_sufficient_and_minimal(tmp_path, name, shortest_px):
    scene((901, 703)).save(tmp_path / name)

    image, facts = read_photo(tmp_path / name, shortest_px)

    assert (facts.width, facts.height) == (901, 703)
    assert shortest_px <= min(image.size) < 2.1 * shortest_px
    assert image.width / image.height == pytest.approx(901 / 703, rel=0.02)


def test_jpeg_is_decoded_at_reduced_size(tmp_path, monkeypatch):
    scene((1600, 1200)).save(tmp_path / "a.jpg")
    decoded = []
    monkeypatch.setattr(JpegImageFile, "load_end", lambda image: decoded.append(image.size))

    read_photo(tmp_path / "a.jpg", 140)
    read_photo(tmp_path / "a.jpg", 700)

    assert decoded == [(200, 150), (1600, 1200)]


def test_a_small_photo_is_not_enlarged(tmp_path):
    assert read_photo(make_photo(tmp_path / "a.jpg", size=(40, 30)), 320)[0].size == (40, 30)


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
@pytest.mark.parametrize("size", [(20_000, 400), (400, 20_000), (20_000, 2)])
def test_a_panorama_stays_small_in_memory(tmp_path, name, size):
    path = make_photo(tmp_path / name, size=size)

    image, facts = read_photo(path, 64)

    assert (facts.width, facts.height) == size
    assert max(image.size) <= 16 * 64
    assert max(thumbnail_size(image)) <= 3 * THUMBNAIL_PX


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_a_reduced_decode_looks_like_a_full_one(tmp_path, name):
    path = tmp_path / name
    scene((1200, 900)).save(path)

    reduced, _ = read_photo(path, 96)

    with Image.open(path) as full:
        assert min(reduced.size) < 200
        assert difference(reduced, full) < 3


def test_bands_leave_no_seams(tmp_path, monkeypatch):
    picture = scene((301, 403))
    picture.save(tmp_path / "a.png")
    monkeypatch.setattr("album.images.pixels._BAND_PIXELS", 3700)  # 4 reduced rows

    reduced, _ = read_photo(tmp_path / "a.png", 100)

    assert np.array_equal(reduced, picture.reduce(3))
