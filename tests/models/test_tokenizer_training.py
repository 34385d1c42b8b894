"""A tokenizer of one's own: trained on two languages, and read by open_clip from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from open_clip.tokenizer import HFTokenizer
from typer.testing import CliRunner

from models.training.texts import read_texts
from models.training.tokenizer import common_syllables, main, train_tokenizer, write_tokenizer

TEXTS = Path("models/pocket/texts")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    meanings = read_texts([TEXTS / "words-nature.csv"])
    texts = [text for meaning in meanings for text in (*meaning.en, *meaning.ko)]
    out = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(train_tokenizer(texts, 6000), out)
    return out


def test_end_token_is_highest_and_padding_zero(folder):
    tokens = HFTokenizer(str(folder), context_length=12)(["강아지", "a very long " * 20])
    assert tokens.shape == (2, 12)
    assert tokens.max(dim=1).values.unique().tolist() == [tokens.max().item()]
    end = tokens[0].argmax()
    assert (tokens[0, end + 1 :] == 0).all()
    assert tokens[1].argmax() == 11


def test_common_words_of_both_languages_are_whole(folder):
    tokenizer = HFTokenizer(str(folder), context_length=12).tokenizer
    assert tokenizer.tokenize("강아지") == ["▁강아지"]
    assert tokenizer.tokenize("dog") == ["▁dog"]


def test_letters_are_brought_to_one_form(folder):
    tokenize = HFTokenizer(str(folder), context_length=12)
    decomposed = "".join(map(chr, (0x1112, 0x1161, 0x11AB)))  # as macOS writes file names
    same = tokenize(["한 DOG", f"{decomposed}  dog", "한 ＤＯＧ"])
    assert same[0].equal(same[1])
    assert same[0].equal(same[2])


def test_every_common_syllable_can_be_read(folder):
    tokenizer = HFTokenizer(str(folder), context_length=12).tokenizer
    assert len(common_syllables()) == 2350
    unknown = tokenizer.unk_token_id
    assert not [s for s in common_syllables() if unknown in tokenizer(s).input_ids]


def test_command_trains_on_tables_and_counts_pieces(tmp_path):
    import typer

    app = typer.Typer()
    app.command()(main)
    table = tmp_path / "a.csv"
    table.write_text("en,ko\n" + "".join(f"dog {n},강아지 {n}마리\n" for n in range(50)))
    said = CliRunner().invoke(app, [str(table), "--out", str(tmp_path / "out"), "--size", "2600"])
    assert said.exit_code == 0, said.output
    assert "pieces from" in said.output
    assert (tmp_path / "out" / "tokenizer.json").is_file()
