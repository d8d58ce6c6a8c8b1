"""What the server's OpenAPI document says of this dialect, under the names its clients know."""

from typing import Any

from farwork import __version__
from farwork.domain import ids
from farwork.http.dialects.sartiq.wire import EVENT_TYPE_LENGTH_MAX, TEXT_LENGTH_MAX

Schema = dict[str, Any]

STATUS = "app__services__compute_server__api_client__models__task_status__TaskStatus"
# The page publishes no values of these three; we take any word.
OPEN_WORDS: dict[str, Schema] = {
    "EventType": {
        "type": "string",
        "minLength": 1,
        "maxLength": EVENT_TYPE_LENGTH_MAX,
        "title": "EventType",
        "examples": ["training_status_update"],
    },
    STATUS: {
        "type": "string",
        "maxLength": TEXT_LENGTH_MAX,
        "title": "TaskStatus",
        "description": "A word that is not known changes no state and is kept.",
        "examples": ["running"],
    },
    "ErrorCategory-Input": {
        "type": "string",
        "maxLength": TEXT_LENGTH_MAX,
        "title": "ErrorCategory",
    },
}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Schema, title: str | None = None) -> Schema:
    either: Schema = {"anyOf": [schema, {"type": "null"}]}
    return either if title is None else either | {"title": title}


_TEXT: Schema = {"type": "string", "maxLength": TEXT_LENGTH_MAX}
_TIME: Schema = {"type": "string", "format": "date-time"}
_OBJECT: Schema = {"additionalProperties": True, "type": "object"}
_RANGE: Schema = {"maximum": 100.0, "minimum": 0.0}

TASK_STATUS_EVENT: Schema = {
    "properties": {
        "event_type": _ref("EventType"),
        "task_id": {
            "type": "string",
            "minLength": 1,
            "maxLength": ids.LENGTH_MAX,
            "pattern": ids.PATTERN,
            "title": "Task Id",
        },
        "status": _or_null(_ref(STATUS)),
        "entity_id": _or_null(_TEXT, "Entity Id"),
        "origin_instance": _or_null(_TEXT, "Origin Instance"),
        "origin_zone": _or_null(_TEXT, "Origin Zone"),
        "origin_version": _or_null(_TEXT, "Origin Version"),
        "timestamp": _or_null(_TIME, "Timestamp"),
        "metadata": _or_null(_OBJECT, "Metadata"),
        "progress": {
            "anyOf": [{"type": "number"} | _RANGE, {"type": "integer"} | _RANGE],
            "title": "Progress",
            "description": "Task progress percentage",
        },
        "error_message": _or_null({"type": "string"}, "Error Message"),
        "error_category": _or_null(_ref("ErrorCategory-Input")),
        "completed_at": _or_null(_TIME, "Completed At"),
        "started_at": _or_null(_TIME, "Started At"),
        "task_type": _TEXT | {"title": "Task Type"},
        "additional_properties": _OBJECT | {"title": "Additional Properties", "default": {}},
    },
    "type": "object",
    "required": ["event_type", "task_id", "status", "progress", "task_type"],
    "title": "TaskStatusEvent",
    "description": "Event for generic task status updates",
    "examples": [
        {
            "event_type": "training_status_update",
            "task_id": "run-17",
            "status": "running",
            "progress": 42.5,
            "task_type": "model_training",
            "origin_zone": "eu-west",
            "origin_instance": "gpu-7",
            "timestamp": "2026-11-22T02:00:00Z",
            "metadata": {"loss": 0.31},
        }
    ],
}

VALIDATION_ERROR: Schema = {
    "properties": {
        "loc": {"items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "type": "array"},
        "msg": {"type": "string"},
        "type": {"type": "string"},
        "input": {"description": "What was sent there."},
        "ctx": {"additionalProperties": True, "type": "object"},
    },
    "type": "object",
    "required": ["loc", "msg", "type"],
    "title": "ValidationError",
}

HTTP_VALIDATION_ERROR: Schema = {
    "properties": {
        "detail": {"items": _ref("ValidationError"), "type": "array", "title": "Detail"}
    },
    "type": "object",
    "title": "HTTPValidationError",
}

TASK_STATUS_VERDICT: Schema = {
    "properties": {
        "task_id": {"type": "string"},
        "verdict": {
            "type": "string",
            "enum": ["applied", "duplicate", "stale", "conflict", "late", "unknown_task"],
        },
        "event_id": _or_null({"type": "integer"}),
    },
    "type": "object",
    "required": ["task_id", "verdict", "event_id"],
    "title": "TaskStatusVerdict",
}

REFUSAL: Schema = {
    "properties": {"detail": {"type": "string"}},
    "type": "object",
    "required": ["detail"],
    "title": "TaskStatusRefusal",
}


def _json(name: str) -> Schema:
    return {"application/json": {"schema": _ref(name)}}


def _answer(description: str, name: str) -> Schema:
    return {"description": description, "content": _json(name)}


def _header(name: str, description: str) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


OPERATION: Schema = {
    "tags": ["tasks"],
    "summary": "Task Webhook",
    "description": (
        "Takes one event about a task. It is vouched for by a Standard Webhooks signature made "
        "with the secret of a registered source, or by an API key."
    ),
    "operationId": "task_webhook",
    "parameters": [
        {
            "name": "source",
            "in": "query",
            "required": False,
            "description": "The id of the source that signed; without it all sources are tried.",
            "schema": {"type": "string"},
        },
        _header("webhook-id", "Standard Webhooks: the sending, the same when it is repeated."),
        _header("webhook-timestamp", "Standard Webhooks: Unix seconds, within five minutes."),
        _header("webhook-signature", "Standard Webhooks: one or more signatures of the raw body."),
    ],
    "requestBody": {"required": True, "content": _json("TaskStatusEvent")},
    "responses": {
        "200": _answer("What became of the event", "TaskStatusVerdict"),
        "401": _answer("Neither a good signature nor a good key", "TaskStatusRefusal"),
        "403": _answer("The key may not report", "TaskStatusRefusal"),
        "413": _answer("The body is too large", "TaskStatusRefusal"),
        "422": _answer("Validation Error", "HTTPValidationError"),
        "503": _answer("Try again after Retry-After seconds", "TaskStatusRefusal"),
    },
}

PATHS: dict[str, Schema] = {"/api/v1/tasks/webhook": {"post": OPERATION}}
SCHEMAS: dict[str, Schema] = {
    **OPEN_WORDS,
    "TaskStatusEvent": TASK_STATUS_EVENT,
    "HTTPValidationError": HTTP_VALIDATION_ERROR,
    "ValidationError": VALIDATION_ERROR,
    "TaskStatusVerdict": TASK_STATUS_VERDICT,
    "TaskStatusRefusal": REFUSAL,
}


def part() -> Schema:
    """The paths and components that the document takes in."""
    return {"paths": PATHS, "components": {"schemas": SCHEMAS}}


def webhook_document() -> Schema:
    """The document of this dialect alone."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sartiq", "version": __version__, "description": OPERATION["summary"]},
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": PATHS,
        "components": {"schemas": SCHEMAS},
    }
