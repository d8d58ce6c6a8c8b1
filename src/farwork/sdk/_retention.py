"""The calls about retention and legal holds, as flows."""

import msgspec

from farwork.protocol.retention import HoldIn, RetentionIn, RetentionList, RetentionOut
from farwork.protocol.tasks import TaskSummary, VerbIn
from farwork.sdk._flow import Flow, Request, ask, parameters, post, tell
from farwork.sdk._tasks import path_of

_PATH = "/v1/retention"


def list_retention(*, project: str | None = None) -> Flow[list[RetentionOut]]:
    """The rules of retention of a project, by kind and state."""
    found = yield from ask(Request("GET", _PATH, parameters(project=project)), RetentionList)
    return found.items


def set_retention(rule: RetentionIn, *, project: str | None = None) -> Flow[RetentionOut]:
    """Keep a rule of retention, in place of any about the same kind and state."""
    body = msgspec.json.encode(rule)
    request = Request("PUT", _PATH, parameters(project=project), body=body, repeatable=True)
    return ask(request, RetentionOut)


def delete_retention(
    *, kind: str = "*", state: str = "*", project: str | None = None
) -> Flow[None]:
    """Forget a rule of retention. Raises `NotFound`."""
    asked = parameters(kind=kind, state=state, project=project)
    return tell(Request("DELETE", _PATH, asked))


def hold_task(task_id: str, *, reason: str) -> Flow[TaskSummary]:
    """Put a task under a legal hold: nobody deletes it until it is released."""
    return ask(post(f"{path_of(task_id)}/hold", HoldIn(reason)), TaskSummary)


def release_task(task_id: str) -> Flow[TaskSummary]:
    """Lift a task's legal hold."""
    return ask(post(f"{path_of(task_id)}/release", VerbIn()), TaskSummary)
