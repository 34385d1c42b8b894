"""A query to photos: parse, rank, merge, judge."""
