"""Query strings: every parameter is known, well-formed and given once, or is named."""

from typing import Any
from urllib.parse import quote

import pytest
from dirty_equals import IsStr

from tests.native.api import Api


def errors(api: Api, path: str) -> dict[str, str]:
    found = api.problem("GET", path)
    assert (found["status"], found["code"]) == (400, "bad_request")
    return {one["pointer"]: one["detail"] for one in found["errors"]}


def test_everything_that_is_wrong_is_named_at_once(api: Api) -> None:
    query = "limits=3&state=queue&limit=0&created_after=x&archived=yes&label=team&order=size&foo=1"
    assert errors(api, f"/v1/tasks?{query}") == {
        "query:limits": "is not known here; did you mean 'limit'?",
        "query:state": IsStr(regex=r"must be one of created, .* \(did you mean 'queued'\?\)"),
        "query:limit": "must be between 1 and 2147483647, not 0",
        "query:created_after": IsStr(regex=r'"x" is not a time like .*'),
        "query:archived": 'must be one of any, false, true, not "yes"',
        "query:label": 'must be of the form key=value, not "team"',
        "query:order": 'must be one of completed, created, updated, not "size"',
        "query:foo": IsStr(regex=r"is not known here; known are state, reason, kind, .*"),
    }


@pytest.mark.parametrize(
    ("query", "name", "detail"),
    [
        pytest.param("limit=1&limit=2", "limit", "is given more than once", id="twice"),
        pytest.param("limit=", "limit", 'must be a whole number, not ""', id="empty"),
        pytest.param("limit=1.0", "limit", 'must be a whole number, not "1.0"', id="a fraction"),
        pytest.param("limit=1e3", "limit", 'must be a whole number, not "1e3"', id="an exponent"),
        pytest.param("limit=%2B1", "limit", 'must be a whole number, not "+1"', id="a sign"),
        pytest.param("limit=9223372036854775808", "limit", IsStr, id="beyond 64 bits"),
        pytest.param(f"limit={'9' * 40}", "limit", IsStr, id="far beyond 64 bits"),
        pytest.param("limit=nan", "limit", IsStr, id="not a number"),
        pytest.param("creator=a%00b", "creator", "must not hold a NUL character", id="a NUL"),
        pytest.param("creator=a&creator=b", "creator", "is given more than once", id="two texts"),
        pytest.param(f"creator={'x' * 256}", "creator", IsStr, id="a long text"),
        pytest.param(
            "updated_before=0001-01-01T00:00:00%2B14:00", "updated_before", IsStr, id="no year"
        ),
        pytest.param("cursor=xyz", "cursor", IsStr(regex="is not a cursor; .*"), id="no cursor"),
        pytest.param("cursor=%E4", "", IsStr(regex="must be UTF-8.*"), id="no text"),
        pytest.param(
            "label=a=1&label=a=2", "label", "no task has both a=1 and a=2", id="two values"
        ),
    ],
)
def test_a_parameter_that_cannot_be_taken_is_named(
    api: Api, query: str, name: str, detail: Any
) -> None:
    assert errors(api, f"/v1/tasks?{query}") == {f"query:{name}": detail}


def test_a_plus_that_became_a_space_is_explained(api: Api) -> None:
    found = errors(api, "/v1/tasks?created_after=2026-01-01T00:00:00+01:00")
    assert found["query:created_after"].endswith("a + in an address is written %2B")
    assert api.get("/v1/tasks?created_after=2026-01-01T00:00:00%2B01:00")["items"] == []


def test_a_cursor_belongs_to_its_list(api: Api) -> None:
    api.create("a", "b")
    cursor = api.get("/v1/tasks", limit=1)["next_cursor"]
    found = errors(api, f"/v1/tasks?order=updated&cursor={cursor}")
    assert found == {"query:cursor": "is of a list in the order 'created.desc', not 'updated.desc'"}
    assert "query:cursor" in errors(api, f"/v1/jobs?cursor={cursor}")
    assert "query:cursor" in errors(api, f"/v1/tasks/a/shards?cursor={cursor}")


PARTS = ("attempts", "events", "results", "shards", "graph", "explain", "wait")
CALLS = [
    "/healthz",
    "/readyz",
    "/v1/tasks/a",
    *(f"/v1/tasks/a/{part}" for part in PARTS),
    "/v1/counts",
    "/v1/jobs",
    "/v1/jobs/j",
    "/v1/jobs/j/tasks",
    "/v1/feed",
    "/v1/keys",
    "/v1/projects",
    "/v1/sources",
    "/v1/operations",
]


@pytest.mark.parametrize("path", CALLS)
def test_no_call_passes_over_what_it_does_not_know(api: Api, path: str) -> None:
    assert list(errors(api, f"{path}?unheard=1")) == ["query:unheard"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/tasks"),
        ("PATCH", "/v1/tasks/a"),
        ("DELETE", "/v1/tasks/a"),
        ("POST", "/v1/tasks/a/cancel"),
        ("POST", "/v1/reports"),
        ("POST", "/v1/jobs"),
        ("PATCH", "/v1/jobs/j"),
        ("DELETE", "/v1/jobs/j"),
        ("POST", "/v1/jobs/j/cancel"),
        ("POST", "/v1/bulk"),
        ("POST", "/v1/keys"),
        ("POST", "/v1/projects"),
        ("POST", "/v1/sources"),
    ],
)
def test_nor_does_a_call_that_changes_something(api: Api, method: str, path: str) -> None:
    api.create("a", job_id="j")
    found = api.problem(method, f"{path}?unheard=1", {})
    assert (found["status"], found["errors"][0]["pointer"]) == (400, "query:unheard")
    assert api.task("a")["state"] == "queued"


def test_a_list_may_be_asked_by_several_values(api: Api) -> None:
    api.create("a", queue="x")
    api.create("b", queue="y")
    api.create("c", queue="z é/")
    found = api.get(f"/v1/tasks?queue=x&queue={quote('z é/')}")["items"]
    assert [task["id"] for task in found] == ["c", "a"]


def test_a_limit_beyond_the_bound_is_capped(api: Api) -> None:
    api.create(*(f"t{number}" for number in range(501)))
    page = api.get("/v1/tasks", limit=100_000)
    assert len(page["items"]) == 500
    assert page["next_cursor"] is not None


def test_more_parameters_than_can_be_meant_are_refused(api: Api) -> None:
    query = "&".join(f"state={number}" for number in range(201))
    assert errors(api, f"/v1/tasks?{query}") == {"query:": "has more than 200 parameters"}
