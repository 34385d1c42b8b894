"""What the shared photos promise by their folders' and files' names, and what they say in words."""

from datetime import datetime
from pathlib import Path

import pytest

from album.domain.photo import ImageFacts
from album.images.decoding import read_photo
from album.metadata.sidecars import Siblings

PHOTOS = Path(__file__).parents[4] / "shared" / "photos"

pytestmark = pytest.mark.skipif(not PHOTOS.is_dir(), reason="the shared photos are not here")

MARIE_AND_PIERRE = ("Marie Curie", "Pierre Curie", "People")  # "People" is their parent
TORCAL = {
    "taken_at": datetime(2012, 8, 5, 11, 39, 59),
    "camera": "SONY DSLR-A550",
    "lens": "18-250mm F3.5-6.3",
    **{"exposure_s": 0.00625, "f_number": 11.0, "iso": 200, "focal_mm": 75.0},
}
COOLPIX = {"camera": "NIKON COOLPIX P6000"}
SILENT = {"taken_at": None, "taken_from": None, "camera": None, "latitude": None, "rating": None}

PROMISES = {
    # When: by the camera first, by the satellites' clock, and never by a time without a day.
    "metadata/dates/date-priority-test.jpg": {
        **{"taken_at": datetime(2023, 2, 2, 2), "taken_from": "exif", "taken_offset": None}
    },
    "metadata/dates/datetimeoriginal-gps.jpg": {
        **{"taken_at": datetime(2025, 12, 1, 11, 30), "taken_from": "exif"},
        **{"latitude": 39.0, "longitude": -108.0},
    },
    "metadata/dates/gps-datetime.jpg": {
        **{"taken_at": datetime(2023, 11, 15, 4, 30), "taken_from": "gps", "taken_offset": -480},
        **{"latitude": 37.7749, "longitude": -122.4194},
    },
    "metadata/dates/time-created.jpg": {"taken_at": None, "camera": "Canon EOS R5"},
    "metadata/faces/portrait.jpg": {"keywords": MARIE_AND_PIERRE, "orientation": 1},
    "metadata/faces/portrait-orientation-6.jpg": {"keywords": MARIE_AND_PIERRE, "orientation": 6},
    "metadata/gps-position/empty_gps.jpg": {
        **{"latitude": None, "longitude": None, "camera": "motorola moto g(9) plus"},
        **{"taken_at": datetime(2025, 6, 1, 16, 59, 26, 23_000), "focal_mm": 5.53, "iso": 234},
    },
    "metadata/gps-position/thompson-springs.jpg": {
        **{"latitude": 39.115, "longitude": -108.400968},
        **{"taken_at": datetime(2022, 1, 10, 15, 15, 44, 310_000), "taken_from": "xmp"},
        "keywords": (
            *("carol m. highsmith", "america", "utah", "utah winter scenes", "thompson springs"),
        ),
        "lens": "Canon EF 24-105mm f/4L IS II USM",
    },
    "metadata/rating/mongolels.jpg": {
        **{"rating": 3, "taken_at": datetime(2009, 8, 29, 13, 18, 8, 170_000)},
        **{"camera": "Canon EOS 500D", "exposure_s": 0.004, "f_number": 11.0},
    },
    "metadata/tags/picasa.jpg": {
        **{"keywords": ("Frost", "Yard"), "taken_at": datetime(2010, 2, 13, 14, 55, 31)},
        **{"camera": "Canon PowerShot SD1100 IS", "exposure_s": 0.0025, "iso": 80},
    },
    # Whole and broken EXIF.
    "exif/Canon_40D.jpg": {
        **{"camera": "Canon EOS 40D", "taken_at": datetime(2008, 5, 30, 15, 56, 1)},
        **{"exposure_s": 0.00625, "f_number": 7.1, "iso": 100, "focal_mm": 135.0},
    },
    "exif/Nikon_D70.jpg": {"camera": "NIKON D70", "taken_at": datetime(2008, 3, 15, 9, 52, 1)},
    "exif/Sony_HDR-HC3.jpg": {
        **{"camera": "SONY HDR-HC3", "taken_at": datetime(2007, 6, 15, 4, 42, 32), "iso": None}
    },
    "exif/corrupted.jpg": {
        **{"camera": "OLYMPUS IMAGING CORP. u1020,S1020", "iso": 80, "latitude": None},
        "taken_at": datetime(2015, 9, 8, 11, 2, 17),
    },
    "exif/long_description.jpg": {"taken_at": datetime(2003, 8, 31), "taken_from": "xmp"},
    **{
        f"exif/gps/DSCN00{number}.jpg": {
            **COOLPIX,
            **{"latitude": latitude, "longitude": longitude, "taken_from": "exif"},
            "taken_at": datetime(2008, 10, 22, *time),
        }
        for number, latitude, longitude, time in [
            ("10", 43.467448, 11.885127, (16, 28, 39)),
            ("12", 43.467157, 11.885395, (16, 29, 49)),
            ("21", 43.467082, 11.884538, (16, 38, 20)),
            ("25", 43.468365, 11.881635, (16, 43, 21)),
            ("27", 43.468442, 11.881515, (16, 44, 1)),
            ("29", 43.468243, 11.880172, (16, 46, 53)),
            ("38", 43.467255, 11.879213, (16, 52, 15)),
            ("40", 43.466012, 11.879111, (16, 55, 37)),
            ("42", 43.464455, 11.881478, (17, 0, 7)),
        ]
    },
    **{
        f"exif/invalid/image0{number}.jpg": {
            **SILENT,
            **{"taken_at": datetime(*time), "taken_from": "xmp", "taken_offset": offset},
        }
        for number, time, offset in [
            ("0971", (2010, 4, 13, 9, 37, 22), 120),
            ("1088", (2010, 4, 13, 9, 37, 22), 120),
            ("1137", (2009, 9, 14, 11, 8, 6), 120),
            ("1551", (2011, 9, 23, 12, 43, 3), 0),
            ("1713", (2010, 3, 4, 11, 59, 38), 60),
            ("1980", (2011, 9, 23, 11, 42, 46), 0),
            ("2206", (2009, 8, 4, 10, 35, 3), 0),
        ]
    },
    **{
        f"exif/orientation/{shape}_{number}.jpg": {
            **{"orientation": number, "width": width, "height": height, "taken_at": None}
        }
        for shape, width, height in [("landscape", 600, 450), ("portrait", 450, 600)]
        for number in range(1, 9)
    },
    # Every format.
    "formats/avif/10bit-HDR-P3-nclx.avif": {**SILENT, "file_type": "AVIF"},
    "formats/avif/8bit-sRGB.avif": {**SILENT, "file_type": "AVIF"},
    "formats/heic/IMG_2682.heic": {
        **{"file_type": "HEIC", "taken_at": datetime(2019, 3, 21, 11, 4, 22, 348_000)},
        **{"camera": "Apple iPhone 7", "lens": "iPhone 7 back camera 3.99mm f/1.8", "iso": 20},
        **{"latitude": 41.2203, "longitude": -96.071625, "focal_mm": 3.99, "orientation": 1},
    },
    "formats/jpeg/el_torcal_rocks.jpeg": TORCAL,
    "formats/jpg/el_torcal_rocks.jpg": TORCAL,
    "formats/jxl/16bit-HDR-P3-nclx.jxl": {**SILENT, "file_type": "JXL"},
    "formats/jxl/8bit-sRGB.jxl": {**SILENT, "file_type": "JXL"},
    "formats/motionphoto/samsung-one-ui-6.heic": {
        **{"taken_at": datetime(2024, 1, 12, 21, 38, 53, 853_000), "taken_offset": -480},
        **{"camera": "samsung SM-S906U", "orientation": 6, "width": 3000, "height": 4000},
    },
    "formats/png/density_plot.png": {
        **{"taken_at": datetime(2007, 2, 13, 6, 34, 38), "taken_from": "xmp", "camera": None}
    },
    "formats/webp/denali.webp": {
        **{"taken_at": datetime(2010, 8, 13, 21, 0, 1, 850_000), "camera": "Canon EOS 7D"},
        "lens": "EF28-80mm f/3.5-5.6 USM",
    },
    # Albums as people have them.
    "albums/nature/cyclamen_persicum.jpg": {
        **{"taken_at": datetime(2007, 12, 6, 14, 33, 18), "camera": "FUJIFILM FinePix S3Pro"}
    },
    "albums/nature/el_torcal_rocks.jpg": TORCAL,
    "albums/nature/notocactus_minimus.jpg": {
        **{"taken_at": datetime(2008, 5, 23, 15, 54, 59), "camera": "PENTAX K10D"}
    },
    "albums/nature/orychophragmus_violaceus.jpg": SILENT,
    "albums/nature/polemonium_reptans.jpg": SILENT,
    "albums/nature/prairie_falcon.jpg": {
        **{"taken_at": datetime(2022, 3, 31, 11, 31, 56, 180_000), "rating": 0, "iso": 1000},
        "keywords": (
            *("SFAN", "PINN", "raptors", "Events", "birds", "monitoring", "prairie falcons"),
            "Other Keywords",  # a parent
        ),
        **{"lens": "RF100-500mm F4.5-7.1 L IS USM", "focal_mm": 500.0},
    },
    "albums/nature/silver_fir.jpg": SILENT,
    "albums/nature/tanners_ridge.jpg": {
        **{"taken_at": datetime(2023, 9, 25, 8, 33, 30, 880_000), "camera": "NIKON D750"},
        "keywords": (
            *("Big Meadows", "Landscape", "Tanners Ridge Overlook", "Overlook", "Place"),
            *("Fall 2023", "Lara Ellis Photography", "Shenandoah National Park"),
        ),
    },
    "albums/nature/wood_anemones.jpg": SILENT,
    **{
        f"albums/text/{name}.jpg": SILENT
        for name in ("book-beside-flowers", "craft-beer", "handwritten-notes", "japanese-shop")
    },
}


def facts(path: Path, sidecars: list[Path]) -> ImageFacts:
    return read_photo(path, 64, sidecars)[1]


def test_every_shared_photo_is_among_the_promises():
    photos = {
        path.relative_to(PHOTOS).as_posix()
        for path in PHOTOS.glob("*/**/*")
        if path.is_file() and path.suffix != ".xmp"
    }

    assert photos == set(PROMISES)


@pytest.mark.parametrize("photo", PROMISES)
def test_a_photo_says_what_it_promises(photo):
    path = PHOTOS / photo
    beside = Siblings([it.name for it in path.parent.iterdir()]).sidecars_for(path.name)

    told = facts(path, [path.parent / name for name in beside])

    promised = PROMISES[photo]
    assert {name: getattr(told, name) for name in promised} == {
        name: pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
        for name, value in promised.items()
    }


@pytest.mark.parametrize("year", [2000, 2010, 2020])
def test_sidecar_dates_an_undated_photo(year):
    """These sidecars are of UTF-16, the marks in them broken by a copy."""
    sidecar = PHOTOS / "metadata" / "xmp" / "dates" / f"{year}.xmp"

    told = facts(PHOTOS / "albums" / "nature" / "silver_fir.jpg", [sidecar])

    assert told.taken_at == datetime(year, 9, 27, 14, 35, 33)
    assert (told.taken_from, told.taken_offset) == ("xmp", 120)
