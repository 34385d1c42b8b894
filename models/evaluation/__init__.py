"""The measures: what `models.evaluate` is made of."""
