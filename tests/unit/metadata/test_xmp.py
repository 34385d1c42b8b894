from datetime import datetime

import pytest

from album.metadata import xmp
from album.metadata.capture_time import Moment
from album.metadata.xmp import XmpFacts

NAMESPACES = " ".join(
    f'xmlns:{prefix}="{name}"'
    for prefix, name in {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "aux": "http://ns.adobe.com/exif/1.0/aux/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "digiKam": "http://www.digikam.org/ns/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "lr": "http://ns.adobe.com/lightroom/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
    }.items()
)


def packet(elements="", attributes="", before=""):
    return (
        f'{before}<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {NAMESPACES}>'
        f'<rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>" + " " * 2000 + '<?xpacket end="w"?>'
    )


def read(elements="", attributes=""):
    return xmp.read(packet(elements, attributes).encode())


STARS = XmpFacts(rating=4)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_packet_is_read_in_every_encoding(encoding):
    text = packet(
        "<dc:subject><rdf:Bag><rdf:li>가족</rdf:li></rdf:Bag></dc:subject>", 'xmp:Rating="4"'
    )

    assert xmp.read(text.encode(encoding)) == XmpFacts(rating=4, keywords=("가족",))


def test_property_is_read_from_attribute_and_element():
    assert read(attributes='xmp:Rating="4"') == STARS
    assert read("<xmp:Rating>4</xmp:Rating>") == STARS


def test_bare_rdf_and_several_descriptions_are_read():
    one = '<rdf:Description xmp:Rating="4"/><rdf:Description aux:Lens="EF 50mm"/>'
    facts = xmp.read(f"<rdf:RDF {NAMESPACES}>{one}</rdf:RDF>".encode())

    assert facts == XmpFacts(rating=4, lens="EF 50mm")


def test_padding_and_wrong_declaration_are_ignored():
    text = packet(attributes='xmp:Rating="4"', before='<?xml version="1.0" encoding="EUC-KR"?>')

    assert xmp.read(b"  \n" + text.encode() + b"\0" * 50) == STARS


def test_packet_dates_are_ordered_by_trust():
    shot = 'exif:DateTimeOriginal="2001-01-01T01:00:00"'
    created = 'photoshop:DateCreated="2002-02-02T02:00:00.25+09:00"'
    digital = 'xmp:CreateDate="2003-03-03T03:00:00Z"'

    assert read("", f"{digital} {created} {shot}").taken == Moment(datetime(2001, 1, 1, 1))
    assert read("", f"{digital} {created}").taken == Moment(
        datetime(2002, 2, 2, 2, 0, 0, 250_000), 540
    )
    assert read("", digital).taken == Moment(datetime(2003, 3, 3, 3), 0)
    assert read("", f'{digital} photoshop:DateCreated="0000"').taken.at.year == 2003


def test_packet_time_of_same_day_is_preferred():
    day = 'photoshop:DateCreated="2003-08-31"'

    assert read("", day + ' xmp:CreateDate="2003-08-31T10:00:00"').taken.at.hour == 10
    assert read("", day + ' xmp:CreateDate="2005-12-17T10:00:00"').taken.at == datetime(2003, 8, 31)


def test_gps_time_is_separate():
    facts = read("", 'exif:GPSTimeStamp="2023-11-15T12:30:00Z"')

    assert facts == XmpFacts(gps_time=datetime(2023, 11, 15, 12, 30))
    assert read("", 'exif:GPSTimeStamp="2023-11-15"').gps_time is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        *(("0", 0), ("5", 5), ("-1", -1), ("3.0", 3), (" 2 ", 2)),
        *((bad, None) for bad in ("6", "-2", "", "many", "nan", "1e1", "99999999999", "²")),
    ],
)
def test_rating_is_0_to_5_or_rejected(written, expected):
    assert read("", f'xmp:Rating="{written}"').rating == expected


def test_keywords_are_flat_and_tree_leaves():
    def words(*written):
        return "<rdf:Bag>" + "".join(f"<rdf:li>{word}</rdf:li>" for word in written) + "</rdf:Bag>"

    facts = read(
        f"<digiKam:TagsList>{words('People/Marie', 'Places/France/Paris')}</digiKam:TagsList>"
        f"<lr:hierarchicalSubject>{words('Trips|2023|봄')}</lr:hierarchicalSubject>"
        f"<dc:subject>{words('AC/DC', 'Marie')}</dc:subject>"
    )

    assert facts.keywords == ("AC/DC", "Marie", "봄", "Marie", "Paris")
    assert facts.parents == ("Trips", "2023", "People", "Places", "France")
    assert read("<dc:subject>alone</dc:subject>").keywords == ("alone",)


def test_album_branch_gives_no_parent():
    """Another program may have dropped the album's own properties."""
    facts = read("<lr:hierarchicalSubject>Album|dog</lr:hierarchicalSubject>")

    assert (facts.keywords, facts.parents) == (("dog",), ())


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("37,30.6N", "127,0.0E", (37.51, 127.0)),
        ("37,30,36S", "127,0,0W", (-37.51, -127.0)),
        ("37.51N", "127.0E", (37.51, 127.0)),
        ("37,30.6n", "127,0e", (37.51, 127.0)),
        *(("91,0N", "0,1E", None), ("37,30.6E", "127,0.0N", None), ("37,30.6", "127,0", None)),
        *(("0,0N", "0,0E", None), ("37,30.6N", "", None), ("9" * 400 + "N", "1,0E", None)),
    ],
)
def test_position_is_read_as_xmp_writes_it(latitude, longitude, expected):
    facts = read("", f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"')

    assert facts.position == (None if expected is None else pytest.approx(expected))


def test_camera_and_lens_are_short_lines():
    facts = read("", 'tiff:Make="Canon" tiff:Model="Canon EOS 40D" aux:Lens="EF&#x202e;50mm"')

    assert (facts.camera, facts.lens) == ("Canon EOS 40D", "EF 50mm")


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
FILE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "hostile",
    [
        *(
            b"",
            b"\0" * 100,
            b"<",
            b">",
            b"< >",
            b"\xff\xfe",
            b"\xff\xfe<",
            b"<\0",
            b"\0\0\xfe\xff<",
        ),
        *(packet(attributes='xmp:Rating="4"').encode()[:length] for length in (50, 300, 600)),
        packet("<xmp:Rating>&c;</xmp:Rating>", before=BOMB).encode(),
        packet("<aux:Lens>&c;</aux:Lens>", before=FILE).encode(),
        packet("<aux:Lens>\x01</aux:Lens>").encode(),
        packet(attributes='xmp:Rating="4" xmp:Rating="4"').encode(),
        packet("<a>" * 200_000 + "</a>" * 200_000).encode(),
        packet('<aux:Lens rdf:resource="x"/><dc:subject><rdf:Bag/></dc:subject>').encode(),
        b"<rdf:RDF/>",
        b'<x xmlns="adobe:ns:meta/"/>',
    ],
)
def test_hostile_packet_is_ignored(hostile):
    assert xmp.read(hostile) == XmpFacts()


def test_packet_with_too_many_tags_is_ignored():
    def described(tags):
        return read("<dc:title/>" * tags, 'xmp:Rating="4"')

    assert described(199_900) == STARS
    assert described(200_000) == XmpFacts()


def test_packet_is_ignored_when_too_long():
    long = packet(attributes='xmp:Rating="4"').encode() + b" " * xmp.MAX_BYTES

    assert xmp.read(long) == XmpFacts()
    assert xmp.read(long[: xmp.MAX_BYTES]) == STARS
