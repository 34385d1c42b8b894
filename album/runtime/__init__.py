"""What every process of the album needs: loops, temporary files, sockets, shutdown."""
