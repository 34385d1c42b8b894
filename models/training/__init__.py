"""Parts of `models.train`. The album does not import them."""
