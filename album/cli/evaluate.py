"""Commands that measure the album: `python -m album evaluate search PHOTOS --queries CSV`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from album.cli.common import (
    AsJson,
    DataDir,
    errors_as_sentences,
    open_album,
    print_json,
    progress,
    read_settings,
)
from album.errors import AlbumError
from album.search.evaluation.labelled_queries import (
    COLUMNS,
    LabelledQuery,
    Split,
    read_queries,
    read_table,
)
from album.search.evaluation.report import language_report
from album.service import Album

commands = typer.Typer(no_args_is_help=True, help="Measure how good the album is.")


@commands.callback()
def common() -> None:
    """Measure how good the album is."""


@commands.command()
@errors_as_sentences
def search(
    context: typer.Context,
    photos: Annotated[Path, typer.Argument(help="The folder of the photos.")],
    queries: Annotated[
        Path, typer.Option(help="A CSV of query,query_ko,relevant: names of photos, or none.")
    ],
    lang: Annotated[Literal["en", "ko", "both"], typer.Option(help="Of the queries.")] = "both",
    captions: Annotated[
        Path | None, typer.Option(help="A CSV of file,caption: measure with captions, too.")
    ] = None,
    split: Annotated[
        Split,
        typer.Option(help="Which half of the queries to report; the threshold is of the other."),
    ] = "held-back",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Precision, the cut-off, false hits and exclusion, for queries whose answers are known."""
    labelled = read_queries(queries)
    caption_rows = [] if captions is None else read_table(captions, ("file", "caption"))
    with _library_of(context, data_dir, photos, as_json) as album:
        report = _measure(album, photos.resolve(), labelled, caption_rows, lang, split)
    if as_json:
        print_json(**report)
        return
    typer.echo(f"{report['model_id']}: {report['photos']} photos, queries: {split}")
    for language, facts in report["languages"].items():
        typer.echo("")
        for line in _lines(language, facts):
            typer.echo(line)


@contextmanager
def _library_of(
    context: typer.Context, data_dir: Path | None, photos: Path, as_json: bool
) -> Iterator[Album]:
    """Open a temporary library of these photos.

    It uses the weights of the album.
    """
    if not photos.is_dir():
        raise AlbumError(f"{photos} is not a folder of photos.")
    weights = read_settings(context, data_dir).weights_dir
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder).resolve()
        if weights.is_dir():
            (library / "weights").symlink_to(weights, target_is_directory=True)
        with open_album(context, library, model=True) as album:
            with progress(as_json) as tell:
                album.imports.run([photos], "in place", tell)
            if not album.store.count():
                raise AlbumError(f"{photos} holds no photo that can be read.")
            yield album


def _measure(
    album: Album,
    folder: Path,
    queries: Sequence[LabelledQuery],
    captions: Sequence[dict[str, str]],
    lang: str,
    split: Split,
) -> dict[str, Any]:
    names = {
        photo.photo_id: _name(album.originals.path_of(photo), folder)
        for photo in album.store.all_photos()
    }
    rankers = {"looks": album.search.looks_ranker()}
    if captions:
        by_name = {name: photo_id for photo_id, name in names.items()}
        for row in captions:
            if row["file"] in by_name:
                album.caption_store.write_by_hand(by_name[row["file"]], row["caption"])
        rankers["captions"] = album.search.ranker()
    return {
        "model_id": rankers["looks"].active.encoder.model_id,
        "photos": len(names),
        "split": split,
        "missing": sorted(
            set().union(*(query.relevant for query in queries)) - set(names.values())
        ),
        "languages": {
            language: language_report(rankers, queries, names, language, split)
            for language in COLUMNS
            if lang in (language, "both") and any(language in query.texts for query in queries)
        },
    }


def _lines(language: str, facts: dict[str, Any]) -> Iterator[str]:
    for way in ("looks", "captions"):
        if way not in facts:
            continue
        figures = facts[way]
        cut, fixed, gain = figures["cut_off"], figures["fixed_threshold"], figures["f1_gain"]
        yield f"{language}, {'by looks' if way == 'looks' else 'looks and captions'}"
        if way == "looks":
            yield "  query                     relevant  in 10  shown  right     F1  fixed"
            for query in figures["per_query"]:
                yield (
                    f"  {query['query'][:24]:24}  {query['relevant']:8}  {query['right_in_10']:5}"
                    f"  {query['shown']:5}  {query['right_shown']:5}"
                    f"  {_share(query['f1']):>5}  {_share(query['fixed_f1']):>5}"
                )
        yield (
            f"  precision@10 {_share(figures['precision_at_10'])}, of what can be right "
            f"{_share(figures['precision_at_relevant'])}, "
            f"recall@10 {_share(figures['recall_at_10'])}"
        )
        yield (
            f"  cut-off: precision {_share(cut['precision'])}, recall {_share(cut['recall'])}, "
            f"F1 {_share(cut['f1'])}; of what is sure, {_share(cut['right_among_sure'])} is right"
        )
        yield (
            f"  best fixed cosine, {fixed['cosine']:.3f}: F1 {_share(fixed['f1'])}; gain "
            f"{_share(gain['mean'])} ({_share(gain['low'])} to {_share(gain['high'])}, 95 %)"
        )
        yield (
            f"  something shown though there is nothing: {_share(cut['false_hit_rate'])} of "
            f"{figures['absent_queries']} queries; fixed cosine {_share(fixed['false_hit_rate'])}"
        )
    if "lowered_by_captions" in facts:
        lowered = facts["lowered_by_captions"]
        yield f"  precision@10 lowered by captions: {', '.join(lowered) or 'of no query'}"
    exclusion = facts["exclusion"]
    if exclusion["rows"]:
        yield f"{language}, {len(exclusion['rows'])} exclusions"
        for way, kept in exclusion["mean"].items():
            yield (
                f"  by {way}: {_share(kept['kept'])} of the wanted kept, "
                f"{_share(kept['dropped'])} of the unwanted dropped"
            )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _name(path: Path, folder: Path) -> str:
    """Return the name of a photo as the CSV writes it.

    That is the path below the folder, with slashes.
    """
    resolved = path.resolve()
    return (resolved.relative_to(folder) if folder in resolved.parents else resolved).as_posix()
