"""Report the progress of a run, and stop it on request."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import torch
import torch.distributed as dist
import typer


def listen_for_stop() -> Callable[[], bool]:
    """Handle Ctrl-C and termination: stop after the current step.

    A second signal stops at once.

    Returns:
        A function that says whether to stop, with equal answers in all processes.
    """
    requested = threading.Event()

    def request_stop(number: int, _frame: object) -> None:
        requested.set()
        signal.signal(number, signal.default_int_handler)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, request_stop)
        signal.signal(signal.SIGTERM, request_stop)

    def stop_requested() -> bool:
        if not dist.is_initialized():
            return requested.is_set()
        votes = torch.tensor(float(requested.is_set()))
        dist.all_reduce(votes)  # all must stop after the same step, or the others would hang
        return bool(votes)

    return stop_requested


def format_duration(seconds: float) -> str:
    """Format seconds as `1 h 05 min`, `12 min` or `40 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def log(sentence: str) -> None:
    """Print progress in the first process only."""
    if not dist.is_initialized() or dist.get_rank() == 0:
        typer.echo(sentence)
