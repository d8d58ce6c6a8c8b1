"""Opaque cursors: the order they were made for, and the place after which the next page begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlencode

import msgspec

from farwork.http.auth import AnyRequest
from farwork.http.body import InvalidBody

_decoder = msgspec.json.Decoder(tuple[str, int, int])


class Cursor:
    """Writes and reads cursors."""

    @staticmethod
    def write(order: str, place: tuple[int, int]) -> str:
        """The cursor of a place in an order."""
        return urlsafe_b64encode(msgspec.json.encode((order, *place))).decode().rstrip("=")

    @staticmethod
    def read(cursor: str, order: str) -> tuple[int, int]:
        """The place of a cursor. Raises `InvalidBody` when it is not one, or is of another order."""
        try:
            made_for, value, key = _decoder.decode(
                urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            )
        except (ValueError, msgspec.DecodeError):
            raise bad_cursor("this is not a cursor; take next_cursor of the page before") from None
        if made_for != order or not (abs(value) < 2**62 and abs(key) < 2**62):
            raise bad_cursor(f"the cursor is of a list in the order {made_for!r}, not {order!r}")
        return value, key


def bad_cursor(detail: str) -> InvalidBody:
    return InvalidBody(
        "A parameter cannot be taken.", [("query:cursor", detail)], status=400, code="bad_request"
    )


def link_to_next(request: AnyRequest, cursor: str | None) -> dict[str, str]:
    """The `Link` header (RFC 8288) to the next page."""
    if cursor is None:
        return {}
    kept = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
    query = urlencode([*kept, ("cursor", cursor)])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}
