"""Captioners: local CoCa models and the Gemini API."""
