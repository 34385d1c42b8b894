"""The command that exports metadata into sidecars, and verifies them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from album.cli.common import AsJson, DataDir, errors_as_sentences, open_album, print_json, progress
from album.domain.photo import SearchFilters
from album.errors import QueryError
from album.export.exporter import ExportProblem, ExportReport, PhotoExport
from album.export.verification import VerifyReport, verify_export
from album.service import Album

commands = typer.Typer()


@commands.command()
@errors_as_sentences
def export(
    context: typer.Context,
    photos: Annotated[
        list[int] | None, typer.Argument(help="Ids of photos; else all.", metavar="ID...")
    ] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Write sidecars beside photos indexed in place.")
    ] = False,
    to: Annotated[Path | None, typer.Option(help="Write sidecars into this folder.")] = None,
    label: Annotated[str, typer.Option(help="Only the photos with this label.")] = "",
    with_photos: Annotated[
        bool, typer.Option("--with-photos", help="Copy the photos into the folder, too.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Where a sidecar has another description or stars, yours count."
        ),
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Write nothing: read what was exported into an empty library, compare."
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write captions, labels and stars into XMP sidecars, never into photos.

    The status is 1 when anything could not be written, or does not come back.
    """
    if beside == (to is not None):
        raise QueryError("Say where to: --beside the photos, or --to a folder.")
    if verify and (with_photos or replace):
        raise QueryError("--verify writes nothing: leave --with-photos and --replace out.")
    with open_album(context, data_dir, model=False) as album, progress(as_json) as tell:
        ids = _chosen_ids(album, photos, label)
        if verify:
            checked = verify_export(
                album.store, album.labels, album.originals, to, ids, on_progress=tell
            )
        else:
            report = PhotoExport(album.store, album.labels, album.originals).export(
                to, ids, with_photos=with_photos, replace=replace, on_progress=tell
            )
    if verify:
        _print_verification(checked, as_json)
    else:
        _print_report(report, as_json)


def _chosen_ids(album: Album, photos: list[int] | None, label: str) -> list[int] | None:
    if not label:
        return photos or None
    with_label = {
        int(photo_id) for photo_id in album.store.matching_ids(SearchFilters(label=label))
    }
    return sorted(with_label.intersection(photos) if photos else with_label)


def _print_report(report: ExportReport, as_json: bool) -> None:
    counts = {
        "new": report.new,
        "extended": report.extended,
        "unchanged": report.unchanged,
        "nothing": report.nothing,
        "copied": report.copied,
        "not_reached": report.not_reached,
    }
    if as_json:
        print_json(
            folder=None if report.folder is None else str(report.folder),
            photos=report.photos,
            **counts,
            failed=[_problem_json(problem) for problem in report.failed],
            notes=[_problem_json(problem) for problem in report.notes],
        )
    else:
        for problem in (*report.notes, *report.failed):
            typer.echo(
                f"{problem.path or problem.filename or problem.photo_id}: {problem.reason}",
                err=True,
            )
        summary = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
        typer.echo(f"{report.photos} photos: {summary}, {len(report.failed)} failed")
    if report.failed or report.not_reached:
        raise typer.Exit(1)


def _print_verification(report: VerifyReport, as_json: bool) -> None:
    if as_json:
        differences = [asdict(difference) for difference in report.differences]
        print_json(photos=report.photos, same=report.same, differences=differences)
    else:
        for difference in report.differences:
            typer.echo(
                f"{difference.filename} ({difference.photo_id}), {difference.what}:"
                f" here “{difference.here}”,"
                f" read back “{difference.there}”"
            )
        typer.echo(f"{report.same} of {report.photos} photos come back as they are.", err=True)
    if report.differences:
        raise typer.Exit(1)


def _problem_json(problem: ExportProblem) -> dict[str, Any]:
    path = None if problem.path is None else str(problem.path)
    return asdict(problem) | {"path": path}
