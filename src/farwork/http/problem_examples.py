"""What problems look like, for the OpenAPI document."""

from typing import Any

from msgspec import to_builtins

from farwork.domain.errors import DomainError
from farwork.protocol.problems import FieldProblem, Problem

_OF_HTTP: dict[str, Problem] = {
    "bad_request": Problem(
        "Some parameters cannot be taken.",
        400,
        "bad_request",
        errors=[FieldProblem("query:limits", "is not known here; did you mean 'limit'?")],
    ),
    "not_json": Problem("The body is not JSON.", 400, "not_json", "Trailing characters (byte 17)."),
    "body_too_large": Problem(
        "The body is too large.", 413, "body_too_large", "At most 1048576 bytes are taken here."
    ),
    "unsupported_media_type": Problem(
        "The body is of another type than is taken here.", 415, "unsupported_media_type"
    ),
    "invalid_body": Problem(
        "The body has values that cannot be taken.",
        422,
        "invalid_body",
        errors=[
            FieldProblem("/state", 'must be one of created, queued, ..., not "queue"'),
            FieldProblem("/task_id", "is missing; it must be a string"),
        ],
    ),
    "nested_too_deeply": Problem(
        "The body is nested too deeply.",
        422,
        "nested_too_deeply",
        errors=[FieldProblem("/metadata/a/0", "is nested more than 64 levels deep")],
    ),
    "storage_unavailable": Problem(
        "The database cannot be worked with at present",
        503,
        "storage_unavailable",
        "The database did not take the write: disk I/O error.",
    ),
    "overloaded": Problem(
        "More is waiting to be written than can be taken",
        503,
        "overloaded",
        "Too much is waiting to be written; try again shortly.",
    ),
}


def examples_for(status: int, refusals: list[type[DomainError] | str]) -> dict[str, Any]:
    """An example for each code that a status may come with, by code."""
    found: dict[str, Any] = {}
    for refusal in refusals:
        if isinstance(refusal, str):
            problem = _OF_HTTP[refusal]
        else:
            title = (refusal.__doc__ or "").splitlines()[0]
            problem = Problem(title, status, refusal.code)
        found[problem.code] = to_builtins(problem)
    return found
