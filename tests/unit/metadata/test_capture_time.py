import time
from datetime import UTC, datetime, timedelta

import pytest

from album.metadata import capture_time
from album.metadata.capture_time import Moment

SEOUL, HAWAII = (37.57, 126.98), (21.3, -157.8)
MORNING = datetime(2023, 5, 14, 10, 11, 12)


@pytest.fixture
def home_in_berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "name",
    [
        *("IMG_20230514_101112.jpg", "20230514_101112.jpg", "20230514101112.jpg"),
        *("VID_20230514_101112.heic", "IMG20230514101112.jpg", "MVIMG_20230514_101112.MP.jpg"),
        *("20230514_101112(0).jpg", "20230514_101112_HDR.jpg", "IMG_20230514_101112_1.jpg"),
        *("Screenshot_20230514-101112.png", "Screenshot_20230514_101112_KakaoTalk.jpg"),
        *("Screenshot 2023-05-14 at 10.11.12.png", "Screenshot 2023-05-14 at 10.11.12 AM.png"),
        *("Screenshot 2023-05-14 at 10.11.12\u202fAM.png", "스크린샷 2023-05-14 오전 10.11.12.png"),
        "스크린샷 2023-05-14 오전 10.11.12.png",
        "KakaoTalk_Photo_2023-05-14-10-11-12 001.jpeg",
        *("2023-05-14 10.11.12.jpg", "2023-05-14 10:11:12.jpg", "2023-05-14T10:11:12.jpg"),
        *("signal-2023-05-14-101112.jpg", "signal-2023-05-14-10-11-12.jpg"),
        *("WhatsApp Image 2023-05-14 at 10.11.12.jpeg", "photo_2023-05-14_10-11-12.jpg"),
        *("photo_2023-05-14_10-11-12 (2).jpg", "Photo 2023-05-14, 10 11 12.jpg"),
        *("캡처_2023_05_14_10_11_12.png", "12345_20230514_101112.jpg"),
    ],
)
def test_file_name_time_is_read(name):
    assert capture_time.from_name(name, position=None) == Moment(MORNING)


@pytest.mark.parametrize(
    "name",
    [
        *("KakaoTalk_20230514_101112345.jpg", "KakaoTalk_20230514_101112345_01.jpg"),
        *("캡처_2023_05_14_10_11_12_345.png", "signal-2023-05-14-10-11-12-345.jpg"),
    ],
)
def test_file_name_milliseconds_are_read(name):
    moment = capture_time.from_name(name, position=None)

    assert moment == Moment(MORNING.replace(microsecond=345_000))


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("스크린샷 2023-05-14 오후 3.11.12.png", 15),
        ("스크린샷 2023-05-14 오후 12.11.12.png", 12),
        ("스크린샷 2023-05-14 오전 12.11.12.png", 0),
        ("Screenshot 2023-05-14 at 3.11.12 PM.png", 15),
        ("Screenshot 2023-05-14 at 12.11.12 a.m..png", 0),
    ],
)
def test_file_name_am_and_pm_are_read(name, hour):
    assert capture_time.from_name(name, position=None) == Moment(MORNING.replace(hour=hour))


@pytest.mark.parametrize(
    "name",
    [
        *("IMG-20230514-WA0001.jpg", "2023-05-14.jpg", "2023.05.14 가족.jpg", "20230514.jpg"),
        *("20230514_991112.jpg", "2023_05_14 산.jpg", "소풍 20230514.jpg"),
    ],
)
def test_file_name_day_alone_means_its_first_minute(name):
    expected = Moment(datetime(2023, 5, 14), whole_day=True)

    assert capture_time.from_name(name, position=None) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("IMG_1234.jpg", "DSC00042.jpg", "photo.jpg", "", "a" * 10_000, "20231332.jpg"),
        *("20230231.jpg", "18500101.jpg", "20990101.jpg", "2023051412.jpg", "123420230514.jpg"),
        *("20150512_10153245678901234_n.jpg", "2023-5-14.jpg", "19999999999999.jpg"),
        *("1684030272.jpg", "116840302721234.jpg", "1999999999999.jpg"),
        *("received_1684030272123456.jpeg", "1023x1684.png"),
    ],
)
def test_other_numbers_in_file_names_are_ignored(name):
    assert capture_time.from_name(name, position=None) is None


@pytest.mark.parametrize("name", ["1684030272123.jpg", "FB_IMG_1684030272123.jpg"])
def test_epoch_in_file_name_becomes_local_time(name):
    expected = Moment(datetime(2023, 5, 14, 11, 11, 12, 123_000), 540)

    assert capture_time.from_name(name, position=SEOUL) == expected


def test_pixel_file_names_are_in_utc():
    moment = capture_time.from_name("PXL_20230514_101112123.jpg", position=SEOUL)

    assert moment == Moment(datetime(2023, 5, 14, 19, 11, 12, 123_000), 540)


def test_from_utc_prefers_offset_then_position_then_machine(home_in_berlin):
    noon = datetime(2023, 7, 1, 12)

    def hour(**known):
        moment = capture_time.from_utc(noon, **{"position": None, **known})
        return moment.at.hour, moment.offset

    assert hour(position=SEOUL, offset=60) == (13, 60)
    assert hour(position=SEOUL) == (21, 540)
    assert hour(position=HAWAII) == (1, -660)
    assert hour() == (14, 120)


def test_from_epoch_is_none_for_implausible_time():
    assert capture_time.from_epoch(float("nan"), position=SEOUL) is None
    assert capture_time.from_epoch(1e300, position=SEOUL) is None
    assert capture_time.from_epoch(-1e11, position=SEOUL) is None
    assert capture_time.from_epoch(-1e9, position=SEOUL) == Moment(
        datetime(1938, 4, 25, 7, 13, 20), 540
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019:03:21 11:04:22", Moment(datetime(2019, 3, 21, 11, 4, 22))),
        ("2019-03-21T11:04:22.50+09:00", Moment(datetime(2019, 3, 21, 11, 4, 22, 500_000), 540)),
        ("2019-03-21T11:04:22.123456Z", Moment(datetime(2019, 3, 21, 11, 4, 22, 123_000), 0)),
        ("2019-03-21T11:04-0330", Moment(datetime(2019, 3, 21, 11, 4), -210)),
        ("2019-03-21T11:04:22+99:00", Moment(datetime(2019, 3, 21, 11, 4, 22))),
        ("2019:03:21", Moment(datetime(2019, 3, 21), whole_day=True)),
        ("1985-06", Moment(datetime(1985, 6, 1), whole_day=True)),
        ("1985", Moment(datetime(1985, 1, 1), whole_day=True)),
        *((bad, None) for bad in ("", "0000:00:00 00:00:00", "1985-13", "2019-02-30", "now")),
    ],
)
def test_parse_reads_exif_and_iso_dates(text, expected):
    assert capture_time.parse(text) == expected


def test_parse_reads_separate_fraction_digits():
    def milliseconds(fraction):
        return capture_time.parse("2019:03:21 11:04:22", fraction=fraction).at.microsecond // 1000

    assert milliseconds("5") == 500
    assert milliseconds("023460") == 23
    assert milliseconds("85 ") == 850
    assert [milliseconds(bad) for bad in ("", "  ", "x", "-1", "²")] == [0, 0, 0, 0, 0]


def test_most_trusted_prefers_time_of_same_day():
    day = Moment(datetime(2023, 5, 14), whole_day=True)
    same, other = Moment(MORNING), Moment(MORNING + timedelta(days=1))

    assert capture_time.most_trusted([day, other, same]) == same
    assert capture_time.most_trusted([day, other]) == day
    assert capture_time.most_trusted([other, day, same]) == other
    assert capture_time.most_trusted([]) is None


def test_from_epoch_uses_machine_time_zone(home_in_berlin):
    utc = datetime(2023, 1, 1, 12)
    moment = capture_time.from_epoch(utc.replace(tzinfo=UTC).timestamp(), position=None)

    assert moment == Moment(datetime(2023, 1, 1, 13), 60)
