"""Commands that measure the album: `python -m album evaluate search PHOTOS --queries CSV`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from album.cli.common import (
    AsJson,
    DataDir,
    errors_as_sentences,
    load_encoder,
    open_album,
    print_json,
    progress,
    read_settings,
)
from album.errors import AlbumError
from album.search.evaluation.degraded import HalfResolutionEncoder, NoisyEncoder
from album.search.evaluation.labelled_queries import (
    COLUMNS,
    LabelledQuery,
    Split,
    read_queries,
    read_table,
)
from album.search.evaluation.metrics import Names
from album.search.evaluation.report import language_report
from album.search.evaluation.transfer import transfer_rows
from album.service import Album
from album.settings import Settings
from models.interfaces import Encoder

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
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="As ALBUM_MODEL, by default that of the album. Once for each model to compare."
        ),
    ] = None,
    degraded: Annotated[
        bool,
        typer.Option(help="Compare each model with itself: with noise, and at half resolution."),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Precision, the cut-off, false hits and exclusion, for queries whose answers are known.

    The table at the end says whether the judgement of the search carries over to other models.
    """
    labelled = read_queries(queries)
    caption_rows = [] if captions is None else read_table(captions, ("file", "caption"))
    settings = read_settings(context, data_dir)
    encoders = (load_encoder(settings, name) for name in model or ())
    with _library_of(context, settings, photos, next(encoders, None), as_json) as album:
        names = _names_of(album, photos.resolve())
        report = _measure(album, names, labelled, caption_rows, lang, split)
        first = album.active.current().encoder
        rankers = (
            album.search.looks_ranker(version)
            for encoder in chain([first], encoders)
            for version in (_versions_of(encoder) if degraded else [encoder])
        )
        report["transfer"] = list(
            transfer_rows(rankers, labelled, names, list(report["languages"]))
        )
    if as_json:
        print_json(**report)
        return
    typer.echo(f"{report['model_id']}: {report['photos']} photos, queries: {split}")
    for language, facts in report["languages"].items():
        typer.echo("")
        for line in _lines(language, facts):
            typer.echo(line)
    typer.echo("")
    for line in _transfer_lines(report["transfer"]):
        typer.echo(line)


@contextmanager
def _library_of(
    context: typer.Context, settings: Settings, photos: Path, encoder: Encoder | None, as_json: bool
) -> Iterator[Album]:
    """Open a temporary library of these photos.

    It uses the weights of the album, and its model where `encoder` is None.
    """
    if not photos.is_dir():
        raise AlbumError(f"{photos} is not a folder of photos.")
    weights = settings.weights_dir
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder).resolve()
        if weights.is_dir():
            (library / "weights").symlink_to(weights, target_is_directory=True)
        with open_album(context, library, model=encoder is None) as album:
            if encoder is not None:
                album.active.set_encoder(encoder, fill=False)
            with progress(as_json) as tell:
                album.imports.run([photos], "in place", tell)
            if not album.store.count():
                raise AlbumError(f"{photos} holds no photo that can be read.")
            yield album


def _measure(
    album: Album,
    names: Names,
    queries: Sequence[LabelledQuery],
    captions: Sequence[dict[str, str]],
    lang: str,
    split: Split,
) -> dict[str, Any]:
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


def _versions_of(encoder: Encoder) -> tuple[Encoder, ...]:
    return encoder, NoisyEncoder(encoder), HalfResolutionEncoder(encoder)


def _transfer_lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield two tables: how good the search is, and how far its probabilities hold."""
    if not rows:
        return
    width = max(36, *(len(row["model_id"]) for row in rows)) + 2
    yield (
        f"{'with the same constants':{width + 2}}     F1  fixed  in hindsight  as strict"
        "  absent shown  sure   right  precision@10"
    )
    for row in rows:
        fixed = row["fixed"]
        yield (
            f"{row['model_id']:{width}}{row['language']}  {_share(row['f1']):>5}"
            f"  {_share(fixed['f1']):>5}  {_share(fixed['f1_in_hindsight']):>12}"
            f"  {_share(fixed['f1_as_strict']):>9}"
            f"  {row['absent_shown']:6} of {row['absent_queries']:2}  {row['sure']:4}"
            f"  {_share(row['right_among_sure']):>6}  {_share(row['precision_at_10']):>12}"
        )
    yield (
        "fixed: F1 of the cosine that is best for the other half of the queries; in hindsight: for "
        "these; as strict: that shows no more absent things than the album"
    )
    yield ""
    ends = [f"{part['from']:.0%} to {part['to']:.0%}" for part in rows[0]["reliability"]]
    title = "right, of photos with a probability of"
    yield f"{title:{width + 2}}" + "".join(f"  {end:>15}" for end in ends)
    for row in rows:
        right = [f"{_share(part['right'])} of {part['photos']}" for part in row["reliability"]]
        yield f"{row['model_id']:{width}}{row['language']}" + "".join(f"  {r:>15}" for r in right)


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


def _names_of(album: Album, folder: Path) -> Names:
    """Return the names of all photos as the CSV writes them.

    They are paths below the folder, with slashes.
    """
    paths = {
        photo.photo_id: album.originals.path_of(photo).resolve()
        for photo in album.store.all_photos()
    }
    return {
        photo_id: (path.relative_to(folder) if folder in path.parents else path).as_posix()
        for photo_id, path in paths.items()
    }
