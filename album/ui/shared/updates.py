"""Type of what a listener returns to Gradio."""

from __future__ import annotations

from typing import Any

Updates = dict[Any, Any]
"""New value or properties of each component. Gradio's components have no common type."""
