from datetime import datetime, timedelta

import pytest
from PIL.TiffImagePlugin import IFDRational

from album.metadata import exif
from album.metadata.capture_time import Moment

MAKE, MODEL, LENS = 0x010F, 0x0110, 0xA434
WRITTEN, SHOT, DIGITIZED = 0x0132, 0x9003, 0x9004
OFFSET_WRITTEN, OFFSET_SHOT, OFFSET_DIGITIZED = 0x9010, 0x9011, 0x9012
FRACTION_SHOT, FRACTION_DIGITIZED = 0x9291, 0x9292
EXPOSURE, F_NUMBER, ISO, FOCAL, INDEX = 0x829A, 0x829D, 0x8827, 0x920A, 0x8832
ORIENTATION, RATING, WORDS = 0x0112, 0x4746, 0x9C9E


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({SHOT: "2019:03:21 11:04:22"}, Moment(datetime(2019, 3, 21, 11, 4, 22))),
        ({SHOT: "2019:03:21 11:04:22\0junk"}, Moment(datetime(2019, 3, 21, 11, 4, 22))),
        ({SHOT: b"2019:03:21 11:04:22"}, Moment(datetime(2019, 3, 21, 11, 4, 22))),
        (
            {SHOT: "2019-03-21T11:04:22.50+09:00"},
            Moment(datetime(2019, 3, 21, 11, 4, 22, 500_000), 540),
        ),
        ({SHOT: "2019:03:21 11:04"}, Moment(datetime(2019, 3, 21, 11, 4))),
        ({SHOT: "2019:03:21"}, Moment(datetime(2019, 3, 21), whole_day=True)),
        ({SHOT: "1826:01:01 00:00:00"}, Moment(datetime(1826, 1, 1))),
        (
            {SHOT: "2019:03:21 11:04:22", FRACTION_SHOT: "348", OFFSET_SHOT: "+09:00"},
            Moment(datetime(2019, 3, 21, 11, 4, 22, 348_000), 540),
        ),
        (
            {SHOT: "2019:03:21 11:04:22", FRACTION_SHOT: " \0", OFFSET_SHOT: "   :  "},
            Moment(datetime(2019, 3, 21, 11, 4, 22)),
        ),
    ],
)
def test_capture_date_is_read_as_cameras_write_it(tags, expected):
    assert exif.capture_moment(tags) == expected


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
def test_impossible_date_is_skipped_for_the_next(bad):
    good = "2001:02:03 04:05:06"

    assert exif.capture_moment({SHOT: bad, DIGITIZED: good}) == Moment(
        datetime(2001, 2, 3, 4, 5, 6)
    )
    assert exif.capture_moment({SHOT: bad, DIGITIZED: bad, WRITTEN: good}) is None
    assert exif.file_moment({WRITTEN: bad}) is None


def test_capture_date_precedes_digitized_and_excludes_modified_date():
    dates = {SHOT: "2001:01:01", DIGITIZED: "2002:02:02", WRITTEN: "2003:03:03"}

    assert exif.capture_moment(dates).at == datetime(2001, 1, 1)
    assert exif.capture_moment(dates | {SHOT: ""}).at == datetime(2002, 2, 2)
    assert exif.file_moment(dates).at == datetime(2003, 3, 3)


def test_each_date_uses_its_fraction_and_offset():
    tags = {
        **{SHOT: "", FRACTION_SHOT: "1", OFFSET_SHOT: "+01:00"},
        **{DIGITIZED: "2002:02:02 02:02:02", FRACTION_DIGITIZED: "2", OFFSET_DIGITIZED: "+02:00"},
        **{WRITTEN: "2003:03:03 03:03:03", OFFSET_WRITTEN: "+03:00"},
    }

    assert exif.capture_moment(tags) == Moment(datetime(2002, 2, 2, 2, 2, 2, 200_000), 120)
    assert exif.file_moment(tags) == Moment(datetime(2003, 3, 3, 3, 3, 3), 180)
    assert exif.offset(tags) == 60
    assert exif.offset({OFFSET_SHOT: "+15:00", OFFSET_WRITTEN: "+03:00"}) == 180
    assert exif.offset({}) is None


def test_date_is_none_when_years_ahead():
    now = datetime.now().replace(microsecond=0)
    tomorrow, far = now + timedelta(days=1), now + timedelta(days=3650)

    assert exif.capture_moment({SHOT: f"{tomorrow:%Y:%m:%d %H:%M:%S}"}) == Moment(tomorrow)
    assert exif.capture_moment({SHOT: f"{far:%Y:%m:%d %H:%M:%S}"}) is None


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        ("2019:03:21", (16.0, 4.0, 21.5), datetime(2019, 3, 21, 16, 4, 21, 500_000)),
        ("2019:03:21", None, None),
        ("", (16.0, 4.0, 21.0), None),
        ("2019:03:21", (24.0, 0.0, 0.0), None),
        ("2019:03:21", (float("nan"), 0.0, 0.0), None),
        ("2019:03:21", (0.0, 0.0, float("nan")), None),
        ("2019:03:21", (16.0, 4.0), None),
        ("1980:01:06", (0.0, 0.0, 0.0), None),
    ],
)
def test_gps_time_needs_valid_date_and_time(day, time, expected):
    assert exif.gps_time({29: day, 7: time}) == expected


def numbers(**tags):
    by_name = {"exposure": EXPOSURE, "f": F_NUMBER, "iso": ISO, "focal": FOCAL, "index": INDEX}
    read = {by_name[name]: value for name, value in tags.items()}
    return exif.exposure_s(read), exif.f_number(read), exif.iso(read), exif.focal_mm(read)


def test_exposure_facts_are_read_as_cameras_write_them():
    third = IFDRational(1, 3)

    assert numbers(exposure=third, f=2.8, iso=200, focal=IFDRational(50, 1)) == (
        1 / 3,
        2.8,
        200,
        50,
    )
    assert numbers(iso=(400, 0)) == (None, None, 400, None)
    assert numbers(iso=65535, index=102_400) == (None, None, 102_400, None)
    assert numbers() == (None, None, None, None)


@pytest.mark.parametrize(
    "bad",
    [
        *(0, -1, float("nan"), float("inf"), IFDRational(1, 0), IFDRational(0, 0), 10**400),
        *("many", "", b"", None, (), ("x",), [None], {}),
    ],
)
def test_impossible_number_is_none(bad):
    assert numbers(exposure=bad, f=bad, iso=bad, focal=bad) == (None, None, None, None)


def test_orientation_and_rating_are_in_range():
    assert [exif.orientation({ORIENTATION: n}) for n in (1, 8, 0, 9, None, "6", 2.0)] == [
        *(1, 8, 1, 1, 1, 1, 1)
    ]
    assert [exif.rating({RATING: n}) for n in (0, 5, 6, -1, None, "4")] == [
        *(0, 5, None, None, None, None)
    ]


def test_windows_keywords_are_split():
    words = "가족;sea side\0".encode("utf-16-le")

    assert exif.keywords({WORDS: words}) == exif.keywords({WORDS: tuple(words)})
    assert exif.keywords({WORDS: words}) == ["가족", "sea side"]
    assert [exif.keywords({WORDS: bad}) for bad in (None, 7, "text", (300,), ("a",))] == [[]] * 5
    assert exif.keywords({WORDS: b"a\0b"}) == ["a"]


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
def test_camera_name_joins_make_and_model(make, model, expected):
    assert exif.camera({MAKE: make, MODEL: model}) == expected


def test_names_are_short_without_control_characters():
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
def test_position_is_signed_by_its_refs(north, east, expected):
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
def test_impossible_position_is_none(tags):
    assert exif.position(tags) == (None, None)


def test_position_on_the_equator_is_valid():
    assert exif.position(gps((0.0, 0.0, 0.0), "N", (32.0, 30.0, 0.0), "E")) == (0.0, 32.5)
