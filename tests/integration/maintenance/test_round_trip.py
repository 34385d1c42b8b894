"""Captions, labels and stars out of one album through sidecars into another, which is empty."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from album.domain.captions import MAX_CAPTION_LENGTH
from album.domain.labels import MAX_LABELS, GivenLabel
from album.domain.photo import Caption, Photo
from album.export.exporter import PhotoExport
from album.export.sidecar_content import SidecarContent
from album.export.verification import verify_export
from album.export.xmp_sidecar import extend_packet
from album.service import Album
from album.storage.captions import CaptionStore
from tests.support import exiftool
from tests.support.captioning import set_caption
from tests.support.images.make import make_photo
from tests.support.importing import opened, take_in, upload

AT = datetime(2026, 11, 21, 10, 30, 5)
BY_GEMINI = ("gemini-3.5-flash-lite", AT, "a1b2c3")
STARS = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/>
</rdf:RDF></x:xmpmeta>"""
FOREIGN = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Strand</rdf:li>
<rdf:li xml:lang="ko">바닷가</rdf:li></rdf:Alt></dc:description>
<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
ODD_LABELS = [
    *('"quoted"', "it's", "a, b", "a", "b", "AC/DC | live", "x|y", "<&>", "가족 여행", "👨‍👩‍👧 🇰🇷"),
    "words 0.5000 dog",
]
CAPTIONS = {
    "red.jpg": [
        Caption('강아지가 "뛴다"\n해변에서 🐕', "ko", *BY_GEMINI),
        Caption('A dog\'s <run> & more,\n\n at the "sea" \u202e', "en", *BY_GEMINI),
    ],
    "blue.jpg": [
        Caption(("가나다 🐕" * 400)[:MAX_CAPTION_LENGTH], "ko", *BY_GEMINI),
        Caption(("long " * 400)[:MAX_CAPTION_LENGTH].strip(), "en", "coca/x", AT, ""),
    ],
    "green.jpg": [Caption("우리 집, by hand | 'mine'", "", None, AT)],
    "white.jpg": [],
}
LABELS = {
    "red.jpg": [GivenLabel(label, "person", None) for label in sorted(ODD_LABELS)],
    "blue.jpg": [
        GivenLabel("dog", "words", 0.9312),
        GivenLabel("개", "examples", 0.5),
        GivenLabel("모델, a/b", "model", 1.0),
    ],
    "green.jpg": [],
    "white.jpg": [GivenLabel("하양", "person", None)],
}


def out_of(album: Album) -> PhotoExport:
    return PhotoExport(album.store, album.labels, album.originals)


def by_name(album: Album) -> dict[str, Photo]:
    return {it.filename: it for it in album.store.all_photos()}


def captions_of(album: Album, photo: Photo) -> list[Caption]:
    return list(album.caption_store.captions_by_language(photo.photo_id).values())


def everything(album: Album) -> dict[str, tuple[list[Caption], list[GivenLabel], int | None]]:
    return {
        name: (captions_of(album, it), album.labels.get(it.photo_id), it.rating)
        for name, it in sorted(by_name(album).items())
    }


def bytes_of_sidecars(folder: Path) -> dict[str, bytes]:
    return {it.name: it.read_bytes() for it in sorted(folder.glob("*.xmp"))}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    for name in CAPTIONS:
        make_photo(tmp_path / "mine" / name, name.removesuffix(".jpg"))
    for name in ("red.jpg", "green.jpg"):
        (tmp_path / "mine" / f"{name}.xmp").write_text(STARS)
    return tmp_path / "mine"


@pytest.fixture
def full(album: Album, mine: Path) -> Album:
    """An album that says much of the photos of `mine`."""
    take_in(album, [mine])
    captions = CaptionStore(album.database)
    for name, photo in by_name(album).items():
        for caption in CAPTIONS[name]:
            captions.put(photo.photo_id, caption)
        album.labels.restore(photo.photo_id, LABELS[name])
    return album


@pytest.fixture
def other(tmp_path: Path, towns: Path) -> Iterator[Album]:
    """An album with nothing in it."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "places").symlink_to(towns)
    album = opened(tmp_path / "other")
    yield album
    album.close()


def in_place(other: Album, folder: Path) -> None:
    take_in(other, [folder])


def as_copies(other: Album, folder: Path) -> None:
    take_in(other, [folder], copy=True)


def as_uploads(other: Album, folder: Path) -> None:
    waiting = shutil.copytree(folder, folder.with_name("uploaded"))
    upload(other, [(it, it.name) for it in waiting.iterdir()])


def as_zip(other: Album, folder: Path) -> None:
    packed = folder.with_name("some.zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for it in folder.iterdir():
            archive.write(it, f"some/{it.name}")
    take_in(other, [packed])


@pytest.mark.parametrize("way", [in_place, as_copies, as_uploads, as_zip])
def test_metadata_round_trips_by_every_import(
    full, other, tmp_path, way: Callable[[Album, Path], None]
):
    assert out_of(full).export(tmp_path / "out", with_photos=True).failed == []

    way(other, tmp_path / "out")

    assert everything(other) == everything(full)
    assert everything(full)["red.jpg"][0] == sorted(CAPTIONS["red.jpg"], key=lambda it: it.language)
    assert everything(full)["red.jpg"][2] == 4
    again = out_of(other).export(tmp_path / "again")
    assert again.failed == again.notes == []
    assert bytes_of_sidecars(tmp_path / "again") == bytes_of_sidecars(tmp_path / "out")


def test_metadata_round_trips_beside_photos_without_rewriting(full, other, mine):
    out_of(full).export(None)
    before = bytes_of_sidecars(mine)

    take_in(other, [mine])

    assert everything(other) == everything(full)
    assert out_of(other).export(None).unchanged == len(CAPTIONS)
    assert out_of(full).export(None).unchanged == len(CAPTIONS)
    assert bytes_of_sidecars(mine) == before


def test_an_independent_reader_finds_the_same(full, mine):
    out_of(full).export(None)

    read = {
        Path(it["SourceFile"]).name.removesuffix(".xmp"): it
        for it in exiftool.facts_of(sorted(mine.glob("*.xmp")))
    }

    assert read.keys() == CAPTIONS.keys()
    for name, facts in read.items():
        for caption in CAPTIONS[name]:
            ending = f"-{caption.language}" if caption.language else ""
            assert facts[f"XMP-dc:Description{ending}"] == caption.text
        words = facts.get("XMP-dc:Subject", [])
        labels = [it.label for it in LABELS[name]]
        assert sorted(map(str, [words] if isinstance(words, str) else words)) == sorted(labels)
        branches = facts.get("XMP-lr:HierarchicalSubject", [])
        assert sorted([branches] if isinstance(branches, str) else branches) == sorted(
            f"Album|{label.replace('|', '｜')}" for label in labels
        )
    assert [read[it].get("XMP-xmp:Rating") for it in ("red.jpg", "green.jpg")] == [4, 4]


def test_read_back_finds_no_difference_without_opening_photos(full, mine, tmp_path):
    out_of(full).export(None)
    out_of(full).export(tmp_path / "sidecars")
    for photo in mine.glob("*.jpg"):
        photo.write_bytes(b"")
    before = bytes_of_sidecars(mine)

    for folder in (None, tmp_path / "sidecars"):
        report = verify_export(full.store, full.labels, full.originals, folder)

        assert (report.differences, report.same) == ([], len(CAPTIONS))
    assert bytes_of_sidecars(mine) == before


def test_reading_back_tells_apart_labels_with_commas(full, mine):
    out_of(full).export(None)
    white = by_name(full)["white.jpg"].photo_id
    full.labels.set_by_person(white, ["a, b"])
    out_of(full).export(None)
    full.labels.set_by_person(white, ["a", "b"])

    report = verify_export(full.store, full.labels, full.originals, None)

    assert [it.what for it in report.differences] == ["labels"]


def test_read_back_compares_photos_in_the_folder(full, other, tmp_path):
    out = tmp_path / "out"
    out_of(full).export(out, with_photos=True)
    make_photo(out / "white.jpg", "orange", size=(50, 50))

    report = verify_export(full.store, full.labels, full.originals, out)
    take_in(other, [out])

    assert [(it.filename, it.what) for it in report.differences] == [("white.jpg", "labels")]
    assert everything(other)["white.jpg"] == ([], [], None)


# Whose words they are


def test_foreign_metadata_becomes_neither_caption_nor_label(album, mine):
    (mine / "red.jpg.xmp").write_text(FOREIGN)

    take_in(album, [mine])

    assert everything(album)["red.jpg"] == ([], [], None)
    assert album.store.keywords_of(by_name(album)["red.jpg"].photo_id) == ["sea"]


def test_foreign_default_description_stays_foreign(album, other, mine):
    (mine / "red.jpg.xmp").write_text(FOREIGN)
    take_in(album, [mine])
    red = by_name(album)["red.jpg"].photo_id
    set_caption(album.database, red, "The sea", "en")
    out_of(album).export(None)

    take_in(other, [mine])

    assert [it.text for it in everything(other)["red.jpg"][0]] == ["The sea"]
    assert "Strand" in (mine / "red.jpg.xmp").read_text()
    assert verify_export(album.store, album.labels, album.originals, None).differences == []


def test_equal_foreign_caption_is_restored_and_stays_foreign(album, other, mine):
    (mine / "red.jpg.xmp").write_text(FOREIGN)
    take_in(album, [mine])
    red = by_name(album)["red.jpg"].photo_id
    CaptionStore(album.database).put(red, Caption("바닷가", "ko", *BY_GEMINI))
    out_of(album).export(None)

    take_in(other, [mine])
    set_caption(album.database, red, "")
    out_of(album).export(None)

    assert everything(other)["red.jpg"][0] == [Caption("바닷가", "ko", *BY_GEMINI)]
    assert "바닷가" in (mine / "red.jpg.xmp").read_text()
    assert "Writers" not in (mine / "red.jpg.xmp").read_text()


def test_caption_edited_in_sidecar_is_locked_by_hand(full, other, mine):
    out_of(full).export(None)
    sidecar = mine / "red.jpg.xmp"
    ours, sign, theirs = sidecar.read_text().partition("</dc:description>")
    sidecar.write_text(ours.replace("강아지가", "고양이가") + sign + theirs)
    assert theirs.count("강아지가") == 1  # what the album knows that it wrote

    take_in(other, [mine])

    by_language = other.caption_store.captions_by_language(by_name(other)["red.jpg"].photo_id)
    assert by_language["ko"].by_hand
    assert by_language["ko"].text.startswith("고양이가")
    assert by_language["en"].model_id == BY_GEMINI[0]
    assert other.caption_store.locked([by_name(other)["red.jpg"].photo_id])


def test_sidecar_of_another_photo_is_ignored(full, other, tmp_path):
    out_of(full).export(tmp_path / "out")
    make_photo(tmp_path / "out" / "red.jpg", "orange")

    take_in(other, [tmp_path / "out"])

    assert everything(other) == {"red.jpg": ([], [], 4)}


def test_forged_sidecar_gains_no_extra_rights(album, mine):
    take_in(album, [mine / "white.jpg"])
    (white,) = album.store.all_photos()
    said = SidecarContent(
        white.sha256,
        {"en": " " + "x" * 50_000, "ko": "가"},
        {"en": "never", "ko": "2026-11-21T10:30:05 1 gem"},
        ["a" * 101, "  two\nlines ", *(f"label {number}" for number in range(2000))],
        ["model 9.0000 label 1", "god 0.5000 label 2", "words 0.5000 label 3"],
    )
    packet = extend_packet(b"", said).packet
    assert packet is not None
    (mine / "white.jpg.xmp").write_bytes(packet)

    take_in(album, [mine / "white.jpg"])

    captions, labels, _ = everything(album)["white.jpg"]
    assert [len(it.text) for it in captions] == [MAX_CAPTION_LENGTH, 1]
    assert [it.model_id for it in captions] == [None, "gem"]
    given = {it.label: it for it in labels}
    assert len(given) == MAX_LABELS
    assert "two lines" in given
    assert {given[f"label {number}"].given_by for number in (1, 2)} == {"person"}
    assert given["label 3"] == GivenLabel("label 3", "words", 0.5)


# Photos that are there already


def test_later_sidecar_fills_a_photo_without_text(full, other, mine):
    for sidecar in mine.glob("*.xmp"):
        sidecar.rename(sidecar.with_suffix(".away"))
    take_in(other, [mine])
    for sidecar in mine.glob("*.away"):
        sidecar.rename(sidecar.with_suffix(".xmp"))
    out_of(full).export(None)

    report = take_in(other, [mine])

    assert report.record.updated == len(CAPTIONS)
    assert everything(other) == everything(full)


def test_sidecars_apply_to_photos_stored_elsewhere(full, other, mine, tmp_path):
    shutil.copytree(mine, tmp_path / "theirs", ignore=shutil.ignore_patterns("*.xmp"))
    take_in(other, [tmp_path / "theirs"])
    out_of(full).export(tmp_path / "out", with_photos=True)

    take_in(other, [tmp_path / "out"])

    assert [it[:2] for it in everything(other).values()] == [
        it[:2] for it in everything(full).values()
    ]
    assert by_name(other)["red.jpg"].path == tmp_path / "theirs" / "red.jpg"


def test_existing_metadata_is_neither_replaced_nor_extended(full, other, mine, tmp_path):
    take_in(other, [mine])
    for photo in other.store.all_photos():
        set_caption(other.database, photo.photo_id, "mine", "en")
        other.labels.set_by_person(photo.photo_id, ["mine"])
    before = everything(other)
    out_of(full).export(None)

    assert take_in(other, [mine]).record.updated == len(CAPTIONS)

    assert everything(other) == before


def test_removed_metadata_does_not_return_with_sidecar(full, other, mine):
    out_of(full).export(None)
    take_in(other, [mine])
    red, blue, white = (by_name(other)[it].photo_id for it in ("red.jpg", "blue.jpg", "white.jpg"))
    other.captions.write(red, "")
    other.labels.set_by_person(red, ["a"])
    for label in LABELS["blue.jpg"]:
        other.labels.refuse(label.label, [blue])
    other.labels.refuse("하양", [white])
    before = everything(other)
    for sidecar in mine.glob("*.xmp"):
        sidecar.write_text(sidecar.read_text() + " \n")

    assert take_in(other, [mine]).record.updated == len(CAPTIONS)

    assert everything(other) == before
    assert before["red.jpg"][0] == before["blue.jpg"][1] == before["white.jpg"][1] == []


def test_photos_with_sidecar_captions_skip_the_captioner(full, other, mine):
    out_of(full).export(None)

    upload(other, [(it, it.name) for it in mine.iterdir()], caption_language="ko")

    waiting = other.captions.drain()
    assert waiting == 1
    assert [it for it in CAPTIONS if not CAPTIONS[it]] == ["white.jpg"]
    assert other.caption_store.captions_by_language(by_name(other)["white.jpg"].photo_id)
    assert everything(other)["red.jpg"][0] == everything(full)["red.jpg"][0]
