"""The page of supported calls is the list of routes."""

import re
from collections.abc import Iterator

from litestar.handlers import HTTPRouteHandler

from farwork.http.dialects.scanhub import users, wire
from farwork.http.dialects.scanhub.routes import CALLS
from tests.support.repository import ROOT

ROW = re.compile(r"^\| `(?P<call>[A-Z]+ \S+)` \|.*\|$", re.MULTILINE)


def routes() -> Iterator[str]:
    for prefix, calls in ((wire.PREFIX, CALLS), (wire.LOGIN_PREFIX, users.CALLS)):
        for call in calls:
            assert isinstance(call, HTTPRouteHandler)
            for method in call.http_methods:
                for path in call.paths:
                    yield f"{method} {prefix}{path.replace(':str', '')}"


def test_the_page_lists_every_route_and_no_other() -> None:
    page = (ROOT / "docs/dialects/scanhub.md").read_text()
    listed = [row["call"] for row in ROW.finditer(page)]
    assert sorted(listed) == sorted(routes())
