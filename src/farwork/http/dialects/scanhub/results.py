"""The routes of results."""

from typing import Any, TypeAlias

from litestar import Response, delete, get, post, put
from litestar.params import FromPath

from farwork.domain.commands import ChangeTask, Command
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.dialects.scanhub import asking, translate, wire
from farwork.http.dialects.scanhub.answers import answer, nothing
from farwork.http.dialects.scanhub.asking import Flawed, Query, Refused, id_in_path
from farwork.http.dialects.scanhub.desk import Desk, opened
from farwork.service.access import Role
from farwork.service.trees import Document, DocumentChange, Gone, ResultGone

ResultId: TypeAlias = FromPath[str]


@post("/result", status_code=201)
async def create_result(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context, Role.WORKER)
    query = Query(request.scope["query_string"])
    task_id = query.uuid("task_id")
    query.finish()
    if await desk.document(translate.TASK, task_id) is not None:
        raise Refused(400, "The task is a template; templates have no results.")
    try:
        await desk.task(task_id)
    except Refused as error:
        raise Refused(400, error.detail) from None
    document = desk.new(translate.RESULT, translate.BLANK_BODY, parent_id=task_id)
    what = desk.composition(is_told=False)
    what.documents.append(document)
    written = await desk.write(Role.WORKER, [], what)
    return answer(translate.result_from(written.composed.documents[document.id]), 201)


@get("/result/{result_id:str}")
async def get_result(request: AnyRequest, context: Context, result_id: ResultId) -> Response[Any]:
    desk = await opened(request, context)
    return answer(translate.result_from(await _result(desk, id_in_path(result_id))))


@put("/result/{result_id:str}")
async def put_result(request: AnyRequest, context: Context, result_id: ResultId) -> Response[Any]:
    desk = await opened(request, context, Role.WORKER)
    document = await _result(desk, id_in_path(result_id))
    said = asking.body_of(await desk.raw(request), wire.ResultIn)
    document.body = translate.result_body(said)
    flaws = [
        wire.Flaw("value_error", ["body", field], "leads out of the data lake", path)
        for field, path in translate.leads_outside(document.body)
    ]
    if flaws:
        raise Flawed(flaws)
    what = desk.composition(is_told=False)
    what.document_changes.append(DocumentChange(document))
    commands: list[Command] = []
    if said.type != wire.BLANK and document.parent_id is not None:
        leaf, _ = await desk.task(document.parent_id)
        report = translate.result_report(leaf.task, document.id, document.body, desk.now())
        commands.append(desk.context.trees.report(desk.caller, report))
    written = await desk.write(Role.WORKER, commands, what)
    return answer(translate.result_from(written.composed.documents[document.id]))


@delete("/result/{result_id:str}", status_code=204)
async def delete_result(
    request: AnyRequest, context: Context, result_id: ResultId
) -> Response[None]:
    desk = await opened(request, context, Role.WORKER)
    return await _delete(desk, id_in_path(result_id))


@delete("/result", status_code=204)
async def delete_result_by_query(request: AnyRequest, context: Context) -> Response[None]:
    """The address that the device manager uses for blank results."""
    desk = await opened(request, context, Role.WORKER)
    query = Query(request.scope["query_string"])
    result_id = query.uuid("result_id")
    query.finish()
    return await _delete(desk, result_id)


async def _delete(desk: Desk, result_id: str) -> Response[None]:
    document = await _result(desk, result_id)
    what = desk.composition()
    what.documents_gone.append(Gone(translate.NAME, translate.RESULT, [result_id]))
    commands: list[Command] = []
    if document.body["type"] != wire.BLANK and document.parent_id is not None:
        what.results_gone.append(ResultGone(document.parent_id, result_id))
        # The task's record changes with it: readers and the feed shall see that.
        left = await desk.context.trees.has_other_results(
            desk.caller, document.parent_id, result_id
        )
        commands.append(
            ChangeTask(task_id=document.parent_id, actor=desk.caller.name, has_result=left)
        )
    await desk.write(Role.WORKER, commands, what)
    return nothing()


@get("/result/all/{task_id:str}")
async def list_results(
    request: AnyRequest, context: Context, task_id: FromPath[str]
) -> Response[Any]:
    desk = await opened(request, context)
    found = await desk.under(translate.RESULT, [id_in_path(task_id)])
    return answer([translate.result_from(one) for one in found])


async def _result(desk: Desk, result_id: str) -> Document:
    found = await desk.document(translate.RESULT, result_id)
    if found is None:
        raise Refused(404, f"There is no result {result_id}.")
    return found


CALLS: list[Any] = [
    create_result, get_result, put_result, delete_result, delete_result_by_query, list_results,
]  # fmt: skip
