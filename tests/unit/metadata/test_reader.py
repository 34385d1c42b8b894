import json
import random
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from album.metadata import iptc, takeout
from album.metadata.capture_time import Moment
from album.metadata.reader import read_facts
from album.metadata.takeout import TakeoutFacts
from tests.support.images.make import gps_tags, make_exif, make_photo
from tests.unit.metadata.test_xmp import packet

WRITTEN, RATING, WORDS, SHOT, OFFSET = 0x0132, 0x4746, 0x9C9E, 0x9003, 0x9011
IN_SEOUL = gps_tags((37, 30, 36), "N", (127, 0, 0), "E")


def read(path, sidecars=()):
    with Image.open(path) as image:
        image.load()
        return read_facts(
            image, file_type="JPEG", width=64, height=48, path=path, sidecars=list(sidecars)
        )


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def google(path: Path, *, seconds: object = "1684030272", latitude=0.0, longitude=0.0) -> Path:
    return write(
        path,
        json.dumps(
            {
                "title": path.name,
                "photoTakenTime": {"timestamp": seconds, "formatted": "in words"},
                "geoData": {"latitude": latitude, "longitude": longitude, "altitude": 0.0},
            }
        ),
    )


def test_facts_are_empty_without_metadata(tmp_path):
    facts = read(make_photo(tmp_path / "a.jpg"))

    assert (facts.taken_at, facts.taken_from, facts.taken_offset) == (None, None, None)
    assert (facts.rating, facts.keywords, facts.latitude, facts.orientation) == (None, (), None, 1)


def test_time_comes_from_most_trusted_source(tmp_path):
    """Take the sources away one by one: the next one tells the time."""
    sidecar = write(tmp_path / "a.xmp", packet(attributes='xmp:CreateDate="2002-02-02T02:02:02"'))
    embedded = packet(attributes='xmp:CreateDate="2003-03-03T03:03:03"').encode()
    json_file = google(tmp_path / "a.jpg.json")
    gps = IN_SEOUL | {29: "2004:04:04", 7: (4.0, 4.0, 4.0)}
    named = tmp_path / "20050505_050505.jpg"
    written = {WRITTEN: "2007:07:07 07:07:07"}

    def told(path, *, shot=None, xmp=b"", gps=None, main=None, beside=()):
        exif = make_exif(main=main or written, shot=shot, gps=gps)
        facts = read(make_photo(path, exif=exif, xmp=xmp), beside)
        return facts.taken_from, facts.taken_at.year, facts.taken_offset

    rest = {"xmp": embedded, "gps": gps, "beside": [sidecar, json_file]}
    assert told(named, shot={SHOT: "2001:01:01 01:01:01"}, **rest) == ("exif", 2001, None)
    assert told(named, **rest) == ("xmp", 2002, None)
    rest["beside"] = [json_file]
    assert told(named, **rest) == ("xmp", 2003, None)
    rest["xmp"] = b""
    assert told(named, **rest) == ("gps", 2004, 540)
    rest["gps"] = IN_SEOUL
    assert told(named, **rest) == ("name", 2005, None)
    assert told(tmp_path / "a.jpg", **rest) == ("takeout", 2023, 540)
    assert told(tmp_path / "a.jpg") == ("exif", 2007, None)


def test_gps_time_uses_camera_offset_when_known(tmp_path):
    gps = {29: "2019:03:21", 7: (16.0, 4.0, 21.0)}
    exif = make_exif(shot={OFFSET: "-05:00"}, gps=IN_SEOUL | gps)

    facts = read(make_photo(tmp_path / "a.jpg", exif=exif))

    assert (facts.taken_at, facts.taken_offset) == (datetime(2019, 3, 21, 11, 4, 21), -300)
    assert facts.taken_from == "gps"


def test_takeout_time_precedes_file_name_of_same_day(tmp_path):
    photo = make_photo(tmp_path / "IMG-20230514-WA0001.jpg")
    place = {"latitude": 37.5, "longitude": 127.0}

    facts = read(photo, [google(tmp_path / "a.json", **place)])
    other = read(photo, [google(tmp_path / "a.json", seconds="1", **place)])

    assert (facts.taken_at, facts.taken_from) == (datetime(2023, 5, 14, 11, 11, 12), "takeout")
    assert (other.taken_at, other.taken_from) == (datetime(2023, 5, 14), "name")


def test_place_prefers_exif_then_xmp_then_takeout(tmp_path):
    sidecar = write(
        tmp_path / "a.xmp", packet(attributes='exif:GPSLatitude="1,0N" exif:GPSLongitude="2,0E"')
    )
    from_google = google(tmp_path / "a.json", latitude=3.0, longitude=4.0)
    nowhere = google(tmp_path / "b.json")
    located = make_photo(tmp_path / "a.jpg", exif=make_exif(gps=IN_SEOUL))
    bare = make_photo(tmp_path / "b.jpg")

    def position(path, *sidecars):
        facts = read(path, sidecars)
        return facts.latitude, facts.longitude

    assert position(located, sidecar, from_google) == pytest.approx((37.51, 127.0))
    assert position(bare, sidecar, from_google) == (1.0, 2.0)
    assert position(bare, from_google) == (3.0, 4.0)
    assert position(bare, nowhere) == (None, None)


def test_sidecar_rating_precedes_embedded_rating(tmp_path):
    photo = make_photo(
        tmp_path / "a.jpg",
        exif=make_exif(main={RATING: 1}),
        xmp=packet(attributes='xmp:Rating="2"').encode(),
    )
    plain = make_photo(tmp_path / "b.jpg", exif=make_exif(main={RATING: 1}))
    rejected = write(tmp_path / "a.xmp", packet(attributes='xmp:Rating="-1"'))
    silent = write(tmp_path / "b.xmp", packet())

    assert read(photo, [silent, rejected]).rating == -1
    assert read(photo, [silent]).rating == 2
    assert read(plain).rating == 1


def test_keywords_of_all_sources_are_merged(tmp_path):
    def words(*written):
        items = "".join(f"<rdf:li>{word}</rdf:li>" for word in written)
        return packet(f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>")

    photo = make_photo(
        tmp_path / "a.jpg",
        exif=make_exif(main={WORDS: "Sea;여름 휴가;".encode("utf-16-le")}),
        xmp=words("sea", "  beach\n\u202ehut ", " ", "가족").encode(),
    )
    sidecar = write(tmp_path / "a.xmp", words("Family", "가족"))

    assert read(photo, [sidecar]).keywords == ("Family", "가족", "sea", "beach hut", "여름 휴가")


def test_keyword_parents_follow_all_keywords(tmp_path):
    photo = make_photo(tmp_path / "a.jpg", exif=make_exif(main={WORDS: "sea".encode("utf-16-le")}))
    tree = "<digiKam:TagsList>Family/Grandma</digiKam:TagsList>"
    sidecar = write(tmp_path / "a.xmp", packet(tree))

    assert read(photo, [sidecar]).keywords == ("Grandma", "sea", "Family")


def test_keywords_are_limited(tmp_path):
    items = "".join(f"<rdf:li>{n} {'x' * 500}</rdf:li>" for n in range(1000))
    sidecar = write(
        tmp_path / "a.xmp", packet(f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>")
    )

    keywords = read(make_photo(tmp_path / "a.jpg"), [sidecar]).keywords

    assert len(keywords) == 200
    assert max(map(len, keywords)) == 100


def test_png_text_has_time_and_keywords(tmp_path):
    def png(created):
        text = PngImagePlugin.PngInfo()
        text.add_text("Creation Time", created)
        text.add_text("Keywords", "sea, beach;sea")
        return read(make_photo(tmp_path / "a.png", pnginfo=text))

    assert png("2007:02:13 06:34:38").taken_at == datetime(2007, 2, 13, 6, 34, 38)
    facts = png("Tue, 13 Feb 2007 06:34:38 +0900")
    assert (facts.taken_at, facts.taken_offset) == (datetime(2007, 2, 13, 6, 34, 38), 540)
    assert (facts.taken_from, facts.keywords) == ("xmp", ("sea", "beach"))
    assert png("last winter").taken_at is None


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "avif", "heic"])
def test_xmp_is_read_in_every_format(tmp_path, ending):
    inside = packet(attributes='xmp:Rating="4"')
    text, directory = PngImagePlugin.PngInfo(), TiffImagePlugin.ImageFileDirectory_v2()
    text.add_itxt("XML:com.adobe.xmp", inside)
    directory[700] = inside.encode()
    ways = {"png": {"pnginfo": text}, "tif": {"tiffinfo": directory}}
    path = make_photo(tmp_path / f"a.{ending}", **ways.get(ending, {"xmp": inside.encode()}))

    assert read(path).rating == 4


def test_camera_and_lens_are_read_from_xmp(tmp_path):
    text = packet(attributes='tiff:Make="SONY" tiff:Model="DSLR-A550" aux:Lens="18-250mm"')

    facts = read(make_photo(tmp_path / "a.jpg"), [write(tmp_path / "a.xmp", text)])

    assert (facts.camera, facts.lens) == ("SONY DSLR-A550", "18-250mm")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"{}", b"[]", b"[" * 100_000, b"{" * 100_000, b'{"photoTakenTime": 7}'),
        *(b'{"photoTakenTime": {"timestamp": "0"}}', b'{"photoTakenTime": {"timestamp": true}}'),
        b'{"photoTakenTime": {"timestamp": "NaN"}, "geoData": {"latitude": 91, "longitude": 1}}',
        b'{"photoTakenTime": {"timestamp": 1e400}, "geoData": {"latitude": "x", "longitude": []}}',
        b'{"photoTakenTime": {"timestamp": 1' + b"0" * 5000 + b"}}",
        b'{"creationTime": {"timestamp": "1684030272"}}',
        *(b"\xff\xfe{", b"\x89PNG", b"<x>", b"{" + b" " * 5_000_000 + b"}"),
    ],
)
def test_hostile_sidecar_is_ignored(tmp_path, content):
    sidecar = write(tmp_path / "a.json", content)

    facts = read(make_photo(tmp_path / "a.jpg"), [sidecar, tmp_path / "gone.xmp", tmp_path])

    assert facts == read(tmp_path / "a.jpg")
    assert takeout.read(content) == TakeoutFacts()


def test_takeout_time_before_1970_is_read(tmp_path):
    facts = read(
        make_photo(tmp_path / "a.jpg"),
        [google(tmp_path / "a.json", seconds="-86400", latitude=37.5, longitude=127.0)],
    )

    assert (facts.taken_at, facts.taken_from) == (datetime(1969, 12, 31, 9), "takeout")


def test_sidecar_kind_is_detected_by_content(tmp_path):
    whole = google(tmp_path / "a", latitude=37.5, longitude=127.0)
    write(whole, b"\xef\xbb\xbf" + whole.read_bytes())

    assert takeout.read(whole.read_bytes()).position == (37.5, 127.0)
    assert read(make_photo(tmp_path / "a.jpg"), [whole]).latitude == 37.5


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        (b"20220110", b"151544-0400", Moment(datetime(2022, 1, 10, 15, 15, 44), -240)),
        (b"20220110", b"151544", Moment(datetime(2022, 1, 10, 15, 15, 44))),
        (b"20220110", b"151544+0000", Moment(datetime(2022, 1, 10, 15, 15, 44))),
        (b"20220110", b"", Moment(datetime(2022, 1, 10), whole_day=True)),
        (b"20220110", b"noon", Moment(datetime(2022, 1, 10), whole_day=True)),
        (b"", b"151544-0400", None),
        (b"00000000", b"000000", None),
    ],
)
def test_iptc_time_needs_a_day(day, time, expected):
    assert iptc.read({(2, 55): day, (2, 60): time}).taken == expected


def test_iptc_keywords_are_read_in_old_encodings():
    words = ["가족".encode(), "가족".encode("euc_kr"), "Zürich".encode("latin-1")]

    assert iptc.read({(2, 25): words}).keywords == ("가족", "가족", "Zürich")
    assert iptc.read({(2, 25): b"one"}).keywords == ("one",)
    assert iptc.read({}).keywords == ()


@pytest.mark.parametrize("seed", range(30))
def test_mutated_metadata_never_fails(tmp_path, seed):
    """Bytes changed at random, everywhere before the pixels."""
    rng = random.Random(seed)
    path = make_photo(
        tmp_path / "a.jpg",
        exif=make_exif(
            main={WRITTEN: "2007:07:07 07:07:07", RATING: 3, WORDS: "a;b".encode("utf-16-le")},
            shot={SHOT: "2001:01:01 01:01:01", 0x829A: 0.01, 0x8827: 200},
            gps=IN_SEOUL,
        ),
        xmp=packet(attributes='xmp:Rating="4"').encode(),
    )
    good = path.read_bytes()
    for _ in range(20):
        mutated = bytearray(good)
        for _ in range(rng.randint(1, 30)):
            mutated[rng.randrange(20, good.index(b"\xff\xdb"))] = rng.randrange(256)
        path.write_bytes(mutated)
        try:
            with Image.open(path) as image:
                image.load()
        except (OSError, SyntaxError, ValueError):
            continue  # no photo any more
        facts = read(path, [path])
        assert facts.rating is None or -1 <= facts.rating <= 5
        assert facts.latitude is None or -90 <= facts.latitude <= 90
