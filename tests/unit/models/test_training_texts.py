"""Texts in two languages: read from tables, put into templates, composed from building blocks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from models.errors import ModelError
from models.training.compose import compose, read_slots, subject
from models.training.sentence_targets import gather, read_texts_config, targets_of
from models.training.texts import Meaning, hurried, in_templates, read_texts, without_spaces
from models.training.tokenizer import tables_in

TEXTS = Path("models/pocket/texts")


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_cell_holds_several_texts_of_one_meaning(tmp_path):
    table = written(tmp_path / "a.csv", "en,ko\npuppy|little dog,강아지| 멍멍이 \nsea,\n")
    assert read_texts([table]) == [
        Meaning(("puppy", "little dog"), ("강아지", "멍멍이")),
        Meaning(("sea",), ()),
    ]


def test_a_table_without_its_columns_is_refused(tmp_path):
    with pytest.raises(ModelError, match="lacks the column"):
        read_texts([written(tmp_path / "a.csv", "en,fr\ndog,chien\n")])


def test_short_names_use_album_templates():
    names = [
        Meaning(("cat",), ("고양이",)),
        Meaning(("a cat on the roof of a house",), ("고양이",)),
    ]
    made = in_templates(names, random.Random(0), 20)
    assert len(made) == 20
    assert {meaning.en[0] for meaning in made} == {"cat", "a photo of a cat", "a photo of cat"}
    assert {meaning.ko[0] for meaning in made} == {"고양이", "고양이 사진"}


def test_spaces_are_left_out_and_nothing_else():
    rng = random.Random(0)
    made = {without_spaces("비 오는 날 우산 쓴 사람", rng) for _ in range(50)}
    assert "비오는날우산쓴사람" in made
    assert {text.replace(" ", "") for text in made} == {"비오는날우산쓴사람"}
    many = [Meaning(("rain",), ("비 오는 날",))] * 200
    assert 30 < len(hurried(many, rng)) < 90
    assert hurried([Meaning(("rain",), ("비",)), Meaning(("rain",), ())], rng) == []


@pytest.mark.parametrize(
    ("noun", "forms"), [("강아지", {"강아지가", "강아지는"}), ("사람", {"사람이", "사람은"})]
)
def test_korean_particle_follows_last_sound(noun, forms):
    rng = random.Random(0)
    assert {subject(noun, rng) for _ in range(30)} == forms


def test_composed_captions_say_the_same_in_both_languages():
    slots = read_slots(TEXTS / "slots.csv")
    korean: dict[str, set[str]] = {}
    for name in ("does", "animal_does", "wear"):
        for block in slots[name]:
            korean.setdefault(block.en, set()).update(filter(None, (block.ko, block.ko_full)))
    made = compose(slots, 400, random.Random(0))
    assert len({meaning.en for meaning in made}) > 380
    checked = 0
    for meaning in made:
        endings = [english for english in korean if meaning.en[0].endswith(f" {english}")]
        if endings:
            longest = max(endings, key=len)
            assert any(form in meaning.ko[0] for form in korean[longest]), meaning
            checked += 1
    assert checked > 100


def test_block_table_without_columns_is_refused(tmp_path):
    with pytest.raises(ModelError, match="lacks the column ko_full"):
        read_slots(written(tmp_path / "slots.csv", "slot,en,ko\nperson,a man,남자\n"))


def test_held_out_texts_are_never_trained_on():
    tables = tables_in([TEXTS])
    assert len(tables) > 15
    trained = {(m.en, m.ko) for m in read_texts(tables)}
    held = read_texts([TEXTS / "held-out-sentences.csv"])
    assert len(held) == 300
    assert not trained & {(m.en, m.ko) for m in held}
    photos = read_texts([TEXTS / "held-out-photos.csv"])
    korean = {text for _, ko in trained for text in ko}
    assert len(photos) == 300
    assert not korean & {text for m in photos for text in m.ko}


def test_hand_written_texts_cover_both_languages():
    words = read_texts(sorted(TEXTS.glob("words-*.csv")))
    sentences = read_texts(sorted(TEXTS.glob("sentences-*.csv")))
    assert len(words) >= 8000
    assert len(sentences) >= 4000
    for meaning in words + sentences:
        assert meaning.en
        assert any("가" <= letter <= "힣" for text in meaning.ko for letter in text), meaning


class CountingEncoder:
    """Each English text gets a direction of its own, from its letters."""

    def encode(self, texts):
        import numpy as np

        rows = np.stack(
            [np.bincount([ord(c) % 16 for c in text], minlength=16) for text in texts]
        ).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_korean_takes_target_of_its_english():
    meanings = [Meaning(("dog", "puppy"), ("개",)), Meaning(("sea",), ()), Meaning((), ("섬",))]
    texts, targets = targets_of(meanings, CountingEncoder())
    assert texts == ["dog", "puppy", "개", "sea"]
    middle = targets[0] + targets[1]
    assert targets[2] == pytest.approx(middle / (middle @ middle) ** 0.5, abs=1e-6)
    assert (targets * targets).sum(1) == pytest.approx([1.0] * 4, abs=1e-6)


def test_targets_are_made_by_a_recipe(tmp_path):
    table = written(tmp_path / "a.csv", "en,ko\ncat,고양이\n")
    path = written(
        tmp_path / "texts.yaml",
        f"encoder: nowhere\nout: targets.npz\n"
        f"tables: [{{path: {table}, times: 3, templates: 2}}]\n",
    )
    meanings = gather(read_texts_config(path))
    assert len(meanings) == 5
    with pytest.raises(ModelError, match="tables"):
        read_texts_config(written(tmp_path / "bad.yaml", "encoder: a\nout: b\n"))
    with pytest.raises(ModelError, match="no YAML"):
        read_texts_config(tmp_path / "none.yaml")
