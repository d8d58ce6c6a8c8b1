"""Ids in paths: any id can be addressed, percent-encoded, even one with a slash in it.

Servers decode the path before anybody can see where its segments end. So the path is taken from
the raw one again, with a stand-in for each slash that belongs to a segment. What can be in no id
(control characters, bytes that are not UTF-8) is said so, before anybody looks for it.
"""

from urllib.parse import unquote_to_bytes

from litestar.types import Scope

from farwork.http.auth import AnyRequest
from farwork.http.body import InvalidBody, bad_request

SLASH = "\x1f"
"""A control character, which no id holds."""
_DELETE = "\x7f"
SHOWN_CHARACTERS_MAX = 60


def readdress(scope: Scope) -> InvalidBody | None:
    """Put the path of a request right; why it cannot be read, if so.

    Needed only if the raw path holds a percent sign.
    """
    segments: list[str] = []
    for raw in scope["raw_path"].split(b"/"):
        try:
            text = unquote_to_bytes(raw).decode()
        except UnicodeDecodeError:
            return _unreadable(raw, "is not UTF-8 when its percent signs are decoded")
        if any(character < " " or character == _DELETE for character in text):
            return _unreadable(raw, "stands for a control character, which is in no id")
        segments.append(text.replace("/", SLASH))
    scope["path"] = "/".join(segments)
    return None


def _unreadable(raw: bytes, why: str) -> InvalidBody:
    shown = raw.decode("ascii", "backslashreplace")[:SHOWN_CHARACTERS_MAX]
    return bad_request([("path", f"{shown!r} {why}")], "The address cannot be read.")


def name_in(request: AnyRequest, parameter: str) -> str:
    """The name that stands in the path of a request."""
    name: str = request.path_params[parameter]
    return name.replace(SLASH, "/")
