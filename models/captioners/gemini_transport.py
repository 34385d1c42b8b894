"""HTTP transport for Gemini: one attempt, one deadline, one host.

Imported with the SDK, which brings `requests` and `urllib3`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as BrokenConnection
from requests.exceptions import ReadTimeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

LARGEST_ANSWER_BYTES = 8_000_000  # a hundred times what the longest answer needs
PIECE_BYTES = 65_536


class BoundedAdapter(HTTPAdapter):
    """Read each whole response within the timeout of its request.

    The timeout of `requests` applies to each read from the socket, so a slow drip would never end.

    That of `requests` is for each read from the socket, so an answer that drips would never end.
    """

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send `request` and read the whole response.

        `options` are the arguments of the session.

        Raises:
            ReadTimeout: it is not all there within `timeout` seconds; noticed as a piece arrives,
                or after as long again without one.
            BrokenConnection: it ends early, or is larger than any answer.
        """
        deadline = time.monotonic() + options["timeout"]
        response = super().send(request, *args, **{**options, "stream": True})
        try:
            pieces = list(_pieces(response, deadline))
        except BaseException:
            response.close()  # what is left of it must not wait in the pool
            raise
        response._content = b"".join(pieces)  # what `response.content` would read
        response._content_consumed = True
        return response


def _pieces(response: Response, deadline: float) -> Iterator[bytes]:
    """Yield the decoded body as it arrives."""
    left_bytes = LARGEST_ANSWER_BYTES
    try:
        while piece := response.raw.read1(PIECE_BYTES, decode_content=True):
            yield piece
            left_bytes -= len(piece)
            if time.monotonic() > deadline:
                raise ReadTimeout("the answer drips")
            if left_bytes < 0:
                raise BrokenConnection("the answer has no end")
    except ReadTimeoutError as error:
        raise ReadTimeout("the answer stopped") from error
    except HTTPError as error:
        raise BrokenConnection("the answer is cut") from error


def send_once(session: Any) -> None:
    """Disable retries and redirects of the SDK's `session`.

    It would retry after a 401, although a key cannot be refreshed. A redirect would send the photo
    and the key to another host.
    """
    session._refresh_status_codes = ()
    session.max_redirects = 0
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter())
