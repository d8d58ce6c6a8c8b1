"""What the document under Argus's addresses says of its calls."""

from farwork.http.contract import TEXT, Contract, Json, Said, document
from farwork.http.dialects.argus import wire

BASE = wire.PREFIX
_SHA256: Json = {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}
_KEY: Json = {"type": "apiKey", "in": "header", "name": "Argus-API-Key"}
_CHECKED = (412,)
_FOUND = (404,)
_WRITTEN = (404, 409, 412)

CALLS: dict[str, Said] = {
    f"GET {BASE}/job": Said(
        summary="List jobs", answer=list[wire.Job], query=wire.JobsQuery, refusals=_CHECKED
    ),
    f"POST {BASE}/job/search": Said(
        summary="Find jobs", answer=list[wire.Job], body=wire.JobSearch, refusals=_CHECKED
    ),
    f"GET {BASE}/job/{{job_id}}": Said(summary="Show a job", answer=wire.Job, refusals=_FOUND),
    f"GET {BASE}/job/{{job_id}}/tasks": Said(
        summary="List the tasks of a job", answer=list[wire.Task], query=wire.TasksQuery,
        refusals=(404, 412),
    ),
    f"GET {BASE}/job/{{job_id}}/task/{{task_id}}": Said(
        summary="Show a task", answer=wire.Task, refusals=_FOUND
    ),
    f"POST {BASE}/job/{{job_id}}/task": Said(
        summary="Give a worker its task in a job", answer=wire.Task, status=201, body=wire.TaskAdd,
        refusals=_WRITTEN,
    ),
    f"PUT {BASE}/job/{{job_id}}/task/{{task_id}}": Said(
        summary="Say what became of a task", answer=wire.Task, body=wire.TaskPut,
        refusals=_WRITTEN,
    ),
    f"PUT {BASE}/sample/{{sha256}}/reanalyse": Said(
        summary="Make a job for a sample", answer=wire.Job, refusals=(409, 412)
    ),
    f"GET {BASE}/worker": Said(
        summary="List the registered workers", answer=list[wire.Worker], query=wire.WorkersQuery,
        refusals=_CHECKED,
    ),
    f"POST {BASE}/worker": Said(
        summary="Register a worker", answer=wire.Worker, status=201, body=wire.WorkerAdd,
        refusals=(409, 412),
    ),
    f"GET {BASE}/worker/{{name}}": Said(
        summary="Show a worker", answer=wire.Worker, refusals=_FOUND
    ),
    f"GET {BASE}/worker/{{name}}/schema": Said(
        summary="Give the schema of a worker, bare", answer=wire.Json, bare=True, refusals=_FOUND
    ),
    f"PUT {BASE}/worker/{{name}}": Said(
        summary="Change a worker", answer=wire.Worker, body=wire.WorkerPut, refusals=_WRITTEN
    ),
    f"DELETE {BASE}/worker/{{name}}": Said(
        summary="Take a worker from the registry", answer=wire.Worker, refusals=_WRITTEN
    ),
    f"GET {BASE}/servicetask": Said(
        summary="List bulk operations", answer=list[wire.Operation], query=wire.OperationsQuery,
        refusals=_CHECKED,
    ),
    f"POST {BASE}/servicetask/search": Said(
        summary="Find bulk operations", answer=list[wire.Operation], body=wire.OperationSearch,
        refusals=_CHECKED,
    ),
    f"GET {BASE}/servicetask/{{operation_id}}": Said(
        summary="Show a bulk operation", answer=wire.Operation, refusals=_FOUND
    ),
    f"DELETE {BASE}/servicetask/{{operation_id}}": Said(
        summary="Stop a bulk operation", answer=wire.Operation, refusals=_FOUND
    ),
    "GET /authentication/v1/session": Said(summary="Show who calls", answer=wire.Session),
}  # fmt: skip


def _parameter(name: str) -> Json:
    return _SHA256 if name == "sha256" else {**TEXT, "minLength": 1}


def _in_envelope(schema: Json) -> Json:
    data = {"type": "object", "properties": {"data": schema}, "required": ["data"]}
    return {"allOf": [{"$ref": "#/components/schemas/Envelope"}, data]}


def sampledb_document() -> Json:
    """The document of SampleDB's jobs, tasks and workers."""
    bearer: Json = {"type": "http", "scheme": "bearer"}
    return document(
        Contract(
            title="Argus SampleDB",
            description="SampleDB's jobs, their tasks, workers and service tasks, version 2.",
            calls=CALLS,
            refusals=lambda _status: wire.Envelope,
            security={"key": _KEY, "token": bearer},
            parameter=_parameter,
            wrap=_in_envelope,
        )
    )
