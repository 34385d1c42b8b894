"""Ways to arrange the photos of an album, such as by day."""
