"""Lists: whatever is asked, the pages together are what a plain filter finds, in every order."""

from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from farwork.domain.task import Task
from farwork.domain.values import TaskState
from farwork.storage import task_reader
from farwork.storage.store import Store
from farwork.storage.task_reader import ORDERS, Page, Range, TaskFilter
from tests.storage.conftest import PROJECTS
from tests.storage.desk import START, Desk, importing

TASKS = 120
STATES = list(TaskState)
QUEUES = ["cpu", "gpu", "qpu"]
KINDS = ["", "scan", "train"]
CREATORS = [None, "ada", "bob"]
REASONS = [None, "oom", "lost"]


def told(number: int) -> dict[str, Any]:
    """The fields of a task: every combination comes up, and several tasks share each time."""
    state = STATES[number % 7]
    at = START + number // 5
    return {
        "state": state,
        "reason": REASONS[number % 3],
        "kind": KINDS[number % 3],
        "queue": QUEUES[number // 7 % 3],
        "creator": CREATORS[number // 3 % 3],
        "labels": {"team": "xyz"[number % 3], "rare": "1"} if number % 40 == 0 else {"team": "x"},
        "external_ref": f"ref-{number}" if number % 10 == 0 else None,
        "job_id": f"job-{number % 4}" if number % 4 else None,
        "created_at": at,
        "updated_at": START + 1_000 - number * 7 % 31,
        "completed_at": START + number * 11 % 17 if state.is_final else None,
        "archived_at": START if number % 6 == 0 else None,
    }


@pytest.fixture(scope="module")
def full(shared_store: Store) -> Desk:
    desk = Desk(shared_store, f"project-{next(PROJECTS)}")
    desk.give(*(importing(f"task-{n}", **told(n)) for n in range(TASKS)), atomic=True)
    neighbour = Desk(shared_store, f"project-{next(PROJECTS)}")
    neighbour.give(*(importing(f"task-{n}", **told(n)) for n in range(9)), atomic=True)
    return desk


def some(values: list[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.one_of(st.just(()), st.lists(st.sampled_from(values), max_size=3).map(tuple))


def maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), st.sampled_from(values))


def ranges(first: int, last: int) -> st.SearchStrategy[Range]:
    instants = st.one_of(st.none(), st.integers(START + first, START + last))
    return st.one_of(st.just(Range()), st.builds(Range, instants, instants))


LABELS: list[dict[str, str]] = [
    {},
    {},
    {"team": "x"},
    {"team": "y"},
    {"rare": "1"},
    {"rare": "1", "team": "x"},
    {"team": "nobody"},
]
FILTERS = st.builds(
    TaskFilter,
    states=some([state.value for state in STATES]).map(dict.fromkeys).map(tuple),
    reasons=some(["oom", "lost"]),
    kinds=some(KINDS),
    queues=some(QUEUES),
    job_id=maybe(["job-1", "job-2", "nothing"]),
    labels=st.sampled_from(LABELS),
    creator=maybe(["ada", "bob", "nobody"]),
    external_ref=maybe(["ref-0", "ref-50", "nothing"]),
    created=ranges(0, 24),
    updated=ranges(969, 1_000),
    completed=ranges(0, 17),
    archived=st.sampled_from([None, False, True]),
)


def wanted_by(wanted: TaskFilter, task: Task) -> bool:
    """The same question, asked of one task in plain words."""
    return all(
        (
            not wanted.states or task.state in wanted.states,
            not wanted.reasons or task.reason in wanted.reasons,
            not wanted.kinds or task.kind in wanted.kinds,
            not wanted.queues or task.queue in wanted.queues,
            wanted.job_id in (None, task.job_id),
            wanted.creator in (None, task.creator),
            wanted.external_ref in (None, task.external_ref),
            wanted.labels.items() <= task.labels.items(),
            within(wanted.created, task.created_at),
            within(wanted.updated, task.updated_at),
            within(wanted.completed, task.completed_at),
            wanted.archived in (None, task.archived_at is not None),
        )
    )


def within(span: Range, at: int | None) -> bool:
    if span == Range():
        return True
    if at is None:
        return False
    return (span.after is None or at >= span.after) and (span.before is None or at < span.before)


@pytest.fixture(scope="module")
def tasks(full: Desk) -> list[Task]:
    def look(connection: Connection) -> list[Task]:
        ids = [f"task-{n}" for n in range(TASKS)]
        found = [task_reader.get(connection, full.project, id_) for id_ in ids]
        return [task for task in found if task is not None]

    return full.read(look)


def in_order(tasks: list[Task], order: str, *, descending: bool) -> list[str]:
    value = attrgetter(f"{order}_at")
    listed = [task for task in tasks if value(task) is not None]
    listed.sort(key=lambda task: (value(task), task.pk), reverse=descending)
    return [task.id for task in listed]


def pages(desk: Desk, wanted: TaskFilter, at: Page) -> list[str]:
    found: list[str] = []
    after = at.after
    while True:
        here = Page(at.limit, at.order, at.descending, after)
        page = desk.read(lambda con, p=here: task_reader.page(con, desk.project, wanted, p))
        found += [task.id for task in page]
        if len(page) < at.limit:
            return found
        after = (getattr(page[-1], f"{at.order}_at"), page[-1].pk)


@settings(max_examples=80)
@given(
    wanted=FILTERS,
    order=st.sampled_from(ORDERS),
    descending=st.booleans(),
    limit=st.sampled_from([5, 50, 500]),
)
def test_the_pages_of_a_list_are_together_what_a_plain_filter_finds(
    full: Desk,
    tasks: list[Task],
    wanted: TaskFilter,
    order: str,
    descending: bool,  # noqa: FBT001 - a parameter
    limit: int,
) -> None:
    expected = [task for task in tasks if wanted_by(wanted, task)]
    assert pages(full, wanted, Page(limit, order, descending)) == in_order(
        expected, order, descending=descending
    )


@settings(max_examples=30)
@given(wanted=FILTERS, offset=st.integers(0, 130), limit=st.sampled_from([1, 20]))
def test_an_offset_skips_as_many_rows(
    full: Desk, tasks: list[Task], wanted: TaskFilter, offset: int, limit: int
) -> None:
    page = full.read(
        lambda con: task_reader.page(con, full.project, wanted, Page(limit, offset=offset))
    )
    expected = [task for task in tasks if wanted_by(wanted, task)]
    listed = in_order(expected, "created", descending=True)
    assert [task.id for task in page] == listed[offset : offset + limit]


def test_a_task_reads_back_as_it_was_written(full: Desk) -> None:
    for number in (0, 5, 40):
        task = full.task(f"task-{number}")
        expected = told(number)
        assert {name: getattr(task, name) for name in expected} == expected


def test_details_are_read_for_several_tasks_at_once(full: Desk) -> None:
    keys = [full.task(f"task-{n}").pk for n in range(3)]
    found = full.read(lambda con: task_reader.details_of(con, keys))
    assert sorted(found) == keys


def test_a_task_without_details_has_empty_ones(full: Desk) -> None:
    assert full.read(lambda con: task_reader.get_details(con, -1)) == task_reader.Details()


def test_there_is_no_task_of_an_unknown_id(full: Desk) -> None:
    assert full.find("nobody") is None
