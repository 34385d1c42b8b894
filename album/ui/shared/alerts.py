"""Conversion of named failures to messages in the browser."""

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
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import language_of
from models.errors import ModelError

HTTP_INSUFFICIENT_STORAGE = 507

P = ParamSpec("P")
R = TypeVar("R")


def alerts_on_failure(handler: Callable[P, R]) -> Callable[P, R]:
    """Show a handler's `AlbumError` or `ModelError` as an alert.

    The sentence is escaped and in the reader's language. A full disk and text with lone surrogates
    are alerts, too. Other exceptions are bugs and keep their traceback. Works on functions and on
    generators.
    """
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def generate(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            with _alerts(args):
                refuse_half_characters(args)
                yield from cast("Iterator[Any]", handler(*args, **kwargs))

        return cast("Callable[P, R]", generate)

    @functools.wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _alerts(args):
            refuse_half_characters(args)
            return handler(*args, **kwargs)

    return call


def failure_shown() -> gr.Error:
    """Build the failure of a listener that shows its own sentence.

    Raised after that, it keeps the listeners of success from being called, and no alert appears.
    """
    return gr.Error("", visible=False, print_exception=False)


async def answer_full_disk(request: Request, error: Exception) -> PlainTextResponse:
    """Answer an upload to a full disk with HTTP 507.

    Other errors are raised again.
    """
    sentence = disk_sentence(error) if isinstance(error, OSError) else None
    if sentence is None:
        raise error
    language = language_of(gr.Request(request))
    return PlainTextResponse(translate_failure(language, sentence), HTTP_INSUFFICIENT_STORAGE)


@contextmanager
def _alerts(args: tuple[Any, ...]) -> Iterator[None]:
    try:
        yield
    except (AlbumError, ModelError) as error:
        raise _alert(error, args) from error
    except OSError as error:
        if (sentence := disk_sentence(error)) is None:
            raise
        raise _alert(sentence, args) from error


def _alert(failure: Exception | str, args: tuple[Any, ...]) -> gr.Error:
    request = next((value for value in args if isinstance(value, gr.Request)), None)
    text = translate_failure(language_of(request), failure)
    return gr.Error(html.escape(text), print_exception=False)
