"""What a benchmark prints: one line a figure, with its bar and what stands beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    what: str
    value: float
    unit: str
    below: float | None = None
    """The bar it must stay under; None for a figure that is only to be known."""
    above: float | None = None
    """The bar it must reach, likewise."""
    beside: str = ""
    """The same work done another way, in the same run."""

    def __str__(self) -> str:
        missed = ""
        if (self.below is not None and self.value >= self.below) or (
            self.above is not None and self.value < self.above
        ):
            missed = "  MISSED"
        bar = "" if self.below is None else f"< {self.below:g} {self.unit}"
        bar += "" if self.above is None else f">= {self.above:g} {self.unit}"
        line = f"{self.what:<64} {self.value:>9.4g} {self.unit:<9} {bar:<10} {self.beside}"
        return line.rstrip() + missed


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes, once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_bytes(process: str) -> int:
    """The most that a process held since it began, by proc(5).

    Not getrusage(2): there a process inherits the peak of the one that started it.
    """
    status = Path("/proc", process, "status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def held_by(process: int) -> tuple[float, int]:
    """What a process holds now, by proc(5): resident memory in MB, and open descriptors."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024, len(list(Path(f"/proc/{process}/fd").iterdir()))
