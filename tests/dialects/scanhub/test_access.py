"""Who may what: a token first, whatever else is wrong; then roles."""

import json
from collections.abc import Iterator

import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.testing import RequestFactory

from farwork.domain.errors import DomainError
from farwork.http.dialects.scanhub.answers import respond
from farwork.http.dialects.scanhub.routes import CALLS
from farwork.http.problems import FORESEEN
from farwork.service.access import Role
from tests.dialects.scanhub.lab import BASE, NOWHERE, PATIENT, Lab

OPEN = {"/health/readiness"}


def calls() -> Iterator[tuple[str, str]]:
    for call in CALLS:
        assert isinstance(call, HTTPRouteHandler)
        for method in call.http_methods:
            for path in call.paths:
                if path not in OPEN:
                    yield method, path


@pytest.mark.parametrize(("method", "path"), sorted(calls()))
def test_without_a_good_token_every_call_is_a_401_before_anything_else(
    sqlite_lab: Lab, method: str, path: str
) -> None:
    filled = "/".join("notauuid" if "{" in part else part for part in path.split("/"))
    with sqlite_lab.server.client() as stranger:
        for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"}):
            response = stranger.request(method, f"{BASE}{filled}", headers=header, content=b"{}")
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.json()["detail"]


def test_health_is_for_everybody(sqlite_lab: Lab) -> None:
    with sqlite_lab.server.client() as stranger:
        response = stranger.get(f"{BASE}/health/readiness")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_viewer_reads_and_changes_nothing(sqlite_lab: Lab, viewer: Lab) -> None:
    task = sqlite_lab.scan()
    result = sqlite_lab.ask("POST", "/result", task_id=task["id"])
    assert viewer.get(task["id"]) == task
    assert len(viewer.ask("GET", f"/all/{PATIENT}")) == 1
    for method, path, body in (
        ("PUT", f"/task/{task['id']}", task),
        ("PUT", f"/task/{task['id']}", task | {"name": "x"}),
        ("DELETE", f"/task/{task['id']}", None),
        ("POST", "/task/new", task),
        ("PUT", f"/result/{result['id']}", result | {"type": "MRD"}),
        ("DELETE", f"/result/{result['id']}", None),
        ("POST", f"/result?task_id={task['id']}", None),
        ("DELETE", f"/workflow/{task['workflow_id']}", None),
        ("PUT", "/task/reorder", {"task_ids": [task["id"]]}),
    ):
        assert viewer.refused(method, path, body) == 403
    assert viewer.get(task["id"]) == task


def test_a_worker_reports_and_does_not_delete(sqlite_lab: Lab) -> None:
    task = sqlite_lab.scan()
    with Lab(sqlite_lab.server, sqlite_lab.project, Role.WORKER) as worker:
        assert worker.moved(task["id"], "INPROGRESS", 5)["status"] == "INPROGRESS"
        assert worker.refused("DELETE", f"/task/{task['id']}") == 403
        assert (
            worker.refused("POST", "/new", {"name": "n", "status": "NEW", "is_template": True})
            == 403
        )


def test_projects_do_not_see_each_other(sqlite_lab: Lab) -> None:
    task = sqlite_lab.scan()
    with Lab(sqlite_lab.server, f"{sqlite_lab.project}-other") as other:
        assert other.refused("GET", f"/task/{task['id']}") == 404
        assert other.refused("PUT", f"/task/{task['id']}", task) == 404
        assert other.ask("GET", f"/all/{PATIENT}") == []


def test_an_address_that_nobody_serves_is_refused_in_this_shape(sqlite_lab: Lab) -> None:
    assert sqlite_lab.refused("GET", f"/nothing/here/{NOWHERE}") == 404


def tree(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for one in kind.__subclasses__():
        yield one
        yield from tree(one)


def name_of(kind: type[DomainError]) -> str:
    return kind.__name__


@pytest.mark.parametrize("kind", sorted(set(tree(DomainError)), key=name_of))
def test_every_error_of_the_use_cases_has_an_answer(kind: type[DomainError]) -> None:
    error = kind.__new__(kind)
    DomainError.__init__(error, "what was wrong")
    response = respond(RequestFactory().get(BASE), error)
    assert response.status_code in range(400, 500)
    # A 422 is a list of flaws, whoever finds them: its clients read it as one.
    flaw = {"type": "value_error", "loc": ["body"], "msg": "what was wrong", "input": None}
    detail = [flaw] if response.status_code == 422 else "what was wrong"
    assert json.loads(response.content) == {"detail": detail}


@pytest.mark.parametrize("kind", FORESEEN)
def test_whatever_a_handler_may_raise_is_answered(kind: type[Exception]) -> None:
    error = kind() if kind.__name__ == "HTTPException" else kind("why")
    response = respond(RequestFactory().get(BASE), error)
    assert response.status_code in range(400, 600)
    assert list(json.loads(response.content)) == ["detail"]
