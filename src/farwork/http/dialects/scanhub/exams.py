"""The routes of exams: jobs that hold the jobs of their workflows."""

from typing import Any, TypeAlias

import httpx
from litestar import Response, delete, get, post, put
from litestar.params import FromPath

from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.dialects.scanhub import asking, translate, wire
from farwork.http.dialects.scanhub.answers import answer, nothing, polled
from farwork.http.dialects.scanhub.asking import Query, Refused, id_in_path
from farwork.http.dialects.scanhub.copies import record_fields
from farwork.http.dialects.scanhub.desk import Desk, opened
from farwork.http.dialects.scanhub.tasks import deletions
from farwork.http.dialects.scanhub.workflows import (
    graft,
    results_gone,
    templates_gone,
    with_tasks,
)
from farwork.service.access import Role
from farwork.service.trees import Document, DocumentChange, Gone, JobChange

PATIENT_SECONDS_MAX = 1.5
"""So long the patient service is waited for: the rest of the client's time is for the write."""
ExamId: TypeAlias = FromPath[str]


# --- making ---


@post("/new", status_code=201)
async def create_exam(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    said = asking.body_of(await desk.raw(request), wire.ExamIn)
    return await _create(request, desk, said, None)


@post("/", status_code=201)
async def copy_exam(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    query = Query(request.scope["query_string"])
    template_id = query.uuid("template_id")
    query.finish()
    said = asking.body_of(await desk.raw(request), wire.ExamIn)
    template = await desk.document(translate.EXAM, template_id)
    if template is None:
        if await desk.exam(template_id) is not None:
            raise Refused(400, f"The exam {template_id} is not a template.")
        raise Refused(404, f"There is no template {template_id}.")
    return await _create(request, desk, said, template)


async def _create(
    request: AnyRequest, desk: Desk, said: wire.ExamIn, template: Document | None
) -> Response[Any]:
    if said.status != "NEW":
        raise Refused(400, "A new exam has the status NEW.")
    patient = await _patient_of(request, desk, said)
    what, fields = desk.composition(), record_fields(translate.exam_fields(said))
    if said.is_template:
        body = fields | {"name": said.name}
        document = desk.new(translate.EXAM, body)
        what.documents.append(document)
        place = document.id
    else:
        labels = {} if patient is None else {translate.PATIENT: patient}
        job = desk.new_job(said.name, fields, labels=labels)
        what.jobs.append(job)
        place = job.id
    workflows = [] if template is None else await _templates_in(desk, template.id)
    commands = graft(desk, what, workflows, place, as_template=said.is_template)
    await desk.write(Role.OPERATOR, commands, what)
    return answer(await _shown(desk, place), 201)


async def _templates_in(desk: Desk, template_id: str) -> list[tuple[Document, list[Document]]]:
    workflows = await desk.under(translate.WORKFLOW, [template_id])
    tasks = await desk.under(translate.TASK, [one.id for one in workflows])
    return [(one, [task for task in tasks if task.parent_id == one.id]) for one in workflows]


async def _patient_of(request: AnyRequest, desk: Desk, said: wire.ExamIn) -> str | None:
    """The patient of an exam, whom the patient service knows where there is one."""
    patient = translate.patient_of(said.patient_id)
    if said.is_template:
        if patient is not None:
            raise Refused(400, "A template is of no patient.")
        return None
    if patient is None:
        raise Refused(400, "An exam that is not a template needs a patient_id.")
    service = desk.context.config.scanhub_patients
    if service:
        header = request.headers.get("authorization", "")
        url = f"{service.rstrip('/')}/{patient}"
        try:
            async with httpx.AsyncClient(timeout=PATIENT_SECONDS_MAX) as client:
                found = await client.get(url, headers={"Authorization": header})
        except httpx.HTTPError:
            raise Refused(503, "The patient service does not answer; try again shortly.") from None
        if found.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Refused(503, "The patient service is in trouble; try again shortly.")
        if not found.is_success:
            raise Refused(400, f"The patient service knows no patient {patient}.")
    return patient


# --- reading ---


@get("/{exam_id:str}")
async def get_exam(request: AnyRequest, context: Context, exam_id: ExamId) -> Response[Any]:
    desk = await opened(request, context)
    return answer(await _shown(desk, id_in_path(exam_id)))


@get("/all/{patient_id:str}")
async def list_exams(
    request: AnyRequest, context: Context, patient_id: FromPath[str]
) -> Response[Any]:
    """All of a patient, whole: what a web page asks for once a second."""
    desk = await opened(request, context)
    patient = translate.patient_of(patient_id) or ""
    tree = await desk.context.trees.labelled(
        desk.caller, translate.PATIENT, patient, 1, translate.HANGINGS
    )
    return polled(request, translate.exams_from(tree))


@get("/templates/all")
async def list_templates(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context)
    return polled(request, await _with_workflows(desk, await desk.documents(translate.EXAM)))


async def _with_workflows(desk: Desk, templates: list[Document]) -> list[wire.Exam]:
    inside: dict[str | None, list[wire.Workflow]] = {}
    workflows = await desk.under(translate.WORKFLOW, [one.id for one in templates])
    for workflow in await with_tasks(desk, workflows):
        inside.setdefault(workflow.exam_id, []).append(workflow)
    return [translate.template_exam_from(one, inside.get(one.id, [])) for one in templates]


async def _shown(desk: Desk, exam_id: str) -> wire.Exam:
    template = await desk.document(translate.EXAM, exam_id)
    if template is not None:
        return (await _with_workflows(desk, [template]))[0]
    found = await desk.exam(exam_id)
    if found is None:
        raise Refused(404, f"There is no exam {exam_id}.")
    return translate.exams_from(found[1])[0]


# --- changing and removing ---


@put("/{exam_id:str}")
async def put_exam(request: AnyRequest, context: Context, exam_id: ExamId) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    place = id_in_path(exam_id)
    shown = await _shown(desk, place)
    said = asking.body_of(await desk.raw(request), wire.ExamIn)
    if said.status == "NEW":
        raise Refused(403, "An exam that exists is not NEW.")
    if said.is_template is not shown.is_template:
        raise Refused(400, "A template stays one, and nothing else becomes one.")
    patient = translate.patient_of(said.patient_id)
    if patient != shown.patient_id:
        patient = await _patient_of(request, desk, said)
    what, fields = desk.composition(), translate.exam_fields(said)
    template = await desk.document(translate.EXAM, place)
    if template is not None:
        template.body = fields | {"name": said.name}
        what.document_changes.append(DocumentChange(template))
    else:
        changed = {
            "name": said.name,
            "labels": {} if patient is None else {translate.PATIENT: patient},
            "metadata": {translate.NAME: fields},
        }
        what.job_changes.append(JobChange(place, changed))
    await desk.write(Role.OPERATOR, [], what)
    return answer(await _shown(desk, place))


@delete("/{exam_id:str}", status_code=204)
async def delete_exam(request: AnyRequest, context: Context, exam_id: ExamId) -> Response[None]:
    desk = await opened(request, context, Role.OPERATOR)
    place = id_in_path(exam_id)
    what = desk.composition()
    if await desk.document(translate.EXAM, place) is not None:
        inside = await desk.under(translate.WORKFLOW, [place])
        templates_gone(what, [one.id for one in inside])
        what.documents_gone.append(Gone(translate.NAME, translate.EXAM, [place]))
        await desk.write(Role.OPERATOR, [], what)
        return nothing()
    found = await desk.exam(place)
    if found is None:
        raise Refused(404, f"There is no exam {place}.")
    tree = found[1]
    what.jobs_gone += [job.id for job in reversed(tree.jobs)]
    results_gone(what, tree.leaves)
    await desk.write(Role.OPERATOR, deletions(desk, tree.leaves), what)
    return nothing()


CALLS: list[Any] = [
    create_exam, copy_exam, list_exams, list_templates, get_exam, put_exam, delete_exam,
]  # fmt: skip
