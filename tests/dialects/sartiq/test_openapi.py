"""The server's OpenAPI document has the webhook under the names that generated clients know."""

import re
from typing import Any, cast

import httpx
import pytest
from hypothesis import assume, given
from jsonschema_rs import validator_for

from farwork.domain.values import Verdict
from farwork.http.dialects.sartiq.openapi import SCHEMAS, STATUS, part
from farwork.http.dialects.sartiq.validation import problems_of
from farwork.http.dialects.sartiq.wire import TaskStatusEvent
from tests.dialects.sartiq.sender import event
from tests.dialects.sartiq.test_validation import BODIES

TEXT_OR_NULL = {"anyOf": [{"type": "string"}, {"type": "null"}]}
TIME_OR_NULL = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
# What the reference page publishes, field by field.
PUBLISHED: dict[str, dict[str, Any]] = {
    "event_type": {"$ref": "#/components/schemas/EventType"},
    "task_id": {"type": "string", "title": "Task Id"},
    "status": {"anyOf": [{"$ref": f"#/components/schemas/{STATUS}"}, {"type": "null"}]},
    "entity_id": TEXT_OR_NULL | {"title": "Entity Id"},
    "origin_instance": TEXT_OR_NULL | {"title": "Origin Instance"},
    "origin_zone": TEXT_OR_NULL | {"title": "Origin Zone"},
    "origin_version": TEXT_OR_NULL | {"title": "Origin Version"},
    "timestamp": TIME_OR_NULL | {"title": "Timestamp"},
    "metadata": {
        "anyOf": [{"additionalProperties": True, "type": "object"}, {"type": "null"}],
        "title": "Metadata",
    },
    "progress": {
        "anyOf": [
            {"type": "number", "maximum": 100.0, "minimum": 0.0},
            {"type": "integer", "maximum": 100.0, "minimum": 0.0},
        ],
        "title": "Progress",
        "description": "Task progress percentage",
    },
    "error_message": TEXT_OR_NULL | {"title": "Error Message"},
    "error_category": {
        "anyOf": [{"$ref": "#/components/schemas/ErrorCategory-Input"}, {"type": "null"}]
    },
    "completed_at": TIME_OR_NULL | {"title": "Completed At"},
    "started_at": TIME_OR_NULL | {"title": "Started At"},
    "task_type": {"type": "string", "title": "Task Type"},
    "additional_properties": {
        "additionalProperties": True,
        "type": "object",
        "title": "Additional Properties",
        "default": {},
    },
}


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    response = client.get("/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def without_bounds(schema: Any) -> Any:
    """A schema but for our bounds on the length and the characters of text."""
    if isinstance(schema, dict):
        ours = {"minLength", "maxLength", "pattern"}
        fields = cast("dict[str, Any]", schema)
        return {k: without_bounds(v) for k, v in fields.items() if k not in ours}
    if isinstance(schema, list):
        return [without_bounds(one) for one in cast("list[Any]", schema)]
    return schema


def test_the_operation_is_published_under_its_names(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/v1/tasks/webhook"]["post"]
    assert (operation["tags"], operation["summary"]) == (["tasks"], "Task Webhook")
    content = operation["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/TaskStatusEvent"}
    refused = operation["responses"]["422"]["content"]["application/json"]
    assert refused["schema"] == {"$ref": "#/components/schemas/HTTPValidationError"}


def test_the_event_is_published_as_on_the_reference_page(document: dict[str, Any]) -> None:
    published = document["components"]["schemas"]["TaskStatusEvent"]
    assert without_bounds(published["properties"]) == PUBLISHED
    assert published["required"] == ["event_type", "task_id", "status", "progress", "task_type"]
    assert published["title"] == "TaskStatusEvent"
    assert published["description"] == "Event for generic task status updates"
    assert published.get("additionalProperties", True) is True


def test_every_schema_of_the_page_is_there(document: dict[str, Any]) -> None:
    names = {"EventType", STATUS, "ErrorCategory-Input"}
    names |= {"TaskStatusEvent", "HTTPValidationError", "ValidationError"}
    schemas = document["components"]["schemas"]
    assert names <= schemas.keys()
    properties = schemas["ValidationError"]["properties"]
    assert list(properties) == ["loc", "msg", "type", "input", "ctx"]


def test_no_reference_leads_nowhere(document: dict[str, Any]) -> None:
    wanted = re.findall(r"#/components/schemas/([^'\"]+)", str(part()))
    assert set(wanted) <= document["components"]["schemas"].keys()


def test_the_verdicts_are_all_published() -> None:
    assert SCHEMAS["TaskStatusVerdict"]["properties"]["verdict"]["enum"] == list(Verdict)


def test_the_published_fields_are_the_ones_that_are_read() -> None:
    assert list(PUBLISHED) == list(TaskStatusEvent.__struct_fields__)


WHOLE = validator_for(
    {"$ref": "#/components/schemas/TaskStatusEvent", "components": {"schemas": SCHEMAS}}
)


@given(said=BODIES)
def test_what_is_published_is_what_is_taken(said: dict[str, Any]) -> None:
    whole = event("x") | said
    # A schema tells no date from another text, unless its reader cares to.
    assume(not isinstance(said.get("timestamp"), str))
    assert WHOLE.is_valid(whole) == (problems_of(whole) == [])
