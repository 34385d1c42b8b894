"""Training of classifiers on folders of photos."""
