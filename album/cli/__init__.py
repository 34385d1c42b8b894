"""The commands of `python -m album`, a file for each kind."""
