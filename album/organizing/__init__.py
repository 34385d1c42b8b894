"""Views of the whole album: what there is to look at without a search."""
