"""Commands that classify and describe photos, and the status."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from album.classification.label_sources import LabelSource, TextClasses, TrainedClassifier
from album.cli.common import (
    AsJson,
    DataDir,
    errors_as_sentences,
    follow,
    open_album,
    print_json,
)
from album.cli.output import act_json, parse_photo_id, plan_json, print_act, print_plan
from album.domain.classification import Prediction
from album.domain.labels import SortOptions
from album.errors import AlbumError, QueryError, UnreadableImageError

commands = typer.Typer()


@commands.command()
@errors_as_sentences
def classify(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...")] = None,
    labels: Annotated[
        str, typer.Option(help='The classes: "bus, tower, big cat | 큰 고양이과".')
    ] = "",
    head: Annotated[
        str, typer.Option(help="A trained classifier by its name, in place of --labels.")
    ] = "",
    temperature: Annotated[
        float, typer.Option(help="Of --labels: higher is less sure of everything.")
    ] = 1.0,
    strict: Annotated[
        float, typer.Option(help="Of --labels: above 0 more is none of these, below 0 less.")
    ] = 0.0,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Of --head: what is less sure is none of these.")
    ] = 0.5,
    apply: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Give the whole album this label; several times."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --apply: only tell what would be.")
    ] = False,
    living: Annotated[
        bool, typer.Option("--living", help="With --apply: new photos get it, too.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Classify files by your classes, or label the whole album by them."""
    if bool(labels) == bool(head):
        raise QueryError("Name the classes by --labels, or a trained classifier by --head.")
    if bool(files) == bool(apply):
        raise QueryError("Name files to look at, or labels for the whole album by --apply.")
    if (dry_run or living) and not apply:
        raise QueryError("--dry-run and --living go with --apply.")
    classes = labels.replace(",", "\n")
    source: LabelSource = TextClasses(classes, SortOptions(temperature, strict))
    if head:
        source = TrainedClassifier(head, threshold)
    with open_album(context, data_dir, model=True) as album:
        if not apply:
            predictions = source.classify_files(album.sources, files or [])
            _print_predictions(files or [], predictions, album.classifier.model_id, as_json)
            return
        plan = album.labelling.plan(source, only=apply)
        act = None if dry_run else album.labelling.apply(plan, living=living)
        if as_json:
            print_json(**plan_json(album, plan), act=act and act_json(act))
            return
        print_plan(album, plan)
        if act is not None:
            print_act(act)


@commands.command()
@errors_as_sentences
def describe(
    context: typer.Context,
    photo: Annotated[str, typer.Argument(metavar="FILE-OR-ID")],
    texts: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="A text file (UTF-8) with a caption on each line; else those of the album.",
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many captions at the most.")] = 5,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Rank captions by how well they fit a file or a photo."""
    captions = None if texts is None else _read_captions(texts)
    with open_album(context, data_dir, model=True) as album:
        photo_id = parse_photo_id(photo)
        if photo_id is not None:
            ranking = album.describer.describe_photo(photo_id, captions, top)
        else:
            with tqdm(unit="caption", disable=None if not as_json else True) as bar:
                try:
                    ranking = album.describer.describe_file(
                        Path(photo), captions, top, lambda done, total: follow(bar, done, total)
                    )
                except UnreadableImageError as error:
                    raise AlbumError(f"{photo}: {error}") from error
    if not ranking.total:
        raise AlbumError("No photo of the album has a caption yet: name a file of some by --from.")
    if as_json:
        print_json(
            query=photo,
            model_id=ranking.model_id,
            total=ranking.total,
            captions=[
                {
                    "text": caption.text,
                    "score": round(caption.score, 6),
                    "fits": caption.fit,
                }
                for caption in ranking.best
            ],
        )
        return
    for caption in ranking.best:
        typer.echo(f"fits {caption.fit:6}  {caption.score:6.3f}  {' '.join(caption.text.split())}")


@commands.command()
@errors_as_sentences
def status(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say how many photos there are and which model has encoded them."""
    with open_album(context, data_dir, model=False) as album:
        now = album.status()
        facts = {
            "photos": now.photos,
            "model_id": album.serving,
            "encoded": album.store.encoded_by(),
            "captions": now.captions,
            "captions_waiting": now.captions_waiting,
            "captions_failed": now.captions_failed,
            "data_dir": str(album.data_dir),
        }
    if as_json:
        print_json(**facts)
    else:
        for name, value in facts.items():
            typer.echo(f"{name}: {value}")


def _print_predictions(
    files: Sequence[Path],
    verdicts: Sequence[Prediction | UnreadableImageError],
    model_id: str | None,
    as_json: bool,
) -> None:
    """Print the predictions. Unreadable files make the command fail at the end."""
    results = list(zip(files, verdicts, strict=True))
    readable = [(file, result) for file, result in results if isinstance(result, Prediction)]
    if as_json:
        photos = [
            {
                "path": str(file),
                "labels": [asdict(score) for score in verdict.scores],
                "none": verdict.none,
                "none_probability": verdict.none_probability,
            }
            for file, verdict in readable
        ]
        print_json(model_id=model_id, photos=photos)
    else:
        for file, verdict in readable:
            shares = ", ".join(
                f"{score.label} {score.probability:.0%}" for score in verdict.scores[:5]
            )
            none = verdict.none_probability
            words = "none of these" if none is None else f"none of these {none:.0%}"
            typer.echo(f"{file}: {f'{words} ({shares})' if verdict.none else shares}")
    for file, result in results:
        if isinstance(result, UnreadableImageError):
            typer.echo(f"{file}: {result}", err=True)
    if len(readable) < len(results):
        raise typer.Exit(1)


def _read_captions(file: Path) -> list[str]:
    """Read the non-blank lines of a text file."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise AlbumError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise AlbumError(f"{file} is not UTF-8 text: save it as UTF-8 and try again.") from error
    lines = [line.strip() for line in io.StringIO(text, newline=None)]
    captions = [line for line in lines if line]
    if not captions:
        raise AlbumError(f"{file} has no captions in it: write one on each line.")
    return captions
