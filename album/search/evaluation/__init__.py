"""How good a search is, on photos whose right answers are known."""
