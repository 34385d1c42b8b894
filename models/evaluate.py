"""Measure a model: `python -m models.evaluate COMMAND [--json]`.

retrieval --pairs captions.csv --split hold             Recall@1/5/10 both ways
zero-shot PHOTOS --labels labels.csv --language both    top-1, top-5, calibration
search --queries queries.csv --photos PHOTOS            precision for labelled queries
speed                                                   images and queries a second
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from models.command_line import in_sentences
from models.datasets import Example, ExampleSet, read_examples
from models.errors import ModelError
from models.evaluation.calibration import reliability
from models.evaluation.class_names import Language, class_names
from models.evaluation.measure import (
    changes,
    encode_examples,
    measure_retrieval,
    measure_search,
    measure_speed,
    measure_zero_shot,
    search_facts,
)
from models.evaluation.plots import check_target, draw_retrieval, draw_zero_shot
from models.evaluation.report import (
    NAMED,
    retrieval_lines,
    search_lines,
    skipped_lines,
    speed_lines,
    zero_shot_lines,
)
from models.evaluation.search_precision import photos_in, read_queries
from models.interfaces import Encoder
from models.progress import no_progress, progress_bar

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Measure how good and how fast a model is.",
)


@cli.callback()
def quiet() -> None:
    logging.basicConfig(level=logging.ERROR, format="%(message)s")


Model = Annotated[str, typer.Option(help="As ALBUM_MODEL takes it, such as pocket.")]
WeightsDir = Annotated[Path, typer.Option(help="Where published weights are on this machine.")]
Device = Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")]
ImagesRoot = Annotated[
    Path | None, typer.Option(help="The folder or tar of the images, if not beside the CSV.")
]
Split = Annotated[str | None, typer.Option(help="Only the rows whose column `split` says so.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Only so many images, the same ones each time.")
]
Plot = Annotated[Path | None, typer.Option(help="Also draw the figures into this .png.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
WEIGHTS_DIR = Path("data/weights")


@cli.command()
@in_sentences
def retrieval(
    pairs: Annotated[Path, typer.Option(help="A CSV of image_path and captions.")],
    model: Model = "pocket",
    images_root: ImagesRoot = None,
    split: Split = None,
    texts: Annotated[
        str | None, typer.Option(help="Only this column of words, such as that of one language.")
    ] = None,
    limit: Limit = None,
    plot: Plot = None,
    weights_dir: WeightsDir = WEIGHTS_DIR,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure Recall@1/5/10 and median rank both ways, beside chance."""
    if plot is not None:
        check_target(plot)
    example_set = read_examples(pairs, split=split, images=images_root, texts=texts)
    keep_only(example_set, lambda example: bool(example.captions), "no caption")
    examples = drawn(example_set.examples, limit)
    encoder = load(model, weights_dir, device)
    progress = no_progress if as_json else progress_bar
    encoded = encode_examples(encoder, examples, example_set.skipped, progress)
    need_images(len(encoded.rows), pairs)
    captions = [examples[row].captions for row in encoded.rows]
    measured = measure_retrieval(encoder, encoded.embeddings, captions, progress)
    if plot is not None:
        title = f"{encoder.model_id} on {pairs.name}"
        draw_retrieval(plot, title, measured.ranks, measured.chance)
    show(measured.facts, retrieval_lines, example_set.skipped, as_json)


@cli.command("zero-shot")
@in_sentences
def zero_shot(
    photos: Annotated[
        Path, typer.Argument(help="A folder with a folder per class, or a CSV of image_path,label.")
    ],
    labels: Annotated[
        Path | None, typer.Option(help="A CSV of source,folder,en,ko: what folders are called.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Which rows of --labels are meant.")] = None,
    language: Annotated[
        Literal["en", "ko", "both"], typer.Option(help="Of the names; both also joins them.")
    ] = "en",
    model: Model = "pocket",
    images_root: ImagesRoot = None,
    split: Split = None,
    limit: Limit = None,
    plot: Plot = None,
    weights_dir: WeightsDir = WEIGHTS_DIR,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure top-1, top-5, accuracy by class and calibration from class names."""
    if plot is not None:
        check_target(plot)
    if language != "en" and labels is None:
        raise ModelError("Korean names come from a CSV: name it with --labels.")
    example_set = read_examples(photos, split=split, images=images_root)
    keep_only(example_set, lambda entry: bool(entry.label), "no label")
    folders = sorted({example.label for example in example_set.examples})
    if len(folders) < 2:
        raise ModelError(f"{photos} holds {len(folders)} class: at least two are needed.")
    names = class_names(folders, labels, source)
    examples = drawn(example_set.examples, limit)
    encoder = load(model, weights_dir, device)
    encoded = encode_examples(
        encoder, examples, example_set.skipped, no_progress if as_json else progress_bar
    )
    need_images(len(encoded.rows), photos)
    number = {folder: i for i, folder in enumerate(folders)}
    right = np.array([number[examples[row].label] for row in encoded.rows], np.intp)
    language_sets: list[tuple[Language, ...]] = (
        [("en",), ("ko",), ("en", "ko")] if language == "both" else [(language,)]
    )
    reports = {}
    for languages in language_sets:
        report, answers = measure_zero_shot(encoder, encoded.embeddings, right, names, languages)
        reports["+".join(languages)] = report
    if plot is not None:
        spoken = "+".join(language_sets[-1])
        title = f"{encoder.model_id} on {photos.name}, {len(right):,} images, names in {spoken}"
        accuracy = [(entry["name"], entry["top_1"]) for entry in report["per_class"]]
        draw_zero_shot(plot, title, accuracy, reliability(answers.confidence, answers.correct))
    for spoken in dict.fromkeys(entry for languages in language_sets for entry in languages):
        if names.unnamed[spoken]:
            example_set.skipped[f"no name in {spoken}, another stands in"] = list(
                names.unnamed[spoken]
            )
    facts = {
        "model_id": encoder.model_id,
        "images": len(right),
        "classes": len(folders),
        "chance": {f"top_{k}": min(k, len(folders)) / len(folders) for k in (1, 5)},
        "languages": reports,
    }
    show(facts, zero_shot_lines, example_set.skipped, as_json)


@cli.command()
@in_sentences
def search(
    queries: Annotated[Path, typer.Option(help="A CSV of query,query_ko,relevant.")],
    photos: Annotated[Path, typer.Option(help="The folder of the photos.")],
    model: Model = "pocket",
    against: Annotated[
        str | None, typer.Option(help="Another model: which queries are better or worse than its.")
    ] = None,
    weights_dir: WeightsDir = WEIGHTS_DIR,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure precision for labelled queries in English and Korean."""
    files = photos_in(photos)
    read_queries(queries, list(files))  # what is wrong with them is said before the work
    encoders = [load(spec, weights_dir, device) for spec in (model, against) if spec is not None]
    hits_by_model = []
    for encoder in encoders:
        skipped: dict[str, list[str]] = {}
        examples = [Example(file) for file in files.values()]
        encoded = encode_examples(
            encoder, examples, skipped, no_progress if as_json else progress_bar
        )
        need_images(len(encoded.rows), photos)
        names = [list(files)[row] for row in encoded.rows]
        query_set = read_queries(queries, names)
        hits_by_model.append(measure_search(encoder, encoded.embeddings, names, query_set.queries))
    facts = {
        "model_id": encoders[0].model_id,
        "photos": len(names),
        "rows_left_out": query_set.skipped,
        "languages": {
            entry: search_facts(hits, len(names)) for entry, hits in hits_by_model[0].items()
        },
    }
    if against is not None:
        facts["against"] = {
            "model_id": encoders[1].model_id,
            "languages": {
                entry: search_facts(hits, len(names)) for entry, hits in hits_by_model[1].items()
            },
            "changes": {
                entry: changes(hits_by_model[1][entry], hits_by_model[0][entry])
                for entry in hits_by_model[0]
            },
        }
    if query_set.missing:
        skipped["relevant photo that is not there"] = query_set.missing
    show(facts, search_lines, skipped, as_json)


@cli.command()
@in_sentences
def speed(
    model: Model = "pocket",
    batch: Annotated[list[int], typer.Option(min=1, help="May be given several times.")] = [  # noqa: B006 - read only
        1,
        8,
        32,
    ],
    runs: Annotated[int, typer.Option(min=1, help="How many runs the median is of.")] = 5,
    width: Annotated[int, typer.Option(min=16, help="Of the pictures, in pixels.")] = 1600,
    height: Annotated[int, typer.Option(min=16, help="Of the pictures, in pixels.")] = 1200,
    weights_dir: WeightsDir = WEIGHTS_DIR,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure images and queries a second by batch, warm."""
    encoder = load(model, weights_dir, device)
    facts = {
        "model_id": encoder.model_id,
        "device": device_name(device),
        "picture_px": [width, height],
        "runs": runs,
        "batches": measure_speed(
            encoder, batch, (width, height), runs, no_progress if as_json else progress_bar
        ),
    }
    show(facts, speed_lines, {}, as_json)


def load(model: str, weights_dir: Path, device: str) -> Encoder:
    """Load the encoder from local files, as the album does."""
    from models.clip.encoder import ClipEncoder

    return ClipEncoder(model, weights_dir, device)


def device_name(device: str) -> str:
    """Name the device and the dtype of the weights."""
    from models.clip.encoder import choose_device, choose_dtype

    chosen = choose_device(device)
    return f"{chosen.type}, {str(choose_dtype(chosen)).removeprefix('torch.')}"


def keep_only(example_set: ExampleSet, usable: Callable[[Example], bool], reason: str) -> None:
    """Skip unusable examples for `reason`.

    Raises:
        ModelError: nothing is left.
    """
    for example in example_set.examples:
        if not usable(example):
            example_set.skip(reason, example.image.name)
    example_set.examples = [example for example in example_set.examples if usable(example)]
    if not example_set.examples:
        raise ModelError(
            f"Not one image of {len(example_set.skipped[reason])} can be used: {reason}."
        )


def drawn(examples: list[Example], limit: int | None) -> list[Example]:
    """Draw `limit` examples by a fixed seed, in their order."""
    if limit is None or limit >= len(examples):
        return examples
    chosen = np.random.default_rng(0).permutation(len(examples))[:limit]
    return [examples[i] for i in np.sort(chosen)]


def need_images(count: int, path: Path) -> None:
    """Raise ModelError if no image could be read."""
    if count == 0:
        raise ModelError(f"Not one image of {path} can be read.")


def show(
    facts: dict[str, Any],
    lines: Callable[[dict[str, Any]], Sequence[str]],
    skipped: dict[str, list[str]],
    as_json: bool,
) -> None:
    """Print the figures as JSON or as text, and what was skipped."""
    if as_json:
        counted = {
            reason: {"count": len(names), "first": names[:NAMED]}
            for reason, names in skipped.items()
        }
        typer.echo(json.dumps(facts | {"skipped": counted}, ensure_ascii=False, indent=2))
        return
    typer.echo(facts["model_id"])
    for line in lines(facts):
        typer.echo(line)
    for line in skipped_lines(skipped):
        typer.echo(line, err=True)


if __name__ == "__main__":
    cli()
