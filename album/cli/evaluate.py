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
from album.encoding.score_calibration import ScoreCalibrator
from album.errors import AlbumError
from album.search.evaluation import (
    COLUMNS,
    Judged,
    LabelledQuery,
    Language,
    Searcher,
    best_threshold,
    exclude,
    judge,
    mean,
    read_queries,
    read_table,
    totals,
)
from album.service import Album
from album.storage.text_index import TextIndex

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
        Literal["tune", "held-back", "all"],
        typer.Option(help="Which half of the queries to report; the threshold is of the other."),
    ] = "held-back",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Precision, the cut-off, false hits and exclusion, for queries whose answers are known."""
    asked = read_queries(queries)
    written = [] if captions is None else read_table(captions, ("file", "caption"))
    with _library_of(context, data_dir, photos, as_json) as album:
        report = _measure(album, photos.resolve(), asked, written, lang, split)
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
    """A library of these photos alone, which is gone afterwards; the weights are the album's."""
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
    split: str,
) -> dict[str, Any]:
    active = album.active.current()
    ids, _ = active.index.snapshot()
    photos = album.store.get_many(ids.tolist())
    names = [_name(album.originals.path_of(photos[key]), folder) for key in ids.tolist()]
    relevance = ScoreCalibrator(active.encoder, active.index, album.embeddings_dir)
    searchers = {"looks": Searcher(active.encoder, active.index, relevance)}
    if captions:
        by_name = dict(zip(names, ids.tolist(), strict=True))
        for row in captions:
            if row["file"] in by_name:
                album.caption_store.write_by_hand(by_name[row["file"]], row["caption"])
        searchers["captions"] = Searcher(
            active.encoder, active.index, relevance, TextIndex(album.database)
        )
    report: dict[str, Any] = {
        "model_id": active.encoder.model_id,
        "photos": len(names),
        "split": split,
        "missing": sorted(set().union(*(it.relevant for it in queries)) - set(names)),
        "languages": {},
    }
    for language in COLUMNS:
        spoken = [it for it in queries if language in it.texts]
        if lang in (language, "both") and spoken:
            report["languages"][language] = _in_language(
                searchers, spoken, queries, names, language, split
            )
    return report


def _in_language(
    searchers: dict[str, Searcher],
    spoken: Sequence[LabelledQuery],
    queries: Sequence[LabelledQuery],
    names: Sequence[str],
    language: Language,
    split: str,
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    judged = {
        way: [
            judge(it, it.texts[language], searcher.find(it.texts[language]), names) for it in spoken
        ]
        for way, searcher in searchers.items()
    }
    other = {"tune": "held-back", "held-back": "tune"}.get(split)
    threshold = best_threshold([it for it in judged["looks"] if other in (None, it.split)])
    for way, all_of_them in judged.items():
        chosen = [it for it in all_of_them if split in ("all", it.split)]
        facts[way] = totals(chosen, threshold)
        facts[way]["per_query"] = [_of_one(it, threshold) for it in chosen]
    if "captions" in judged:
        facts["lowered_by_captions"] = [
            with_them.text
            for bare, with_them in zip(judged["looks"], judged["captions"], strict=True)
            if with_them.right_in_10 < bare.right_in_10
        ]
    rows = exclude(searchers["looks"], queries, names, language)
    facts["exclusion"] = {
        "rows": rows,
        "mean": {
            way: {
                what: mean([row[way][what] for row in rows if row[way][what] is not None])  # type: ignore[index]  # shares by way
                for what in ("kept", "dropped")
            }
            for way in ("veto", "subtraction")
        },
    }
    return facts


def _of_one(it: Judged, threshold: float) -> dict[str, Any]:
    return {
        "query": it.text,
        "relevant": it.relevant,
        "right_in_10": it.right_in_10,
        "shown": it.shown,
        "right_shown": it.right_shown,
        "sure": it.sure,
        "f1": it.f1 if it.relevant else None,
        "fixed_f1": it.f1_at(threshold) if it.relevant else None,
        "fixed_shown": int((it.scores >= threshold).sum()),
    }


def _lines(language: str, facts: dict[str, Any]) -> Iterator[str]:
    for way in ("looks", "captions"):
        if way not in facts:
            continue
        of_way = facts[way]
        cut, fixed, gain = of_way["cut_off"], of_way["fixed_threshold"], of_way["f1_gain"]
        yield f"{language}, {'by looks' if way == 'looks' else 'looks and captions'}"
        if way == "looks":
            yield "  query                     relevant  in 10  shown  right     F1  fixed"
            for it in of_way["per_query"]:
                yield (
                    f"  {it['query'][:24]:24}  {it['relevant']:8}  {it['right_in_10']:5}"
                    f"  {it['shown']:5}  {it['right_shown']:5}"
                    f"  {_share(it['f1']):>5}  {_share(it['fixed_f1']):>5}"
                )
        yield (
            f"  precision@10 {_share(of_way['precision_at_10'])}, of what can be right "
            f"{_share(of_way['precision_at_relevant'])}, recall@10 {_share(of_way['recall_at_10'])}"
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
            f"{of_way['absent_queries']} queries; fixed cosine {_share(fixed['false_hit_rate'])}"
        )
    if "lowered_by_captions" in facts:
        lowered = facts["lowered_by_captions"]
        yield f"  precision@10 lowered by captions: {', '.join(lowered) or 'of no query'}"
    of_exclusion = facts["exclusion"]
    if of_exclusion["rows"]:
        yield f"{language}, {len(of_exclusion['rows'])} exclusions"
        for way, kept in of_exclusion["mean"].items():
            yield (
                f"  by {way}: {_share(kept['kept'])} of the wanted kept, "
                f"{_share(kept['dropped'])} of the unwanted dropped"
            )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _name(path: Path, folder: Path) -> str:
    """As the CSV names it: below the folder, with slashes."""
    resolved = path.resolve()
    return (resolved.relative_to(folder) if folder in resolved.parents else resolved).as_posix()
