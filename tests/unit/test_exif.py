from datetime import datetime, timedelta

import pytest
from PIL.TiffImagePlugin import IFDRational

from album import exif

MAKE, MODEL, LENS = 0x010F, 0x0110, 0xA434
WRITTEN, SHOT, DIGITIZED = 0x0132, 0x9003, 0x9004


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({SHOT: "2019:03:21 11:04:22"}, datetime(2019, 3, 21, 11, 4, 22)),
        ({SHOT: "2019:03:21 11:04:22\0junk"}, datetime(2019, 3, 21, 11, 4, 22)),
        ({SHOT: b"2019:03:21 11:04:22"}, datetime(2019, 3, 21, 11, 4, 22)),
        ({SHOT: "2019-03-21T11:04:22.50+09:00"}, datetime(2019, 3, 21, 11, 4, 22)),
        ({SHOT: "2019:03:21 11:04"}, datetime(2019, 3, 21, 11, 4)),
        ({SHOT: "2019:03:21"}, datetime(2019, 3, 21)),
        ({SHOT: "1826:01:01 00:00:00"}, datetime(1826, 1, 1)),
    ],
)
def test_a_date_is_read_as_cameras_write_it(tags, expected):
    assert exif.taken_at(tags) == expected


@pytest.mark.parametrize(
    "bad",
    [
        *("0000:00:00 00:00:00", "    :  :     :  :  ", "", "\0" * 20, "2019:02:31 10:00:00"),
        *(
            "2019:03:21 25:00:00",
            "2019:03:21 10:00:60",
            "1825:12:31 23:59:59",
            "9999:12:31 00:00:00",
        ),
        *(
            "yesterday",
            "2019:03:21 11:04:22 or so",
            "２０１９:03:21 11:04:22",
            20190321,
            None,
            (1, 2),
        ),
    ],
)
def test_an_impossible_date_gives_way_to_the_next_one(bad):
    good = "2001:02:03 04:05:06"

    assert exif.taken_at({SHOT: bad, DIGITIZED: good}) == datetime(2001, 2, 3, 4, 5, 6)
    assert exif.taken_at({SHOT: bad, DIGITIZED: bad, WRITTEN: good}) == datetime(
        2001, 2, 3, 4, 5, 6
    )
    assert exif.taken_at({SHOT: bad, DIGITIZED: bad, WRITTEN: bad}) is None


def test_the_shot_counts_before_the_scan_and_the_scan_before_the_last_change():
    dates = {SHOT: "2001:01:01", DIGITIZED: "2002:02:02", WRITTEN: "2003:03:03"}

    assert exif.taken_at(dates) == datetime(2001, 1, 1)
    assert exif.taken_at(dates | {SHOT: ""}) == datetime(2002, 2, 2)


def test_a_clock_a_day_ahead_is_believed_and_one_ten_years_ahead_is_not():
    now = datetime.now().replace(microsecond=0)
    tomorrow, far = now + timedelta(days=1), now + timedelta(days=3650)

    assert exif.taken_at({SHOT: f"{tomorrow:%Y:%m:%d %H:%M:%S}"}) == tomorrow
    assert exif.taken_at({SHOT: f"{far:%Y:%m:%d %H:%M:%S}"}) is None


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("Canon", "Canon EOS 40D", "Canon EOS 40D"),
        ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
        ("EASTMAN KODAK COMPANY", "KODAK DX4330", "KODAK DX4330"),
        ("Apple", "iPhone 7", "Apple iPhone 7"),
        ("SONY", "DSLR-A550", "SONY DSLR-A550"),
        ("Canon", "Canonet", "Canon Canonet"),
        ("SONY", "NY 5", "SONY NY 5"),
        ("  SONY  \0junk", "\x07DSLR \n A550\0\0", "SONY DSLR A550"),
        ("Apple", None, "Apple"),
        (None, "iPhone 7", "iPhone 7"),
        (b"Apple\0", b"iPhone 7", "Apple iPhone 7"),
        ("\0\0\0", "   ", None),
        (None, None, None),
        (7, (1, 2), None),
    ],
)
def test_a_camera_is_named_as_people_name_it(make, model, expected):
    assert exif.camera({MAKE: make, MODEL: model}) == expected


def test_names_are_short_and_cannot_turn_the_writing_direction():
    assert exif.lens({LENS: "x" * 500_000}) == "x" * 80
    assert exif.lens({LENS: "EF\u202e28-80mm"}) == "EF 28-80mm"
    assert len(exif.camera({MAKE: "m" * 500, MODEL: "n" * 500}) or "") <= 80


def gps(latitude, north, longitude, east):
    return {1: north, 2: latitude, 3: east, 4: longitude}


SOMEWHERE = (37.0, 30.0, 36.0), (127.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("north", "east", "expected"),
    [
        ("N", "E", (37.51, 127.0)),
        ("S", "W", (-37.51, -127.0)),
        ("n", "e\0", (37.51, 127.0)),
        (b"S", b"E", (-37.51, 127.0)),
    ],
)
def test_a_position_is_signed_by_its_refs(north, east, expected):
    latitude, longitude = SOMEWHERE

    assert exif.position(gps(latitude, north, longitude, east)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {0: b"\x02\x03\0\0"},
        gps(SOMEWHERE[0], None, SOMEWHERE[1], "E"),
        gps(SOMEWHERE[0], "N", SOMEWHERE[1], ""),
        gps(SOMEWHERE[0], "E", SOMEWHERE[1], "N"),
        gps(SOMEWHERE[0], "N", None, "E"),
        gps((91.0, 0.0, 0.0), "N", SOMEWHERE[1], "E"),
        gps(SOMEWHERE[0], "N", (180.0, 0.0, 1.0), "E"),
        gps((-37.0, 0.0, 0.0), "N", SOMEWHERE[1], "E"),
        gps((37.0, 30.0), "N", SOMEWHERE[1], "E"),
        gps(37.5, "N", SOMEWHERE[1], "E"),
        gps((37, "thirty", 0), "N", SOMEWHERE[1], "E"),
        gps((IFDRational(37, 1), IFDRational(30, 1), IFDRational(0, 0)), "N", SOMEWHERE[1], "E"),
        gps((10**400, 0, 0), "N", SOMEWHERE[1], "E"),
        gps((float("inf"), 0.0, 0.0), "N", SOMEWHERE[1], "E"),
        gps((0.0, 0.0, 0.0), "N", (0.0, 0.0, 0.0), "E"),
    ],
)
def test_a_position_that_cannot_be_true_is_none(tags):
    assert exif.position(tags) == (None, None)


def test_the_equator_alone_is_a_place():
    assert exif.position(gps((0.0, 0.0, 0.0), "N", (32.0, 30.0, 0.0), "E")) == (0.0, 32.5)
