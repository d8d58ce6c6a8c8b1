"""Whatever is sent to any call of a dialect, the answer is one that its document foresees."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farwork.http.dialects.argus.openapi import sampledb_document
from farwork.http.dialects.scanhub.openapi import exam_document, login_document
from farwork.http.dialects.uniqc.openapi import gateway_document
from tests.dialects.argus.sampledb import SHA, SampleDb
from tests.dialects.scanhub.lab import PATIENT, Lab
from tests.support.server import Server

EXAMPLES_MAX = 4
schemathesis: Any = import_module("schemathesis")
openapi_checks: Any = import_module("schemathesis.specs.openapi.checks")
CHECKS: list[Any] = [
    import_module("schemathesis.checks").not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]
FINE = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.nested_given,
]
DOCUMENTS: dict[str, Callable[[], Any]] = {
    "scanhub": exam_document,
    "scanhub-login": login_document,
    "argus": sampledb_document,
    "uniqc": gateway_document,
}
PROJECT = "probed"


def operations() -> Iterator[Any]:
    for name, build in DOCUMENTS.items():
        schema = schemathesis.openapi.from_dict(build())
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in schemathesis.GenerationMode:
                if mode.value == "positive" or takes_anything(operation):
                    yield pytest.param(operation, mode, id=f"{name}-{operation.label}-{mode.value}")


def takes_anything(operation: Any) -> bool:
    """Whether anything can be said to it, rightly or wrongly."""
    return any((operation.query, operation.path_parameters, operation.headers, operation.body))


@pytest.fixture(scope="session")
def known(sqlite_server: Server) -> dict[str, Any]:
    """A key, and the ids of what is there to be found, by the names that paths give them."""
    with Lab(sqlite_server, PROJECT) as lab, SampleDb(sqlite_server, PROJECT) as argus:
        workflow = lab.workflow()
        scan = lab.scan(workflow["id"])
        lab.dag(workflow["id"], input_task_ids=[scan["id"]])
        result = lab.ask("POST", "/result", task_id=scan["id"])
        job = argus.reanalyse(SHA)["id"]
        argus.add(job, "yara")
        return {
            "key": argus.key,
            "task_id": scan["id"],
            "result_id": result["id"],
            "workflow_id": workflow["id"],
            "exam_id": workflow["exam_id"],
            "patient_id": PATIENT,
            "job_id": job,
            "sha256": SHA,
        }


@pytest.mark.parametrize(("operation", "mode"), list(operations()))
def test_every_answer_is_a_documented_one(
    sqlite_server: Server, known: dict[str, Any], operation: Any, mode: Any
) -> None:
    headers = {"Authorization": f"Bearer {known['key']}"}
    with requests.Session() as session:

        @settings(
            max_examples=EXAMPLES_MAX, suppress_health_check=FINE, derandomize=True, database=None
        )
        @given(case=operation.as_strategy(mode), at_home=st.booleans())
        def send(case: Any, *, at_home: bool) -> None:
            if at_home:
                asked: dict[str, Any] = case.path_parameters or {}
                here = {name: known[name] for name in asked.keys() & known.keys()}
                case.path_parameters = asked | here
            response = case.call(base_url=sqlite_server.url, headers=headers, session=session)
            case.validate_response(response, checks=CHECKS)

        send()
