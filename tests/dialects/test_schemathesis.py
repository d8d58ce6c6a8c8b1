"""Whatever is sent to any call of a dialect, the answer is one that its document foresees."""

from collections.abc import Callable
from typing import Any

import pytest

from farwork.http.dialects.argus.openapi import sampledb_document
from farwork.http.dialects.scanhub.openapi import exam_document, login_document
from farwork.http.dialects.uniqc.openapi import gateway_document
from tests.dialects.argus.sampledb import SHA, SampleDb
from tests.dialects.scanhub.lab import PATIENT, Lab
from tests.support.probing import Probe, calls, schemathesis
from tests.support.server import Server

EXAMPLES_MAX = 4
DOCUMENTS: dict[str, Callable[[], Any]] = {
    "scanhub": exam_document,
    "scanhub-login": login_document,
    "argus": sampledb_document,
    "uniqc": gateway_document,
}
PROJECT = "probed"


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


OPERATIONS = [
    call
    for name, build in DOCUMENTS.items()
    for call in calls(schemathesis.openapi.from_dict(build()), f"{name}-")
]


@pytest.mark.parametrize(("operation", "mode"), OPERATIONS)
def test_every_answer_is_a_documented_one(
    sqlite_server: Server, known: dict[str, Any], operation: Any, mode: Any
) -> None:
    Probe(sqlite_server.url, known["key"], known, EXAMPLES_MAX).send(operation, mode)
