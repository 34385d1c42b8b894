"""The only SQL, and the only writer of the data folder."""
