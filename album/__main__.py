"""Command line: `python -m album COMMAND`. Every command takes `--json`."""

from __future__ import annotations

import typer

from album.cli import (
    captions,
    evaluate,
    export,
    imports,
    labels,
    maintenance,
    photos,
    search,
    themes,
)
from album.cli.common import DataDir, errors_as_sentences, read_settings

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A photo album that finds photos by what they show.",
)
for group in (imports, search, photos, themes, captions, labels, export, maintenance):
    cli.registered_commands += group.commands.registered_commands
cli.add_typer(evaluate.commands, name="evaluate")
cli.add_typer(labels.group, name="labels")


@cli.callback()
def common(context: typer.Context, data_dir: DataDir = None) -> None:
    """Set the library for all commands."""
    context.obj = data_dir


@cli.command()
@errors_as_sentences
def serve(context: typer.Context, data_dir: DataDir = None) -> None:
    """Start the album in the browser, as `python app.py` does."""
    from app import serve as serve_page  # Gradio takes seconds to import

    serve_page(read_settings(context, data_dir))


if __name__ == "__main__":
    cli()
