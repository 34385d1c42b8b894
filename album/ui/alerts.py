"""The one place where named failures become messages in the browser."""

from __future__ import annotations

import functools
import html
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr

from album.errors import AlbumError
from album.ui.sentences import in_language
from album.ui.texts import language_of
from models.errors import ModelError

P = ParamSpec("P")
R = TypeVar("R")


def alerts_on_failure(handler: Callable[P, R]) -> Callable[P, R]:
    """Show an `AlbumError` or `ModelError` as its sentence, in the reader's language and escaped.

    Works on handlers and on generators; anything unnamed stays a bug with its traceback.
    """
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stepping(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            try:
                yield from cast("Iterator[Any]", handler(*args, **kwargs))
            except (AlbumError, ModelError) as error:
                raise _alert(error, args) from error

        return cast("Callable[P, R]", stepping)

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except (AlbumError, ModelError) as error:
            raise _alert(error, args) from error

    return wrapped


def _alert(error: Exception, args: tuple[Any, ...]) -> gr.Error:
    request = next((it for it in args if isinstance(it, gr.Request)), None)
    sentence = in_language(language_of(request), str(error))
    return gr.Error(html.escape(sentence), print_exception=False)
