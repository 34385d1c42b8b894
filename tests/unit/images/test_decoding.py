import io
import os
import random
import struct
import subprocess
import sys
import warnings
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from album.errors import UnreadableImageError
from album.images.decoding import (
    MAX_PIXELS,
    THUMBNAIL_PX,
    large_view,
    read_photo,
    small_jpeg,
    thumbnail,
)
from album.images.file_types import PHOTO_SUFFIXES
from album.storage.originals import file_time
from tests.support.images.make import (
    gps_tags,
    ink_profile,
    make_broken_exif,
    make_empty,
    make_exif,
    make_huge_png,
    make_photo,
    make_text,
    make_truncated,
    make_turned,
    p3_profile,
    quarters,
    scene,
)

SHARED_PHOTOS = Path(__file__).parents[4] / "shared" / "photos"
FORMATS = [
    ("a.jpg", "JPEG"),
    ("a.png", "PNG"),
    ("a.webp", "WEBP"),
    ("a.gif", "GIF"),
    ("a.bmp", "BMP"),
    ("a.tif", "TIFF"),
    ("a.heic", "HEIC"),
    ("a.avif", "AVIF"),
    ("a.jxl", "JXL"),
    ("a.jp2", "JP2"),
    ("a.j2k", "JP2"),
]
NAMES = [name for name, _ in FORMATS]
LABELLED_EXIF = make_exif(
    main={0x010F: "Canon", 0x0110: "Canon EOS 40D"},
    shot={0x9003: "2019:03:21 11:04:22", 0xA434: "EF 50mm"},
    gps=gps_tags((37, 30, 36), "N", (127, 0, 0), "E"),
)


def shared(relative: str) -> list[Path]:
    """The shared photos that match, at least one while they are there at all."""
    if not SHARED_PHOTOS.is_dir():
        pytest.skip("the shared photos are not here")
    paths = sorted(SHARED_PHOTOS.glob(relative))
    assert paths, relative
    return paths


def difference(one: Image.Image, other: Image.Image, size: tuple[int, int] = (96, 72)) -> float:
    """Mean absolute difference per channel, in [0, 255], of what both look like when small."""
    small = [np.asarray(image.convert("RGB").resize(size), dtype=float) for image in (one, other)]
    return float(np.abs(small[0] - small[1]).mean())


def open_bytes(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


# What is read


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


# What is refused


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        read_photo(path, 64)
    sentence = str(caught.value)
    assert path.name not in sentence
    assert str(path.parent) not in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    for view in (large_view, small_jpeg):
        with pytest.raises(UnreadableImageError, match=sentence[:20]):
            view(path)
    return sentence


def test_an_empty_file_is_refused(tmp_path):
    assert "empty" in refusal(make_empty(tmp_path / "a.jpg"))


@pytest.mark.parametrize("name", ["letter.jpg", "letter.heic", "letter"])
def test_text_is_refused_whatever_it_is_called(tmp_path, name):
    assert "not an image" in refusal(make_text(tmp_path / name))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_refused(tmp_path, name, share):
    assert "damaged" in refusal(make_truncated(tmp_path / name, share))


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.heic", "a.avif", "a.jxl", "a.jp2"])
def test_a_cut_file_is_said_to_be_cut(tmp_path, name):
    assert "cut short" in refusal(make_truncated(tmp_path / name))


def test_shared_photos_cut_in_half_are_refused(tmp_path):
    for path in shared("formats/*/*.*"):
        whole = path.read_bytes()
        cut = tmp_path / f"cut-{path.name}"
        cut.write_bytes(whole[: len(whole) // 2])
        if "motionphoto" not in path.parts:
            assert "damaged" in refusal(cut), path.name


def test_motion_photo_may_lose_only_its_video(tmp_path):
    (path,) = shared("formats/motionphoto/*.heic")
    whole = path.read_bytes()
    cut = tmp_path / "cut.heic"

    cut.write_bytes(whole[: whole.index(b"mpvd") + 1000])
    assert difference(read_photo(cut, 96)[0], read_photo(path, 96)[0]) == 0
    cut.write_bytes(whole[: whole.index(b"mpvd") // 2])
    assert "damaged" in refusal(cut)


@pytest.mark.filterwarnings("ignore:Image size")
def test_more_than_200_megapixels_are_refused_unread(tmp_path):
    assert "200 megapixels" in refusal(make_huge_png(tmp_path / "a.png"))
    assert "200 megapixels" in refusal(make_huge_png(tmp_path / "b.png", (65_000, 65_000)))
    assert "200 megapixels" in refusal(make_huge_png(tmp_path / "c.png", (MAX_PIXELS + 1, 1)))


@pytest.mark.parametrize("container", [b"", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\0jxlc"])
def test_oversized_jpeg_xl_is_refused(tmp_path, container):
    for side, words in ((14_143, "200 megapixels"), (14_142, "damaged")):
        bits = (side - 1) << 3 | 1 << (3 + 18) | 0b10 << 1  # a square: height, then the ratio 1:1
        codestream = b"\xff\x0a" + bits.to_bytes(8, "little") + b"\0" * 40
        (tmp_path / "a.jxl").write_bytes(container + codestream)

        assert words in refusal(tmp_path / "a.jxl")


def test_jpeg_xl_without_size_is_not_decoded(tmp_path):
    boxes = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x08free" * 1000
    quarters().save(tmp_path / "a.jxl")
    codestream = (tmp_path / "a.jxl").read_bytes()
    (tmp_path / "a.jxl").write_bytes(boxes + b"\0\0\0\0jxlc" + codestream)

    assert "damaged" in refusal(tmp_path / "a.jxl")


@pytest.mark.filterwarnings("ignore:Image size")
def test_oversized_jpeg_2000_is_refused(tmp_path):
    make_photo(tmp_path / "a.j2k")
    whole = bytearray((tmp_path / "a.j2k").read_bytes())
    whole[8:16] = struct.pack(">II", 20_000, 20_000)
    (tmp_path / "a.j2k").write_bytes(whole)

    assert "200 megapixels" in refusal(tmp_path / "a.j2k")


def test_200_megapixels_are_not_too_many(tmp_path):
    assert "damaged" in refusal(make_huge_png(tmp_path / "a.png", (20_000, 10_000)))


def test_pillow_gives_no_warning_of_its_own(tmp_path):
    paths = [make_huge_png(tmp_path / "a.png", (19_000, 10_000)), make_huge_png(tmp_path / "b.png")]
    program = (
        "import sys, pathlib, album.errors, album.images.decoding\n"
        "for path in sys.argv[1:]:\n"
        "    try: album.images.decoding.read_photo(pathlib.Path(path), 64)\n"
        "    except album.errors.UnreadableImageError as error: print(error)\n"
    )

    for always in ([], ["-W", "error::RuntimeWarning"]):
        done = subprocess.run(
            [sys.executable, *always, "-c", program, *map(str, paths)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        assert done.stderr == ""
        assert "damaged" in done.stdout.splitlines()[0]
        assert "200 megapixels" in done.stdout.splitlines()[1]


def test_a_variant_that_nobody_can_decode_is_refused(tmp_path):
    make_photo(tmp_path / "a.bmp")
    header = bytearray((tmp_path / "a.bmp").read_bytes())
    header[28] = 3  # bits per pixel
    (tmp_path / "a.bmp").write_bytes(header)
    make_photo(tmp_path / "a.tif")
    tags = (tmp_path / "a.tif").read_bytes()
    grey, unheard_of = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (2, 99))
    (tmp_path / "a.tif").write_bytes(tags.replace(grey, unheard_of))

    assert "cannot read" in refusal(tmp_path / "a.bmp")
    assert "cannot read" in refusal(tmp_path / "a.tif")


def test_unlisted_format_is_refused(tmp_path):
    quarters().save(tmp_path / "page.jpg", format="PDF")
    quarters().save(tmp_path / "icon.png", format="ICO")

    assert "not an image that the album reads" in refusal(tmp_path / "page.jpg")
    assert "not an image that the album reads" in refusal(tmp_path / "icon.png")


def test_what_cannot_be_opened_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")

    assert "cannot be opened" in refusal(tmp_path / "gone.jpg")
    assert "cannot be opened" in refusal(tmp_path)
    assert "cannot be opened" in refusal(tmp_path / "pipe.jpg")
    assert "cannot be opened" in refusal(tmp_path / "nul\0.jpg")
    with pytest.raises(UnreadableImageError, match="cannot be opened"):
        file_time(tmp_path / "gone.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_refused(tmp_path):
    path = make_photo(tmp_path / "a.jpg")
    path.chmod(0)

    assert "cannot be opened" in refusal(path)


@pytest.mark.filterwarnings("ignore")
def test_broken_bytes_raise_nothing_but_unreadable(tmp_path):
    rng = random.Random(20)
    seeds = []
    for name in NAMES:
        extra = {} if name in ("a.gif", "a.bmp", "a.jp2", "a.j2k") else {"exif": LABELLED_EXIF}
        scene((80, 60)).save(tmp_path / name, **extra)
        seeds.append((tmp_path / name).read_bytes())
    path = tmp_path / "mutant"
    refused = 0
    for round_number in range(480):
        mutant = bytearray(seeds[round_number % len(seeds)])
        reach = rng.choice([40, 400, len(mutant)])
        for _ in range(rng.choice([1, 4, 32])):
            mutant[rng.randrange(min(reach, len(mutant)))] = rng.choice(
                [0, 255, rng.randrange(256)]
            )
        if rng.random() < 0.25:
            del mutant[rng.randrange(len(mutant)) :]
        path.write_bytes(mutant)
        try:
            read_photo(path, 32)
        except UnreadableImageError:
            refused += 1

    assert 100 < refused < 480


# What a file says of itself


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


# What is made of it


def thumbnail_size(image: Image.Image) -> tuple[int, int]:
    return open_bytes(thumbnail(image)).size


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


@pytest.mark.parametrize(("view", "longest_px"), [(large_view, 1600), (small_jpeg, 1024)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_views_are_upright_with_documented_size(tmp_path, view, longest_px, orientation):
    path = make_turned(tmp_path / "a.jpg", orientation, (2600, 1300))

    jpeg = open_bytes(view(path))

    assert (jpeg.format, jpeg.size) == ("JPEG", (longest_px, longest_px // 2))
    assert difference(jpeg, quarters((200, 100))) < 6


def test_small_photo_view_is_not_enlarged(tmp_path):
    assert open_bytes(large_view(make_photo(tmp_path / "a.png", size=(70, 50)))).size == (70, 50)


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
    for jpeg in (large_view(path), small_jpeg(path), thumbnail(carried)):
        assert secret.encode() not in jpeg
        assert b"Exif" not in jpeg
        assert b"ICC_PROFILE" not in jpeg
        assert set(open_bytes(jpeg).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
