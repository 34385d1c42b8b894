"""Commands that import photos, and list and control imports."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from album.cli.common import AsJson, DataDir, errors_as_sentences, open_album, print_json, progress
from album.domain.photo import ImportRecord
from album.importing.jobs import ImportJobs
from album.runtime.shutdown import SIGNALS, active_handlers
from album.service import Album

commands = typer.Typer()
ImportId = Annotated[int, typer.Argument(help="As `imports` lists it.", metavar="IMPORT")]


@commands.command("import")
@errors_as_sentences
def import_photos(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Photos and folders.", metavar="PATH...")],
    copy: Annotated[
        bool, typer.Option("--copy", help="Keep copies of the originals; else they stay in place.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Import photos, folders and zips into the album.

    An interrupted import goes on where it was when it is repeated.
    """
    with open_album(context, data_dir, model=True) as album:
        missing = [path for path in paths if not path.exists()]
        with progress(as_json) as tell, _pause_on_signal(album):
            record = album.imports.run(paths, "copy" if copy else "in place", tell)
        _encode_missing(album)
        _print_import(album, record, as_json, missing)


@commands.command()
@errors_as_sentences
def imports(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the imports and their results, the last one first."""
    with open_album(context, data_dir, model=False) as album:
        records = album.imports.recent(20)
        if as_json:
            print_json(imports=[_import_facts(album, record) for record in records])
            return
        for record in records:
            done = f"{record.done} of {record.total}"
            typer.echo(
                f"{record.import_id}: {record.state}, {done}, {_counts(record)}"
                + (f"; {record.problem}" if record.problem else "")
            )


@commands.command()
@errors_as_sentences
def pause(
    context: typer.Context, import_id: ImportId, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Pause an import, also one of another process.

    `resume` goes on with it.
    """
    _request(context, import_id, ImportJobs.pause, data_dir, as_json)


@commands.command()
@errors_as_sentences
def cancel(
    context: typer.Context, import_id: ImportId, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """End an import, also one of another process.

    The photos that are in stay.
    """
    _request(context, import_id, ImportJobs.cancel, data_dir, as_json)


@commands.command()
@errors_as_sentences
def resume(
    context: typer.Context,
    import_id: ImportId,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Go on with an import that was paused, interrupted or failed."""
    with open_album(context, data_dir, model=True) as album:
        album.imports.get(import_id)
        with progress(as_json) as tell, _pause_on_signal(album):
            record = album.imports.resume_here(import_id, tell)
        _encode_missing(album)
        _print_import(album, record, as_json)


@commands.command()
@errors_as_sentences
def retry(
    context: typer.Context,
    import_id: ImportId,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Try the failed files of an import again, as a new import."""
    with open_album(context, data_dir, model=True) as album:
        with progress(as_json) as tell, _pause_on_signal(album):
            record = album.imports.retry_here(import_id, tell)
        _encode_missing(album)
        _print_import(album, record, as_json)


def _request(
    context: typer.Context,
    import_id: int,
    request: Callable[[ImportJobs, int], None],
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Send a request to an import, which may run in another process."""
    with open_album(context, data_dir, model=False) as album:
        album.imports.get(import_id)
        request(album.imports, import_id)
        if as_json:
            print_json(**_import_facts(album, album.imports.get(import_id)))


def _encode_missing(album: Album) -> None:
    """Load the model if any photo lacks its vector."""
    if album.store.count() > album.store.encoded_by().get(album.serving or "", 0):
        album.active.current()


@contextmanager
def _pause_on_signal(album: Album) -> Iterator[None]:
    """Pause the running import on Ctrl-C and on termination signals.

    Photos in work are completed first. A second signal ends the process at once.
    """
    before = active_handlers((signal.SIGINT, *SIGNALS))

    def pause_running(number: int, frame: FrameType | None) -> None:
        signal.signal(number, before[number])
        running = album.imports.running_here
        if running is not None:
            hint = "; again to end at once" if number == signal.SIGINT else ""
            typer.echo(f"\nPausing after the photos in hand{hint}.", err=True)
            # In a thread, as a signal may arrive within a transaction.
            threading.Thread(target=album.imports.pause, args=(running,)).start()
        elif number != signal.SIGINT:  # nothing to pause
            signal.raise_signal(number)

    for number in before:
        signal.signal(number, pause_running)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_import(
    album: Album, record: ImportRecord, as_json: bool, missing: Sequence[Path] = ()
) -> None:
    if as_json:
        print_json(**_import_facts(album, record))
    else:
        for failure in album.import_store.failures(record.import_id):
            typer.echo(f"{failure.path}: {failure.reason}", err=True)
        typer.echo(_counts(record))
        if record.state == "paused":
            typer.echo(
                f"Paused: `python -m album resume {record.import_id}` goes on with it.", err=True
            )
    if missing:
        raise typer.Exit(1)


def _counts(record: ImportRecord) -> str:
    counts = {
        "added": record.added,
        "already here": record.already_here,
        "updated": record.updated,
        "missing": record.missing,
        "failed": record.failed,
    }
    always = ("added", "already here", "failed")
    parts = [f"{n} {what}" for what, n in counts.items() if n or what in always]
    skipped = sum(record.skipped.values())
    if skipped:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(record.skipped.items()))
        parts.append(f"{skipped} other files left out ({kinds})")
    return ", ".join(parts)


def _import_facts(album: Album, record: ImportRecord) -> dict[str, Any]:
    failures = album.import_store.failures(record.import_id)
    return {
        "import_id": record.import_id,
        "kind": record.kind,
        "state": record.state,
        "total": record.total,
        "done": record.done,
        "added": record.added,
        "already_here": record.already_here,
        "updated": record.updated,
        "missing": record.missing,
        "failed": [{"path": str(failure.path), "reason": failure.reason} for failure in failures],
        "skipped": dict(record.skipped),
        "problem": record.problem,
        "seconds": round(record.seconds, 3),
    }
