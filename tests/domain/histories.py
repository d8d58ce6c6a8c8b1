"""Made-up histories: what operators, inputs and the server do at their times, and what is reported."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from farwork.domain import commands as c
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import (
    FINAL_STATES,
    Fault,
    Instant,
    OnInputFailure,
    Origin,
    TaskState,
)
from tests.domain.words import SECOND, TASK, create, report, shard

SPAN = 40
"""Histories last so many seconds; what is reported of them lies around that, past and future."""

_few = st.integers(0, 3)
_seconds = st.integers(-5, SPAN + 5)
_states = st.none() | st.sampled_from(TaskState)
_percents = st.sampled_from([None, 0.0, 12.5, 50.0, 100.0])
_words = st.sampled_from([None, "a", "b"])
_faults = st.sampled_from([None, Fault("oom", "too large"), Fault(None, "gone")])
_labels = st.none() | st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), max_size=2)
_metadata = st.none() | st.dictionaries(st.sampled_from("kl"), st.integers(0, 9), max_size=2)
_times = st.none() | _seconds.map(lambda at: at * SECOND)


@st.composite
def _statements(draw: DrawFn) -> object:
    said: dict[str, object] = {
        "reason": draw(_words),
        "external_ref": draw(_words),
        "queue": draw(_words),
        "item_count": draw(st.sampled_from([None, 1, 2])),
        "item_offset": draw(st.none() | _few),
        "error": draw(_faults),
    }
    if draw(st.booleans()):
        said["result"] = draw(_few)
    return shard(draw(st.integers(0, 2)), draw(_states), **said)


@st.composite
def _plain(draw: DrawFn) -> dict[str, object]:
    """What a typical sender says."""
    return {"percent": draw(_percents), "message": draw(_words), "metadata": draw(_metadata)}


@st.composite
def _wordy(draw: DrawFn) -> dict[str, object]:
    """Everything that a report may say."""
    return {
        "attempt": draw(st.sampled_from([None, None, None, 1, 2, 3])),
        "reason": draw(_words),
        "reported_status": draw(_words),
        "percent": draw(_percents),
        "message": draw(_words),
        "error": draw(_faults),
        "metadata": draw(_metadata),
        "result": draw(st.none() | _few),
        "started_at": draw(_times),
        "completed_at": draw(_times),
        "kind": draw(_words),
        "name": draw(_words),
        "queue": draw(_words),
        "labels": draw(_labels),
        "external_ref": draw(_words),
        "job_id": draw(_words),
        "origin": draw(st.sampled_from([None, Origin("lab"), Origin("lab", "2")])),
        "shard": draw(st.none() | _statements()),
    }


@st.composite
def reports(draw: DrawFn, sharded: bool | None = None) -> c.ReportTask:
    """A report of any kind."""
    if sharded or (sharded is None and draw(st.booleans())):
        return report(draw(_seconds), shard=draw(_statements()), metadata=draw(_metadata))
    said = draw(st.one_of(_plain(), _wordy()))
    return report(draw(_seconds), draw(_states), **said)


@st.composite
def _beginnings(draw: DrawFn) -> c.Command | None:
    """How the task comes into being; None: by its first report."""
    kind = draw(st.sampled_from(["reported", "created", "created", "imported"]))
    if kind == "reported":
        return None
    if kind == "imported":
        return draw(imports())
    return create(
        submit=draw(st.booleans()),
        inputs=draw(_few),
        on_input_failure=draw(st.sampled_from(OnInputFailure)),
        items_total=draw(st.sampled_from([None, None, 2, 4])),
        shards=draw(st.sampled_from([0, 0, 0, 1, 3])),
        kind=draw(st.sampled_from(["", "train"])),
        pinned=draw(st.sampled_from([frozenset[str](), frozenset({"kind", "labels"})])),
    )


@st.composite
def imports(draw: DrawFn) -> c.ImportTask:
    """A whole task, as it stood at some time around now."""
    updated_at = draw(_seconds) * SECOND
    task = Task(
        "default",
        TASK,
        updated_at,
        updated_at,
        state=draw(st.sampled_from(TaskState)),
        percent=draw(st.sampled_from([0.0, 30.0])),
        attempt=draw(st.integers(1, 2)),
        started_at=draw(_times),
    )
    states = draw(st.lists(st.sampled_from(TaskState), max_size=2))
    shards = [Shard(n, state, updated_at=updated_at) for n, state in enumerate(states)]
    return c.ImportTask(task_id=TASK, task=task, details=c.Details(), shards=shards)


def _acts() -> SearchStrategy[c.Command]:
    """What may be done to a task that exists."""
    t = TASK
    return st.one_of(
        st.just(c.SubmitTask(task_id=t)),
        st.builds(c.CancelTask, task_id=st.just(t), reason=_words),
        st.just(c.RetryTask(task_id=t)),
        st.just(c.RetryTask(task_id=t)),
        st.just(c.AdoptReport(task_id=t)),
        st.just(c.ArchiveTask(task_id=t)),
        st.just(c.RestoreTask(task_id=t)),
        st.builds(
            c.ExpireTask,
            task_id=st.just(t),
            state=st.sampled_from(sorted(FINAL_STATES)),
            reason=st.just("timeout"),
            error=_faults,
        ),
        st.builds(
            c.InputEnded, task_id=st.just(t), input_id=st.just("input-0"), succeeded=st.booleans()
        ),
        st.builds(
            c.ChangeTask,
            task_id=st.just(t),
            fields=st.fixed_dictionaries(
                {},
                optional={
                    "kind": st.just("pinned"),
                    "labels": st.just({"x": "pinned"}),
                    "items_total": st.sampled_from([None, 1, 5]),
                },
            ),
        ),
    )


@dataclass
class History:
    """What was done when, in order, and what was reported in between (`gaps`, one more than acts)."""

    acts: list[tuple[Instant, c.Command]]
    gaps: list[list[c.ReportTask]]

    @property
    def reports(self) -> list[c.ReportTask]:
        """All that was reported."""
        return [one for gap in self.gaps for one in gap]


@st.composite
def histories(draw: DrawFn, max_acts: int = 6, max_reports: int = 9) -> History:
    """A history of one task."""
    beginning = draw(_beginnings())
    times = sorted(draw(st.sets(st.integers(1, SPAN), max_size=max_acts)))
    acts: list[tuple[Instant, c.Command]] = [(at * SECOND, draw(_acts())) for at in times]
    gaps: list[list[c.ReportTask]] = [[] for _ in range(len(acts) + 1)]
    said = draw(st.lists(reports(), min_size=1, max_size=max_reports, unique_by=_dedup))
    for one in said:
        gaps[draw(st.integers(0, len(acts)))].append(one)
    if beginning is not None:
        acts.insert(0, (0, beginning))
        gaps.insert(0, [])
    return History(acts, gaps)


def _dedup(one: c.ReportTask) -> int:
    return one.report.dedup
