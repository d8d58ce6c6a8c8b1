"""`ETag` and `If-Match` (RFC 9110): a task's version is its entity tag."""

from farwork.http.auth import AnyRequest
from farwork.http.body import InvalidBody


def etag_of(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def if_version(request: AnyRequest) -> int | None:
    """The version that `If-Match` demands; None: any."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    text = given.strip()
    if len(text) > 2 and text[0] == text[-1] == '"' and text[1:-1].isdigit() and len(text) < 20:
        return int(text[1:-1])
    raise InvalidBody(
        "A header cannot be taken.",
        [("header:if-match", 'one entity tag as it was given, like "7"')],
        status=400,
        code="bad_request",
    )
