"""Commands that verify, repair, back up and restore a library."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

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
from album.maintenance.backup import backup as write_backup
from album.maintenance.repair import repair as repair_library
from album.maintenance.restore import restore as restore_backup

commands = typer.Typer()


@commands.command()
@errors_as_sentences
def verify(
    context: typer.Context,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also read every original and compare its bytes.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right what can be; originals are never touched.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check rows, originals, thumbnails and matrix against each other.

    The status is 1 for any fault.
    """
    if repair:
        _repair(context, deep, data_dir, as_json)
        return
    with open_album(context, data_dir, model=False) as album:
        faults = list(album.faults(deep=deep))
    if as_json:
        print_json(faults=faults)
    else:
        for fault in faults:
            typer.echo(fault)
        if not faults:
            typer.echo("The library is sound.", err=True)
    if faults:
        raise typer.Exit(1)


def _repair(context: typer.Context, deep: bool, data_dir: Path | None, as_json: bool) -> None:
    with open_album(context, data_dir, model=True, fill=False) as album, progress(as_json) as tell:
        report = repair_library(
            album.store, album.originals, album.active, album.embeddings_dir, tell, deep=deep
        )
        if report.to_import:
            album.imports.run(report.to_import, "copy", tell)
        texts = len(album.texts.faults())
        if texts:
            album.texts.rebuild()
            album.texts.sync()
    repaired = {
        "thumbnails": report.thumbnails,
        "large_views": report.large_views,
        "encoded": report.encoded,
        "matrices": len(report.matrices),
        "missing": report.missing,
        "found": report.found,
        "imported": len(report.to_import),
        "texts": texts,
    }
    if as_json:
        print_json(**repaired, left=report.left)
    else:
        for line in report.left:
            typer.echo(line)
        summary = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in repaired.items())
        typer.echo(f"Put right: {summary}.", err=True)
    if report.left:
        raise typer.Exit(1)


@commands.command()
@errors_as_sentences
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The zip file to write.")],
    with_originals: Annotated[
        bool, typer.Option("--originals", help="Save the photos too, not only what is known.")
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier backup.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Save the library in a file, while the album may go on working."""
    with open_album(context, data_dir, model=False) as album, progress(as_json) as tell:
        report = write_backup(
            album.database,
            album.store,
            album.originals,
            file,
            with_originals=with_originals,
            overwrite=overwrite,
            on_progress=tell,
        )
    problems = [asdict(problem) for problem in (*report.left_out, *report.changed)]
    if as_json:
        print_json(
            file=str(report.file),
            size_bytes=report.size_bytes,
            photos=report.photos,
            originals=report.originals,
            problems=problems,
        )
    else:
        for problem in problems:
            typer.echo(f"{problem['filename']}: {problem['reason']}", err=True)
        typer.echo(
            f"{report.file}: {report.photos} photos, {report.originals} originals,"
            f" {report.size_bytes / 1e6:.1f} MB"
        )
    if report.left_out:
        raise typer.Exit(1)


@commands.command()
@errors_as_sentences
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into a library folder without an album."""
    folder = read_settings(context, data_dir).data_dir
    with progress(as_json) as tell:
        report = restore_backup(file, folder, tell)
    facts = {
        "photos": report.photos,
        "originals": report.originals,
        "in_place": report.in_place,
        "kept_now": report.kept_now,
        "missing": len(report.missing),
    }
    if as_json:
        print_json(made_at=str(report.made_at), **facts)
    else:
        for problem in report.missing:
            typer.echo(f"{problem.filename}: {problem.reason}", err=True)
        summary = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in facts.items())
        typer.echo(f"{folder}: {summary}")
    if report.missing:
        raise typer.Exit(1)
