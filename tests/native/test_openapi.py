"""The OpenAPI document: complete, true to its own examples, and committed."""

import json
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from jsonschema_rs import validator_for

from tests.support.repository import ROOT
from tests.support.server import Server

COMMITTED = ROOT / "docs" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(COMMITTED.read_text())
CALLS = [
    pytest.param(path, method, call, id=call.get("operationId", path))
    for path, methods in DOCUMENT["paths"].items()
    for method, call in methods.items()
    if path.startswith(("/v1/", "/healthz", "/readyz"))
]


@cache
def validator(schema: str) -> Any:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **json.loads(schema)}
    return validator_for(whole | {"components": DOCUMENT["components"]})


def valid(value: Any, schema: dict[str, Any]) -> list[str]:
    return [error.message for error in validator(json.dumps(schema)).iter_errors(value)]


def resolved(response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in response:
        return response
    found: dict[str, Any] = DOCUMENT["components"]["responses"][response["$ref"].split("/")[-1]]
    return found


def test_the_committed_document_is_the_one_that_is_served(server: Server) -> None:
    served = httpx.get(f"{server.url}/openapi.json").json()
    assert served == DOCUMENT, "run `make openapi` and look at what changed"


def test_every_reference_leads_somewhere() -> None:
    for reference in set(re.findall(r'"\$ref": ?"#/([^"]+)"', COMMITTED.read_text())):
        place: Any = DOCUMENT
        for step in reference.split("/"):
            place = place[step]


@pytest.mark.parametrize(("path", "method", "call"), CALLS)
def test_the_examples_of_a_call_are_of_the_types_that_it_names(
    path: str, method: str, call: dict[str, Any]
) -> None:
    for media in (*_bodies(call), *_answers(call)):
        if "example" in media:
            assert valid(media["example"], media["schema"]) == [], (path, method)
        for example in media.get("examples", {}).values():
            assert valid(example["value"], media["schema"]) == []


def _bodies(call: dict[str, Any]) -> list[dict[str, Any]]:
    return list(call.get("requestBody", {}).get("content", {}).values())


def _answers(call: dict[str, Any]) -> list[dict[str, Any]]:
    responses = (resolved(response) for response in call["responses"].values())
    return [media for response in responses for media in response.get("content", {}).values()]


@pytest.mark.parametrize(("path", "method", "call"), CALLS)
def test_a_call_says_all_that_a_client_must_know(
    path: str, method: str, call: dict[str, Any]
) -> None:
    assert call["summary"]
    assert call["description"]
    assert call["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    assert set(re.findall(r"\{(\w+)\}", path)) == {
        parameter["name"] for parameter in call["parameters"] if parameter["in"] == "path"
    }
    if call.get("security") != []:
        assert {"401", "403"} <= call["responses"].keys()
    if call["operationId"] != "logout":
        assert ("requestBody" in call) is (method in ("post", "patch", "put"))
    if "requestBody" in call:
        assert {"400", "413", "422"} <= call["responses"].keys()
        assert all("example" in media for media in _bodies(call))


def test_operation_ids_are_given_once() -> None:
    ids = [
        call["operationId"]
        for methods in DOCUMENT["paths"].values()
        for call in methods.values()
        if "operationId" in call
    ]
    assert sorted(ids) == sorted(set(ids))


class Elsewhere(HTMLParser):
    """Collects what a page loads, runs or leads to outside of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [
            v for k, v in attrs if k in ("src", "href") and v and not v.startswith(("#", "/"))
        ]


def test_the_page_shows_every_call_and_loads_nothing(server: Server) -> None:
    response = httpx.get(f"{server.url}/docs")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    page = Elsewhere()
    page.feed(response.text)
    assert page.found == []
    assert page.tags.isdisjoint({"script", "link", "iframe", "img"})
    for path in DOCUMENT["paths"]:
        assert path in response.text
    for name in DOCUMENT["components"]["schemas"]:
        assert f"id='schema-{name}'" in response.text
