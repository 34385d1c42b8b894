"""Numbers that nothing in the album has, on the command line: a sentence and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from album.storage.database import Database
from tests.models.commands import read, run
from tests.support.captioning import set_caption
from tests.support.images.make import make_photo

NO_PHOTO = "This photo is not in the album."
NO_NUMBER = "Nothing in the album has this number"
TOO_LARGE = (2**63, 10**4299)  # the second has as many digits as Python reads


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with two photos."""
    folder = tmp_path_factory.mktemp("numbers")
    for colour in ("red", "blue"):
        make_photo(folder / "mine" / f"{colour}.png", colour)
    assert read(run(folder / "data", "import", folder / "mine", "--json"))["added"] == 2
    for photo_id, caption in ((1, "a red wall"), (2, "a blue wall")):
        set_caption(Database(folder / "data" / "album.db"), photo_id, caption, "en")
    return folder / "data"


@pytest.mark.parametrize("number", TOO_LARGE, ids=lambda it: f"{len(str(it))} digits")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("similar N", NO_PHOTO),
        ("search --like N", NO_PHOTO),
        ("describe N", NO_PHOTO),
        ("caption N", NO_PHOTO),
        ("teach red --is N", NO_PHOTO),
        ("teach red --is-not N", NO_PHOTO),
        ("export N --to OUT", NO_PHOTO),
        ("caption --pause N", NO_NUMBER),
        ("caption --resume N", NO_NUMBER),
        ("caption --cancel N", NO_NUMBER),
        ("caption --retry N", NO_NUMBER),
        ("pause N", NO_NUMBER),
        ("cancel N", NO_NUMBER),
        ("resume N", NO_NUMBER),
        ("retry N", NO_NUMBER),
        ("labels undo N", NO_NUMBER),
    ],
)
def test_a_number_too_large_is_a_sentence(
    data_dir: Path, tmp_path: Path, words: str, sentence: str, number: int
) -> None:
    named = {"N": number, "OUT": tmp_path}
    result = run(data_dir, *(named.get(word, word) for word in words.split()))

    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) <= 2


@pytest.mark.parametrize("number", TOO_LARGE, ids=lambda it: f"{len(str(it))} digits")
@pytest.mark.parametrize(
    "words",
    ["search -k N", "search red --rest -k N", "similar 1 -k N", "describe 1 --top N"],
)
def test_a_count_may_be_any_number(data_dir: Path, words: str, number: int) -> None:
    result = run(data_dir, *(number if word == "N" else word for word in words.split()))

    assert result.exit_code == 0, result.stderr
    assert result.stdout
