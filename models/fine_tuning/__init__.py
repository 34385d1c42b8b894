"""The parts of `models.fine_tune`: a classifier out of a folder of photos."""
