"""Each dialect serves an OpenAPI document of its own: complete, and open to whoever asks."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler

from farwork.http.dialects.argus import routes as argus
from farwork.http.dialects.argus import wire as argus_wire
from farwork.http.dialects.argus.openapi import CALLS as ARGUS
from farwork.http.dialects.scanhub import routes as scanhub
from farwork.http.dialects.scanhub import users
from farwork.http.dialects.scanhub import wire as scanhub_wire
from farwork.http.dialects.scanhub.openapi import CALLS as SCANHUB
from farwork.http.dialects.scanhub.openapi import LOGIN_CALLS
from farwork.http.dialects.uniqc import routes as uniqc
from farwork.http.dialects.uniqc.openapi import CALLS as UNIQC
from tests.support.server import Server

PREFIXES = ["/api/v1/exam", "/api/v1/userlogin", "/sampledb/v2", "/api", "/api/v1/tasks"]


def routes(prefix: str, handlers: list[Any]) -> Iterator[str]:
    for handler in handlers:
        assert isinstance(handler, HTTPRouteHandler)
        for method in handler.http_methods:
            for path in handler.paths:
                yield f"{method} {prefix}{path.replace(':str', '')}"


@pytest.mark.parametrize(
    ("described", "served"),
    [
        (SCANHUB, [*routes(scanhub_wire.PREFIX, scanhub.CALLS)]),
        (LOGIN_CALLS, [*routes(scanhub_wire.LOGIN_PREFIX, users.CALLS)]),
        (ARGUS, [*routes(argus_wire.PREFIX, argus.CALLS), *routes("", [argus.get_session])]),
        (UNIQC, [*routes("", uniqc.CALLS)]),
    ],
    ids=["scanhub", "login", "argus", "uniqc"],
)
def test_a_document_has_every_call_and_no_other(described: Any, served: list[str]) -> None:
    assert sorted(described) == sorted(served)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_document_and_its_page_are_there_for_everybody(
    sqlite_server: Server, prefix: str
) -> None:
    document = httpx.get(f"{sqlite_server.url}{prefix}/openapi.json")
    assert document.status_code == 200
    text = document.text
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in document.json()["components"]["schemas"]
    ids = re.findall(r'"operationId":"([^"]+)"', text)
    assert len(ids) == len(set(ids))
    page = httpx.get(f"{sqlite_server.url}{prefix}/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "href='openapi.json'" in page.text
    for path in document.json()["paths"]:
        assert path in page.text


def test_every_path_of_scanhubs_document_wants_a_token(sqlite_server: Server) -> None:
    """ScanHub's own tests ask this of its exam-manager, addresses as they stand there."""
    said = json.loads(httpx.get(f"{sqlite_server.url}/api/v1/exam/openapi.json").text)
    for headers in ({}, {"Authorization": "Bearer wrongaccesstoken"}):
        for path, methods in said["paths"].items():
            if path == "/api/v1/exam/health/readiness":
                continue
            for method in methods:
                response = httpx.request(method, f"{sqlite_server.url}{path}", headers=headers)
                assert response.status_code == 401, (method, path)
