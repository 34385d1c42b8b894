"""Probabilities as text."""

from __future__ import annotations


def percent(probability: float) -> str:
    """Format a probability in per cent, never as 0 or 100.

    A model is never certain.
    """
    rounded = round(100 * probability)
    if rounded < 1:
        return "<1%"
    return f"{min(rounded, 99)}%"
