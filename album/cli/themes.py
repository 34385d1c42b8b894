"""Command that lists the themes of the album."""

from __future__ import annotations

from typing import Annotated

import typer

from album.cli.common import AsJson, DataDir, errors_as_sentences, open_album, print_json
from album.cli.output import path_of, photos_json
from album.organizing.assignment import Theme

commands = typer.Typer()


@commands.command()
@errors_as_sentences
def themes(
    context: typer.Context,
    theme: Annotated[int | None, typer.Argument(help="List the photos of this one.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many photos at the most.")] = 10,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what the photos of the album show, or the photos of one theme.

    Themes that are missing or out of date are found first.
    """
    with open_album(context, data_dir, model=True) as album:
        found = album.discovery.ensure()
        if theme is None:
            if as_json:
                print_json(themes=[one.as_json() for one in found])
                return
            for one in found:
                typer.echo(f"{one.key}: {_name(one)}, {one.photos} photos")
            return
        photo_ids = album.discovery.photo_ids(theme).tolist()
        if as_json:
            facts = album.discovery.theme(theme).as_json()
            print_json(**facts, hits=photos_json(album, photo_ids[:k]))
            return
        for photo_id in photo_ids[:k]:
            typer.echo(path_of(album, photo_id))


def _name(theme: Theme) -> str:
    words = ", ".join(theme.name.in_language("en"))
    if theme.name.words:
        return f"{words} ({', '.join(theme.name.in_language('ko'))})"
    return f"no sure name (perhaps {words})" if words else "no sure name"
