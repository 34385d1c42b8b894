"""What the album says, in packets of XMP that hold other things, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from album.export.sidecar_content import SidecarContent
from album.export.xmp_document import SidecarError
from album.export.xmp_sidecar import extend_packet, sha256_in, xml_text
from album.metadata import xmp
from tests.support import exiftool

SHA256 = "ab" * 32
RICH = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<!-- by hand -->
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Some editor">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
    xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"
    xmlns:digiKam="http://www.digikam.org/ns/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:darktable="http://darktable.sf.net/"
    xmlns:mine="urn:example:mine" xmlns:own="http://example.com/own#"
    xmp:Rating="3" crs:Exposure2012="+0.35" crs:HasSettings="True" mine:plain="a &amp; b">
   <!-- and this -->
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Title</rdf:li><rdf:li xml:lang="fr">Titre</rdf:li></rdf:Alt></dc:title>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">Ein Hund</rdf:li><rdf:li xml:lang="de">Ein Hund</rdf:li></rdf:Alt></dc:description>
   <dc:subject><rdf:Bag><rdf:li>dog</rdf:li><rdf:li>Curie, Marie</rdf:li></rdf:Bag></dc:subject>
   <lr:hierarchicalSubject><rdf:Bag><rdf:li>People|Marie</rdf:li></rdf:Bag></lr:hierarchicalSubject>
   <crs:ToneCurvePV2012><rdf:Seq><rdf:li>0, 0</rdf:li><rdf:li>255, 255</rdf:li></rdf:Seq></crs:ToneCurvePV2012>
   <crs:MaskGroupBasedCorrections><rdf:Seq><rdf:li><rdf:Description crs:What="Correction"><crs:CorrectionMasks><rdf:Seq><rdf:li crs:What="Mask/Paint"/><rdf:li><rdf:Description crs:What="Mask/Paint"><crs:Dabs><rdf:Seq><rdf:li>d 0.1 0.2</rdf:li></rdf:Seq></crs:Dabs></rdf:Description></rdf:li></rdf:Seq></crs:CorrectionMasks></rdf:Description></rdf:li></rdf:Seq></crs:MaskGroupBasedCorrections>
   <mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name="Marie" mwg-rs:Type="Face"><mwg-rs:Area stArea:x="0.5" stArea:y="0.5"/></rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>
   <digiKam:TagsList><rdf:Seq><rdf:li>People/Marie</rdf:li></rdf:Seq></digiKam:TagsList>
   <own:said xml:lang="ko">한국말</own:said>
   <own:with rdf:parseType="Resource"><own:list><rdf:Bag><rdf:li>x, y</rdf:li><rdf:li>z</rdf:li></rdf:Bag></own:list></own:with>
   <darktable:history><rdf:Seq><rdf:li darktable:num="0" darktable:operation="exposure" darktable:params="00ff"/></rdf:Seq></darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""  # noqa: E501
ALBUM_SAYS = SidecarContent(
    SHA256,
    {"ko": "강아지가 뛴다", "en": "A dog runs"},
    labels=["가족", "dog", "AC/DC | live"],
    givers=["words 0.9312 dog"],
    keywords=["Marie", "summer"],
    rating=3,
)


def packet(elements: str = "", attributes: str = "", names: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f' {names} {attributes} rdf:about="">{elements}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def written(before: bytes, said: SidecarContent, **how: bool) -> bytes:
    after = extend_packet(before, said, **how).packet
    assert after is not None
    return after


def as_exiftool_reads(content: bytes, folder: Path) -> dict[str, Any]:
    path = folder / "read.xmp"
    path.write_bytes(content)
    (facts,) = exiftool.facts_of([path])
    other = ("File:", "System:", "ExifTool:", "SourceFile", "XMP-x:")
    return {name: value for name, value in facts.items() if not name.startswith(other)}


def test_what_the_album_says_comes_back():
    facts = xmp.read(written(b"", ALBUM_SAYS))

    assert facts.captions == ALBUM_SAYS.captions
    assert facts.labels == ("가족", "dog", "AC/DC | live")
    assert facts.label_sources == ("words 0.9312 dog",)
    assert facts.keywords == ("Marie", "summer")
    assert (facts.rating, facts.photo) == (3, SHA256)


def test_independent_reader_finds_the_standard_properties(tmp_path):
    facts = as_exiftool_reads(written(b"", ALBUM_SAYS), tmp_path)

    assert facts["XMP-dc:Description"] == "강아지가 뛴다"
    assert facts["XMP-dc:Description-ko"] == "강아지가 뛴다"
    assert facts["XMP-dc:Description-en"] == "A dog runs"
    assert facts["XMP-dc:Subject"] == ["Marie", "summer", "가족", "dog", "AC/DC | live"]
    assert facts["XMP-lr:HierarchicalSubject"] == ["Album|가족", "Album|dog", "Album|AC/DC ｜ live"]
    assert facts["XMP-xmp:Rating"] == 3


def test_words_are_a_bag_and_descriptions_alternatives():
    text = "".join(written(b"", ALBUM_SAYS).decode().split())

    assert "<dc:subject><rdf:Bag><rdf:li>Marie</rdf:li>" in text
    assert "<lr:hierarchicalSubject><rdf:Bag>" in text
    assert '<dc:description><rdf:Alt><rdf:lixml:lang="x-default">' in text


def test_everything_that_a_sidecar_holds_stays(tmp_path):
    before = as_exiftool_reads(RICH.encode(), tmp_path)
    after = as_exiftool_reads(written(RICH.encode(), ALBUM_SAYS), tmp_path)

    ours = ("XMP-dc:Description-ko", "XMP-dc:Description-en", "XMP-photoAlbum:")
    others = {name: value for name, value in after.items() if not name.startswith(ours)}
    assert others.pop("XMP-dc:Subject") == [
        *("dog", "Curie, Marie", "summer", "가족", "AC/DC | live"),
    ]
    assert others.pop("XMP-lr:HierarchicalSubject")[0] == "People|Marie"
    assert others == {name: value for name, value in before.items() if name in others}
    assert before.keys() - after.keys() == set()


def test_comments_and_namespaces_stay_as_they_are_spelled():
    text = written(RICH.encode(), ALBUM_SAYS).decode()

    assert "<!-- by hand -->" in text
    assert "<!-- and this -->" in text
    assert 'xmlns:mine="urn:example:mine"' in text
    assert text.startswith("<?xpacket begin=")
    assert written(b"", ALBUM_SAYS).startswith(b"<?xml ")


@pytest.mark.parametrize("before", [b"", RICH.encode()])
def test_up_to_date_sidecar_is_not_rewritten(before):
    assert extend_packet(written(before, ALBUM_SAYS), ALBUM_SAYS).packet is None


def test_a_sidecar_in_another_encoding_is_extended():
    after = written(RICH.encode("utf-16"), ALBUM_SAYS)

    assert xmp.read(after).captions["ko"] == "강아지가 뛴다"
    assert "한국말" in after.decode()


def test_removed_metadata_alone_leaves_the_sidecar(tmp_path):
    once = written(RICH.encode(), ALBUM_SAYS)
    less = written(once, SidecarContent(SHA256, {"en": "A dog runs"}, labels=["가족"], rating=3))
    nothing = written(less, SidecarContent(SHA256, {}, rating=3))

    assert xmp.read(less).labels == ("가족",)
    facts = as_exiftool_reads(less, tmp_path)
    assert facts["XMP-dc:Subject"] == ["dog", "Curie, Marie", "summer", "가족"]
    assert facts["XMP-lr:HierarchicalSubject"] == ["People|Marie", "Album|가족"]
    assert "XMP-dc:Description-ko" not in facts
    facts = as_exiftool_reads(nothing, tmp_path)
    assert facts["XMP-dc:Subject"] == ["dog", "Curie, Marie", "summer"]
    assert facts["XMP-lr:HierarchicalSubject"] == ["People|Marie"]
    assert facts["XMP-dc:Description"] == "Ein Hund"
    assert not [name for name in facts if "photoAlbum" in name]


def test_foreign_keyword_outlives_the_label_it_equals():
    before = packet("<dc:subject><rdf:Bag><rdf:li>dog</rdf:li></rdf:Bag></dc:subject>")
    labelled = written(before, SidecarContent(SHA256, {}, labels=["dog"]))

    assert xmp.read(labelled).keywords == ("dog",)
    assert xmp.read(written(labelled, SidecarContent(SHA256, {}))).keywords == ("dog",)


def test_a_label_of_the_album_is_no_keyword():
    facts = xmp.read(written(b"", SidecarContent(SHA256, {}, labels=["dog", "a/b", "c|d"])))

    assert facts.keywords == ()
    assert facts.labels == ("dog", "a/b", "c|d")


def test_foreign_description_and_rating_stay_unless_replaced():
    theirs = packet(
        '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">mine</rdf:li>'
        '<rdf:li xml:lang="ko">내 글</rdf:li></rdf:Alt></dc:description>',
        'xmp:Rating="5"',
    )
    said = SidecarContent(SHA256, {"ko": "앨범의 글", "en": "of the album"}, rating=2)

    kept = extend_packet(theirs, said)
    replaced = extend_packet(theirs, said, replace=True)

    assert kept.packet is not None
    assert replaced.packet is not None
    assert xmp.read(kept.packet).captions == {"ko": "내 글", "en": "of the album", "": "mine"}
    assert xmp.read(kept.packet).rating == 5
    assert len(kept.notes) == 2
    assert xmp.read(replaced.packet).captions == said.captions
    assert xmp.read(replaced.packet).rating == 2
    assert replaced.notes == ()


def test_album_values_follow_the_album():
    first = written(b"", SidecarContent(SHA256, {"ko": "하나", "": "by hand"}, rating=1))
    then = extend_packet(first, SidecarContent(SHA256, {"ko": "둘"}, rating=-1))

    assert then.notes == ()
    assert then.packet is not None
    facts = xmp.read(then.packet)
    assert facts.captions == {"ko": "둘"}
    assert facts.rating == -1


def test_caption_of_unknown_language_is_the_default():
    said = SidecarContent(SHA256, {"": "강아지", "ko": "강아지"})
    after = written(b"", said)

    assert xmp.alternatives(xmp.parse_xml(after.decode().partition("?>")[2]), "dc:description") == {
        "x-default": "강아지",
        "ko": "강아지",
    }
    assert xmp.read(after).captions == said.captions


@pytest.mark.parametrize(
    "text",
    [
        'lang="fr" x, lang="ko" y', ']]> <&> "quoted" &amp; &#1;', "👨‍👩‍👧 🇰🇷 e\u0301 \U0010ffff",
        "\u202eabc\u202c שלום", "a\r\nb\tc\n\n d ", "type=Bag x", "\ufeff가" * 3, "가 " * 33_333,
    ],
    ids=range(8),
)  # fmt: skip
def test_any_text_comes_back_letter_for_letter(text):
    after = written(
        b"", SidecarContent(SHA256, {"ko": text, "": text + "!"}, labels=[text[:90], "b"])
    )
    facts = xmp.read(after)

    assert facts.captions == {"ko": text, "": text + "!"}
    assert facts.labels == (text[:90], "b")
    assert (
        extend_packet(after, SidecarContent(SHA256, facts.captions, labels=facts.labels)).packet
        is None
    )


def test_invalid_xml_characters_are_removed_and_reported():
    result = extend_packet(
        b"", SidecarContent(SHA256, {"en": "a\x01\x1bb\ud800c\ufffe"}, labels=["x\x00y"])
    )

    assert result.packet is not None
    assert xmp.read(result.packet).captions == {"en": "abc"}
    assert xmp.read(result.packet).labels == ("xy",)
    assert "control characters" in result.notes[0]
    assert xml_text("tab\tnew\nline\r") == "tab\tnew\nline\r"


BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
EVIL = (
    'xmlns:lr="urn:evil/"',
    'xmlns:photoAlbum="urn:evil/"',
)


@pytest.mark.parametrize(
    "broken",
    [
        b"<x", b"hello", b"<a/>", b"\xff\xfe<", packet()[:200],
        packet("\xe9").replace(b"\xc3", b""),
        BOMB + packet(), packet("text"), packet("<a/>" * 200_000),
        packet('<dc:a rdf:parseType="Resource">' * 300 + "<dc:b>x</dc:b>" + "</dc:a>" * 300),
        packet("<xmp:Rating>4</xmp:Rating>", 'xmp:Rating="3"'),
        packet().replace(b"</rdf:RDF>", b"</rdf:RDF><other/>"),
        packet().replace(b'about=""', b'about="one"').replace(
            b"<rdf:Desc", b'<rdf:Description rdf:about="other"/><rdf:Desc'),
        packet('<dc:subject><rdf:Bag><rdf:li rdf:parseType="Literal"><b>x</b></rdf:li></rdf:Bag>'
               "</dc:subject>"),
        packet("<dc:title><rdf:Alt><rdf:li xml:lang='ko'>1</rdf:li>"
               "<rdf:li xml:lang='ko'>2</rdf:li></rdf:Alt></dc:title>"),
        *(packet("<lr:a/>" * ("lr" in evil), "", evil) for evil in EVIL),
        packet() + b" " * xmp.MAX_BYTES,
    ],
    ids=range(18),
)  # fmt: skip
def test_broken_sidecar_is_refused_in_one_sentence(broken):
    with pytest.raises(SidecarError, match=r"\.$"):
        extend_packet(broken, ALBUM_SAYS)

    assert xmp.read(written(b"", ALBUM_SAYS)).captions == ALBUM_SAYS.captions  # none the worse


def test_what_the_writer_would_change_is_never_written():
    times = 'exif:GPSTimeStamp="10:00:00" exif:DateTimeOriginal="2020-01-01T10:00:00"'
    odd = packet("", times, 'xmlns:exif="http://ns.adobe.com/exif/1.0/"')

    with pytest.raises(SidecarError, match="GPSTimeStamp"):
        extend_packet(odd, ALBUM_SAYS)


def test_too_long_caption_is_refused():
    with pytest.raises(SidecarError, match="become too long"):
        extend_packet(b"", SidecarContent(SHA256, {"en": "a" * xmp.MAX_BYTES}))


def test_album_sidecar_names_its_photo():
    assert sha256_in(written(b"", ALBUM_SAYS)) == SHA256
    assert sha256_in(RICH.encode()) is None
    assert sha256_in(b"<") is None
