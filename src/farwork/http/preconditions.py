"""`ETag` and `If-Match` (RFC 9110): a version is an entity tag."""

import re

from farwork.http.auth import AnyRequest
from farwork.http.body import bad_request

_TAG = re.compile(r'"([0-9]{1,18})"')


def etag_of(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def if_version(request: AnyRequest) -> int | None:
    """The version that `If-Match` demands; None: any."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    tag = _TAG.fullmatch(given.strip())
    if tag is None:
        said = 'must be one entity tag as it was given, like "7"'
        raise bad_request([("header:if-match", said)], "A header cannot be taken.")
    return int(tag[1])
