"""Values shared by every package of the album, without I/O."""
