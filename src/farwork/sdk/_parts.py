"""The calls about what hangs on a task, and about how many tasks there are, as flows."""

from typing import Literal

from farwork import clock
from farwork.protocol.events import EventOut, EventPage
from farwork.protocol.parts import (
    AttemptList,
    AttemptOut,
    Counts,
    Explanation,
    Graph,
    ResultOut,
    ResultPage,
    ShardOut,
    ShardPage,
)
from farwork.protocol.tasks import TaskSummary, TaskWaited
from farwork.sdk._errors import WaitTimedOut
from farwork.sdk._flow import PAGE_MAX, Emit, Flow, Request, Stream, ask, pages, parameters
from farwork.sdk._tasks import path_of

# The server lets nobody wait longer in one request.
WAIT_S_MAX = 60.0


def explain_task(task_id: str) -> Flow[Explanation]:
    """Why a task stands where it stands, and what will move it."""
    return ask(Request("GET", f"{path_of(task_id)}/explain"), Explanation)


def list_events(
    task_id: str, *, after: int | None = None, newest_first: bool = False, limit: int | None = None
) -> Stream[EventOut]:
    """The events of a task behind position `after`, at most `limit` of them (None: all)."""
    left = limit
    while left is None or left > 0:
        size = PAGE_MAX if left is None else min(left, PAGE_MAX)
        asked = parameters(after=after, limit=size, direction="desc" if newest_first else "asc")
        page = yield from ask(Request("GET", f"{path_of(task_id)}/events", asked), EventPage)
        for event in page.items:
            yield Emit(event)
        if len(page.items) < size:
            return
        after = page.next_after
        left = None if left is None else left - len(page.items)


def list_results(
    task_id: str, *, attempt: int | None = None, limit: int | None = None
) -> Stream[ResultOut]:
    """The results of a task: those of the present attempt first, then late and earlier ones."""
    return pages(f"{path_of(task_id)}/results", ResultPage, parameters(attempt=attempt), limit)


def list_shards(
    task_id: str, *, with_results: bool = False, limit: int | None = None
) -> Stream[ShardOut]:
    """The shards of a task by index."""
    asked = parameters(results="true" if with_results else "false")
    return pages(f"{path_of(task_id)}/shards", ShardPage, asked, limit)


def list_attempts(task_id: str) -> Flow[list[AttemptOut]]:
    """Every attempt at a task, oldest first."""
    found = yield from ask(Request("GET", f"{path_of(task_id)}/attempts"), AttemptList)
    return found.items


def get_graph(
    task_id: str,
    *,
    direction: Literal["both", "up", "down"] = "both",
    depth: int | None = None,
    limit: int | None = None,
) -> Flow[Graph]:
    """The tasks around a task."""
    asked = parameters(direction=direction, depth=depth, limit=limit)
    return ask(Request("GET", f"{path_of(task_id)}/graph", asked), Graph)


def count_tasks(
    by: Literal["state", "queue", "kind"] = "state", *, archived: bool = False
) -> Flow[Counts]:
    """How many tasks there are by state, queue or kind."""
    asked = parameters(by=by, archived=archived)
    return ask(Request("GET", "/v1/counts", asked), Counts)


def wait_for_task(
    task_id: str, *, states: list[str] | None = None, timeout_s: float | None = None
) -> Flow[TaskSummary]:
    """The task once it stands in one of `states` (None: once it has ended).

    Raises `WaitTimedOut` when `timeout_s` have passed before (None: never).
    """
    ends = None if timeout_s is None else clock.ticks() + timeout_s
    while True:
        left = WAIT_S_MAX if ends is None else ends - clock.ticks()
        wait_s = min(WAIT_S_MAX, max(0.0, left))
        asked = parameters(state=states, wait=wait_s)
        request = Request("GET", f"{path_of(task_id)}/wait", asked, wait_s=wait_s)
        found = yield from ask(request, TaskWaited)
        if found.met:
            return found.task
        if left <= wait_s and ends is not None:
            state = found.task.state
            raise WaitTimedOut(f"{task_id} is {state} after {timeout_s:g} s.")
