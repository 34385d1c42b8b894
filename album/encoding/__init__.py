"""The model in use, and its scores made comparable."""
