"""Every failure that can reach a person has its Korean, and the catalog holds no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from album.errors import AlbumError, QueryError
from album.ui.i18n.failures import KOREAN, STAYS_QUEUED, translate_failure
from album.ui.i18n.messages import TEXTS
from models.errors import ModelError

ROOT = Path(__file__).parents[3]
# The command line and the start speak English: no browser has said what it prefers.
NOT_ON_THE_PAGE = (
    *("album/__main__.py", "album/settings.py", "album/cli/", "album/maintenance/"),
    *("album/storage/restored_rows.py", "album/storage/untrusted_database.py"),
    *("album/search/evaluation/", "models/interfaces.py", "models/clip/reference.py"),
    # Nor has one where models are trained and measured.
    *("models/train.py", "models/training/", "models/fine_tune.py", "models/fine_tuning/"),
    *("models/evaluate.py", "models/evaluation/", "models/datasets.py"),
)
NEVER_ON_THE_PAGE = re.compile(
    r"\S+ cannot be opened as an album.*|\S+ was made by a later version.*"
    r"|\S+ cannot be used for the album.*|each class needs a name"
    r"|\S+ is of an earlier version .*|\S+ holds changes that cannot be read.*"
    r"|the disk is full; .*|\S+ cannot be written: .*"
    r"|7 – 7"  # days, in numbers alone
)
PLACEHOLDER = re.compile(r"{\w+[^{}]*}")
SPEAKERS = ("__init__", "notes.append", "_problem")
SPOKEN_NAMES = re.compile(
    r"^_[A-Z_]+$|^(DISK_FULL|DAMAGED|HALF_CHARACTER|READ_ONLY|NO_SUCH_NUMBER|SIDECAR_TOO_LARGE|DESCRIBES_NOTHING"
    r"|CANNOT_OPEN|sentence|problem)$"
)


def words_of(node: ast.expr) -> list[str]:
    """The text of a string, template or f-string, with 7 for each value; none for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [PLACEHOLDER.sub("7", node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(p.value if isinstance(p, ast.Constant) else "7" for p in node.values)]
    if isinstance(node, ast.IfExp):
        return [*words_of(node.body), *words_of(node.orelse)]
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in words_of(value)]
    if isinstance(node, ast.Tuple):
        return [text for part in node.elts for text in words_of(part)]
    return []


def called(call: ast.Call) -> str:
    """What is called: a function, a list that is added to, or "__init__", whoever's."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr="__init__" as name):
            return name
        case ast.Attribute(value=ast.Name(id=name), attr="append"):
            return f"{name}.append"
    return ""


def spoken() -> Iterator[tuple[str, str]]:
    """(file, sentence) of everything that is raised or kept as a problem."""
    for path in sorted([*(ROOT / "album").rglob("*.py"), *(ROOT / "models").rglob("*.py")]):
        if path.relative_to(ROOT).as_posix().startswith(NOT_ON_THE_PAGE):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            candidates: list[ast.expr] = []
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                candidates.append(node.exc.args[0])
            elif isinstance(node, ast.Return | ast.Yield) and isinstance(node.value, ast.Call):
                candidates += node.value.args[:1]
            elif isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                candidates.append(node.value)
            elif isinstance(node, ast.Assign):
                target = node.targets[0]
                name = getattr(target, "id", getattr(target, "attr", ""))
                if SPOKEN_NAMES.match(name):
                    candidates.append(node.value)
            elif isinstance(node, ast.Call) and called(node) in SPEAKERS:
                candidates += node.args
            for text in (text for node in candidates for text in words_of(node)):
                if not re.search("[a-z]{2}", text):  # values beside each other
                    continue
                if re.match(r'[A-Z“"7g-z]', text) and " " in text and text.endswith((".", "7")):
                    yield path.name, text


ELSEWHERE = {
    (
        "backup.py",
        "The album was restored from a backup made during this import: import again.",
    ),
}
"""Put together out of parts, or in a file that else speaks to the command line alone."""
SENTENCES = sorted({*ELSEWHERE, *(it for it in spoken() if not NEVER_ON_THE_PAGE.fullmatch(it[1]))})


def test_there_are_sentences_to_translate():
    assert len(SENTENCES) > 40


@pytest.mark.parametrize(("name", "sentence"), SENTENCES)
def test_every_sentence_has_its_korean(name, sentence):
    korean = translate_failure("ko", sentence)

    assert re.search("[가-힣]", korean), f"{name}: {sentence}"
    assert translate_failure("en", sentence) == sentence


@pytest.mark.parametrize("template", KOREAN)
def test_catalog_entry_has_its_failure(template):
    known = {sentence for _, sentence in SENTENCES}

    assert PLACEHOLDER.sub("7", template) in known


@pytest.mark.parametrize("template", KOREAN)
def test_translation_names_values_of_its_template(template):
    assert set(PLACEHOLDER.findall(KOREAN[template])) <= set(PLACEHOLDER.findall(template))


def test_failures_carry_values_beside_their_message():
    """Raised failures hold templates, so that no translation has to take a sentence apart."""
    kinds = {kind.__name__ for base in (AlbumError, ModelError) for kind in every_kind(base)}
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted([*(ROOT / "album").rglob("*.py"), *(ROOT / "models").rglob("*.py")])
        if not path.relative_to(ROOT).as_posix().startswith(NOT_ON_THE_PAGE)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in kinds
        and node.args
        and isinstance(node.args[0], ast.JoinedStr)
    ]

    assert not offenders


def every_kind(kind: type) -> Iterator[type]:
    yield kind
    for child in kind.__subclasses__():
        yield from every_kind(child)


def test_translation_fills_in_values():
    error = QueryError("A label can have {limit} characters at most.", limit=50)

    assert str(error) == "A label can have 50 characters at most."
    assert translate_failure("en", error) == str(error)
    assert "50자" in translate_failure("ko", error)


def test_stored_sentence_is_translated_with_values():
    stored = str(QueryError("A label can have {limit} characters at most.", limit=50))

    assert "50자" in translate_failure("ko", stored + STAYS_QUEUED[0])
    assert translate_failure("ko", stored + STAYS_QUEUED[0]).endswith(STAYS_QUEUED[1])


def test_braces_in_a_message_without_values_stay():
    assert str(AlbumError("{a.jpg} is empty")) == "{a.jpg} is empty"
    assert translate_failure("ko", AlbumError("{a.jpg} is empty")) == "{a.jpg} is empty"


@pytest.mark.parametrize("key", TEXTS)
def test_translations_of_a_text_take_equal_values(key):
    english, korean = TEXTS[key]

    assert set(re.findall(r"{(\w+)", english)) == set(re.findall(r"{(\w+)", korean))
    assert english.strip()
    assert korean.strip()
