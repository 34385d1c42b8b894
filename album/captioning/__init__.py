"""Captions, by hand and by a model."""
