"""Options, opening of the library and output, shared by all commands."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from tqdm import tqdm

from album.captioning.captions import CaptionPace
from album.domain.progress import OnProgress
from album.errors import HALF_CHARACTER, AlbumError, disk_sentence
from album.runtime.shutdown import closing_s, interrupt_on_signals
from album.service import Album
from album.settings import Settings, keep_libraries_private
from models.captioners.factory import create_captioner
from models.classifiers.factory import DefaultClassifiers
from models.clip.loader import DEFAULT_MODEL, EncoderLoader
from models.errors import ModelError
from models.interfaces import Encoder

P = ParamSpec("P")

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="The library's folder; else ALBUM_DATA_DIR.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def errors_as_sentences(command: Callable[P, None]) -> Callable[P, None]:
    """Print known errors as one line, and exit with status 1."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (AlbumError, ModelError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
        except UnicodeEncodeError as error:  # a lone surrogate from the shell
            typer.echo(HALF_CHARACTER, err=True)
            raise typer.Exit(1) from error
        except OSError as error:
            if (sentence := disk_sentence(error)) is None:
                raise
            typer.echo(sentence, err=True)
            raise typer.Exit(1) from error

    return wrapped


@contextmanager
def open_album(
    context: typer.Context, data_dir: Path | None, *, model: bool, fill: bool = True
) -> Iterator[Album]:
    """Open the library.

    Args:
        context: of the command.
        data_dir: the folder of the library, by default that of the settings.
        model: load the model of the library when something first needs it.
        fill: encode all photos when the model is loaded.
    """
    settings = read_settings(context, data_dir)
    keep_libraries_private(settings)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    captioner = create_captioner(
        settings.captioner,
        gemini_api_key=settings.gemini_api_key,
        gemini_model=settings.gemini_model,
        gemini_endpoint=settings.gemini_endpoint,
        coca_model=settings.coca_model,
        weights_dir=settings.weights_dir,
        device=settings.device,
    )
    pace = CaptionPace(
        settings.captions_per_minute, settings.captions_per_day, settings.captions_parallel
    )
    album = Album(settings.data_dir, DefaultClassifiers(), captioner, caption_pace=pace)
    with interrupt_on_signals(album.imports.release):
        try:
            if model:
                serving = album.serving
                load = partial(_encoder, settings, serving)
                album.active.load_when_needed(load, serving, fill=fill)
            yield album
        finally:
            album.close(closing_s())


def _encoder(settings: Settings, serving: str | None) -> Encoder:
    """Load the best encoder of this machine.

    On a terminal, a problem with the encoder of the settings is printed.
    """
    loader = EncoderLoader(settings.model, settings.device, settings.weights_dir)
    encoder = loader.load(serving)
    if loader.problem and sys.stderr.isatty():
        typer.echo(loader.problem, err=True)
    return encoder


def load_encoder(settings: Settings, model: str) -> Encoder:
    """Load exactly this model, after a download of weights that are missing.

    Raises:
        WeightsUnavailableError: there is no such model, or no way to its weights.
    """
    from models.clip.encoder import ClipEncoder
    from models.clip.weights import fetch_weights, weights_on_disk

    spec = DEFAULT_MODEL if model == "auto" else model
    if not weights_on_disk(spec, settings.weights_dir):
        fetch_weights(spec, settings.weights_dir)
    return ClipEncoder(spec, settings.weights_dir, settings.device)


def read_settings(context: typer.Context, data_dir: Path | None) -> Settings:
    settings = Settings.from_env()
    chosen = data_dir or context.obj
    return settings if chosen is None else replace(settings, data_dir=chosen.resolve())


@contextmanager
def progress(as_json: bool) -> Iterator[OnProgress]:
    """Show a progress bar on stderr."""
    with tqdm(unit="photo", disable=True if as_json else None) as bar:

        def tell(done: int, total: int, name: str) -> None:
            bar.set_postfix_str(name[-30:], refresh=False)
            follow(bar, done, total)

        yield tell


def follow(bar: tqdm[Any], done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def print_json(**values: Any) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, indent=2))
