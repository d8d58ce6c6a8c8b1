"""The page of supported calls is the list of routes."""

import re
from collections.abc import Iterator

from litestar.handlers import HTTPRouteHandler

from farwork.http.dialects.uniqc.routes import CALLS, router
from tests.support.repository import ROOT

ROW = re.compile(r"^\| `(?P<call>[A-Z]+ \S+)` \|.*\|$", re.MULTILINE)


def routes() -> Iterator[str]:
    for call in CALLS:
        assert isinstance(call, HTTPRouteHandler)
        for method in call.http_methods:
            for path in call.paths:
                yield f"{method} {path.replace(':str', '')}"
    yield "WS /ws/events"


def test_the_page_lists_every_route_and_no_other() -> None:
    page = (ROOT / "docs/dialects/uniqc.md").read_text()

    listed = [row["call"] for row in ROW.finditer(page)]

    assert sorted(listed) == sorted(routes())


def test_the_routes_of_the_dialect_are_its_calls() -> None:
    assert {route.path for route in router().routes} == {
        *(path for call in CALLS for path in call.paths),
        "/ws/events",
        "/api/openapi.json",
        "/api/docs",
    }
