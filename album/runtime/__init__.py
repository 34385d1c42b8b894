"""Background loops, temporary files, sockets and shutdown of a process."""
