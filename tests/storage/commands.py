"""Commands of every kind about a handful of tasks, for properties that hold whatever happens."""

from collections.abc import Callable

from hypothesis import strategies as st

from farwork.domain import commands as c
from farwork.domain.values import TaskState
from tests.storage.desk import creation, importing, report, said, shard

IDS = st.sampled_from(["a", "b", "c", "d"])
STATES = st.sampled_from(list(TaskState))
QUEUES = st.sampled_from(["cpu", "gpu"])
KINDS = st.sampled_from(["", "train"])
JOBS = st.sampled_from([None, "j1", "j2"])
VERBS: list[type[c.Command]] = [
    c.SubmitTask,
    c.CancelTask,
    c.RetryTask,
    c.AdoptReport,
    c.ArchiveTask,
    c.RestoreTask,
    c.DeleteTask,
]
Draw = st.DrawFn


def _create(draw: Draw) -> c.Command:
    return creation(
        draw(IDS),
        queue=draw(QUEUES),
        kind=draw(KINDS),
        job_id=draw(JOBS),
        submit=draw(st.booleans()),
    )


def _create_waiting(draw: Draw) -> c.Command:
    return creation(draw(IDS), inputs=(draw(IDS),))


def _report(draw: Draw) -> c.Command:
    return report(
        said(
            draw(IDS),
            draw(STATES),
            at=draw(st.integers(0, 9)),
            queue=draw(QUEUES),
            kind=draw(KINDS),
            job_id=draw(JOBS),
        )
    )


def _report_on_shard(draw: Draw) -> c.Command:
    index = draw(st.integers(0, 2))
    return report(said(draw(IDS), at=index, shard=shard(index, draw(STATES))))


def _import(draw: Draw) -> c.Command:
    return importing(
        draw(IDS),
        state=draw(STATES),
        queue=draw(QUEUES),
        job_id=draw(JOBS),
        archived_at=draw(st.sampled_from([None, 5])),
    )


def _verb(draw: Draw) -> c.Command:
    return draw(st.sampled_from(VERBS))(task_id=draw(IDS))


def _change(draw: Draw) -> c.Command:
    fields = {"queue": draw(QUEUES), "kind": draw(KINDS), "job_id": draw(JOBS)}
    return c.ChangeTask(task_id=draw(IDS), fields=fields)


KINDS_OF_COMMANDS: list[Callable[[Draw], c.Command]] = [
    _create,
    _create_waiting,
    _report,
    _report,
    _report_on_shard,
    _import,
    _verb,
    _verb,
    _change,
]


@st.composite
def commands(draw: Draw) -> c.Command:
    return draw(st.sampled_from(KINDS_OF_COMMANDS))(draw)


def writes() -> st.SearchStrategy[tuple[list[c.Command], bool]]:
    """The commands of a write, and whether it is atomic."""
    return st.tuples(st.lists(commands(), min_size=1, max_size=6), st.booleans())
