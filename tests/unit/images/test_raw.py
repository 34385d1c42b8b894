import io
import random
import struct
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from album.errors import UnreadableImageError
from album.images.decoding import large_view, read_photo
from album.images.raw import looks_raw, metadata_carrier, open_raw
from tests.support.images.make import (
    gps_tags,
    make_dng,
    make_exif,
    make_photo,
    make_text,
    p3_profile,
    quarters,
)

SENSOR = (128, 96)
TURNS = {
    1: lambda image: image,
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_270),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_90),
}


def assert_quarters(image: Image.Image, expected: Image.Image) -> None:
    """Both have the same colours in the middles of their quarters."""
    places = [(x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    for x, y in places:
        shown, meant = (
            np.array(it.getpixel((int(x * it.width), int(y * it.height))), dtype=int)
            for it in (image, expected)
        )
        assert np.abs(shown - meant).max() < 24, (x, y)


def preview(size=(1200, 900)) -> Image.Image:
    """What is only in the preview: yellow instead of white."""
    image = quarters(size)
    image.paste("yellow", (size[0] // 2, size[1] // 2, *size))
    return image


# Which picture is taken


@pytest.mark.parametrize("orientation", TURNS)
def test_the_preview_of_the_camera_is_the_photo(tmp_path, orientation):
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), preview(), orientation)

    image, facts = read_photo(path, 320)

    upright = TURNS[orientation](preview())
    assert_quarters(image, upright)
    assert image.width > 320
    assert (facts.width > facts.height) == (upright.width > upright.height)
    assert sorted((facts.width, facts.height)) == sorted(SENSOR)
    assert (facts.file_type, facts.orientation) == ("RAW", orientation)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("small", [None, (160, 120)])
def test_sensor_is_developed_without_large_preview(tmp_path, orientation, small):
    shown = None if small is None else preview(small)
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), shown, orientation)

    image, facts = read_photo(path, 32)

    upright = TURNS[orientation](quarters(SENSOR))
    assert_quarters(image, upright)
    assert (facts.width, facts.height) == upright.size
    assert image.size == (upright.width // 2, upright.height // 2)


def test_upright_preview_is_not_rotated_again(tmp_path):
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), TURNS[6](preview()), 6)

    image, facts = read_photo(path, 320)

    assert_quarters(image, TURNS[6](preview()))
    assert (facts.width, facts.height) == SENSOR[::-1]


def test_preview_is_decoded_at_reduced_size(tmp_path, monkeypatch):
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), preview((1600, 1200)))
    decoded = []
    monkeypatch.setattr(JpegImageFile, "load_end", lambda image: decoded.append(image.size))

    read_photo(path, 140)

    assert decoded == [(200, 150)]


def test_sensor_is_developed_when_preview_is_invalid(tmp_path):
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), preview())
    whole = path.read_bytes()
    pixels = whole.index(b"\xff\xd8\xff") + 2
    path.write_bytes(whole[:pixels] + bytes(len(whole) - pixels))

    assert_quarters(read_photo(path, 32)[0], quarters(SENSOR))


def test_a_damaged_sensor_leaves_the_small_preview(tmp_path):
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), preview((160, 120)))
    whole = path.read_bytes()
    uncompressed, deflated = (struct.pack("<HHIHH", 259, 3, 1, kind, 0) for kind in (1, 8))
    path.write_bytes(whole.replace(uncompressed, deflated))

    assert_quarters(read_photo(path, 32)[0], preview((160, 120)))


def test_large_view_of_raw_file_is_made(tmp_path):
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), preview((2800, 2100)), 6)

    view = Image.open(io.BytesIO(large_view(path)))

    assert view.size == (1920, 2560)
    assert_quarters(view.convert("RGB"), TURNS[6](preview()))


# How a raw file is told


@pytest.mark.parametrize("name", ["a.nef", "A.ARW", "a.tif", "a"])
def test_raw_file_is_detected_by_name_or_content(tmp_path, name):
    path = make_dng(tmp_path / name, quarters(SENSOR), preview())

    assert read_photo(path, 64)[1].file_type == "RAW"


@pytest.mark.parametrize("name", ["a.nef", "a.dng", "a.cr3"])
@pytest.mark.parametrize(("kind", "file_type"), [("a.tif", "TIFF"), ("a.jpg", "JPEG")])
def test_misnamed_raw_file_is_read_by_content(tmp_path, name, kind, file_type):
    path = make_photo(tmp_path / kind).rename(tmp_path / name)

    image, facts = read_photo(path, 32)

    assert (facts.file_type, facts.width, facts.height) == (file_type, 64, 48)
    assert image.getpixel((5, 5)) == pytest.approx((254, 0, 0), abs=2)


@pytest.mark.parametrize(
    ("start", "suffix", "expected"),
    [
        (b"FUJIFILMCCD-RAW 0201", "", True),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "", True),
        (b"II*\0\x10\0\0\0CR\x02\0", ".tif", True),
        (b"IIRO\x08\0\0\0", "", True),
        (b"II*\0\x08\0\0\0", ".nef", True),
        (b"II*\0\x08\0\0\0\1\0\x12\xc6" + b"\0" * 10, ".tif", True),
        (b"MM\0*\0\0\0\x08\0\1\xc6\x12" + b"\0" * 10, "", True),
        (b"II*\0\x08\0\0\0", ".tif", False),
        (b"II*\0\xff\xff\xff\xff", ".tif", False),
        (b"II*\0", ".tif", False),
        (b"\0\0\0\x18ftypheic\0\0\0\0", ".heic", False),
        (b"\xff\xd8\xff\xe0", ".dng", False),
    ],
)
def test_the_beginnings_of_raw_files_are_known(start, suffix, expected):
    assert looks_raw(io.BytesIO(start), suffix) is expected


def test_text_is_refused_whatever_it_is_called(tmp_path):
    with pytest.raises(UnreadableImageError, match="not an image that the album reads"):
        read_photo(make_text(tmp_path / "letter.cr2"), 64)


def test_raw_decoder_is_imported_on_demand(tmp_path):
    make_photo(tmp_path / "a.jpg")
    make_dng(tmp_path / "a.dng", quarters(SENSOR))
    program = (
        "import sys, pathlib, album.images.decoding as it\n"
        "for path in sys.argv[1:]:\n"
        "    it.read_photo(pathlib.Path(path), 32); print('rawpy' in sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.jpg"), str(tmp_path / "a.dng")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )

    assert done.stdout.split() == ["False", "True"], done.stderr


# What it says of itself


def test_raw_file_has_its_exif(tmp_path):
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
    tags = [(306, 2, b"2019:03:21 11:04:22\0"), (700, 1, packet)]
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), preview(), exif=tags)

    _, facts = read_photo(path, 64)

    assert facts.taken_at == datetime(2019, 3, 21, 11, 4, 22)
    assert facts.camera == "Handmade One"


def test_raw_file_has_its_xmp(tmp_path):
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), exif=[(700, 1, packet)])

    photo = open_raw(path, 10**6)

    assert photo is not None
    assert photo.metadata.info["xmp"] == packet


def test_cr3_exif_directories_are_merged():
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(body), kind) + body

    def directory(tags: dict[int, object]) -> bytes:
        return make_exif(main=tags).removeprefix(b"Exif\0\0")

    canon = b"\x85" * 16
    canon += box(b"CMT1", directory({0x010F: "Canon", 0x0110: "Canon EOS R5"}))
    canon += box(b"CMT2", directory({0x9003: "2021:03:21 11:04:22", 0xA434: "RF 50mm"}))
    canon += box(b"CMT4", directory(gps_tags((37, 30, 36), "N", (127, 0, 0), "E")))
    cr3 = box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", box(b"uuid", canon)) + box(b"mdat", b"?")

    exif = metadata_carrier(io.BytesIO(cr3), None).getexif()

    assert exif[0x0110] == "Canon EOS R5"
    assert exif.get_ifd(0x8769)[0x9003] == "2021:03:21 11:04:22"
    assert exif.get_ifd(0x8769)[0xA434] == "RF 50mm"
    assert exif.get_ifd(0x8825)[3] == "E"


def test_other_raw_files_use_exif_of_preview():
    jpeg = io.BytesIO()
    quarters().save(jpeg, "JPEG", exif=make_exif(main={0x010F: "Fujifilm"}))
    for start in (b"FUJIFILMCCD-RAW ", b"\0\0\0\x10ftypcrx \0\0\0\1"):
        notes = metadata_carrier(io.BytesIO(start), Image.open(jpeg))

        assert notes.getexif()[0x010F] == "Fujifilm"
        assert not metadata_carrier(io.BytesIO(start), None).getexif()


@pytest.mark.parametrize("magic", [b"IIRO", b"IIU\0"])
def test_exif_is_read_under_other_tiff_signatures(magic):
    tiff = make_exif(main={0x010F: "Olympus"}).removeprefix(b"Exif\0\0")
    little = b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHI4s", 0x010F, 2, 4, b"Oly\0") + b"\0" * 4
    assert tiff[:2] == b"MM"

    assert metadata_carrier(io.BytesIO(magic + little[4:]), None).getexif()[0x010F] == "Oly"
    assert metadata_carrier(io.BytesIO(b"MMOR" + tiff[4:]), None).getexif()[0x010F] == "Olympus"


def test_the_profile_of_a_preview_is_followed(tmp_path):
    shown = Image.new("RGB", (1200, 900), (200, 100, 50))
    shown.info["icc_profile"] = p3_profile()  # Pillow writes what an image carries

    image, _ = read_photo(make_dng(tmp_path / "a.dng", quarters(SENSOR), shown), 64)

    assert image.getpixel((20, 20)) == pytest.approx((215, 93, 31), abs=4)


# What is refused


def test_too_many_pixels_are_refused_unread(tmp_path):
    path = make_dng(tmp_path / "a.dng", quarters(SENSOR), preview())
    whole = path.read_bytes()
    for tag, side in ((256, 128), (257, 96)):
        small, large = (struct.pack("<HHII", tag, 4, 1, value) for value in (side, 20_000))
        whole = whole.replace(small, large)
    path.write_bytes(whole)

    with pytest.raises(UnreadableImageError, match="200 megapixels"):
        read_photo(path, 64)


@pytest.mark.filterwarnings("ignore")
def test_broken_raw_files_raise_nothing_but_unreadable(tmp_path):
    rng = random.Random(21)
    seeds = [
        make_dng(tmp_path / f"{number}.dng", quarters(SENSOR), shown, 6).read_bytes()
        for number, shown in enumerate([None, preview((160, 120)), preview((1000, 750))])
    ]
    path = tmp_path / "mutant.dng"
    refused = 0
    for round_number in range(180):
        mutant = bytearray(seeds[round_number % len(seeds)])
        directories = int.from_bytes(mutant[4:8], "little")
        for _ in range(rng.choice([1, 4, 16])):
            place = rng.choice([rng.randrange(8), rng.randrange(directories, len(mutant))])
            mutant[place] = rng.choice([0, 255, rng.randrange(256)])
        if rng.random() < 0.25:
            del mutant[rng.randrange(len(mutant)) :]
        path.write_bytes(mutant)
        try:
            read_photo(path, 32)
        except UnreadableImageError:
            refused += 1

    assert 20 < refused < 170
