"""Whatever is sent to any call of the document, the answer is one that the document foresees."""

from typing import Any

import pytest

from tests.native.api import Api
from tests.support.probing import CHECKS, HEADERS, Probe, calls, schemathesis
from tests.support.repository import ROOT

EXAMPLES_MAX = 5
KNOWN = {"task_id": "a/b", "job_id": "j"}
CASES = list(calls(schemathesis.openapi.from_path(ROOT / "docs" / "openapi.json")))


@pytest.fixture
def filled(api: Api) -> Api:
    """A project with some of everything in it, so that calls find something."""
    api.create("a/b", job_id="j", shards=[{"index": 0}], labels={"team": "x"})
    api.create("ended", inputs=["a/b"], kind="train", queue="gpu")
    api.report("ended", state="failed", result={"loss": 1}, error={"category": "oom"})
    api.post("/v1/tasks/ended/retry")
    api.report("ended", attempt=1, delivery_id="x", state="succeeded", result=[1])
    return api


def without_a_wait(case: Any) -> None:
    """Nobody shall wait for what never comes."""
    for word in {"wait", "seconds"} & {one.name for one in case.operation.query}:
        query: dict[str, Any] = case.query or {}
        case.query = {**query, word: 0}
    body: Any = case.body
    if case.operation.path == "/v1/claims" and isinstance(body, dict):
        body["wait"] = 0


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_answer_is_a_documented_one(filled: Api, operation: Any, mode: Any) -> None:
    key = filled.client.headers["Authorization"].removeprefix("Bearer ")
    there = KNOWN | {"project_id": filled.project}
    checks = [*CHECKS, HEADERS]
    probe = Probe(filled.server.url, key, there, EXAMPLES_MAX, checks, without_a_wait)
    probe.send(operation, mode)
