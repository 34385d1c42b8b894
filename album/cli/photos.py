"""Commands that find, sort and describe photos."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, cast, get_args

import typer
from tqdm import tqdm

from album.classification.label_sources import LabelSource, TextClasses, TrainedClassifier
from album.cli.common import AsJson, DataDir, follow, in_sentences, opened, print_json, settings_of
from album.cli.output import act_json, id_in, plan_json, tell_act, tell_plan
from album.cli.served_search import ask_served, page_json
from album.domain.classification import Prediction
from album.domain.labels import SortOptions
from album.domain.photo import Band, SearchFilters
from album.errors import AlbumError, QueryError, UnreadableImageError
from album.search.query import parse_day
from album.search.search import SearchRequest, Sort

HEADINGS: Final[dict[Band, str]] = {
    "sure": "These match:",
    "maybe": "These may match:",
    "rest": "These do not match:",
}

SIMILAR_KEYS = ("model_id", "total", "sure", "maybe", "rest", "hits")

commands = typer.Typer()
Count = Annotated[int, typer.Option("-k", min=1, help="How many photos at the most.")]


@commands.command()
@in_sentences
def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What the photo shows, when and where.")] = "",
    image: Annotated[
        list[Path] | None, typer.Option(help="A picture that it looks like; also several times.")
    ] = None,
    like: Annotated[
        list[int] | None,
        typer.Option(help="The id of a photo that it looks like; also several times."),
    ] = None,
    k: Count = 10,
    after: Annotated[str, typer.Option(help="Taken on this day or later: 2019-08-03.")] = "",
    before: Annotated[str, typer.Option(help="Taken on this day or earlier.")] = "",
    sort: Annotated[
        str, typer.Option(help="best, or date: the latest of each kind first.")
    ] = "best",
    rest: Annotated[
        bool, typer.Option("--rest", help="With what does not match, behind all that does.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Find the photos that match words, pictures, or both, or say that there is none; all photos,
    newest first, where nothing is asked."""
    if sort not in get_args(Sort):
        raise QueryError("--sort is best or date.")
    question = SearchRequest(
        text,
        pictures=tuple(image or ()),
        like=tuple(like or ()),
        filters=SearchFilters(after=parse_day(after), before=parse_day(before, last=True)),
        sort=cast("Sort", sort),
        rest=rest,
    )
    found = _found(context, data_dir, question, k)
    if as_json:
        print_json(query=text, **found)
    else:
        _tell_understood(found)
        _tell_hits(found)


@commands.command()
@in_sentences
def similar(
    context: typer.Context,
    photo: Annotated[str, typer.Argument(metavar="FILE-OR-ID")],
    k: Count = 10,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Rank the photos by how much they look like a file, or like a photo of the album."""
    photo_id = id_in(photo)
    if photo_id is not None:
        question = SearchRequest(like=(photo_id,), rest=True)
    else:
        question = SearchRequest(pictures=(Path(photo),), rest=True)
    found = _found(context, data_dir, question, k)
    if as_json:
        print_json(query=photo, **{key: found[key] for key in SIMILAR_KEYS})
    else:
        _tell_hits(found)


def _found(
    context: typer.Context, data_dir: Path | None, question: SearchRequest, k: int
) -> dict[str, Any]:
    """The answer of the album that is being served from this folder, else of this process."""
    found = ask_served(settings_of(context, data_dir).data_dir, question, k)
    if found is None:
        with opened(context, data_dir, model=True) as album:
            found = page_json(album, album.search.find(question, limit=k))
    return found


@commands.command()
@in_sentences
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
    """Tell which of your classes each file belongs to, or give the whole album labels by them."""
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
    with opened(context, data_dir, model=True) as album:
        if not apply:
            verdicts = source.classify_files(album.sources, files or [])
            _tell_verdicts(files or [], verdicts, album.classifier.model_id, as_json)
            return
        plan = album.labelling.plan(source, only=apply)
        act = None if dry_run else album.labelling.apply(plan, living=living)
        if as_json:
            print_json(**plan_json(album, plan), act=act and act_json(act))
            return
        tell_plan(album, plan)
        if act is not None:
            tell_act(act)


@commands.command()
@in_sentences
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
    """Tell which of your captions fit a file, or a photo of the album, best."""
    captions = None if texts is None else _captions_in(texts)
    with opened(context, data_dir, model=True) as album:
        photo_id = id_in(photo)
        if photo_id is not None:
            found = album.describer.describe_photo(photo_id, captions, top)
        else:
            with tqdm(unit="caption", disable=None if not as_json else True) as bar:
                try:
                    found = album.describer.describe_file(
                        Path(photo), captions, top, lambda done, total: follow(bar, done, total)
                    )
                except UnreadableImageError as error:
                    raise AlbumError(f"{photo}: {error}") from error
    if not found.total:
        raise AlbumError("No photo of the album has a caption yet: name a file of some by --from.")
    if as_json:
        print_json(
            query=photo,
            model_id=found.model_id,
            total=found.total,
            captions=[
                {
                    "text": it.text,
                    "score": round(it.score, 6),
                    "probability": round(it.probability, 6),
                }
                for it in found.best
            ],
        )
        return
    for it in found.best:
        typer.echo(f"{it.probability:4.0%}  {it.score:6.3f}  {' '.join(it.text.split())}")


@commands.command()
@in_sentences
def status(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say how many photos there are and which model has encoded them."""
    with opened(context, data_dir, model=False) as album:
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


def _tell_verdicts(
    files: Sequence[Path],
    verdicts: Sequence[Prediction | UnreadableImageError],
    model_id: str | None,
    as_json: bool,
) -> None:
    """What files were taken for; those that cannot be read make the command fail at the end."""
    results = list(zip(files, verdicts, strict=True))
    readable = [(file, it) for file, it in results if isinstance(it, Prediction)]
    if as_json:
        photos = [
            {
                "path": str(file),
                "labels": [asdict(score) for score in verdict.scores],
                "none": verdict.none,
            }
            for file, verdict in readable
        ]
        print_json(model_id=model_id, photos=photos)
    else:
        for file, verdict in readable:
            shares = ", ".join(
                f"{score.label} {score.probability:.0%}" for score in verdict.scores[:5]
            )
            typer.echo(f"{file}: {f'none of these ({shares})' if verdict.none else shares}")
    for file, result in results:
        if isinstance(result, UnreadableImageError):
            typer.echo(f"{file}: {result}", err=True)
    if len(readable) < len(results):
        raise typer.Exit(1)


def _captions_in(file: Path) -> list[str]:
    """The lines of a text file that are not blank."""
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


def _tell_understood(found: Mapping[str, Any]) -> None:
    for notice in found["notices"]:
        typer.echo(notice, err=True)
    if found["unread"]:
        typer.echo("The model does not read Korean: say it in English.", err=True)
    chips = [
        f"“{chip['text']}” ({chip['kind']}"
        + (
            f" {chip['first'] or ''} to {chip['last'] or ''}"
            if chip["first"] or chip["last"]
            else ""
        )
        + (", excluded)" if chip["excluded"] else ")")
        for chip in found["understood"]
    ]
    if chips:
        typer.echo(f"Understood: {', '.join(chips)}")
    if found["vetoed"]:
        typer.echo(f"Left out for what they show: {found['vetoed']}")


def _tell_hits(found: Mapping[str, Any]) -> None:
    """A line for each hit, below a heading where another band begins."""
    hits, nearest = found["hits"], found["nearest"]
    if nearest or not hits:
        typer.echo("There is no such photo" + ("; the nearest are:" if hits else "."))
    band: Band = "rest" if nearest else "sure"
    for hit in hits:
        if hit["band"] != band and not nearest:
            band = hit["band"]
            typer.echo(HEADINGS[band])
        score = "" if hit["score"] is None else f"{hit['score']:.3f}  "
        typer.echo(f"{score}{hit['taken_at'][:10]}  {hit['path']}{_why(hit)}")


def _why(hit: Mapping[str, Any]) -> str:
    """What speaks for a hit, in brackets."""
    parts = [
        reason["kind"]
        + ("" if reason["likeness"] is None else f" {reason['likeness']:.0%}")
        + (f": {' '.join(reason['excerpt'].split())}" if reason["excerpt"] else "")
        for reason in hit["why"]
    ]
    if hit["burst"] > 1:
        parts.append(f"one of {hit['burst']} of this moment")
    return f"  [{'; '.join(parts)}]" if parts else ""
