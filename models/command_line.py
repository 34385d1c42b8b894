"""Parts that the command lines of this package share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from models.errors import ModelError

P = ParamSpec("P")


def in_sentences(command: Callable[P, None]) -> Callable[P, None]:
    """Report a ModelError as one line on stderr with exit status 1.

    Other exceptions keep their traceback.
    """

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ModelError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error

    return wrapped
