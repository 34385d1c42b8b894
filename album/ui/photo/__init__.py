"""The panel of the open photo."""
