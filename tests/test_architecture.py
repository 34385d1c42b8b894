"""The house rules that a reader cannot see in one file: who imports whom, who owns what."""

from __future__ import annotations

import ast
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from album.settings import Settings

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "app.py", *sorted(ROOT.glob("album/**/*.py")), *sorted(ROOT.glob("models/**/*.py"))]

LAYERS = (
    # Top down; a module imports from lower lines only, so nothing imports its neighbours.
    ("album.__main__",),
    ("app",),
    (
        "album.cli.imports",
        "album.cli.maintenance",
        "album.cli.photos",
        "album.cli.evaluate",
        "album.cli.labels",
        "album.cli.export",
        "album.cli.captions",
    ),
    ("album.cli.common", "album.cli.output", "album.cli"),
    ("album.ui",),
    ("album.cli.served_search",),
    ("album.search.serialization",),
    ("album.classification.label_transfer",),
    ("album.classification.classifier_transfer",),
    ("album.service",),
    ("album.classification.labelling", "album.classification.evaluation"),
    ("album.classification.rule_predictions", "album.storage.auto_label_progress"),
    (
        "album.importing.jobs",
        "album.maintenance.repair",
        "album.backup",
        "album.maintenance.restore",
        "album.importing.folder_watcher",
    ),
    ("album.export.archive",),
    (
        "album.maintenance.verify",
        "album.maintenance.backup_archive",
        "album.export.verification",
        "album.storage.restored_rows",
    ),
    ("album.export.exporter", "album.export.plan"),
    (
        "album.importing.importer",
        "album.search.search",
        "album.classification.zero_shot",
        "album.captioning.caption_matching",
        "album.captioning.captions",
    ),
    (
        "album.classification.few_shot",
        "album.classification.trained_classifiers",
        "album.captioning.worker",
        "album.captioning.selection",
    ),
    ("album.captioning.request_gate", "album.captioning.near_duplicates"),
    ("album.classification.embedding_cache",),
    ("album.search.evaluation", "album.search.ranking"),
    (
        "album.encoding.active_encoder",
        "album.importing.file_inspector",
        "album.importing.progress",
        "album.importing.sidecar_import",
    ),
    ("album.search.fusion", "album.export.files"),
    ("album.encoding.score_calibration",),
    ("album.encoding.query_background",),
    (
        "album.storage.vector_index",
        "album.storage.text_index",
        "album.importing.scanner",
        "album.classification.class_embeddings",
    ),
    ("album.importing.zip_archive",),
    (
        "album.classification.class_list",
        "album.domain.classification",
        "album.storage.labels",
        "album.storage.captions",
    ),
    ("album.storage.caption_queue", "album.storage.request_log"),
    ("album.storage.label_history",),
    (
        "album.storage.photos",
        "album.storage.imports",
        "album.storage.originals",
        "album.images.decoder_pool",
    ),
    ("album.storage.photo_filters", "album.images.decoder_worker"),
    ("album.storage.photo_table",),
    ("album.storage.untrusted_database",),
    (
        "album.storage.database",
        "album.images.decoding",
        "album.search.query",
        "album.settings",
    ),
    ("album.runtime.temp_folder",),
    ("album.domain.filters",),
    ("album.images.raw", "album.metadata.reader"),
    ("album.export.xmp_sidecar",),
    ("album.export.xmp_document",),
    (
        "album.images.containers",
        "album.metadata.xmp",
        "album.metadata.iptc",
        "album.metadata.takeout",
        "album.metadata.sidecars",
    ),
    (
        "album.metadata.geocoder",
        "album.images.color",
        "album.images.pixels",
        "album.metadata.exif",
        "album.images.confinement",
    ),
    (
        "album.images.file_types",
        "album.metadata.korean_places",
        "album.metadata.capture_time",
        "album.storage.text_tokens",
    ),
    (
        "album.domain.languages",
        "album.domain.bursts",
        "album.domain.captions",
        "album.metadata.provenance",
        "album.images.decoder",
    ),
    (
        "album.domain.photo",
        "album.domain.labels",
        "album.runtime.supervised_loop",
        "album.runtime.shutdown",
    ),
    ("album.errors", "album.runtime.local_socket"),
    ("album",),
)
SCHOOL = (
    *("train", "training", "fine_tune", "fine_tuning", "evaluate", "evaluation", "datasets"),
    "command_line",
)
COMPOSITION_ROOTS = ("app.py", "album/cli/common.py")
OWNERS = {
    "gradio": ("app.py", "album/ui/"),
    "sqlite3": (
        *("album/storage/database.py", "album/storage/photos.py", "album/storage/imports.py"),
        *(
            "album/storage/text_index.py",
            "album/storage/labels.py",
            "album/storage/label_history.py",
        ),
        *("album/storage/captions.py", "album/storage/caption_queue.py"),
        *("album/storage/untrusted_database.py", "album/storage/restored_rows.py"),
    ),
    "PIL": (
        *(
            "album/images/decoding.py",
            "album/images/color.py",
            "album/images/pixels.py",
            "album/images/raw.py",
        ),
        *("album/metadata/reader.py", "models/"),
    ),
    "matplotlib": ("models/evaluation/plots.py",),
    "pillow_heif": ("album/images/decoding.py", "album/images/containers.py"),
    "pillow_jxl": ("album/images/decoding.py",),
    "rawpy": ("album/images/raw.py",),
    "landlockpy": ("album/images/confinement.py",),
    "defusedxml": ("album/metadata/xmp.py", "album/export/xmp_document.py"),
    "exiv2": ("album/export/xmp_document.py",),
    "babel": ("album/metadata/geocoder.py",),
    "watchdog": ("album/importing/folder_watcher.py",),
    "korean_lunar_calendar": ("album/search/query/yearly.py",),
    "filelock": ("album/importing/jobs.py", "album/runtime/temp_folder.py"),
    "sklearn": ("models/classifiers/linear_probe.py",),
    "google": ("models/captioners/gemini.py",),
    **dict.fromkeys(
        ("torch", "torchvision", "open_clip", "transformers", "timm", "safetensors"), ("models/",)
    ),
}


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


def path_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def module_of(file: Path) -> str:
    return path_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def all_imports() -> Iterator[tuple[str, str, Import]]:
    """(path, module, import) for every import in the product."""
    for file in FILES:
        module = module_of(file)
        for found in imports_of(file.read_text(), module, file.name == "__init__.py"):
            yield path_of(file), module, found


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def layer_of(name: str) -> int | None:
    """The line of `LAYERS` that a module, or a name out of one, belongs to; lower is deeper."""
    for depth, layer in enumerate(LAYERS):
        if any(within(name, member) for member in layer if member != "album"):
            return depth
    return len(LAYERS) - 1 if name == "album" else None


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
    assert imports_of("from .g import h", "album.domain.photo", False)[0].name == "album.g.h"


def test_every_album_module_has_its_place_in_the_layers():
    homeless = [path_of(file) for file in FILES if not within(module_of(file), "models")]
    homeless = [path for path in homeless if layer_of(module_of(ROOT / path)) is None]

    assert not homeless, f"say in LAYERS who may import {homeless}"


def test_imports_point_down():
    offenders = []
    for path, module, found in all_imports():
        if not (within(found.name, "album") or within(found.name, "app")):
            continue
        if any(
            within(module, it) and within(found.name, it)
            for it in ("album.ui", "album.search.query")
        ):
            continue  # one place in the house
        here, there = layer_of(module), layer_of(found.name)
        if here is not None and (there is None or there <= here):
            offenders.append(offence(path, found))

    assert not offenders


def test_tabs_do_not_import_each_other():
    offenders = [
        offence(path, found)
        for path, _, found in all_imports()
        if path.endswith("_tab.py")
        and found.name.startswith("album.ui.")
        and found.name.split(".")[2].endswith("_tab")
    ]

    assert not offenders


def test_models_know_nothing_of_the_album():
    offenders = [
        offence(path, found)
        for path, module, found in all_imports()
        if within(module, "models") and (within(found.name, "album") or within(found.name, "app"))
    ]

    assert not offenders


def test_only_the_composition_roots_name_concrete_models():
    offenders = [
        offence(path, found)
        for path, module, found in all_imports()
        if within(found.name, "models")
        and not within(module, "models")
        and path not in COMPOSITION_ROOTS
        and not within(found.name, "models.interfaces")
        and not within(found.name, "models.errors")
        and not within(found.name, "models.prompts")  # words as data
    ]

    assert not offenders


def test_the_album_runs_without_the_school_that_its_model_went_to():
    school = [f"models.{name}" for name in SCHOOL]

    def of_school(name: str) -> bool:
        return any(within(name, module) for module in school)

    offenders = [
        offence(path, found)
        for path, module, found in all_imports()
        if of_school(found.name) and not of_school(module)
    ]

    assert not offenders


@pytest.mark.parametrize("library", OWNERS)
def test_every_library_has_one_owner(library):
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
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value in DECODING
    ]

    assert not offenders
    assert named == ["album/images/decoder_pool.py"]


def test_images_are_opened_in_decoder_processes_only():
    openers = {
        path_of(file)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
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
        for node in ast.walk(ast.parse(file.read_text())):
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


def test_only_the_command_line_prints():
    offenders = [
        f"{path_of(file)}:{node.lineno} prints"
        for file in FILES
        if path_of(file) != "album/__main__.py"
        for node in ast.walk(ast.parse(file.read_text()))
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
    assert not loaded & {"torch", "torchvision", "open_clip", "transformers", "gradio"}
