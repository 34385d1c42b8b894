"""Commands that search photos by text and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, cast, get_args

import typer

from album.cli.common import (
    AsJson,
    DataDir,
    errors_as_sentences,
    open_album,
    print_json,
    read_settings,
)
from album.cli.output import parse_photo_id
from album.cli.served_search import page_json, search_served
from album.domain.photo import Band, SearchFilters
from album.errors import QueryError
from album.search.query import parse_day
from album.search.request import SearchRequest, Sort

HEADINGS: Final[dict[Band, str]] = {
    "sure": "These match:",
    "maybe": "These may match:",
    "rest": "These do not match:",
}

SIMILAR_KEYS = ("model_id", "total", "sure", "maybe", "rest", "hits")

commands = typer.Typer()
Count = Annotated[int, typer.Option("-k", min=1, help="How many photos at the most.")]


@commands.command()
@errors_as_sentences
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
    """Find the photos that match words, pictures or both.

    Where nothing is asked: all photos, newest first.
    """
    if sort not in get_args(Sort):
        raise QueryError("--sort is best or date.")
    request = SearchRequest(
        text,
        pictures=tuple(image or ()),
        like=tuple(like or ()),
        filters=SearchFilters(after=parse_day(after), before=parse_day(before, last=True)),
        sort=cast("Sort", sort),
        rest=rest,
    )
    page = _search(context, data_dir, request, k)
    if as_json:
        print_json(query=text, **page)
    else:
        _print_query(page)
        _print_hits(page)


@commands.command()
@errors_as_sentences
def similar(
    context: typer.Context,
    photo: Annotated[str, typer.Argument(metavar="FILE-OR-ID")],
    k: Count = 10,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Rank the photos by similarity to a file or a photo."""
    photo_id = parse_photo_id(photo)
    if photo_id is not None:
        request = SearchRequest(like=(photo_id,), rest=True)
    else:
        request = SearchRequest(pictures=(Path(photo),), rest=True)
    page = _search(context, data_dir, request, k)
    if as_json:
        print_json(query=photo, **{key: page[key] for key in SIMILAR_KEYS})
    else:
        _print_hits(page)


def _search(
    context: typer.Context, data_dir: Path | None, request: SearchRequest, k: int
) -> dict[str, Any]:
    """Search in the served album, or else in this process."""
    page = search_served(read_settings(context, data_dir).data_dir, request, k)
    if page is None:
        with open_album(context, data_dir, model=True) as album:
            page = page_json(album, album.search.find(request, limit=k))
    return page


def _print_query(page: Mapping[str, Any]) -> None:
    for notice in page["notices"]:
        typer.echo(notice, err=True)
    if page["unread"]:
        typer.echo("The model does not read Korean: say it in English.", err=True)
    chips = [
        f"“{chip['text']}” ({chip['kind']}"
        + (
            f" {chip['first'] or ''} to {chip['last'] or ''}"
            if chip["first"] or chip["last"]
            else ""
        )
        + (", excluded)" if chip["excluded"] else ")")
        for chip in page["understood"]
    ]
    if chips:
        typer.echo(f"Understood: {', '.join(chips)}")
    if page["vetoed"]:
        typer.echo(f"Left out for what they show: {page['vetoed']}")


def _print_hits(page: Mapping[str, Any]) -> None:
    """Print a line for each hit, and a heading for each band."""
    hits, nearest = page["hits"], page["nearest"]
    if nearest:
        answer = "There is no such photo." if page["absent"] else "Nothing clearly matches."
        typer.echo(f"{answer} These come nearest:")
    elif not hits:
        typer.echo("No photo fits.")
    for way in page["ways_out"]:
        without = ", ".join(f"“{part}”" for part in way["without"])
        typer.echo(f"Without {without}: {way['photos']:,}")
    band: Band = "rest" if nearest else "sure"
    for hit in hits:
        if hit["band"] != band and not nearest:
            band = hit["band"]
            typer.echo(HEADINGS[band])
        score = "" if hit["score"] is None else f"{hit['score']:.3f}  "
        typer.echo(f"{score}{hit['taken_at'][:10]}  {hit['path']}{_reasons(hit)}")


def _reasons(hit: Mapping[str, Any]) -> str:
    """Word the reasons for a hit, in brackets."""
    parts = [
        reason["kind"]
        + ("" if reason["likeness"] is None else f" {reason['likeness']:.0%}")
        + (f": {' '.join(reason['excerpt'].split())}" if reason["excerpt"] else "")
        for reason in hit["why"]
    ]
    if hit["burst"] > 1:
        parts.append(f"one of {hit['burst']} of this moment")
    return f"  [{'; '.join(parts)}]" if parts else ""
