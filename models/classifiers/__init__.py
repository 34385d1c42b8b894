"""Classifiers: words, examples, trained networks."""
