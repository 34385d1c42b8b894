import random
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from album.images.color import Coding, profile_mode, to_srgb
from tests.support.images.make import curve_tag, ink_profile, make_profile, p3_profile, scene

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY = make_profile(b"GRAY", {b"kTRC": curve_tag(1.0)})
P3, PQ_P3, PQ_2020, HLG_2020 = Coding(12, 13), Coding(12, 16), Coding(9, 16), Coding(9, 18)


def plain(colour, mode="RGB"):
    return Image.new(mode, (4, 3), colour)


def seen(colour, profile=None, coding=None, mode="RGB"):
    """What one colour becomes."""
    image = to_srgb(plain(colour, mode), profile, coding)
    assert (image.mode, image.size) == ("RGB", (4, 3))
    return image.getpixel((1, 1))


def pq(nits):
    """The nearest of 256 numbers for this luminance: ITU-R BT.2100, table 4."""
    power = (nits / 10_000) ** 0.1593017578125
    return round(255 * ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def beside_the_sun(colour, coding, sun):
    """What a colour becomes where a tenth of the picture is as bright as `sun`."""
    image = Image.new("RGB", (40, 40), colour)
    image.paste((sun, sun, sun), (0, 0, 40, 4))
    return to_srgb(image, None, coding).getpixel((20, 30))


# Profiles


def test_srgb_image_is_returned_unchanged():
    image = scene((40, 30))

    assert to_srgb(image) is image
    assert to_srgb(image, SRGB) is image
    assert to_srgb(image, None, Coding(1, 13)) is image
    assert to_srgb(image, None, Coding(2, 2)) is image


def test_wide_gamut_profile_colors_are_converted():
    assert seen((200, 100, 50), p3_profile()) == pytest.approx((215, 93, 31), abs=1)
    assert seen((255, 0, 0), p3_profile()) == (255, 0, 0)  # beyond sRGB
    for grey in (0, 60, 128, 255):
        assert seen((grey,) * 3, p3_profile()) == pytest.approx((grey,) * 3, abs=1)


def test_profile_and_equal_code_points_agree():
    image = scene((80, 60))

    by_profile = np.asarray(to_srgb(image, p3_profile()), dtype=int)
    by_numbers = np.asarray(to_srgb(image, None, P3), dtype=int)

    assert np.abs(by_profile - by_numbers).max() <= 2


def test_cmyk_follows_its_profile():
    assert seen((0, 0, 0, 0), ink_profile(), mode="CMYK") == (255, 255, 255)
    red, green, blue = seen((255, 0, 0, 0), ink_profile(), mode="CMYK")
    assert red < 30
    assert 130 < green < 170  # not the 255 of a screen
    assert 200 < blue < 235
    assert seen((255, 0, 0, 0), None, mode="CMYK") == (0, 255, 255)


def test_gray_follows_its_profile_curve():
    assert seen(55, GREY, mode="L") == pytest.approx((128,) * 3, abs=1)
    assert seen(55, SRGB, mode="L") == (55, 55, 55)


@pytest.mark.parametrize(
    ("profile", "mode"),
    [(GREY, "RGB"), (ink_profile(), "RGB"), (p3_profile(), "CMYK"), (ink_profile(), "L")],
)
def test_profile_for_other_channels_is_ignored(profile, mode):
    image = scene((40, 30)).convert(mode)

    assert np.array_equal(to_srgb(image, profile), image.convert("RGB"))


@pytest.mark.parametrize(
    "profile",
    [b"", b"?", b"\0" * 200, p3_profile()[:200], p3_profile() + b"\0" * 4_000_000, "text"],
)
def test_broken_profile_is_ignored(profile):
    assert seen((200, 100, 50), profile) == (200, 100, 50)


def test_mutated_profiles_raise_nothing():
    rng = random.Random(7)
    for profile, mode in [(p3_profile(), "RGB"), (ink_profile(), "CMYK"), (GREY, "L")]:
        image = scene((8, 6)).convert(mode)
        for _ in range(150):
            mutant = bytearray(profile)
            for _ in range(rng.choice([1, 4, 16])):
                mutant[rng.randrange(len(mutant))] = rng.choice([0, 255, rng.randrange(256)])
            if rng.random() < 0.2:
                del mutant[rng.randrange(len(mutant)) :]
            assert to_srgb(image, bytes(mutant)).mode == "RGB"


def test_profile_mode_is_a_pillow_mode():
    assert [profile_mode(it) for it in (SRGB, GREY, ink_profile(), b"no", None)] == [
        "RGB", "L", "CMYK", None, None,
    ]  # fmt: skip


# Light beyond paper


def test_hdr_diffuse_white_is_white():
    assert seen((pq(203),) * 3, coding=PQ_P3) == pytest.approx((255,) * 3, abs=3)
    assert seen((191, 191, 191), coding=HLG_2020) == pytest.approx((255,) * 3, abs=3)


@pytest.mark.parametrize("coding", [PQ_P3, PQ_2020])
def test_middle_gray_is_independent_of_highlights(coding):
    grey = (pq(0.18 * 203),) * 3  # 118 in sRGB

    assert seen(grey, coding=coding) == pytest.approx((118,) * 3, abs=3)
    assert beside_the_sun(grey, coding, pq(1000)) == pytest.approx((118,) * 3, abs=3)


@pytest.mark.parametrize("nits", [1, 10, 40, 80])
def test_hdr_dark_tones_stay_exact(nits):
    grey = (pq(nits),) * 3

    assert beside_the_sun(grey, PQ_P3, pq(1000)) == pytest.approx(seen(grey, coding=PQ_P3), abs=1)


def test_hdr_highlights_stay_distinct():
    shades = [beside_the_sun((pq(nits),) * 3, PQ_P3, pq(1000))[0] for nits in (100, 203, 400, 900)]

    assert shades == sorted(set(shades))
    assert shades[1] < 240
    assert shades[-1] >= 250


def test_hlg_and_pq_of_equal_light_agree():
    # 50 % of HLG is 51 cd/m2 on a screen of 1,000: 1000 * (1 / 12) ** 1.2.
    assert seen((128,) * 3, coding=HLG_2020) == pytest.approx(
        seen((pq(51),) * 3, coding=PQ_2020), abs=3
    )


def test_bright_clouds_are_white_and_hues_stay():
    assert min(beside_the_sun((pq(600), pq(700), pq(720)), PQ_P3, pq(1000))) > 235
    red, green, blue = beside_the_sun((pq(120), pq(20), pq(20)), PQ_P3, pq(1000))
    assert red > 1.5 * max(green, blue)


def test_code_points_in_profile_count_for_hdr():
    tags = {b"cicp": b"cicp\0\0\0\0" + bytes((12, 16, 0, 1))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve_tag(1.0))
    profile = make_profile(b"RGB ", tags)
    image = scene((40, 30))

    assert np.array_equal(to_srgb(image, profile), to_srgb(image, None, PQ_P3))
    assert not np.array_equal(to_srgb(image, profile), image)


def test_profile_precedes_code_points_except_for_hdr():
    image = scene((40, 30))

    assert np.array_equal(to_srgb(image, p3_profile(), Coding(9, 13)), to_srgb(image, p3_profile()))
    assert np.array_equal(to_srgb(image, p3_profile(), PQ_2020), to_srgb(image, None, PQ_2020))


def test_profile_with_too_many_tags_terminates():
    profile = bytearray(p3_profile())
    profile[128:132] = struct.pack(">I", 2**32 - 1)

    assert seen((200, 100, 50), bytes(profile)) == (200, 100, 50)


def test_bands_leave_no_seams(monkeypatch):
    image = scene((60, 50))
    whole = to_srgb(image, None, HLG_2020)

    monkeypatch.setattr("album.images.color._CHUNK_PIXELS", 420)  # 7 rows

    assert np.array_equal(to_srgb(image, None, HLG_2020), whole)


@pytest.mark.parametrize(("transfer", "expected"), [(8, 188), (4, 129), (5, 106), (1, 128)])
def test_other_transfer_curves_are_followed(transfer, expected):
    assert seen((128,) * 3, coding=Coding(1, transfer)) == pytest.approx((expected,) * 3, abs=2)
