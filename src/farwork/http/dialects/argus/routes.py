"""Argus's routes, and the one by which its client asks who it is."""

from typing import Any

from litestar import Response, Router, get

from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.contract import served
from farwork.http.dialects.argus import answers, jobs, operations, translate, wire, workers
from farwork.http.dialects.argus.answers import respond
from farwork.http.dialects.argus.asking import Flawed, Refused
from farwork.http.dialects.argus.callers import caller_of
from farwork.http.dialects.argus.openapi import sampledb_document
from farwork.http.problems import FORESEEN
from farwork.service.access import Role


@get("/authentication/v1/session")
async def get_session(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    user = translate.user_from(caller.name, caller.project)
    customer = translate.customer_from(caller.project)
    functions = [role.word for role in Role if role <= caller.role]
    return answers.one(wire.Session(user, customer, functions))


CALLS: list[Any] = [*jobs.CALLS, *workers.CALLS, *operations.CALLS]


def routers() -> list[Router]:
    """The routes of the dialect."""
    return [
        _router(wire.PREFIX, [*CALLS, *served("", sampledb_document)]),
        _router("/", [get_session]),
    ]


def _router(path: str, calls: list[Any]) -> Router:
    return Router(
        path,
        route_handlers=calls,
        # Each by name: the application's handler of a nearer class would go before this one.
        exception_handlers=dict.fromkeys((*FORESEEN, Flawed, Refused, Exception), respond),
        include_in_schema=False,
    )
