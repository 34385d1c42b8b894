"""The commands of `python -m album`."""
