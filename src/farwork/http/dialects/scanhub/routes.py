"""ScanHub's routes, and what its clients ask of the service itself."""

from typing import Any

from litestar import Response, Router, get

from farwork.http.context import Context
from farwork.http.contract import served
from farwork.http.dialects.scanhub import exams, files, results, sequences, tasks, wire, workflows
from farwork.http.dialects.scanhub.answers import answer, respond
from farwork.http.dialects.scanhub.asking import Flawed, Refused
from farwork.http.dialects.scanhub.openapi import exam_document
from farwork.http.problems import FORESEEN


@get("/health/readiness")
async def readiness(context: Context) -> Response[Any]:
    """Whether tasks can be read; nobody need say who he is."""
    await context.ledger.read(lambda _connection: None)
    return answer(wire.Health("ok"))


CALLS: list[Any] = [
    readiness, *tasks.CALLS, *results.CALLS, *workflows.CALLS, *sequences.CALLS, *exams.CALLS,
    *files.CALLS,
]  # fmt: skip


def router() -> Router:
    """The routes of the task service."""
    return Router(
        wire.PREFIX,
        route_handlers=[*CALLS, *served("", exam_document)],
        # Each by name: the application's handler of a nearer class would go before this one.
        exception_handlers=dict.fromkeys((*FORESEEN, Flawed, Refused, Exception), respond),
        include_in_schema=False,
    )
