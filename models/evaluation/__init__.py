"""Evaluation of models: retrieval, zero-shot, search and speed."""
