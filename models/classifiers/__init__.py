"""Classifiers from text, from examples, and from training."""
