"""What a listener returns to Gradio: components with their new values or properties."""

from __future__ import annotations

from typing import Any

Updates = dict[Any, Any]
"""Each component with what it is set to; Gradio's components carry no common type."""
