"""What the page and the README suggest finds real photos, with the embedded model."""

from __future__ import annotations

import csv
import json
import re
import tarfile
from pathlib import Path

import pytest

from album.service import Album
from album.ui import i18n
from album.ui.search.layout import EXAMPLES
from models.classifiers.factory import DefaultClassifiers
from tests.benchmarks.precision import LABELLED
from tests.support.fakes import DecodeHere, FakeCaptioner
from tests.support.importing import take_in

SNAPSHOTS = LABELLED.parent / "pocket-data" / "flickr8k.tar"
HELD_OUT = Path(__file__).parents[2] / "models" / "pocket" / "texts" / "held-out-photos.csv"
CATS = "tiger|tiger cat|Siamese cat|lynx|snow leopard|cougar|cheetah|lion|leopard|jaguar"
SHOWN = {
    "example_1": CATS,
    "example_2": "beach|sand|shore|sea|ocean|surf|waves?",
    "example_3": "snow|sled|husky|dogsled|Saint Bernard|malamute|Siberian husky",
    "example_4": "dining table|food|meal|eats?|eating|plate|wok|burrito|potpie|pizza",
    "example_5": "mountains?|volcano|alp|cliff|promontory|sunset|hills?",
}
"""Words of which one is in the description of a photo that an example means."""


@pytest.fixture(scope="module")
def descriptions(tmp_path_factory) -> dict[str, str]:
    """What each photo of the album shows, by file name."""
    if not LABELLED.is_dir() or not SNAPSHOTS.is_file():
        pytest.skip("the photos are not on this machine")
    with (LABELLED / "classes.csv").open(encoding="utf-8", newline="") as file:
        shown = {row["file"]: row["class"] for row in csv.DictReader(file)}
    with HELD_OUT.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            shown[row["file"]] = f"{shown.get(row['file'], '')} {row['en']}"
    return shown


@pytest.fixture(scope="module")
def real_album(tmp_path_factory, descriptions, pocket, towns):
    folder = tmp_path_factory.mktemp("real")
    photos = folder / "photos"
    photos.mkdir()
    with tarfile.open(SNAPSHOTS) as tar:
        for member in tar:
            name = Path(member.name).name
            if name in descriptions and (content := tar.extractfile(member)):
                (photos / name).write_bytes(content.read())
    (folder / "data").mkdir()
    (folder / "data" / "places").symlink_to(towns)
    album = Album(folder / "data", DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    album.active.set_encoder(pocket, fill=False)
    take_in(album, [photos, LABELLED / "photos"])
    yield album
    album.close()


def say(language: str, key: str) -> str:
    catalog = Path(i18n.__file__).with_name(f"{language}.json")
    text: str = json.loads(catalog.read_text("utf-8"))[key]
    return text


def first_five(album: Album, text: str) -> list[str]:
    return [hit.photo.filename for hit in album.search.find(text).hits[:5]]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("key", EXAMPLES)
def test_example_of_the_page_finds_photos(real_album, descriptions, key, language):
    names = first_five(real_album, say(language, key))

    shown = [descriptions[name] for name in names]
    assert [text for text in shown if re.search(rf"\b(?:{SHOWN[key]})\b", text)], shown


@pytest.mark.parametrize("language", ["en", "ko"])
def test_placeholder_of_the_box_finds_photos(real_album, descriptions, language):
    (suggested,) = re.findall("“(.+?)”", say(language, "query_hint"))
    shown = [descriptions[name] for name in first_five(real_album, suggested)]

    assert [text for text in shown if re.search(rf"\b(?:{SHOWN['example_3']})\b", text)], shown


@pytest.mark.parametrize(
    "spellings",
    [
        ("dog", "dogs", "Dog!!", "DOG", "a dog", "🐶", "photos of dogs"),
        ("cat", "cats", "Cat?"),
        ("강아지", "강아지를", "강아지랑", "강아지가 있는 사진", "강아지들", "강아지 보여줘"),
        ("눈 오는 날 강아지", "눈이 오는 날 강아지", "눈오는날 강아지"),
    ],
)
def test_spelling_does_not_change_the_answer(real_album, spellings):
    pages = [real_album.search.find(spelling, limit=1_000) for spelling in spellings]

    answers = {tuple(hit.photo.photo_id for hit in page.hits) for page in pages}
    assert len(answers) == 1
    assert pages[0].total > 0


def test_unclear_colour_is_admitted(real_album):
    """Pocket sees no colours of cars: it may leave none out, but has to say so."""
    cars = real_album.search.find("car")
    others = real_album.search.find("car but not red")

    (chip,) = others.query.chips
    assert others.is_idle(chip) == (others.sure + others.maybe == cars.sure + cars.maybe)
