"""Requests over a bare connection that never come to their end."""

from __future__ import annotations

import socket

from tests.support.served_album import ServedAlbum

HEADERS = b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HALVES = {
    "nothing": b"",
    "half a request line": b"GET /con",
    "half the headers": HEADERS,
    "half a body": HEADERS + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n[1,",
}
UPLOAD = (
    b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    b'Content-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\nabc'
)


def opened(served: ServedAlbum, sent: bytes) -> socket.socket:
    """Connect to a served album and send it the beginning of a request."""
    port = int(served.url.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(sent)
    return connection


def ended(connection: socket.socket, within_s: float) -> bool:
    """Whether the server closes it in time."""
    connection.settimeout(max(0.1, within_s))
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True
