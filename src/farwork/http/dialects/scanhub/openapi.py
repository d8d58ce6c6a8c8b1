"""What the documents under ScanHub's addresses say of its calls."""

from typing import Any

from farwork.http.contract import TEXT, Contract, Json, Said, document
from farwork.http.dialects.scanhub import wire

EXAM = wire.PREFIX
LOGIN = wire.LOGIN_PREFIX
UUID: Json = {"type": "string", "format": "uuid"}
_BOOLEAN: Json = {"type": "boolean"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_SECURITY: dict[str, Json] = {"token": {"type": "http", "scheme": "bearer"}}
_TASK_IN = (wire.AcquisitionIn, wire.DagIn)
_TAG: dict[str, Json] = {"If-None-Match": TEXT}
_MATCH: dict[str, Json] = {"If-Match": {"type": "string", "pattern": r'^("[0-9]{1,18}"|\*)$'}}
_FOUND = (400, 404)
_MADE = (400, 409, 422)
_PUT = (400, 404, 409, 422)
_CLASHES = (400, 404, 409)
_FILE = "application/octet-stream"

CALLS: dict[str, Said] = {
    f"GET {EXAM}/health/readiness": Said(
        summary="Whether tasks can be read", answer=wire.Health, open=True
    ),
    f"POST {EXAM}/task/new": Said(
        summary="Make a task, or a template of one", answer=wire.Task, status=201, body=_TASK_IN,
        refusals=_MADE,
    ),
    f"POST {EXAM}/task": Said(
        summary="Make a task from a template", answer=wire.Task, status=201,
        query={"workflow_id": UUID, "template_id": UUID, "new_task_is_template": _BOOLEAN},
        required=("workflow_id", "template_id", "new_task_is_template"), refusals=(404, *_MADE),
    ),
    f"GET {EXAM}/task/templates/all": Said(
        summary="List the templates of tasks", answer=list[wire.Task]
    ),
    f"GET {EXAM}/task/all/{{workflow_id}}": Said(
        summary="List the tasks of a workflow", answer=list[wire.Task], refusals=_FOUND
    ),
    f"PUT {EXAM}/task/reorder": Said(
        summary="Give tasks their order", status=204, body=wire.Order, refusals=_PUT
    ),
    f"GET {EXAM}/task/{{task_id}}": Said(
        summary="Show a task", answer=wire.Task, refusals=_FOUND
    ),
    f"PUT {EXAM}/task/{{task_id}}": Said(
        summary="Put a whole task", answer=wire.Task, body=_TASK_IN, headers=_MATCH,
        refusals=(*_PUT, 412),
    ),
    f"DELETE {EXAM}/task/{{task_id}}": Said(
        summary="Remove a task with its results", status=204, refusals=_CLASHES
    ),
    f"POST {EXAM}/result": Said(
        summary="Make a blank result", answer=wire.Result, status=201, query={"task_id": UUID},
        required=("task_id",), refusals=_MADE,
    ),
    f"GET {EXAM}/result/{{result_id}}": Said(
        summary="Show a result", answer=wire.Result, refusals=_FOUND
    ),
    f"PUT {EXAM}/result/{{result_id}}": Said(
        summary="Fill a result", answer=wire.Result, body=wire.ResultIn, refusals=_PUT
    ),
    f"DELETE {EXAM}/result/{{result_id}}": Said(
        summary="Remove a result", status=204, refusals=_CLASHES
    ),
    f"DELETE {EXAM}/result": Said(
        summary="Remove a result by query", status=204, query={"result_id": UUID},
        required=("result_id",), refusals=_PUT,
    ),
    f"GET {EXAM}/result/all/{{task_id}}": Said(
        summary="List the results of a task, blank ones too", answer=list[wire.Result],
        refusals=_FOUND,
    ),
    f"POST {EXAM}/workflow/new": Said(
        summary="Make a workflow, or a template of one", answer=wire.Workflow, status=201,
        body=wire.WorkflowIn, refusals=_MADE,
    ),
    f"POST {EXAM}/workflow": Said(
        summary="Make a workflow from a template", answer=wire.Workflow, status=201,
        query={"exam_id": UUID, "template_id": UUID, "new_workflow_is_template": _BOOLEAN},
        required=("exam_id", "template_id", "new_workflow_is_template"), refusals=(404, *_MADE),
    ),
    f"GET {EXAM}/workflow/templates/all": Said(
        summary="List the templates of workflows", answer=list[wire.Workflow]
    ),
    f"GET {EXAM}/workflow/all/{{exam_id}}": Said(
        summary="List the workflows of an exam", answer=list[wire.Workflow], refusals=_FOUND
    ),
    f"GET {EXAM}/workflow/{{workflow_id}}": Said(
        summary="Show a workflow with its tasks", answer=wire.Workflow, refusals=_FOUND
    ),
    f"PUT {EXAM}/workflow/{{workflow_id}}": Said(
        summary="Put a whole workflow", answer=wire.Workflow, body=wire.WorkflowIn, refusals=_PUT
    ),
    f"DELETE {EXAM}/workflow/{{workflow_id}}": Said(
        summary="Remove a workflow with all in it", status=204, refusals=_CLASHES
    ),
    f"POST {EXAM}/sequence": Said(
        summary="Keep a sequence", answer=wire.Sequence, status=201, body=wire.SequenceForm,
        form="multipart/form-data", refusals=(409, 422),
    ),
    f"GET {EXAM}/sequences/all": Said(summary="List the sequences", answer=list[wire.Sequence]),
    f"GET {EXAM}/sequence/{{sequence_id}}": Said(
        summary="Show a sequence with its files", answer=wire.Sequence, refusals=(404,)
    ),
    f"GET {EXAM}/sequence/{{sequence_id}}/file": Said(
        summary="Give the file of a sequence", media_type=_FILE, refusals=(404,)
    ),
    f"GET {EXAM}/sequence/{{sequence_id}}/header": Said(
        summary="Give the file of its header", media_type=_FILE, refusals=(404,)
    ),
    f"PUT {EXAM}/sequence/{{sequence_id}}": Said(
        summary="Change what is said of a sequence", answer=wire.Sequence, body=wire.SequenceIn,
        refusals=(404, 409, 422),
    ),
    f"DELETE {EXAM}/sequence/{{sequence_id}}": Said(
        summary="Remove a sequence", answer=None, status=202, refusals=(404, 409)
    ),
    f"POST {EXAM}/new": Said(
        summary="Make an exam, or a template of one", answer=wire.Exam, status=201,
        body=wire.ExamIn, refusals=_MADE,
    ),
    f"POST {EXAM}/": Said(
        summary="Make an exam from a template", answer=wire.Exam, status=201, body=wire.ExamIn,
        query={"template_id": UUID}, required=("template_id",), refusals=(404, *_MADE),
    ),
    f"GET {EXAM}/all/{{patient_id}}": Said(
        summary="List the exams of a patient, whole", answer=list[wire.Exam], headers=_TAG,
        others=(304,), refusals=(404,),
    ),
    f"GET {EXAM}/templates/all": Said(
        summary="List the templates of exams, whole", answer=list[wire.Exam], headers=_TAG,
        others=(304,),
    ),
    f"GET {EXAM}/{{exam_id}}": Said(
        summary="Show an exam, whole", answer=wire.Exam, refusals=_FOUND
    ),
    f"PUT {EXAM}/{{exam_id}}": Said(
        summary="Put a whole exam", answer=wire.Exam, body=wire.ExamIn, refusals=_PUT
    ),
    f"DELETE {EXAM}/{{exam_id}}": Said(
        summary="Remove an exam with all in it", status=204, refusals=_CLASHES
    ),
    f"GET {EXAM}/dcm/{{workflow_id}}/{{task_id}}/{{result_id}}/{{file_name}}": Said(
        summary="Give a file of a result, or a part of it", media_type="application/dicom",
        headers=_TAG | {"Range": TEXT}, others=(206, 304, 416), refusals=_FOUND,
    ),
    f"GET {EXAM}/mrd/{{workflow_id}}/{{task_id}}/{{result_id}}/download": Said(
        summary="Give the raw data of a result, or a part of it", media_type=_FILE,
        headers=_TAG | {"Range": TEXT}, others=(206, 304, 416), refusals=_FOUND,
    ),
    f"GET {EXAM}/mrd/{{workflow_id}}/{{task_id}}/{{result_id}}/meta": Said(
        summary="What is in the raw data of a result", answer=wire.RawMeta, refusals=_FOUND
    ),
    f"GET {EXAM}/mrd/{{workflow_id}}/{{task_id}}/{{result_id}}/data": Said(
        summary="Give samples of raw data, packed", media_type=_FILE, required=("ids",),
        query={"ids": TEXT, "coil_idx": _COUNT, "stride": _COUNT | {"minimum": 1}},
        refusals=(400, 404, 422),
    ),
}  # fmt: skip

LOGIN_CALLS: dict[str, Said] = {
    f"POST {LOGIN}/login": Said(
        summary="Sign in", answer=wire.User, body=wire.LoginForm,
        form="application/x-www-form-urlencoded", refusals=(401, 403, 422), open=True,
    ),
    f"POST {LOGIN}/loginfromcookie": Said(
        summary="Sign in with the cookie of a login", answer=wire.User, refusals=(401, 403),
        open=True,
    ),
    f"POST {LOGIN}/logout": Said(summary="Make the token worthless", answer=type(None)),
    f"GET {LOGIN}/getcurrentuser": Said(summary="Whose token it is", answer=wire.User),
    f"GET {LOGIN}/checknousers": Said(
        summary="Whether there is no user yet", answer=bool, open=True
    ),
    f"POST {LOGIN}/createfirstuser": Said(
        summary="Make the first user, an admin", answer=wire.User, status=201, body=wire.FirstUser,
        refusals=(400, 401, 403, 409, 422), open=True,
    ),
}  # fmt: skip


def _refusal(status: int) -> Any:
    return wire.Flaws if status == 422 else wire.Refusal  # noqa: PLR2004 - as FastAPI has it


def _parameter(name: str) -> Json:
    return {**TEXT, "minLength": 1} if name in ("patient_id", "sequence_id", "file_name") else UUID


def exam_document() -> Json:
    """The document of the task service."""
    return document(
        Contract(
            title="ScanHub's exam-manager",
            description="ScanHub's tasks, results, workflows, exams and sequences.",
            calls=CALLS,
            refusals=_refusal,
            security=_SECURITY,
            parameter=_parameter,
        )
    )


def login_document() -> Json:
    """The document of the login service."""
    return document(
        Contract(
            title="ScanHub's user-login-manager",
            description="Signing in, and whose a token is.",
            calls=LOGIN_CALLS,
            refusals=_refusal,
            security=_SECURITY,
        )
    )
