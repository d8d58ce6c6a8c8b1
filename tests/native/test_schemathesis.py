"""Whatever is sent to any call of the document, the answer is one that the document foresees."""

from importlib import import_module
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.native.api import Api
from tests.support.repository import ROOT

EXAMPLES_MAX = 5
# Its types are not made for strict checks.
schemathesis: Any = import_module("schemathesis")
openapi_checks: Any = import_module("schemathesis.specs.openapi.checks")
CHECKS: list[Any] = [
    import_module("schemathesis.checks").not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
]
SCHEMA: Any = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.json")
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]


@pytest.fixture
def filled(api: Api) -> Api:
    """A project with some of everything in it, so that calls find something."""
    api.create("a/b", job_id="j", shards=[{"index": 0}], labels={"team": "x"})
    api.create("ended", inputs=["a/b"], kind="train", queue="gpu")
    api.report("ended", state="failed", result={"loss": 1}, error={"category": "oom"})
    api.post("/v1/tasks/ended/retry")
    api.report("ended", attempt=1, delivery_id="x", state="succeeded", result=[1])
    return api


# What is slow here is the answers, and what is filtered is what the document rules out.
FINE = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.nested_given,
]
KNOWN = {"task_id": "a/b", "job_id": "j"}


def takes_anything(operation: Any) -> bool:
    """Whether anything can be said to it, rightly or wrongly."""
    return any((operation.query, operation.path_parameters, operation.headers, operation.body))


CASES = [
    pytest.param(operation, mode, id=f"{operation.label}-{mode.value}")
    for operation in OPERATIONS
    for mode in schemathesis.GenerationMode
    if mode.value == "positive" or takes_anything(operation)
]


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_answer_is_a_documented_one(filled: Api, operation: Any, mode: Any) -> None:
    headers = {"Authorization": filled.client.headers["Authorization"]}
    there = KNOWN | {"project_id": filled.project}
    with requests.Session() as session:

        @settings(
            max_examples=EXAMPLES_MAX,
            suppress_health_check=FINE,
            derandomize=True,
            database=None,
        )
        @given(case=operation.as_strategy(mode), known=st.booleans())
        def send(case: Any, *, known: bool) -> None:
            if known:
                asked: dict[str, Any] = case.path_parameters or {}
                case.path_parameters = asked | {n: there[n] for n in asked.keys() & there.keys()}
            for word in {"wait", "seconds"} & {one.name for one in operation.query}:
                query: dict[str, Any] = case.query or {}
                case.query = {**query, word: 0}
            body: Any = case.body
            if operation.path == "/v1/claims" and isinstance(body, dict):
                body["wait"] = 0
            response = case.call(base_url=filled.server.url, headers=headers, session=session)
            case.validate_response(response, checks=CHECKS)

        send()
