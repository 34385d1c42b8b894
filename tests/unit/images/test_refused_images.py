import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from album.errors import UnreadableImageError
from album.images.decoding import (
    MAX_PIXELS,
    full_view,
    large_view,
    read_photo,
    small_jpeg,
)
from album.storage.originals import file_time
from tests.support.images.formats import LABELLED_EXIF, NAMES, difference, shared
from tests.support.images.make import (
    make_empty,
    make_huge_png,
    make_photo,
    make_text,
    make_truncated,
    quarters,
    scene,
)


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        read_photo(path, 64)
    sentence = str(caught.value)
    assert path.name not in sentence
    assert str(path.parent) not in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    for view in (large_view, full_view, small_jpeg):
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
