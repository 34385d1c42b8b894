"""Untrusted bytes to upright sRGB images, decoded in worker processes."""
