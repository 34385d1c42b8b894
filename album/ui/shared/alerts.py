"""The one place where named failures become messages in the browser."""

from __future__ import annotations

import functools
import html
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from album.errors import AlbumError, disk_sentence, refuse_half_characters
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import language_of
from models.errors import ModelError

HTTP_INSUFFICIENT_STORAGE = 507

P = ParamSpec("P")
R = TypeVar("R")


def alerts_on_failure(handler: Callable[P, R]) -> Callable[P, R]:
    """Show an `AlbumError` or `ModelError` as its sentence, in the reader's language and escaped.

    A full disk and a text that is none are sentences, too. Works on handlers and on generators;
    anything unnamed stays a bug with its traceback.
    """
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stepping(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            with _alerts(args):
                refuse_half_characters(args)
                yield from cast("Iterator[Any]", handler(*args, **kwargs))

        return cast("Callable[P, R]", stepping)

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with _alerts(args):
            refuse_half_characters(args)
            return handler(*args, **kwargs)

    return wrapped


async def answer_full_disk(request: Request, error: Exception) -> PlainTextResponse:
    """What an upload is answered that the disk has no room for; other errors stay bugs."""
    sentence = disk_sentence(error) if isinstance(error, OSError) else None
    if sentence is None:
        raise error
    language = language_of(gr.Request(request))
    return PlainTextResponse(in_language(language, sentence), HTTP_INSUFFICIENT_STORAGE)


@contextmanager
def _alerts(args: tuple[Any, ...]) -> Iterator[None]:
    try:
        yield
    except (AlbumError, ModelError) as error:
        raise _alert(str(error), args) from error
    except OSError as error:
        if (sentence := disk_sentence(error)) is None:
            raise
        raise _alert(sentence, args) from error


def _alert(said: str, args: tuple[Any, ...]) -> gr.Error:
    request = next((it for it in args if isinstance(it, gr.Request)), None)
    sentence = in_language(language_of(request), said)
    return gr.Error(html.escape(sentence), print_exception=False)
