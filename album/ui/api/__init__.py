"""Named endpoints for programs."""
