"""Ids in paths: any id can be addressed, percent-encoded, even one with a slash in it.

Servers decode the path before anybody can see where its segments end. So the path is taken from
the raw one again, with a stand-in for each slash that belongs to a segment.
"""

from urllib.parse import unquote_to_bytes

from litestar.types import Scope

from farwork.http.auth import AnyRequest

# Control characters, which no id holds. The second one stands for what cannot be in an id at all
# (a control character, bytes that are not UTF-8), so that it finds nothing.
SLASH = "\x1f"
NOTHING = "\x1a"
_DELETE = "\x7f"


def readdress(scope: Scope) -> None:
    """Put the path of a request right. Needed only if its raw path holds a percent sign."""
    segments = scope["raw_path"].split(b"/")
    scope["path"] = "/".join(_segment(raw) for raw in segments)


def _segment(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return NOTHING
    if any(character < " " or character == _DELETE for character in text):
        return NOTHING
    return text.replace("/", SLASH)


def name_in(request: AnyRequest, parameter: str) -> str:
    """The name that stands in the path of a request."""
    name: str = request.path_params[parameter]
    return name.replace(SLASH, "/")
