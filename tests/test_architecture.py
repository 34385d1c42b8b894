"""The house rules that a reader cannot see in one file: who imports whom, who owns what."""

from __future__ import annotations

import ast
import dataclasses
import io
import json
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from album.settings import Settings

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "app.py", *sorted(ROOT.glob("album/**/*.py")), *sorted(ROOT.glob("models/**/*.py"))]

OWNERS = {
    "gradio": ("app.py", "album/ui/"),
    "sqlite3": ("album/storage/",),
    "PIL": ("album/images/", "album/metadata/reader.py", "models/"),
    "matplotlib": ("models/evaluation/plots.py",),
    "pillow_heif": ("album/images/",),
    "pillow_jxl": ("album/images/decoding.py",),
    "rawpy": ("album/images/raw.py",),
    "landlockpy": ("album/images/confinement.py",),
    "defusedxml": ("album/metadata/xmp.py", "album/export/xmp_document.py"),
    "exiv2": ("album/metadata/", "album/export/"),
    "jinja2": ("album/ui/shared/templates.py",),
    "babel": ("album/metadata/place_names.py",),
    "watchdog": ("album/importing/folder_watcher.py",),
    "korean_lunar_calendar": ("album/search/query/yearly.py",),
    "filelock": ("album/importing/job_locks.py", "album/runtime/temp_folder.py"),
    "sklearn": ("models/classifiers/linear_probe.py", "album/organizing/clustering.py"),
    "google": ("models/captioners/gemini.py",),
    **dict.fromkeys(
        ("torch", "torchvision", "open_clip", "transformers", "timm", "safetensors"), ("models/",)
    ),
}
"""The only folders and files that import a library. `pyproject.toml` says who imports whom."""
MOST_LINES = 400
MOST_FILES_OF_ALBUM = 5
MOST_WORDS_OF_A_TEST = 8
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
LITERARY = re.compile(r"\b(lest|anew|whoever|whatever|wherever|for ever|of worth)\b", re.I)
TABLES = (
    *("album/ui/i18n/", "album/search/query/words.py", "models/prompts.py"),
    "album/metadata/korean_places.py",
)
"""Data, as long as it is."""


DECODING = (
    *("album.images.decoding", "album.images.raw", "album.images.containers", "album.images.color"),
    *("pillow_heif", "pillow_jxl", "rawpy"),
)
"""Loaded by decoder processes only."""
OPENS_IMAGES = {
    "album/images/decoding.py": "in decoder processes",
    "album/images/raw.py": "in decoder processes",
    "models/datasets.py": "for training",
    "models/captioners/coca.py": "the small JPEGs that decoder processes made",
}


class Import(NamedTuple):
    """One imported module, as far as its name tells: `album.domain.photo`, `PIL.Image`."""

    name: str
    line: int
    only_for_types: bool


def imports_of(source: str, module: str, is_package: bool) -> list[Import]:
    """Every module that `source` imports, anywhere in it, by statement or by name in a call."""

    def walk(node: ast.AST, only_for_types: bool) -> Iterator[Import]:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield Import(alias.name, node.lineno, only_for_types)
            case ast.ImportFrom(module=named, names=names, level=level):
                parents = module.split(".")
                base = parents[: len(parents) - level + is_package] if level else []
                base += named.split(".") if named else []
                for alias in names:
                    yield Import(".".join([*base, alias.name]), node.lineno, only_for_types)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield Import(name, node.lineno, only_for_types)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for child in node.body:
                    yield from walk(child, True)
                for child in node.orelse:
                    yield from walk(child, only_for_types)
                return
        for child in ast.iter_child_nodes(node):
            yield from walk(child, only_for_types)

    return list(walk(ast.parse(source), False))


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def path_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def module_of(file: Path) -> str:
    return path_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def all_imports() -> list[tuple[str, str, Import]]:
    """(path, module, import) for every import in the product."""
    return [
        (path_of(file), module_of(file), found)
        for file in FILES
        for found in imports_of(file.read_text(), module_of(file), file.name == "__init__.py")
    ]


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def offence(path: str, found: Import) -> str:
    return f"{path}:{found.line} imports {found.name}"


def test_every_way_to_import_is_seen():
    source = """
import a, b.c
from d.e import f
from . import g
from ..h import i
def lazily():
    import j
    importlib.import_module("k.l")
    __import__("m")
if TYPE_CHECKING:
    import n
else:
    import o
"""
    found = imports_of(source, "album.ui.page", is_package=False)

    assert [name for name, _, typed in found if not typed] == [
        *("a", "b.c", "d.e.f", "album.ui.g", "album.h.i", "j", "k.l", "m", "o")
    ]
    assert [name for name, _, typed in found if typed] == ["n"]
    assert imports_of("from . import g", "album.ui", True)[0].name == "album.ui.g"
    assert imports_of("from .g import h", "album.photo", False)[0].name == "album.g.h"


@pytest.mark.parametrize("library", OWNERS)
def test_libraries_have_one_owner(library):
    offenders = [
        offence(path, found)
        for path, _, found in all_imports()
        if within(found.name, library)
        and not any(path == owner or path.startswith(owner) for owner in OWNERS[library])
        and not (library == "PIL" and found.only_for_types)
    ]

    assert not offenders


def test_only_decoder_processes_load_what_decodes_files():
    """They import it by its name, so that nothing of the server can call it."""
    offenders = [
        offence(path, found)
        for path, module, found in all_imports()
        if any(within(found.name, decoding) for decoding in DECODING)
        and not any(within(module, decoding) for decoding in DECODING)
    ]
    named = [
        path_of(file)
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Constant) and node.value in DECODING
    ]

    assert not offenders
    assert named == ["album/images/decoder_pool.py"]


def test_images_are_opened_in_decoder_processes_only():
    openers = {
        path_of(file)
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Attribute)
        and node.attr == "open"
        and isinstance(node.value, ast.Name)
        and node.value.id == "Image"
    }

    assert openers == set(OPENS_IMAGES)


def test_only_settings_touches_the_environment():
    variables = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    offenders = []
    for file in FILES:
        for node in ast.walk(parsed(file)):
            match node:
                case ast.Attribute(value=ast.Name(id="os"), attr=attr) if attr in variables:
                    offenders.append(f"{path_of(file)}:{node.lineno} uses os.{attr}")
                case ast.ImportFrom(module="os", names=names):
                    offenders += [
                        f"{path_of(file)}:{node.lineno} imports os.{alias.name}"
                        for alias in names
                        if alias.name in variables
                    ]

    assert not [where for where in offenders if not where.startswith("album/settings.py:")]


def test_files_stay_short():
    """A file of over 400 lines has a second subject; tables of data have none."""
    long = {path_of(file): len(file.read_text().splitlines()) for file in FILES}

    assert not {
        path: lines
        for path, lines in long.items()
        if lines > MOST_LINES and not path.startswith(TABLES)
    }


def test_no_file_holds_an_unfinished_merge():
    """A browser drops the style or script after the marker without a word."""
    kinds = {".css", ".js", ".html", ".json", ".py", ".md"}
    files = [it for it in (ROOT / "album").rglob("*") if it.suffix in kinds]

    unfinished = [path_of(it) for it in files if re.search(r"^<{7} ", it.read_text("utf-8"), re.M)]

    assert len(files) > 300
    assert unfinished == []


def test_docstring_summaries_are_one_clause():
    """Ruff holds the rest of the form (D205, D400, D401)."""
    offenders = [
        f"{path_of(file)}: {docstring.splitlines()[0]}"
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, DOCUMENTED)
        and (docstring := ast.get_docstring(node))
        and ";" in docstring.split("\n\n")[0]
    ]

    assert not offenders


def test_docstrings_and_comments_use_plain_words():
    """Messages and prompts may have any word."""
    offenders = []
    for file in FILES:
        source = file.read_text()
        docstrings = [
            (node.lineno, node.value.value)
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ]
        comments = [
            (token.start[0], token.string)
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT
        ]
        offenders += [
            f"{path_of(file)}:{line}"
            for line, text in [*docstrings, *comments]
            if LITERARY.search(text)
        ]

    assert not offenders


def test_names_of_tests_are_short():
    offenders = [
        name
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        for name in re.findall(r"def (test_\w+)", file.read_text())
        if len(name.removeprefix("test_").split("_")) > MOST_WORDS_OF_A_TEST
    ]

    assert not offenders


def test_album_holds_few_files():
    assert len([*(ROOT / "album").glob("*.py")]) <= MOST_FILES_OF_ALBUM


def test_class_names_are_unique():
    places: dict[str, list[str]] = {}
    for file in FILES:
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path_of(file)}:{node.lineno}")

    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_only_the_command_line_prints():
    offenders = [
        f"{path_of(file)}:{node.lineno} prints"
        for file in FILES
        if path_of(file) != "album/__main__.py"
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]

    assert not offenders


def test_readme_explains_every_setting():
    readme = (ROOT / "README.md").read_text()
    names = [
        "GEMINI_API_KEY" if field.name == "gemini_api_key" else f"ALBUM_{field.name.upper()}"
        for field in dataclasses.fields(Settings)
    ]

    assert not [name for name in names if f"`{name}`" not in readme]


def test_importing_the_album_loads_neither_torch_nor_gradio():
    modules = [module_of(file) for file in FILES if within(module_of(file), "album")]
    program = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]): importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-c", program),
            json.dumps([name for name in modules if not within(name, "album.ui")]),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert "album" in loaded
    heavy = {"torch", "torchvision", "open_clip", "transformers", "gradio", "sklearn"}
    assert not loaded & heavy
