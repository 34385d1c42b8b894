"""Captioners: Gemini and CoCa."""
