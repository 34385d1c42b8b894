"""Imported by a Python process whose PYTHONPATH names this folder, before anything else.

Writes every name it looks up and every address it connects or sends to, beyond this machine, to
the file that OUTSIDE_LOG names: one a line.
"""

import os
import sys
from typing import Any

HERE = ("", "localhost", "::1", "0.0.0.0", "::")


def note_what_leaves(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook (PEP 578); sockets of C libraries pass it by, those of Python cannot."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else ""  # else a socket of this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    name = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
    if name in HERE or name.startswith("127."):
        return
    log = os.open(os.environ["OUTSIDE_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{event} {name}\n".encode())
    os.close(log)


if "OUTSIDE_LOG" in os.environ:
    sys.addaudithook(note_what_leaves)
