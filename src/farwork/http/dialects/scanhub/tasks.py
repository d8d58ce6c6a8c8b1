"""The routes of tasks."""

from typing import Any, TypeAlias

from litestar import Response, delete, get, post, put
from litestar.params import FromPath
from msgspec import UNSET

from farwork.domain.commands import CancelTask, ChangeTask, Command, DeleteTask, RetryTask
from farwork.domain.errors import VersionMismatch
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.dialects.scanhub import asking, copies, translate, wire
from farwork.http.dialects.scanhub.answers import answer, nothing
from farwork.http.dialects.scanhub.asking import Query, Refused, id_in_path
from farwork.http.dialects.scanhub.desk import Desk, opened
from farwork.http.dialects.scanhub.statuses import NotATransition, is_stale, move
from farwork.http.preconditions import etag_of, if_version
from farwork.service.access import Role
from farwork.service.trees import Document, DocumentChange, Gone, Leaf, Tree

TRIES_MAX = 8
"""So often a record is put again when others have changed it in between."""
TaskId: TypeAlias = FromPath[str]
SUPERSEDED = "superseded"


# --- making ---


@post("/task/new", status_code=201)
async def create_task(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context, Role.WORKER)
    said = asking.task_of(await desk.raw(request))
    if said.status != "NEW":
        raise Refused(400, "A new task has the status NEW.")
    fields = translate.fields_from(said)
    if said.is_template:
        return answer(
            await _add_template(desk, said.name, translate.workflow_of(said), fields), 201
        )
    tree = await _place(desk, translate.workflow_of(said))
    await _check_inputs(desk, fields)
    return await _add(desk, said.name, fields, tree, said.progress)


@post("/task", status_code=201)
async def copy_task(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context, Role.WORKER)
    query = Query(request.scope["query_string"])
    workflow_id, template_id = query.uuid("workflow_id"), query.uuid("template_id")
    as_template = query.boolean("new_task_is_template")
    query.finish()
    template = await desk.document(translate.TASK, template_id)
    if template is None:
        await _explain_no_template(desk, template_id)
        raise Refused(404, f"There is no template {template_id}.")
    fields = copies.fields_of(template)
    # It stands behind the others of its new workflow, wherever the template stands.
    fields.pop("position", None)
    name: str = template.body["name"]
    if as_template:
        return answer(await _add_template(desk, name, workflow_id, fields), 201)
    tree = await _place(desk, workflow_id)
    fields = copies.with_inputs(fields, copies.copies_among_tasks(tree.leaves))
    return await _add(desk, name, fields, tree, 0)


async def _explain_no_template(desk: Desk, template_id: str) -> None:
    try:
        await desk.task(template_id)
    except Refused:
        return
    raise Refused(400, f"The task {template_id} is not a template.")


async def _place(desk: Desk, workflow_id: str | None) -> Tree:
    """The workflow in which a task shall stand, with its tasks."""
    if workflow_id is None:
        raise Refused(400, "A task that is not a template needs a workflow_id.")
    found = await desk.workflow(workflow_id)
    if found is None:
        if await desk.document(translate.WORKFLOW, workflow_id) is not None:
            raise Refused(400, "The workflow is a template, the task is not.")
        raise Refused(400, f"There is no workflow {workflow_id}.")
    return found[1]


async def _check_inputs(desk: Desk, fields: translate.Fields) -> None:
    inputs: list[str] = fields.get("input_task_ids") or []
    known = await desk.context.trees.existing(desk.caller, inputs) if inputs else set[str]()
    missing = [one for one in inputs if one not in known]
    if missing:
        raise Refused(400, f"There is no task {missing[0]} that could be an input.")


async def _add(
    desk: Desk, name: str, fields: translate.Fields, tree: Tree, progress: int
) -> Response[Any]:
    taken = [translate.own(leaf.details.extensions).get("position", 0) for leaf in tree.leaves]
    # The server gives the places, whatever the record says.
    fields = fields | {"position": copies.next_position(taken)}
    task_id, names = desk.new_id(), (name, tree.jobs[0].id)
    command = translate.creation(task_id, names, fields, desk.caller.name, desk.now(), progress)
    await desk.write(Role.WORKER, [command])
    return await _shown(desk, task_id, 201)


async def _add_template(
    desk: Desk, name: str, workflow_id: str | None, fields: translate.Fields
) -> wire.Task:
    others: list[Document] = []
    if workflow_id is not None:
        if await desk.document(translate.WORKFLOW, workflow_id) is None:
            if await desk.workflow(workflow_id) is not None:
                raise Refused(400, "The task is a template, the workflow is not.")
            raise Refused(400, f"There is no workflow {workflow_id}.")
        others = await desk.under(translate.TASK, [workflow_id])
    fields = copies.with_inputs(fields, copies.copies_among_templates(others))
    fields["position"] = copies.next_position([one.body.get("position", 0) for one in others])
    document = desk.new(translate.TASK, copies.template_body(fields, name), parent_id=workflow_id)
    what = desk.composition()
    what.documents.append(document)
    written = await desk.write(Role.OPERATOR, [], what)
    return translate.template_task_from(written.composed.documents[document.id])


# --- reading ---


@get("/task/{task_id:str}")
async def get_task(request: AnyRequest, context: Context, task_id: TaskId) -> Response[Any]:
    desk = await opened(request, context)
    return await _shown(desk, id_in_path(task_id))


@get("/task/all/{workflow_id:str}")
async def list_tasks(
    request: AnyRequest, context: Context, workflow_id: FromPath[str]
) -> Response[Any]:
    desk = await opened(request, context)
    place = id_in_path(workflow_id)
    found = await desk.workflow(place)
    if found is not None:
        return answer(translate.tasks_by_workflow(found[1]).get(place, []))
    templates = await desk.under(translate.TASK, [place])
    return answer(translate.in_order(map(translate.template_task_from, templates)))


@get("/task/templates/all")
async def list_templates(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context)
    return answer(
        [translate.template_task_from(one) for one in await desk.documents(translate.TASK)]
    )


async def _shown(desk: Desk, task_id: str, status: int = 200) -> Response[Any]:
    template = await desk.document(translate.TASK, task_id)
    if template is not None:
        tag = etag_of(template.version)
        return answer(translate.template_task_from(template), status, ETag=tag)
    leaf, tree = await desk.task(task_id)
    tag = etag_of(leaf.task.version)
    return answer(translate.task_from(leaf, tree.known), status, ETag=tag)


# --- changing ---


@put("/task/{task_id:str}")
async def put_task(request: AnyRequest, context: Context, task_id: TaskId) -> Response[Any]:
    desk = await opened(request, context, Role.WORKER)
    place = id_in_path(task_id)
    wanted = if_version(request)
    raw = await desk.raw(request)
    template = await desk.document(translate.TASK, place)
    if template is None:
        await desk.task(place)
    said = asking.task_of(raw)
    if template is not None:
        await _put_template(desk, template, said, wanted)
    else:
        await _put(desk, place, said, wanted)
    return await _shown(desk, place)


async def _put(desk: Desk, task_id: str, said: translate.SaidTask, wanted: int | None) -> None:
    """Put the record, again whenever somebody else was quicker: each time on what is there then."""
    if said.is_template:
        raise Refused(400, "The task is not a template, and does not become one.")
    workflow_id = translate.workflow_of(said)
    for _ in range(TRIES_MAX):
        leaf, tree = await desk.task(task_id)
        if wanted is not None and wanted != leaf.task.version:
            raise VersionMismatch(f"The task has version {leaf.task.version}; read it again.")
        if workflow_id != leaf.task.job_id:
            await _place(desk, workflow_id)
        commands = await _commands(desk, leaf, tree, said)
        if not commands:
            return
        commands[0].if_version = leaf.task.version
        try:
            await desk.write(Role.WORKER, commands)
        except VersionMismatch:
            continue
        return
    raise Refused(409, "The task is changed too often at present; try again.")


async def _commands(desk: Desk, leaf: Leaf, tree: Tree, said: translate.SaidTask) -> list[Command]:
    task, before = leaf.task, translate.own(leaf.details.extensions)
    if said.task_type != before["task_type"]:
        raise Refused(409, f"The task is of the type {before['task_type']} and stays so.")
    fields = translate.fields_from(said)
    if not set(fields.get("input_task_ids") or ()) <= tree.known:
        await _check_inputs(desk, fields)
    commands: list[Command] = []
    changed = translate.change(leaf, said, fields, desk.caller.name)
    if changed is not None:
        commands.append(changed)
    told, read_at = translate.read_at(said)
    try:
        moved = move(task, said.status, said.progress, stale=is_stale(task, read_at, told=told))
    except NotATransition as error:
        raise Refused(409, str(error)) from None
    if moved is None:
        return commands
    if moved.gives_up:
        # Whoever holds the attempt hears that it was superseded; nobody waits for him to agree.
        given_up = CancelTask(task_id=task.id, actor=desk.caller.name, reason=SUPERSEDED)
        given_up.force = True
        commands.append(given_up)
    if moved.retries:
        commands.append(RetryTask(task_id=task.id, actor=desk.caller.name))
    report = translate.report_from(task, moved, desk.now())
    return [*commands, desk.context.trees.report(desk.caller, report)]


async def _put_template(
    desk: Desk, template: Document, said: translate.SaidTask, wanted: int | None
) -> None:
    if not said.is_template:
        raise Refused(400, "The task is a template, and stays one.")
    if said.task_type != template.body["task_type"]:
        raise Refused(409, f"The template is of the type {template.body['task_type']}.")
    workflow_id = translate.workflow_of(said)
    if workflow_id is not None and await desk.document(translate.WORKFLOW, workflow_id) is None:
        raise Refused(400, f"There is no template {workflow_id} of a workflow.")
    kept = {k: v for k, v in template.body.items() if k in ("position", "template_id")}
    template.body = kept | translate.fields_from(said)
    template.body |= {"name": said.name, "status": said.status, "progress": said.progress}
    template.parent_id = workflow_id
    what = desk.composition()
    what.document_changes.append(DocumentChange(template, wanted))
    await desk.write(Role.OPERATOR, [], what)


@put("/task/reorder", status_code=204)
async def reorder_tasks(request: AnyRequest, context: Context) -> Response[None]:
    desk = await opened(request, context, Role.OPERATOR)
    said = asking.body_of(await desk.raw(request), wire.Order)
    ids = [asking.uuid_of(one) or one for one in said.task_ids]
    for _ in range(TRIES_MAX):
        commands: list[Command] = []
        what = desk.composition()
        for position, task_id in enumerate(ids):
            await _move_to(desk, task_id, position, commands, what.document_changes)
        try:
            await desk.write(Role.OPERATOR, commands, what)
        except VersionMismatch:
            continue
        return nothing()
    raise Refused(409, "The tasks are changed too often at present; try again.")


async def _move_to(
    desk: Desk,
    task_id: str,
    position: int,
    commands: list[Command],
    documents: list[DocumentChange],
) -> None:
    """Give a task its place; one that is not there is passed over."""
    template = await desk.document(translate.TASK, task_id)
    if template is not None:
        template.body["position"] = position
        documents.append(DocumentChange(template, template.version))
        return
    try:
        leaf, _ = await desk.task(task_id)
    except Refused:
        return
    fields = translate.own(leaf.details.extensions)
    if fields.get("position", UNSET) != position:
        extensions = {translate.NAME: fields | {"position": position}}
        commands.append(
            ChangeTask(
                task_id=task_id,
                actor=desk.caller.name,
                if_version=leaf.task.version,
                extensions=extensions,
            )
        )


# --- removing ---


@delete("/task/{task_id:str}", status_code=204)
async def delete_task(request: AnyRequest, context: Context, task_id: TaskId) -> Response[None]:
    desk = await opened(request, context, Role.OPERATOR)
    place = id_in_path(task_id)
    what = desk.composition()
    if await desk.document(translate.TASK, place) is not None:
        what.documents_gone.append(Gone(translate.NAME, translate.TASK, [place]))
        await desk.write(Role.OPERATOR, [], what)
        return nothing()
    leaf, _ = await desk.task(place)
    what.documents_gone.append(Gone(translate.NAME, translate.RESULT, parents=[place]))
    await desk.write(Role.OPERATOR, deletions(desk, [leaf]), what)
    return nothing()


def deletions(desk: Desk, leaves: list[Leaf]) -> list[Command]:
    """The commands that remove tasks. Raises `Refused` while one of them is worked on."""
    running = [leaf.task.id for leaf in leaves if translate.is_running(leaf.task)]
    if running:
        raise Refused(409, f"The task {running[0]} is INPROGRESS; it is deleted when it has ended.")
    return [DeleteTask(task_id=leaf.task.id, actor=desk.caller.name) for leaf in leaves]


CALLS: list[Any] = [
    create_task, copy_task, list_templates, list_tasks, reorder_tasks,
    get_task, put_task, delete_task,
]  # fmt: skip
