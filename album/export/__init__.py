"""Captions, labels and facts as XMP sidecars and ZIP files."""
