"""The school: what `models.train` is made of."""
