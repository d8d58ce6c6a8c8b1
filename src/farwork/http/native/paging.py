"""Opaque cursors: the order they were made for, and the place after which the next page begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Meta

from farwork.http.auth import AnyRequest
from farwork.http.body import InvalidBody, bad_request

LIMIT_MAX = 500

Number = Annotated[int, Meta(ge=-(2**62), le=2**62)]
TimePlace = tuple[Number, Number]
JobPlace = tuple[Number, str]
ResultPlace = tuple[Number, str, str]
ShardPlace = tuple[Number]
TextPlace = tuple[str]

P = TypeVar("P", bound=tuple[Any, ...])

_decoder = msgspec.json.Decoder(tuple[str, list[Any]])


class Cursor:
    """Writes and reads cursors."""

    @staticmethod
    def write(order: str, place: tuple[Any, ...] | None) -> str | None:
        """The cursor of a place in an order; None: the end."""
        if place is None:
            return None
        return urlsafe_b64encode(msgspec.json.encode((order, place))).decode().rstrip("=")

    @staticmethod
    def read(cursor: str | None, order: str, kind: type[P]) -> P | None:
        """The place of a cursor.

        Raises `InvalidBody` when it is not one, or is of another list.
        """
        if cursor is None:
            return None
        try:
            raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            made_for, values = _decoder.decode(raw)
            place = msgspec.convert(values, kind)
        except (ValueError, msgspec.MsgspecError):
            place, made_for = None, ""
        if place is None or "\0" in str(place):
            raise bad_cursor("is not a cursor; take next_cursor of the page before")
        if made_for != order:
            raise bad_cursor(f"is of a list in the order {made_for!r}, not {order!r}")
        return place


def bad_cursor(detail: str) -> InvalidBody:
    """A cursor that was not given for this list."""
    return bad_request([("query:cursor", detail)])


def bounded(limit: int) -> int:
    """The limit that is kept to."""
    return min(limit, LIMIT_MAX)


def link_to_next(request: AnyRequest, cursor: str | None, name: str = "cursor") -> dict[str, str]:
    """The `Link` header (RFC 8288) to the next page."""
    if cursor is None:
        return {}
    query = request.scope["query_string"].decode()
    kept = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k != name]
    path = request.scope["raw_path"].decode("ascii", "ignore")
    return {"Link": f'<{path}?{urlencode([*kept, (name, cursor)])}>; rel="next"'}
