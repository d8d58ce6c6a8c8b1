"""Between our tasks, jobs and documents and ScanHub's records; pure. Its names stop here."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from msgspec import UNSET, to_builtins

from farwork.domain.commands import ChangeTask, CreateTask, Details
from farwork.domain.errors import TimeOutOfRange
from farwork.domain.task import IDENTITY_FIELDS, Task
from farwork.domain.values import Instant, Json, TaskState, instant, moment
from farwork.http.dialects.scanhub import wire
from farwork.http.dialects.scanhub.asking import uuid_of
from farwork.http.dialects.scanhub.statuses import STATES, Move, status_of
from farwork.protocol.reports import ReportIn, ResultIn
from farwork.service.trees import Document, Hangings, Job, Leaf, Tree

NAME = "scanhub"
"""Where a task keeps what only this dialect knows of it, and a job under its metadata."""
RESULT = "result"
SEQUENCE = "sequence"
TASK, WORKFLOW, EXAM = "task_template", "workflow_template", "exam_template"
PATIENT = "patient_id"
"""The label by which the exams of a patient are found."""
QUEUE_LENGTH_MAX = 255
Fields = dict[str, Json]
SaidTask = wire.AcquisitionIn | wire.DagIn


def inputs_named(details: Details) -> list[str]:
    """The tasks that a task of this dialect names as its inputs."""
    return own(details.extensions).get("input_task_ids") or []


HANGINGS = Hangings(NAME, RESULT, inputs_named)


def own(extensions: Mapping[str, Json]) -> Fields:
    """This dialect's part of a task's extensions or of a job's metadata; empty: it is not ours."""
    found = extensions.get(NAME)
    return cast("Fields", found) if isinstance(found, dict) else {}


# --- times ---


def time_from(at: Instant) -> str:
    """A time as ScanHub writes it: UTC, microseconds, no offset."""
    return moment(at).replace(tzinfo=None).isoformat(timespec="microseconds")


def _changed_at(created_at: Instant, updated_at: Instant) -> str | None:
    return None if updated_at <= created_at else time_from(updated_at)


def read_at(said: SaidTask) -> tuple[bool, Instant | None]:
    """Whether a copy tells when the task was last changed as it was read, and when that was."""
    told = said.datetime_updated
    if told is None:
        return True, None
    try:
        return True, instant(datetime.fromisoformat(str(told)))
    except (ValueError, TimeOutOfRange):
        return False, None


# --- tasks: from them to us ---


def fields_from(said: SaidTask) -> Fields:
    """What a task keeps of a record beyond name, place, state and progress."""
    fields: Fields = {
        "task_type": said.task_type,
        "description": said.description,
        "destination": said.destination,
    }
    if said.position is not UNSET:
        fields["position"] = said.position
    if isinstance(said, wire.AcquisitionIn):
        return fields | {
            "device_id": _uuid(said.device_id),
            "sequence_id": said.sequence_id,
            "acquisition_parameter": to_builtins(said.acquisition_parameter),
            "acquisition_limits": to_builtins(said.acquisition_limits),
            "calibration": said.calibration,
        }
    inputs = said.input_task_ids
    if inputs is UNSET:
        inputs = [] if said.input_id is None else [said.input_id]
    return fields | {
        "dag_type": said.dag_type,
        "dag_id": said.dag_id,
        "input_task_ids": [_uuid(one) for one in inputs],
        "parameter": said.parameter,
    }


def _uuid(text: str | None) -> str | None:
    return None if text is None else uuid_of(text)


def workflow_of(said: SaidTask) -> str | None:
    """The workflow that a record names."""
    return _uuid(said.workflow_id)


def kind_of(fields: Fields) -> str:
    """Our word for what a task does."""
    return str(fields.get("dag_type") or fields["task_type"]).lower()


def queue_of(fields: Fields) -> str:
    """Where a task is meant to run: its device, or the program that processes."""
    if fields["task_type"] == "ACQUISITION":
        return fields["device_id"] or "acquisition"
    dag: str = fields["dag_id"]
    good = 0 < len(dag) <= QUEUE_LENGTH_MAX and dag.isprintable() and dag not in (".", "..")
    return dag if good else "dag"


def creation(
    task_id: str,
    names: tuple[str, str],
    fields: Fields,
    actor: str,
    now: Instant,
    progress: int = 0,
) -> CreateTask:
    """The command that makes a task of a name in a workflow (`names`); it waits to be started."""
    name, job_id = names
    task = Task(
        project="",
        id=task_id,
        created_at=now,
        updated_at=now,
        kind=kind_of(fields),
        name=name,
        queue=queue_of(fields),
        job_id=job_id,
        percent=float(progress),
        creator=actor,
        pinned=frozenset(IDENTITY_FIELDS),
    )
    details = Details(extensions={NAME: fields})
    return CreateTask(task_id=task_id, actor=actor, task=task, details=details, submit=False)


def change(leaf: Leaf, said: SaidTask, fields: Fields, actor: str) -> ChangeTask | None:
    """The command that gives a task a record's fields; None: it has them."""
    task = leaf.task
    before = own(leaf.details.extensions)
    after = {k: before[k] for k in ("position", "template_id") if k in before} | fields
    wanted = {
        "name": said.name,
        "job_id": workflow_of(said),
        "kind": kind_of(after),
        "queue": queue_of(after),
    }
    changed = {name: value for name, value in wanted.items() if getattr(task, name) != value}
    if after == before and not changed:
        return None
    return ChangeTask(task_id=task.id, actor=actor, fields=changed, extensions={NAME: after})


def report_from(task: Task, move: Move, now: Instant) -> ReportIn:
    """The report that a move makes, later than all that is known of the task."""
    return ReportIn(
        task_id=task.id,
        occurred_at=moment(max(now, task.updated_at + 1)),
        attempt=task.attempt + 1 if move.retries else task.attempt,
        state=STATES[move.status],
        reported_status=move.status,
        progress=float(move.progress),
    )


# --- tasks: from us to them ---


def is_ours(leaf: Leaf) -> bool:
    """Whether a task is one of this dialect's; others have no device, no DAG."""
    return bool(own(leaf.details.extensions))


def task_from(leaf: Leaf, known: Collection[str]) -> wire.Task:
    """A task; inputs that are gone are left out."""
    task, fields = leaf.task, own(leaf.details.extensions)
    results = [result_from(document) for document in leaf.documents]
    finished = [result for result in results if result.type != wire.BLANK]
    shared: dict[str, Any] = {
        "id": task.id,
        "creator": task.creator or "",
        "datetime_created": time_from(task.created_at),
        "datetime_updated": _changed_at(task.created_at, task.updated_at),
        "workflow_id": task.job_id,
        "name": task.name or "",
        "status": status_of(task),
        "progress": int(task.percent),
        "is_template": False,
        # One that is not finished has nothing in it, and is the newest: nobody shall work on it.
        "results": finished,
    }
    inputs = [one for one in inputs_named(leaf.details) if one in known]
    return _task(fields, inputs, shared)


def template_task_from(document: Document) -> wire.Task:
    """A template of a task."""
    fields = document.body
    shared: dict[str, Any] = {
        "id": document.id,
        "creator": document.creator or "",
        "datetime_created": time_from(document.created_at),
        "datetime_updated": _changed_at(document.created_at, document.updated_at),
        "workflow_id": document.parent_id,
        "name": fields["name"],
        "status": fields["status"],
        "progress": fields["progress"],
        "is_template": True,
        "results": [],
    }
    return _task(fields, fields.get("input_task_ids") or [], shared)


def _task(fields: Fields, inputs: list[str], shared: dict[str, Any]) -> wire.Task:
    shared |= {
        "description": fields["description"],
        "destination": fields["destination"],
        "position": fields.get("position", 0),
    }
    if fields["task_type"] == "DAG":
        return wire.Dag(
            dag_type=fields["dag_type"],
            dag_id=fields["dag_id"],
            input_task_ids=inputs,
            input_id=inputs[0] if inputs else None,
            parameter=fields["parameter"],
            **shared,
        )
    return wire.Acquisition(
        device_id=fields["device_id"],
        sequence_id=fields["sequence_id"],
        acquisition_parameter=fields["acquisition_parameter"],
        acquisition_limits=fields["acquisition_limits"],
        calibration=fields["calibration"],
        **shared,
    )


def in_order(tasks: Iterable[wire.Task]) -> list[wire.Task]:
    """Tasks by their position; those of one position by age."""
    return sorted(tasks, key=lambda task: (task.position, task.datetime_created, task.id))


def tasks_by_workflow(tree: Tree) -> dict[str, list[wire.Task]]:
    """The tasks of a tree, in order, by the job they stand in."""
    found: dict[str, list[wire.Task]] = {}
    for leaf in tree.leaves:
        if is_ours(leaf) and leaf.task.job_id is not None:
            found.setdefault(leaf.task.job_id, []).append(task_from(leaf, tree.known))
    return {job_id: in_order(tasks) for job_id, tasks in found.items()}


# --- results ---


def result_from(document: Document) -> wire.Result:
    """A result."""
    body = document.body
    files: list[str] = body["files"]
    return wire.Result(
        id=document.id,
        task_id=document.parent_id or "",
        datetime_created=time_from(document.created_at),
        type=body["type"],
        directory=body["directory"],
        files=files,
        meta=body["meta"],
        filename=files[0] if files else "",
    )


def result_body(said: wire.ResultIn) -> Fields:
    """What is kept of a result."""
    files = said.files
    if files is UNSET:
        files = [said.filename] if said.filename else []
    return {"type": said.type, "directory": said.directory, "files": files, "meta": said.meta}


BLANK_BODY: Fields = {"type": wire.BLANK, "directory": "", "files": [], "meta": None}


def leads_outside(body: Fields) -> list[tuple[str, str]]:
    """The places in a result that lead out of where its files lie: (field, path)."""
    paths = [("directory", body["directory"]), *(("files", path) for path in body["files"])]
    return [(field, path) for field, path in paths if _leads_outside(field, path)]


def _leads_outside(field: str, path: str) -> bool:
    steps = path.replace("\\", "/").split("/")
    # Whoever joins a directory and a path from the root is at the root.
    from_root = not steps[0] or steps[0].endswith(":")
    return ".." in steps or (field == "files" and len(steps) > 1 and from_root)


def result_report(task: Task, document_id: str, body: Fields, now: Instant) -> ReportIn:
    """The report that brings a result to its task."""
    directory: str = body["directory"]
    files = [{"name": name, "url": f"{directory.rstrip('/')}/{name}"} for name in body["files"]]
    return ReportIn(
        task_id=task.id,
        occurred_at=moment(max(now, task.updated_at + 1)),
        attempt=task.attempt,
        results=[ResultIn(document_id, body["type"], body["meta"], files)],
    )


# --- workflows and exams ---


def workflow_from(job: Job, tasks: list[wire.Task]) -> wire.Workflow:
    """A workflow."""
    return _workflow(job, own(job.metadata), job.name or "", job.parent_id, tasks, template=False)


def template_workflow_from(document: Document, tasks: Iterable[Document]) -> wire.Workflow:
    """A template of a workflow."""
    shown = in_order(template_task_from(task) for task in tasks)
    body, parent = document.body, document.parent_id
    return _workflow(document, body, body["name"], parent, shown, template=True)


def _workflow(
    of: Job | Document,
    fields: Fields,
    name: str,
    exam_id: str | None,
    tasks: list[wire.Task],
    *,
    template: bool,
) -> wire.Workflow:
    return wire.Workflow(
        id=of.id,
        exam_id=exam_id,
        name=name,
        description=fields["description"],
        comment=fields["comment"],
        status=fields["status"],
        is_template=template,
        creator=of.creator or "",
        datetime_created=time_from(of.created_at),
        datetime_updated=_changed_at(of.created_at, of.updated_at),
        tasks=tasks,
    )


def exam_from(job: Job, workflows: list[wire.Workflow]) -> wire.Exam:
    """An exam."""
    patient = job.labels.get(PATIENT)
    return _exam(job, own(job.metadata), job.name or "", patient, workflows, template=False)


def template_exam_from(document: Document, workflows: list[wire.Workflow]) -> wire.Exam:
    """A template of an exam."""
    return _exam(document, document.body, document.body["name"], None, workflows, template=True)


def _exam(
    of: Job | Document,
    fields: Fields,
    name: str,
    patient_id: str | None,
    workflows: list[wire.Workflow],
    *,
    template: bool,
) -> wire.Exam:
    return wire.Exam(
        id=of.id,
        patient_id=patient_id,
        name=name,
        description=fields["description"],
        indication=fields["indication"],
        comment=fields["comment"],
        status=fields["status"],
        is_template=template,
        creator=of.creator or "",
        datetime_created=time_from(of.created_at),
        datetime_updated=_changed_at(of.created_at, of.updated_at),
        workflows=workflows,
    )


def exams_from(tree: Tree) -> list[wire.Exam]:
    """The exams of a tree with their workflows."""
    tasks = tasks_by_workflow(tree)
    inside: dict[str | None, list[wire.Workflow]] = {}
    for job in tree.jobs:
        if is_workflow(job):
            workflow = workflow_from(job, tasks.get(job.id, []))
            inside.setdefault(job.parent_id, []).append(workflow)
    return [exam_from(job, inside.get(job.id, [])) for job in tree.jobs if is_exam(job)]


def is_exam(job: Job) -> bool:
    """Whether a job is an exam."""
    return own(job.metadata).get("is") == "exam"


def is_workflow(job: Job) -> bool:
    """Whether a job is a workflow."""
    return own(job.metadata).get("is") == "workflow"


def workflow_fields(said: wire.WorkflowIn) -> Fields:
    """What is kept of a workflow beside its name and its place."""
    return {
        "is": "workflow",
        "description": said.description,
        "comment": said.comment,
        "status": said.status,
    }


def exam_fields(said: wire.ExamIn) -> Fields:
    """What is kept of an exam beside its name and its patient."""
    return {
        "is": "exam",
        "description": said.description,
        "indication": said.indication,
        "comment": said.comment,
        "status": said.status,
    }


def patient_of(said: str | int | None) -> str | None:
    """A patient's id; a UUID in one way of writing."""
    if said is None:
        return None
    return uuid_of(str(said)) or str(said)


def is_running(task: Task) -> bool:
    """Whether a task is being worked on."""
    return task.state is TaskState.RUNNING


# --- sequences ---


def sequence_fields(said: wire.SequenceIn) -> Fields:
    """What is said of a sequence."""
    return {
        "name": said.name,
        "description": said.description,
        "sequence_type": said.sequence_type,
        "tags": said.tags or [],
    }


def sequence_from(document: Document) -> wire.Sequence:
    """A sequence."""
    return wire.Sequence(
        id=document.id,
        created_at=time_from(document.created_at),
        updated_at=_changed_at(document.created_at, document.updated_at),
        **document.body,
    )
