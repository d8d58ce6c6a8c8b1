"""The routes of workflows: jobs that stand in the job of an exam."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from litestar import Response, delete, get, post, put
from litestar.params import FromPath

from farwork.domain.commands import Command
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.dialects.scanhub import asking, translate, wire
from farwork.http.dialects.scanhub.answers import answer, nothing
from farwork.http.dialects.scanhub.asking import Query, Refused, id_in_path
from farwork.http.dialects.scanhub.copies import Grafts, record_fields, template_body
from farwork.http.dialects.scanhub.desk import Desk, opened
from farwork.http.dialects.scanhub.tasks import deletions
from farwork.service.access import Role
from farwork.service.trees import Composition, Document, DocumentChange, Gone, JobChange, Leaf

WorkflowId: TypeAlias = FromPath[str]


# --- making ---


@post("/workflow/new", status_code=201)
async def create_workflow(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    said = asking.body_of(await desk.raw(request), wire.WorkflowIn)
    if said.status != "NEW":
        raise Refused(400, "A new workflow has the status NEW.")
    exam_id = await _exam_of(desk, said)
    what, fields = desk.composition(), translate.workflow_fields(said)
    if said.is_template:
        body = fields | {"name": said.name}
        what.documents.append(desk.new(translate.WORKFLOW, body, parent_id=exam_id))
        written = await desk.write(Role.OPERATOR, [], what)
        made = next(iter(written.composed.documents.values()))
        return answer(translate.template_workflow_from(made, []), 201)
    what.jobs.append(desk.new_job(said.name, fields, parent_id=exam_id))
    written = await desk.write(Role.OPERATOR, [], what)
    return answer(translate.workflow_from(next(iter(written.composed.jobs.values())), []), 201)


async def _exam_of(desk: Desk, said: wire.WorkflowIn) -> str | None:
    """The exam that a record names, which must be of its sort."""
    exam_id = None if said.exam_id is None else asking.uuid_of(said.exam_id)
    if exam_id is None:
        if not said.is_template:
            raise Refused(400, "A workflow that is not a template needs an exam_id.")
        return None
    await check_exam(desk, exam_id, template=said.is_template)
    return exam_id


async def check_exam(desk: Desk, exam_id: str, *, template: bool) -> None:
    """Raises `Refused` unless there is such an exam, a template or none as asked."""
    is_template = await desk.document(translate.EXAM, exam_id) is not None
    if not is_template and await desk.exam(exam_id) is None:
        raise Refused(400, f"There is no exam {exam_id}.")
    if is_template is not template:
        sort = "a template" if is_template else "not a template"
        raise Refused(400, f"The exam is {sort}, and so must its workflows be.")


@post("/workflow", status_code=201)
async def copy_workflow(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    query = Query(request.scope["query_string"])
    exam_id, template_id = query.uuid("exam_id"), query.uuid("template_id")
    as_template = query.boolean("new_workflow_is_template")
    query.finish()
    template = await desk.document(translate.WORKFLOW, template_id)
    if template is None:
        if await desk.workflow(template_id) is not None:
            raise Refused(400, f"The workflow {template_id} is not a template.")
        raise Refused(404, f"There is no template {template_id}.")
    await check_exam(desk, exam_id, template=as_template)
    tasks = await desk.under(translate.TASK, [template_id])
    what = desk.composition()
    commands = graft(desk, what, [(template, tasks)], exam_id, as_template=as_template)
    await desk.write(Role.OPERATOR, commands, what)
    made = what.documents[0].id if as_template else what.jobs[0].id
    return answer(await _shown(desk, made), 201)


def graft(
    desk: Desk,
    what: Composition,
    workflows: Sequence[tuple[Document, list[Document]]],
    exam_id: str,
    *,
    as_template: bool,
) -> list[Command]:
    """Copy templates of workflows with those of their tasks into an exam.

    What is no task goes into `what`; the commands make the tasks.
    """
    commands: list[Command] = []
    for template, tasks in workflows:
        ids = Grafts.of([template, *tasks], desk.new_id)
        place, name = ids.new_ids[template.id], template.body["name"]
        fields = record_fields(template.body)
        if as_template:
            body = fields | {"name": name}
            what.documents.append(
                desk.new(translate.WORKFLOW, body, document_id=place, parent_id=exam_id)
            )
        else:
            what.jobs.append(desk.new_job(name, fields, job_id=place, parent_id=exam_id))
        for task in tasks:
            task_id, task_name = ids.new_ids[task.id], task.body["name"]
            if as_template:
                body = template_body(ids.fields(task), task_name)
                what.documents.append(
                    desk.new(translate.TASK, body, document_id=task_id, parent_id=place)
                )
                continue
            what.begun.add(place)
            commands.append(
                translate.creation(
                    task_id, (task_name, place), ids.fields(task), desk.caller.name, desk.now()
                )
            )
    return commands


# --- reading ---


@get("/workflow/{workflow_id:str}")
async def get_workflow(
    request: AnyRequest, context: Context, workflow_id: WorkflowId
) -> Response[Any]:
    desk = await opened(request, context)
    return answer(await _shown(desk, id_in_path(workflow_id)))


@get("/workflow/all/{exam_id:str}")
async def list_workflows(
    request: AnyRequest, context: Context, exam_id: FromPath[str]
) -> Response[Any]:
    desk = await opened(request, context)
    place = id_in_path(exam_id)
    templates = await desk.under(translate.WORKFLOW, [place])
    if templates:
        return answer(await with_tasks(desk, templates))
    tree = await desk.context.trees.inside(desk.caller, place, translate.HANGINGS)
    tasks = translate.tasks_by_workflow(tree)
    return answer(
        [
            translate.workflow_from(job, tasks.get(job.id, []))
            for job in tree.jobs
            if translate.is_workflow(job)
        ]
    )


@get("/workflow/templates/all")
async def list_templates(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context)
    return answer(await with_tasks(desk, await desk.documents(translate.WORKFLOW)))


async def with_tasks(desk: Desk, templates: Sequence[Document]) -> list[wire.Workflow]:
    """Templates of workflows with those of their tasks."""
    inside: dict[str | None, list[Document]] = {}
    for task in await desk.under(translate.TASK, [one.id for one in templates]):
        inside.setdefault(task.parent_id, []).append(task)
    return [translate.template_workflow_from(one, inside.get(one.id, [])) for one in templates]


async def _shown(desk: Desk, workflow_id: str) -> wire.Workflow:
    template = await desk.document(translate.WORKFLOW, workflow_id)
    if template is not None:
        return (await with_tasks(desk, [template]))[0]
    found = await desk.workflow(workflow_id)
    if found is None:
        raise Refused(404, f"There is no workflow {workflow_id}.")
    job, tree = found
    return translate.workflow_from(job, translate.tasks_by_workflow(tree).get(job.id, []))


# --- changing and removing ---


@put("/workflow/{workflow_id:str}")
async def put_workflow(
    request: AnyRequest, context: Context, workflow_id: WorkflowId
) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    place = id_in_path(workflow_id)
    shown = await _shown(desk, place)
    said = asking.body_of(await desk.raw(request), wire.WorkflowIn)
    if said.status == "NEW":
        raise Refused(403, "A workflow that exists is not NEW.")
    if said.is_template is not shown.is_template:
        raise Refused(400, "A template stays one, and nothing else becomes one.")
    exam_id = await _exam_of(desk, said)
    what, fields = desk.composition(), translate.workflow_fields(said)
    template = await desk.document(translate.WORKFLOW, place)
    if template is not None:
        template.body, template.parent_id = fields | {"name": said.name}, exam_id
        what.document_changes.append(DocumentChange(template))
    else:
        changed = {
            "name": said.name,
            "parent_id": exam_id,
            "metadata": {translate.NAME: fields},
        }
        what.job_changes.append(JobChange(place, changed))
    await desk.write(Role.OPERATOR, [], what)
    return answer(await _shown(desk, place))


@delete("/workflow/{workflow_id:str}", status_code=204)
async def delete_workflow(
    request: AnyRequest, context: Context, workflow_id: WorkflowId
) -> Response[None]:
    desk = await opened(request, context, Role.OPERATOR)
    place = id_in_path(workflow_id)
    what = desk.composition()
    if await desk.document(translate.WORKFLOW, place) is not None:
        templates_gone(what, [place])
        await desk.write(Role.OPERATOR, [], what)
        return nothing()
    found = await desk.workflow(place)
    if found is None:
        raise Refused(404, f"There is no workflow {place}.")
    what.jobs_gone.append(place)
    results_gone(what, found[1].leaves)
    await desk.write(Role.OPERATOR, deletions(desk, found[1].leaves), what)
    return nothing()


def templates_gone(what: Composition, workflow_ids: Sequence[str]) -> None:
    """Remove templates of workflows with those of their tasks."""
    what.documents_gone.append(Gone(translate.NAME, translate.TASK, parents=workflow_ids))
    what.documents_gone.append(Gone(translate.NAME, translate.WORKFLOW, workflow_ids))


def results_gone(what: Composition, leaves: Sequence[Leaf]) -> None:
    """Remove the results of tasks that are removed."""
    ids = [leaf.task.id for leaf in leaves]
    what.documents_gone.append(Gone(translate.NAME, translate.RESULT, parents=ids))


CALLS: list[Any] = [
    create_workflow, copy_workflow, list_templates, list_workflows,
    get_workflow, put_workflow, delete_workflow,
]  # fmt: skip
