"""CLIP encoders: loading, preprocessing, weights."""
